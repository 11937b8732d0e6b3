package server

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	courtsensev1 "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
)

func receiveAll(stream speechStream) error {
	for {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestIdleStreamEnds(t *testing.T) {
	f := start(t, func(s *setup) {
		s.config.Timeouts.StreamIdle = conf.Duration(100 * time.Millisecond)
		s.speech.recognize = receiveAll
	})
	stream, err := f.speech.StreamingRecognize(f.ctx())
	require.NoError(t, err)
	// A stream that the server has given up already can't be sent to; Recv says why.
	if err := stream.Send(audioRequest("a")); !errors.Is(err, io.EOF) {
		require.NoError(t, err)
	}
	_, err = stream.Recv()
	requireStatus(t, err, codes.DeadlineExceeded, rpcerror.ReasonIdleTimeout)
}

// silentClient sends nothing until it is gone, and takes every answer at once.
type silentClient struct {
	grpc.ServerStream
	gone chan struct{}
}

func (c silentClient) RecvMsg(any) error {
	<-c.gone
	return io.EOF
}

func (silentClient) SendMsg(any) error { return nil }

func TestStreamThatAnswersIsNotIdle(t *testing.T) {
	call := telemetry.NewMetrics().Begin(telemetry.RPC{Service: "s", Method: "m", Type: "bidi_stream"})
	synctest.Test(t, func(t *testing.T) {
		const idle = time.Minute
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		client := silentClient{gone: make(chan struct{})}
		s := &callStream{
			ServerStream: client, ctx: ctx, cancel: cancel, call: call, late: newLateErrors(conf.Timeouts{StreamIdle: conf.Duration(idle)}), idle: idle, send: idle,
		}
		began, received := time.Now(), make(chan error, 1)
		go func() { received <- s.RecvMsg(&courtsensev1.StreamingRecognizeRequest{}) }()
		for range 30 { // three times as long as a silent client may be
			time.Sleep(idle / 10)
			require.NoError(t, s.SendMsg(&courtsensev1.StreamingRecognizeResponse{}))
			synctest.Wait()
			require.Empty(t, received)
		}
		requireStatus(t, <-received, codes.DeadlineExceeded, rpcerror.ReasonIdleTimeout)
		require.Equal(t, 4*idle, time.Since(began))
		close(client.gone)
	})
}

func TestStreamTotalTime(t *testing.T) {
	f := start(t, func(s *setup) {
		s.config.Timeouts.StreamTotal = conf.Duration(200 * time.Millisecond)
		s.speech.recognize = receiveAll
	})
	stream, err := f.speech.StreamingRecognize(f.ctx())
	require.NoError(t, err)
	_, err = stream.Recv()
	requireStatus(t, err, codes.DeadlineExceeded, rpcerror.ReasonStreamTimeout)
}

func TestSlowReader(t *testing.T) {
	handler := make(chan error, 1)
	f := start(t, func(s *setup) {
		s.config.Timeouts.Send = conf.Duration(200 * time.Millisecond)
		s.faces.watch = func(_ *courtsensev1.WatchRequest, stream grpc.ServerStreamingServer[courtsensev1.WatchResponse]) error {
			event := &courtsensev1.WatchResponse{StreamingResponse: &courtsensev1.WatchResponse_Event{Event: &courtsensev1.GateEvent{CropJpeg: make([]byte, 1<<20)}}}
			for {
				if err := stream.Send(event); err != nil {
					handler <- err
					return err
				}
			}
		}
	})
	stream, err := f.faces.Watch(f.ctx(), &courtsensev1.WatchRequest{Purpose: "test"})
	require.NoError(t, err)
	requireStatus(t, waitFor(t, handler, "the sender is let go"), codes.Aborted, rpcerror.ReasonSlowClient)
	// Others on the same connection go on.
	_, err = f.faces.Detect(f.ctx(), detectRequest())
	require.NoError(t, err)
	for err == nil { // what was sent before is still there
		_, err = stream.Recv()
	}
	requireStatus(t, err, codes.Aborted, rpcerror.ReasonSlowClient)
}

func TestVanishedClient(t *testing.T) {
	entered, ended := make(chan struct{}, 1), make(chan error, 1)
	f := start(t, func(s *setup) {
		s.speech.recognize = func(stream speechStream) error {
			entered <- struct{}{}
			err := receiveAll(stream)
			<-stream.Context().Done()
			ended <- context.Cause(stream.Context())
			return err
		}
	})
	vanish := map[string]func(*grpc.ClientConn, context.CancelFunc){
		"cancel":     func(_ *grpc.ClientConn, cancel context.CancelFunc) { cancel() },
		"disconnect": func(conn *grpc.ClientConn, _ context.CancelFunc) { _ = conn.Close() },
	}
	for name, leave := range vanish {
		t.Run(name, func(t *testing.T) {
			conn := f.dial()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err := courtsensev1.NewSpeechServiceClient(conn).StreamingRecognize(ctx)
			require.NoError(t, err)
			waitFor(t, entered, "handler")
			leave(conn, cancel)
			require.ErrorIs(t, waitFor(t, ended, "end of the handler"), context.Canceled)
		})
	}
}

func TestHalfCloseIsNotIdle(t *testing.T) {
	f := start(t, func(s *setup) { s.speech.recognize = receiveAll })
	stream, err := f.speech.StreamingRecognize(f.ctx())
	require.NoError(t, err)
	require.NoError(t, stream.Send(audioRequest("a")))
	require.NoError(t, stream.CloseSend())
	_, err = stream.Recv()
	require.ErrorIs(t, err, io.EOF)
}

func TestConcurrentStreamsWaitAtTheClient(t *testing.T) {
	f := start(t, func(s *setup) {
		s.config.MaxConcurrentStreams = 1
		s.speech.recognize = receiveAll
	})
	first, err := f.speech.StreamingRecognize(f.ctx())
	require.NoError(t, err)
	require.NoError(t, first.Send(audioRequest("a")))
	// A connection is used only after the server's settings came, so the client knows the limit.
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = f.faces.Detect(ctx, detectRequest())
	assert.Error(t, err)
	require.NoError(t, first.CloseSend())
	_, err = first.Recv()
	require.ErrorIs(t, err, io.EOF)
	_, err = f.faces.Detect(f.ctx(), detectRequest())
	require.NoError(t, err)
}
