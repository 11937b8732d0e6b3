package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// strips are small pages: one or two lines each of a real one.
func strips(t *testing.T, n int) [][]byte {
	t.Helper()
	page, err := codec.Open(sample(t, "documents", "complaint-zh.png"), imaging.DefaultLimits())
	require.NoError(t, err)
	whole, err := page.Page(t.Context(), 1)
	require.NoError(t, err)
	out := make([][]byte, n)
	for i := range out {
		out[i], err = codec.EncodePNG(whole.Crop(100, 120+(i*37)%1100, 420, 60))
		require.NoError(t, err)
	}
	return out
}

type pageStream = grpc.BidiStreamingClient[pb.RecognizeStreamRequest, pb.RecognizeStreamResponse]

func openStream(ctx context.Context, t *testing.T, conn *grpc.ClientConn, c *pb.DocumentConfig) pageStream {
	t.Helper()
	stream, err := pb.NewDocumentServiceClient(conn).RecognizeStream(ctx)
	require.NoError(t, err)
	require.NoError(t, stream.Send(&pb.RecognizeStreamRequest{StreamingRequest: &pb.RecognizeStreamRequest_Config{Config: c}}))
	return stream
}

func streamed(key string, content []byte) *pb.RecognizeStreamRequest {
	return &pb.RecognizeStreamRequest{StreamingRequest: &pb.RecognizeStreamRequest_File{
		File: &pb.StreamedFile{Key: key, File: &pb.DocumentFile{Content: content}},
	}}
}

func TestHundredsOfPagesOnOneStream(t *testing.T) {
	const files, each = 300, 25 // every 25th is no page
	conn := published(t)
	pages := strips(t, files)
	stream := openStream(callContext(t), t, conn, &pb.DocumentConfig{Detail: pb.DetailLevel_DETAIL_LEVEL_LINES})
	sent := make(chan error, 1)
	go func() {
		for i, content := range pages {
			if i%each == 0 {
				content = []byte("no page")
			}
			if err := stream.Send(streamed(fmt.Sprint(i), content)); err != nil {
				sent <- err
				return
			}
		}
		sent <- stream.CloseSend()
	}()
	read, ended, failed, lines := map[string]int{}, map[string]int{}, 0, 0
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if p := m.GetPage(); p != nil {
			require.Zero(t, ended[p.GetKey()], "a page after its file's end")
			require.NotNil(t, p.GetResult().GetPage(), "%v", p.GetResult().GetStatus())
			read[p.GetKey()]++
			lines += len(p.GetResult().GetPage().GetLines())
			assert.NotEmpty(t, m.GetProvenance().GetModels())
		}
		if e := m.GetFileEnd(); e != nil {
			ended[e.GetKey()]++
			if e.GetStatus().GetCode() != 0 {
				failed++
			}
		}
	}
	require.NoError(t, <-sent)
	require.Len(t, ended, files, "every file is answered")
	require.Len(t, read, files-files/each)
	require.Equal(t, files/each, failed, "one bad page is one bad answer")
	for key, n := range read {
		require.Equal(t, 1, n, key)
	}
	require.Greater(t, lines, files/2, "there is text on most of the strips")
}

func TestStreamThatIsCancelledEndsAtOnceAndHurtsNobody(t *testing.T) {
	conn := published(t)
	pages := strips(t, 8)
	ctx, cancel := context.WithCancel(callContext(t))
	stream := openStream(ctx, t, conn, nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; stream.Send(streamed(fmt.Sprint(i), pages[i%len(pages)])) == nil; i++ {
		}
	}()
	for range 3 {
		_, err := stream.Recv()
		require.NoError(t, err)
	}
	cancel()
	require.Equal(t, codes.Canceled, status.Code(drain(stream)))
	<-done
	// What it left under way does not keep the next caller from being served, and leaks nothing (TestMain looks).
	answer, err := recognize(callContext(t), conn, pages[0], nil)
	require.NoError(t, err)
	require.Len(t, answer.GetPages(), 1)
}
