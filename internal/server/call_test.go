package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	encodingproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	courtsensev1 "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

func TestRequestID(t *testing.T) {
	seen := make(chan string, 1)
	f := start(t, func(s *setup) {
		s.faces.detect = func(ctx context.Context, _ *courtsensev1.DetectRequest) (*courtsensev1.DetectResponse, error) {
			seen <- telemetry.RequestID(ctx)
			return nil, refusal.New(refusal.Corrupt, "damaged")
		}
	})
	for given, kept := range map[string]bool{"case-17/3": true, "": false, "has space": false} {
		ctx := f.ctx()
		if given != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "x-request-id", given)
		}
		var header metadata.MD
		_, err := f.faces.Detect(ctx, detectRequest(), grpc.Header(&header))
		requireStatus(t, err, codes.InvalidArgument, "CORRUPT")
		id := waitFor(t, seen, "handler")
		assert.Equal(t, []string{id}, header.Get("x-request-id"), "on errors too")
		assert.Equal(t, kept, id == given)
		assert.Contains(t, f.log.String(), "method=Detect")
	}
}

func TestPanicEndsTheCallAndNothingElse(t *testing.T) {
	f := start(t, func(s *setup) {
		s.faces.detect = func(context.Context, *courtsensev1.DetectRequest) (*courtsensev1.DetectResponse, error) {
			panic("secret detail")
		}
		s.speech.recognize = func(stream speechStream) error {
			if _, err := stream.Recv(); err != nil {
				return err
			}
			panic(errors.New("secret detail"))
		}
	})
	for range 2 {
		_, err := f.faces.Detect(f.ctx(), detectRequest())
		st := requireStatus(t, err, codes.Internal, rpcerror.ReasonInternal)
		assert.NotContains(t, st.Message(), "secret")

		stream, err := f.speech.StreamingRecognize(f.ctx())
		require.NoError(t, err)
		require.NoError(t, stream.Send(audioRequest("a")))
		_, err = stream.Recv()
		requireStatus(t, err, codes.Internal, rpcerror.ReasonInternal)
	}
	assert.Contains(t, f.log.String(), "secret detail")
	assert.Contains(t, f.log.String(), "call_test.go", "the stack is logged")
}

func TestPanicInAWaitReachesTheCall(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	s := &callStream{ctx: ctx, cancel: cancel}
	defer func() {
		p, ok := recover().(panicked)
		require.True(t, ok)
		assert.Equal(t, "in marshal", p.value)
	}()
	_ = s.bounded(func() error { panic("in marshal") }, time.Minute, nil, io.EOF)
	t.Fatal("no panic")
}

func TestValidation(t *testing.T) {
	f := start(t, func(s *setup) {
		s.speech.recognize = func(stream speechStream) error {
			for {
				if _, err := stream.Recv(); err != nil {
					return err
				}
			}
		}
	})
	bad := detectRequest()
	bad.Purpose, bad.MaxSide = "", 9000
	_, err := f.faces.Detect(f.ctx(), bad)
	st := requireStatus(t, err, codes.InvalidArgument, "INVALID_VALUE")
	var fields []string
	for _, v := range violations(st) {
		fields = append(fields, v.GetField()+" "+v.GetReason())
	}
	assert.Equal(t, []string{"purpose STRING_MIN_LEN", "max_side INT32_GTE_LTE"}, fields)

	stream, err := f.speech.StreamingRecognize(f.ctx())
	require.NoError(t, err)
	require.NoError(t, stream.Send(audioRequest("a")))
	require.NoError(t, stream.Send(&courtsensev1.StreamingRecognizeRequest{}))
	_, err = stream.Recv()
	requireStatus(t, err, codes.InvalidArgument, "INVALID_VALUE")

	_, err = f.faces.VerifyIdentity(f.ctx(), &courtsensev1.VerifyIdentityRequest{
		Purpose: "registration", Live: &courtsensev1.VerifyIdentityRequest_Video{Video: []byte("film")}, IdPhoto: &courtsensev1.Image{Content: []byte("photo")},
	})
	st = requireStatus(t, err, codes.Unimplemented, "UNIMPLEMENTED")
	assert.Equal(t, "video", violations(st)[0].GetField())
}

func TestErrorsGetDetails(t *testing.T) {
	var answer error
	f := start(t, func(s *setup) {
		s.faces.detect = func(context.Context, *courtsensev1.DetectRequest) (*courtsensev1.DetectResponse, error) {
			return nil, answer
		}
	})
	for _, c := range []struct {
		err    error
		code   codes.Code
		reason string
	}{
		{fmt.Errorf("x: %w", refusal.New(refusal.TooLarge, "too many pixels")), codes.ResourceExhausted, "TOO_LARGE"},
		{&pipeline.Failure{Reason: pipeline.Rejected, Err: errors.New("full")}, codes.ResourceExhausted, "REJECTED"},
		{errors.New("open /secret"), codes.Internal, "INTERNAL"},
		{status.Error(codes.NotFound, "no such thing"), codes.NotFound, "NOT_FOUND"},
	} {
		answer = c.err
		_, err := f.faces.Detect(f.ctx(), detectRequest())
		st := requireStatus(t, err, c.code, c.reason)
		assert.NotContains(t, st.String(), "secret")
	}
	_, err := f.faces.Compare(f.ctx(), &courtsensev1.CompareRequest{
		Purpose: "test", Left: &courtsensev1.Image{Content: []byte("a")}, Right: &courtsensev1.Image{Content: []byte("b")}})
	requireStatus(t, err, codes.Unimplemented, "UNIMPLEMENTED")
	err = f.conn.Invoke(f.ctx(), "/courtsense.v1.FaceService/Nothing", detectRequest(), &courtsensev1.DetectResponse{})
	requireStatus(t, err, codes.Unimplemented, "UNKNOWN_METHOD")
	err = f.conn.Invoke(f.ctx(), "/nothing.v1.At/All", detectRequest(), &courtsensev1.DetectResponse{})
	requireStatus(t, err, codes.Unimplemented, "UNKNOWN_METHOD")
}

func TestMessageSize(t *testing.T) {
	const limit = 64 << 10
	f := start(t, func(s *setup) { s.config.MaxMessageBytes = limit })
	r := detectRequest()
	r.Image.Content = bytes.Repeat([]byte{1}, limit-100)
	_, err := f.faces.Detect(f.ctx(), r)
	require.NoError(t, err)
	for _, size := range []int{limit, 2*limit - 100} {
		r.Image.Content = bytes.Repeat([]byte{1}, size)
		_, err = f.faces.Detect(f.ctx(), r)
		st := requireStatus(t, err, codes.ResourceExhausted, rpcerror.ReasonMessageTooLarge)
		assert.Contains(t, st.Message(), "exceeds 64KiB (config server.max_message_bytes)")
	}
	r.Image.Content = make([]byte, 10*limit)
	_, err = f.faces.Detect(f.ctx(), r)
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "refused by its length alone")
}

// rawCodec sends bytes as they are.
type rawCodec struct{ encoding.CodecV2 }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (rawCodec) Unmarshal(mem.BufferSlice, any) error { return nil }

func TestMalformedMessage(t *testing.T) {
	f := start(t, nil)
	var none struct{}
	err := f.conn.Invoke(f.ctx(), courtsensev1.FaceService_Detect_FullMethodName, []byte{0xff, 0xff, 0xff}, &none,
		grpc.ForceCodecV2(rawCodec{encoding.GetCodecV2(encodingproto.Name)}))
	requireStatus(t, err, codes.InvalidArgument, rpcerror.ReasonMalformed)
}

func TestUnaryDeadline(t *testing.T) {
	left := make(chan time.Duration, 1)
	f := start(t, func(s *setup) {
		s.config.Timeouts.Unary = conf.Duration(50 * time.Millisecond)
		s.faces.detect = func(ctx context.Context, _ *courtsensev1.DetectRequest) (*courtsensev1.DetectResponse, error) {
			d, _ := ctx.Deadline()
			left <- time.Until(d)
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	_, err := f.faces.Detect(f.ctx(), detectRequest())
	requireStatus(t, err, codes.DeadlineExceeded, rpcerror.ReasonDeadline)
	assert.LessOrEqual(t, waitFor(t, left, "handler"), 50*time.Millisecond)
}

func TestMethodTimeouts(t *testing.T) {
	s := Service{Timeout: time.Minute, MethodTimeouts: map[string]time.Duration{"Slow": time.Hour}}
	assert.Equal(t, time.Minute, s.timeoutOf("Quick", time.Second))
	assert.Equal(t, time.Hour, s.timeoutOf("Slow", time.Second))
	assert.Equal(t, time.Second, (&Service{}).timeoutOf("Any", time.Second))
}

func TestTooManyCalls(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	f := start(t, func(s *setup) {
		s.config.MaxCalls = 1
		s.faces.detect = func(context.Context, *courtsensev1.DetectRequest) (*courtsensev1.DetectResponse, error) {
			entered <- struct{}{}
			<-release
			return &courtsensev1.DetectResponse{}, nil
		}
	})
	first := make(chan error, 1)
	go func() {
		_, err := f.faces.Detect(f.ctx(), detectRequest())
		first <- err
	}()
	waitFor(t, entered, "first call")
	_, err := f.faces.Detect(f.ctx(), detectRequest())
	requireStatus(t, err, codes.ResourceExhausted, rpcerror.ReasonTooManyCalls)
	close(release)
	require.NoError(t, waitFor(t, first, "first answer"))
}

func TestLogSaysNothingOfTheInput(t *testing.T) {
	f := start(t, nil)
	r := detectRequest()
	r.Purpose, r.ConsentId = "a very personal purpose", "a very personal consent"
	_, err := f.faces.Detect(f.ctx(), r)
	require.NoError(t, err)
	f.close()
	assert.Contains(t, f.log.String(), "code=OK")
	assert.Contains(t, f.log.String(), "from=loopback")
	for line := range strings.Lines(f.log.String()) {
		assert.NotContains(t, line, "personal")
		if strings.Contains(line, "msg=call") {
			assert.NotContains(t, line, "127.0.0.1")
		}
	}
}
