package server

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-kratos/kratos/v2/registry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"

	courtsensev1 "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
)

func TestHealthPerService(t *testing.T) {
	f := start(t, nil)
	health := grpc_health_v1.NewHealthClient(f.conn)
	of := func(service string) grpc_health_v1.HealthCheckResponse_ServingStatus {
		r, err := health.Check(f.ctx(), &grpc_health_v1.HealthCheckRequest{Service: service})
		require.NoError(t, err)
		return r.GetStatus()
	}
	faces := courtsensev1.FaceService_ServiceDesc.ServiceName
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_NOT_SERVING, of(""))
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_NOT_SERVING, of(faces))
	watch, err := health.Watch(f.ctx(), &grpc_health_v1.HealthCheckRequest{Service: faces})
	require.NoError(t, err)
	first, err := watch.Recv()
	require.NoError(t, err)
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_NOT_SERVING, first.GetStatus())
	f.server.SetServing(faces, true)
	second, err := watch.Recv()
	require.NoError(t, err)
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, second.GetStatus())
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_NOT_SERVING, of(""))
	_, err = health.Check(f.ctx(), &grpc_health_v1.HealthCheckRequest{Service: "nothing"})
	requireStatus(t, err, codes.NotFound, "NOT_FOUND")
	f.stop()
	f.wait()
	for _, err = watch.Recv(); err == nil; _, err = watch.Recv() { // a watch does not hold up the drain
	}
	requireStatus(t, err, codes.Unavailable, rpcerror.ReasonDraining)
}

func TestReflection(t *testing.T) {
	list := func(f *fixture) ([]string, error) {
		stream, err := grpc_reflection_v1.NewServerReflectionClient(f.conn).ServerReflectionInfo(f.ctx())
		require.NoError(t, err)
		// A stream that the server has refused already can't be sent to; Recv says why.
		if err := stream.Send(&grpc_reflection_v1.ServerReflectionRequest{
			MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}); !errors.Is(err, io.EOF) {
			require.NoError(t, err)
		}
		r, err := stream.Recv()
		var names []string
		for _, s := range r.GetListServicesResponse().GetService() {
			names = append(names, s.GetName())
		}
		return names, err
	}
	names, err := list(start(t, nil))
	require.NoError(t, err)
	assert.Contains(t, names, "courtsense.v1.FaceService")
	_, err = list(start(t, func(s *setup) { s.config.GRPC.Reflection = false }))
	requireStatus(t, err, codes.Unimplemented, "UNKNOWN_METHOD")
}

// polite is a stream handler that finishes when it is told that the server drains.
func polite(entered chan<- struct{}, finish <-chan struct{}) func(speechStream) error {
	return func(stream speechStream) error {
		entered <- struct{}{}
		<-Draining(stream.Context())
		if err := stream.Send(&courtsensev1.StreamingRecognizeResponse{}); err != nil {
			return err
		}
		<-finish
		return nil
	}
}

func TestDrain(t *testing.T) {
	entered, finish := make(chan struct{}, 1), make(chan struct{})
	f := start(t, func(s *setup) { s.speech.recognize = polite(entered, finish) })
	f.server.SetServing("", true)
	stream, err := f.speech.StreamingRecognize(f.ctx())
	require.NoError(t, err)
	waitFor(t, entered, "handler")

	f.stop()
	_, err = stream.Recv()
	require.NoError(t, err, "the running stream is told, and may still answer")
	_, err = f.faces.Detect(f.ctx(), detectRequest())
	requireStatus(t, err, codes.Unavailable, rpcerror.ReasonDraining)
	f.http("POST", "/v1/faces:detect", detectJSON).requireStatus(t, 503, rpcerror.ReasonDraining)
	r, err := grpc_health_v1.NewHealthClient(f.dial()).Check(f.ctx(), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err, "new connections still get an answer")
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_NOT_SERVING, r.GetStatus())
	assert.Equal(t, 503, f.http("GET", "/readyz", "").code)
	assert.Equal(t, 200, f.http("GET", "/healthz", "").code)

	close(finish)
	_, err = stream.Recv()
	require.ErrorIs(t, err, io.EOF, "the stream ends well")
	f.wait()
	_, err = net.Dial("tcp", f.server.GRPCAddr().String())
	require.Error(t, err)
}

func TestDrainEndsWhatDoesNotFinish(t *testing.T) {
	entered := make(chan struct{}, 1)
	f := start(t, func(s *setup) {
		s.config.Timeouts.Drain = conf.Duration(100 * time.Millisecond)
		s.speech.recognize = func(stream speechStream) error {
			entered <- struct{}{}
			return receiveAll(stream)
		}
	})
	stream, err := f.speech.StreamingRecognize(f.ctx())
	require.NoError(t, err)
	waitFor(t, entered, "handler")
	f.stop()
	_, err = stream.Recv()
	requireStatus(t, err, codes.Unavailable, rpcerror.ReasonDraining)
	f.wait()
}

func TestHandlerThatNeverEndsDoesNotHoldUpTheStop(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	f := start(t, func(s *setup) {
		s.config.Timeouts.Drain = 0
		s.faces.detect = func(context.Context, *courtsensev1.DetectRequest) (*courtsensev1.DetectResponse, error) {
			close(entered)
			<-release
			return &courtsensev1.DetectResponse{}, nil
		}
	})
	called := make(chan error, 1)
	go func() {
		_, err := f.faces.Detect(f.ctx(), detectRequest())
		called <- err
	}()
	waitFor(t, entered, "handler")
	f.stop()
	f.wait()
	close(release)
	require.Error(t, waitFor(t, called, "the client is let go"))
}

func TestSignals(t *testing.T) {
	entered := make(chan struct{}, 1)
	f := start(t, func(s *setup) {
		s.config.Timeouts.Drain = conf.Duration(time.Hour)
		s.speech.recognize = func(stream speechStream) error {
			entered <- struct{}{}
			<-Draining(stream.Context())
			if err := stream.Send(&courtsensev1.StreamingRecognizeResponse{}); err != nil {
				return err
			}
			return receiveAll(stream)
		}
	})
	stream, err := f.speech.StreamingRecognize(f.ctx())
	require.NoError(t, err)
	waitFor(t, entered, "handler")
	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGTERM))
	_, err = stream.Recv()
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGTERM))
	_, err = stream.Recv()
	requireStatus(t, err, codes.Unavailable, rpcerror.ReasonDraining)
	f.wait()
}

func TestDrainNotice(t *testing.T) {
	f := start(t, func(s *setup) { s.config.Timeouts.DrainNotice = conf.Duration(4 * time.Second) })
	f.server.SetServing("", true)
	watch, err := grpc_health_v1.NewHealthClient(f.conn).Watch(f.ctx(), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = watch.Recv()
	require.NoError(t, err)
	f.stop()
	r, err := watch.Recv()
	require.NoError(t, err)
	assert.Equal(t, grpc_health_v1.HealthCheckResponse_NOT_SERVING, r.GetStatus())
	_, err = f.faces.Detect(f.ctx(), detectRequest())
	require.NoError(t, err, "late callers are still served")
	f.wait()
}

func TestDrainingOutsideACall(t *testing.T) {
	assert.Nil(t, Draining(t.Context()))
}

type recordingRegistrar struct {
	mu     sync.Mutex
	events []string
}

func (r *recordingRegistrar) Register(_ context.Context, s *registry.ServiceInstance) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, "register "+s.Name+" "+s.Version+" "+s.Metadata["zone"])
	if len(s.Endpoints) != 2 {
		r.events = append(r.events, "wrong endpoints")
	}
	return nil
}

func (r *recordingRegistrar) Deregister(context.Context, *registry.ServiceInstance) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, "deregister")
	return nil
}

func TestRegistrar(t *testing.T) {
	r := &recordingRegistrar{}
	f := start(t, func(s *setup) {
		s.options = append(s.options, WithRegistrar(r, map[string]string{"zone": "west"}))
	})
	_, err := f.faces.Detect(f.ctx(), detectRequest())
	require.NoError(t, err)
	f.stop()
	f.wait()
	assert.Equal(t, []string{"register courtsense test west", "deregister"}, r.events)
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	config := conf.Default().Server
	config.GRPC.Address, config.HTTP.Address = "127.0.0.1:0", "127.0.0.1:0"
	desc := &courtsensev1.FaceService_ServiceDesc
	_, err := New(config, []Service{{Desc: desc, Impl: models{}}})
	require.ErrorContains(t, err, "does not implement courtsensev1.FaceServiceServer")
	_, err = New(config, []Service{{Desc: desc, Impl: &faces{}}, {Desc: desc, Impl: &faces{}}})
	require.ErrorContains(t, err, "registered twice")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for _, use := range []func(*conf.Server){
		func(c *conf.Server) { c.GRPC.Address = taken.Addr().String() },
		func(c *conf.Server) { c.HTTP.Address = taken.Addr().String() },
	} {
		c := config
		use(&c)
		_, err = New(c, nil)
		require.ErrorContains(t, err, "address already in use")
		require.ErrorContains(t, err, ".address)")
	}
	s, err := New(config, []Service{{Desc: desc, Impl: &faces{}, Gateway: courtsensev1.RegisterFaceServiceHandler}})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
}
