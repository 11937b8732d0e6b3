package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/speech"
)

// StreamingRecognize implements SpeechService.
func (s *Speech) StreamingRecognize(stream grpc.BidiStreamingServer[pb.StreamingRecognizeRequest, pb.StreamingRecognizeResponse]) error {
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
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
	ctx, ev := gather(ctx)
	l := &listening{
		stream: stream, config: config, evidence: ev, hearing: s.hearing(config.GetRecognition()),
		digest: sha256.New(), idle: s.idle(config),
	}
	// Interim results are always asked for: the first one of a segment is when it begins, which numbers the segments.
	if l.setup, err = s.setUp(ctx, config.GetRecognition(), config.GetEndpointing(), s.cfg.Interim); err != nil {
		return err
	}
	if err := l.join(ctx, s, cancel); err != nil {
		return err
	}
	if l.record != nil {
		defer l.record.leave()
	}
	ended := s.cfg.Metrics.Begin()
	defer func() { ended(l.summary.Duration.Seconds()) }()
	if err := l.ready(); err != nil {
		return err
	}
	stop := noticeDraining(ctx, s.cfg.Drain, func(n *pb.DrainingNotice) error {
		return l.send(&pb.StreamingRecognizeResponse{StreamingResponse: &pb.StreamingRecognizeResponse_Draining{Draining: n}})
	})
	defer stop()

	stage, end := telemetry.Stage(ctx, "segment")
	if l.record != nil {
		// What was heard goes into the record, whoever is there to be told.
		stage = context.WithoutCancel(stage)
	}
	run := l.setup.segmenter.Open(stage, func(r speech.Result) error {
		if r.Final {
			s.count(r)
		}
		return l.result(stage, r)
	})
	defer run.Close()
	err = l.listen(ctx, run)
	if l.record != nil {
		err = l.recorded(ctx, run, err)
	}
	end(err)
	if err != nil {
		return inField("audio", err)
	}
	return l.done()
}

// idle is the stream's own idle time, within the server's.
func (s *Speech) idle(c *pb.StreamingConfig) time.Duration {
	if d := c.GetIdleTimeout(); d != nil {
		return min(d.AsDuration(), s.cfg.Idle)
	}
	return s.cfg.Idle
}

// listening is one running StreamingRecognize.
type listening struct {
	stream   grpc.BidiStreamingServer[pb.StreamingRecognizeRequest, pb.StreamingRecognizeResponse]
	config   *pb.StreamingConfig
	evidence *evidence
	hearing  *hearing
	digest   hash.Hash // of the audio bytes
	idle     time.Duration
	setup    *setup
	record   *recordStream // nil without one
	gone     atomic.Bool   // nobody is there to be told; only with a record

	// Of the run's goroutine until it has ended.
	speechSeconds float64
	finals        int64
	summary       speech.Summary

	sending sync.Mutex // a gRPC stream takes one sender at a time
}

func (l *listening) send(m *pb.StreamingRecognizeResponse) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	if l.record == nil {
		return l.stream.Send(m)
	}
	if !l.gone.Load() && l.stream.Send(m) != nil {
		l.gone.Store(true) // the call ends by its context; what was heard is written down all the same
	}
	return nil
}

// join makes the stream that of its record, if it has one.
func (l *listening) join(ctx context.Context, s *Speech, cancel context.CancelCauseFunc) (err error) {
	c := l.config
	if c.GetRecord() == "" {
		if c.GetResumeToken() == "" && c.AudioStartSeconds == nil {
			return nil
		}
		return rpcerror.New(codes.InvalidArgument, "INVALID_CONFIG", "resume_token and audio_start_seconds are of a stream into a record: name it in config.record",
			rpcerror.Field("config.record", "not given"))
	}
	if l.record, err = s.joinRecord(ctx, cancel, c); err != nil {
		return err
	}
	v := vadConfig(s.cfg.VAD, c.GetRecognition().GetVoiceActivity())
	l.record.margin = (max(v.Pad, 0) + v.MinSpeech + s.cfg.Interim + time.Second).Seconds()
	l.record.silent = l.setup.recognition == nil
	l.setup.segmenter = l.setup.segmenter.Recording(l.record)
	l.evidence.setting("record", c.GetRecord())
	l.evidence.setting("record.resume_seconds", fmt.Sprint(l.record.settled))
	return nil
}

// recorded brings what was heard into the record, however the stream has ended.
func (l *listening) recorded(ctx context.Context, run *speech.Stream, err error) error {
	switch {
	case err == nil:
		return l.record.complete()
	case errors.Is(context.Cause(ctx), errTakenOver):
		return errTakenOver // it is the other stream's to go on
	}
	select {
	case <-run.Done():
		return err // the run itself has failed
	default:
	}
	l.gone.Store(true)
	if !l.record.began() {
		return err
	}
	if err := l.record.salvage(ctx, run); err != nil && !errors.Is(err, errTakenOver) {
		slog.WarnContext(ctx, "the last words of a stream are not in its record; a stream that goes on from it hears them again", "error", err)
	}
	return err
}

// ready acknowledges the configuration with what is in force.
func (l *listening) ready() error {
	config := proto.CloneOf(l.config)
	config.IdleTimeout = durationpb.New(l.idle)
	if config.Recognition.Encoding == pb.AudioEncoding_AUDIO_ENCODING_UNSPECIFIED {
		config.Recognition.Encoding = pb.AudioEncoding_AUDIO_ENCODING_AUTO
	}
	ready := &pb.StreamReady{HotWords: l.setup.words.report(), Config: config, RecognizerLoaded: l.setup.recognition != nil}
	if l.record != nil {
		config.ResumeToken = ""
		ready.ResumeSeconds, ready.ResumeToken = l.record.settled, l.record.token
	}
	if ready.RecognizerLoaded {
		config.Recognition.Model = l.setup.recognition.Recognizer.Acoustic.Entry().ID
		config.Endpointing = endpointingMessage(l.setup.recognition.Endpoint)
	}
	return l.send(&pb.StreamingRecognizeResponse{
		StreamingResponse: &pb.StreamingRecognizeResponse_Ready{Ready: ready},
		Provenance:        l.evidence.provenance(),
	})
}

// received is one message of the client, or the end of them.
type received struct {
	message *pb.StreamingRecognizeRequest
	err     error
}

// listen feeds the run until the client half-closes and everything is heard.
func (l *listening) listen(ctx context.Context, run *speech.Stream) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Receiving can't be interrupted, and the run may end first. The goroutine ends with the call at the latest, when
	// gRPC ends the stream's context. Unbuffered, so that a client is held back while the run is behind.
	messages := make(chan received)
	go func() {
		for {
			var m received
			m.err = guarded(ctx, func() (err error) { m.message, err = l.stream.Recv(); return err })
			select {
			case messages <- m:
			case <-ctx.Done():
				return
			}
			if m.err != nil {
				return
			}
		}
	}()
	idle := time.NewTimer(l.idle)
	defer idle.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-run.Done():
			_, err := run.Finish(ctx)
			if err == nil {
				err = errors.New("the segmenter ended before the audio did")
			}
			return err
		case <-idle.C:
			return rpcerror.New(codes.DeadlineExceeded, rpcerror.ReasonIdleTimeout,
				fmt.Sprintf("no message came for %v (config.idle_timeout, at most server.timeouts.stream_idle)", l.idle),
				rpcerror.Meta("limit", l.idle.String()))
		case m := <-messages:
			if errors.Is(m.err, io.EOF) {
				var err error
				l.summary, err = run.Finish(ctx)
				return err
			}
			if m.err != nil {
				return m.err
			}
			if err := l.take(ctx, run, m.message); err != nil {
				return err
			}
			idle.Reset(l.idle)
		}
	}
}

func (l *listening) take(ctx context.Context, run *speech.Stream, m *pb.StreamingRecognizeRequest) error {
	switch {
	case m.GetConfig() != nil:
		return rpcerror.New(codes.InvalidArgument, "INVALID_CONFIG", "only the first message of the stream may carry a configuration",
			rpcerror.Field("config", "sent a second time"))
	case m.GetHotWordUpdate() != nil:
		l.setup.words.update(m.GetHotWordUpdate())
		run.SetHotWords(l.setup.words.graph)
		l.evidence.setting("recognition.hot_words", fmt.Sprint(l.setup.words.count()))
		return l.send(&pb.StreamingRecognizeResponse{
			StreamingResponse: &pb.StreamingRecognizeResponse_HotWords{HotWords: l.setup.words.report()},
		})
	}
	l.digest.Write(m.GetAudio())
	if l.record == nil {
		return run.Write(ctx, m.GetAudio())
	}
	// A write that is cancelled ends its run, but what was heard so far is the record's, whoever has gone.
	for piece := range slices.Chunk(m.GetAudio(), recordPiece) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := run.Write(context.WithoutCancel(ctx), piece); err != nil {
			return err
		}
	}
	return nil
}

// result sends what the run found; it runs on the run's goroutine, and holds it back while the client does not read.
func (l *listening) result(ctx context.Context, r speech.Result) error {
	if l.record != nil {
		r = l.record.placed(r)
	}
	id, first := l.hearing.begun(r)
	if l.record != nil {
		l.record.spoken(id, r)
	}
	if first {
		if err := l.activity(pb.SpeechActivityType_SPEECH_ACTIVITY_TYPE_BEGIN, r.Channel, r.Start, id); err != nil {
			return err
		}
	}
	if r.Final {
		l.finals++
		l.speechSeconds += r.End - r.Start
	}
	if r.Final || l.config.GetInterimResults() || l.record != nil {
		segment := l.hearing.segment(r)
		if r.Final {
			if err := write(ctx, l.setup.writer, segment, r.Evidence); err != nil {
				return err
			}
		}
		if l.record != nil {
			if err := l.keep(id, r, segment); err != nil {
				return err
			}
			if !r.Final && !l.config.GetInterimResults() {
				return nil
			}
		}
		result := &pb.StreamingResult{Segments: []*pb.SpeechSegment{segment}, IsFinal: r.Final, ProcessedSeconds: r.Heard, Stability: 1}
		if l.record != nil {
			result.RecordedSeconds = l.record.settled
		}
		if n := len(r.Words); n > 0 {
			result.Stability = float32(r.Stable) / float32(n)
		}
		m := &pb.StreamingRecognizeResponse{StreamingResponse: &pb.StreamingRecognizeResponse_Result{Result: result}}
		if r.Final {
			m.Provenance = l.evidence.provenance()
		}
		if err := l.send(m); err != nil {
			return err
		}
	}
	if r.Final {
		l.hearing.ended(r)
		return l.activity(pb.SpeechActivityType_SPEECH_ACTIVITY_TYPE_END, r.Channel, r.End, id)
	}
	return nil
}

// keep brings a final segment to the disk before anybody is told of it, and tells the record's followers of an interim one.
func (l *listening) keep(id int64, r speech.Result, segment *pb.SpeechSegment) error {
	segment.Speaker = l.record.label(r.Channel, segment.GetSpeaker())
	if r.Final {
		if err := l.record.write(id, r, segment); err != nil {
			return err
		}
		return l.record.tellRoles(l.hearing.changes())
	}
	l.record.service.records.tell(l.record.record.ID(), segment)
	return nil
}

func (l *listening) activity(kind pb.SpeechActivityType, channel int, at float64, id int64) error {
	if !l.config.GetSpeechActivityEvents() {
		return nil
	}
	return l.send(&pb.StreamingRecognizeResponse{StreamingResponse: &pb.StreamingRecognizeResponse_Activity{
		Activity: &pb.SpeechActivity{Type: kind, Channel: int32(channel), AtSeconds: at, SegmentId: id},
	}})
}

// done ends the stream with its sums.
func (l *listening) done() error {
	l.evidence.inputDigest("audio", hex.EncodeToString(l.digest.Sum(nil)))
	return l.send(&pb.StreamingRecognizeResponse{
		StreamingResponse: &pb.StreamingRecognizeResponse_Done{Done: &pb.StreamDone{
			AudioSeconds: l.summary.Duration.Seconds(), SpeechSeconds: l.speechSeconds, SegmentCount: l.finals,
			SampleRateHertz: int32(l.summary.Info.SampleRate), AudioChannelCount: int32(l.summary.Info.Channels),
		}},
		Provenance: l.evidence.provenance(),
	})
}
