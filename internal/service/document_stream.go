package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
)

// openFiles is how many files of one stream are worked on at a time: the next one is opened while the last pages of the
// one before are still being read. Further ones wait at the client.
const openFiles = 2

// RecognizeStream implements DocumentService.
func (s *Document) RecognizeStream(stream grpc.BidiStreamingServer[pb.RecognizeStreamRequest, pb.RecognizeStreamResponse]) error {
	first, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	config := first.GetConfig()
	if config == nil {
		return firstMustBeConfig()
	}
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	p := &pageStream{
		service: s, config: config, stream: stream, cancel: cancel, keys: map[string]bool{},
		files: semaphore.NewWeighted(openFiles), pages: semaphore.NewWeighted(int64(s.cfg.Parallel)),
	}
	// A configuration that can't be used is refused before a file is sent.
	if _, err := s.newReading(withDiscardedEvidence(ctx), config); err != nil {
		return err
	}
	stop := noticeDraining(ctx, s.cfg.Drain, func(n *pb.DrainingNotice) error {
		return p.send(&pb.RecognizeStreamResponse{StreamingResponse: &pb.RecognizeStreamResponse_Draining{Draining: n}})
	})
	defer stop()
	err = p.receive(ctx)
	if err != nil {
		cancel(err)
	}
	p.running.Wait()
	if cause := context.Cause(ctx); err == nil && cause != nil {
		err = cause
	}
	return err
}

func firstMustBeConfig() error {
	return rpcerror.New(codes.InvalidArgument, "INVALID_CONFIG", "the first message of the stream must carry the configuration",
		rpcerror.Field("config", "missing in the first message"))
}

func withDiscardedEvidence(ctx context.Context) context.Context {
	ctx, _ = gather(ctx)
	return ctx
}

// pageStream is one running RecognizeStream.
type pageStream struct {
	service *Document
	config  *pb.DocumentConfig
	stream  grpc.BidiStreamingServer[pb.RecognizeStreamRequest, pb.RecognizeStreamResponse]
	cancel  context.CancelCauseFunc
	keys    map[string]bool // of the files so far

	files, pages *semaphore.Weighted
	running      sync.WaitGroup // files

	sending sync.Mutex // a gRPC stream takes one sender at a time
}

func (p *pageStream) send(m *pb.RecognizeStreamResponse) error {
	p.sending.Lock()
	defer p.sending.Unlock()
	return p.stream.Send(m)
}

// receive takes files until the client half-closes. While enough is under way it does not read, and the client waits.
func (p *pageStream) receive(ctx context.Context) error {
	for {
		if err := p.files.Acquire(ctx, 1); err != nil {
			return context.Cause(ctx)
		}
		m, err := p.stream.Recv()
		if err != nil {
			p.files.Release(1)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		file := m.GetFile()
		switch {
		case file == nil:
			p.files.Release(1)
			return rpcerror.New(codes.InvalidArgument, "INVALID_CONFIG", "only the first message of the stream may carry a configuration",
				rpcerror.Field("config", "sent a second time"))
		case p.keys[file.GetKey()]:
			p.files.Release(1)
			return rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, fmt.Sprintf("the key %q was used before in this stream", file.GetKey()),
				rpcerror.Field("file.key", "must be unique in the stream"))
		}
		p.keys[file.GetKey()] = true
		p.running.Go(func() {
			defer p.files.Release(1)
			if err := guarded(ctx, func() error { return p.file(ctx, file) }); err != nil {
				p.cancel(err)
			}
		})
	}
}

// file reads one file and sends its pages and its end. What is wrong with the file is in its end; an error ends the stream.
func (p *pageStream) file(ctx context.Context, f *pb.StreamedFile) error {
	ctx, ev := gather(ctx)
	end := &pb.StreamedFileEnd{Key: f.GetKey()}
	err := p.read(ctx, ev, f, end)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	end.Status = rpcerror.From(inField("file.file.content", err)).Proto()
	return p.send(&pb.RecognizeStreamResponse{StreamingResponse: &pb.RecognizeStreamResponse_FileEnd{FileEnd: end}})
}

func (p *pageStream) read(ctx context.Context, ev *evidence, f *pb.StreamedFile, end *pb.StreamedFileEnd) error {
	content := f.GetFile().GetContent()
	ev.input("file.content", content)
	digest := ev.provenance().GetInputSha256()["file.content"]
	reading, err := p.service.newReading(ctx, p.config)
	if err != nil {
		return err
	}
	file, err := p.service.open(ctx, content)
	if err != nil {
		return err
	}
	defer file.Close()
	end.PageCount = int32(file.Pages())
	numbers, err := selectPages(p.config.GetPageRanges(), file.Pages())
	if err != nil {
		return err
	}
	var pages sync.WaitGroup
	defer pages.Wait()
	var read sync.Mutex
	for _, n := range numbers {
		if err := p.pages.Acquire(ctx, 1); err != nil {
			return err
		}
		pages.Go(func() {
			defer p.pages.Release(1)
			pageCtx, pageEvidence := gather(ctx)
			pageEvidence.inherit(ev)
			result := reading.page(pageCtx, file, n)
			if ctx.Err() != nil {
				return
			}
			if result.Page != nil {
				read.Lock()
				end.ReadCount++
				read.Unlock()
			}
			err := p.send(&pb.RecognizeStreamResponse{
				StreamingResponse: &pb.RecognizeStreamResponse_Page{Page: &pb.StreamedPage{Key: f.GetKey(), Result: result, FileSha256: digest}},
				Provenance:        pageEvidence.provenance(),
			})
			if err != nil {
				p.cancel(err)
			}
		})
	}
	pages.Wait()
	return nil
}

// noticeDraining calls send once when the server begins to shut down. The returned function ends the waiting and returns
// when send is not running.
func noticeDraining(ctx context.Context, grace time.Duration, send func(*pb.DrainingNotice) error) (stop func()) {
	draining := server.Draining(ctx)
	if draining == nil {
		return func() {}
	}
	done := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		select {
		case <-draining:
			// A client that is gone is noticed by the handler itself.
			_ = send(&pb.DrainingNotice{Grace: durationpb.New(grace)})
		case <-done:
		case <-ctx.Done():
		}
	})
	return func() { close(done); waiting.Wait() }
}
