package server

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/courtsense/courtsense/api"
	courtsensev1 "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// long is for waits that a correct server never lets run out.
const long = time.Minute

type faces struct {
	courtsensev1.UnimplementedFaceServiceServer
	detect func(context.Context, *courtsensev1.DetectRequest) (*courtsensev1.DetectResponse, error)
	watch  func(*courtsensev1.WatchRequest, grpc.ServerStreamingServer[courtsensev1.WatchResponse]) error
}

func (f *faces) Detect(ctx context.Context, r *courtsensev1.DetectRequest) (*courtsensev1.DetectResponse, error) {
	if f.detect == nil {
		return &courtsensev1.DetectResponse{}, nil
	}
	return f.detect(ctx, r)
}

func (f *faces) Watch(r *courtsensev1.WatchRequest, s grpc.ServerStreamingServer[courtsensev1.WatchResponse]) error {
	return f.watch(r, s)
}

type speechStream = grpc.BidiStreamingServer[courtsensev1.StreamingRecognizeRequest, courtsensev1.StreamingRecognizeResponse]

type speech struct {
	courtsensev1.UnimplementedSpeechServiceServer
	recognize func(speechStream) error
}

func (s *speech) StreamingRecognize(stream speechStream) error { return s.recognize(stream) }

type models struct {
	courtsensev1.UnimplementedModelServiceServer
}

func (models) ListModels(context.Context, *courtsensev1.ListModelsRequest) (*courtsensev1.ListModelsResponse, error) {
	return &courtsensev1.ListModelsResponse{}, nil
}

// fixture is a running server on free ports of the loopback interface.
type fixture struct {
	t      *testing.T
	server *Server
	stop   context.CancelFunc // begins the drain
	ended  chan error         // Run's result
	conn   *grpc.ClientConn
	log    *syncBuffer

	faces  courtsensev1.FaceServiceClient
	speech courtsensev1.SpeechServiceClient
	models courtsensev1.ModelServiceClient
}

type setup struct {
	config  conf.Server
	faces   faces
	speech  speech
	options []Option
}

func start(t *testing.T, change func(*setup)) *fixture {
	t.Helper()
	s := &setup{config: conf.Default().Server}
	s.config.GRPC.Address, s.config.HTTP.Address = "127.0.0.1:0", "127.0.0.1:0"
	s.config.Timeouts.Drain = conf.Duration(long)
	log := &syncBuffer{}
	s.options = []Option{
		WithLogger(telemetry.NewLogger(log, conf.Log{Level: "debug", Format: "text"})),
		WithOpenAPI(api.OpenAPI), WithVersion("test"), WithUnserved(api.Unserved),
	}
	if change != nil {
		change(s)
	}
	server, err := New(s.config, []Service{
		{Desc: &courtsensev1.FaceService_ServiceDesc, Impl: &s.faces, Gateway: courtsensev1.RegisterFaceServiceHandler},
		{Desc: &courtsensev1.SpeechService_ServiceDesc, Impl: &s.speech, Gateway: courtsensev1.RegisterSpeechServiceHandler},
		{Desc: &courtsensev1.ModelService_ServiceDesc, Impl: models{}, Gateway: courtsensev1.RegisterModelServiceHandler, Admin: true},
	}, s.options...)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	f := &fixture{t: t, server: server, stop: stop, ended: make(chan error, 1), log: log}
	go func() { f.ended <- server.Run(ctx) }()
	t.Cleanup(f.close)
	f.conn = f.dial()
	f.faces, f.speech, f.models = courtsensev1.NewFaceServiceClient(f.conn), courtsensev1.NewSpeechServiceClient(f.conn), courtsensev1.NewModelServiceClient(f.conn)
	return f
}

func (f *fixture) dial(options ...grpc.DialOption) *grpc.ClientConn {
	f.t.Helper()
	options = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableRetry()}, options...)
	conn, err := grpc.NewClient(f.server.GRPCAddr().String(), options...)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (f *fixture) close() {
	_ = f.conn.Close()
	f.stop()
	f.wait()
}

// wait returns when Run has, without error.
func (f *fixture) wait() {
	f.t.Helper()
	select {
	case err := <-f.ended:
		require.NoError(f.t, err)
		f.ended <- nil
	case <-time.After(long + 10*time.Second):
		require.Fail(f.t, "the server does not stop")
	}
}

func (f *fixture) url(path string) string { return "http://" + f.server.HTTPAddr().String() + path }

func (f *fixture) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), long)
	f.t.Cleanup(cancel)
	return ctx
}

func detectRequest() *courtsensev1.DetectRequest {
	return &courtsensev1.DetectRequest{Purpose: "test", Image: &courtsensev1.Image{Content: []byte("picture")}}
}

func audioRequest(audio string) *courtsensev1.StreamingRecognizeRequest {
	return &courtsensev1.StreamingRecognizeRequest{StreamingRequest: &courtsensev1.StreamingRecognizeRequest_Audio{Audio: []byte(audio)}}
}

func requireStatus(t *testing.T, err error, code codes.Code, reason string) *status.Status {
	t.Helper()
	st, ok := status.FromError(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, st.Code(), "%v", st)
	require.Equal(t, reason, rpcerror.Reason(st), "%v", st)
	return st
}

func violations(st *status.Status) []*errdetails.BadRequest_FieldViolation {
	for _, d := range st.Details() {
		if b, ok := d.(*errdetails.BadRequest); ok {
			return b.GetFieldViolations()
		}
	}
	return nil
}

func waitFor[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(long):
		require.Fail(t, "timed out", what)
		panic("unreachable")
	}
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
