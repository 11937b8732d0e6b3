package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"buf.build/go/protovalidate"
	"github.com/go-kratos/kratos/v2"
	kgrpc "github.com/go-kratos/kratos/v2/transport/grpc"
	khttp "github.com/go-kratos/kratos/v2/transport/http"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/telemetry"
)

// Server serves the registered services over gRPC and HTTP. It owns its sockets from [New] on.
type Server struct {
	options
	config    conf.Server
	methods   map[string]*method // by full name; complete before the first call
	calls     *calls
	late      lateErrors
	admin     *adminGuard
	validator protovalidate.Validator
	health    *health.Server
	listener  *joinedListener
	http      *httpServer // nil when HTTP is off
	grpc      *kgrpc.Server

	drainOnce sync.Once
	drained   chan struct{} // closed when the drain is over
	hurry     chan struct{} // closed by a second signal: no more waiting
	closeOnce sync.Once
}

// New builds a server and binds its ports; [Server.Run] serves them. Every service starts as NOT_SERVING.
func New(c conf.Server, services []Service, opts ...Option) (*Server, error) {
	s := &Server{
		options: options{logger: slog.Default(), version: "unknown"}, config: c, methods: map[string]*method{},
		calls: newCalls(c.MaxCalls), late: newLateErrors(c.Timeouts), health: health.NewServer(), drained: make(chan struct{}), hurry: make(chan struct{}),
	}
	for _, o := range opts {
		o(&s.options)
	}
	if s.metrics == nil {
		s.metrics = telemetry.NewMetrics()
	}
	var err error
	if s.admin, err = newAdminGuard(s.tokenFile); err != nil {
		return nil, err
	}
	s.admin.open = s.withoutPort && c.HTTP.Address == ""
	if s.validator, err = protovalidate.New(); err != nil {
		return nil, fmt.Errorf("protovalidate: %w", err)
	}
	certs, err := newCertificates(c.TLS, s.logger)
	if err != nil {
		return nil, err
	}
	port, err := s.listen()
	if err != nil {
		return nil, fmt.Errorf("gRPC port (config server.grpc.address): %w", err)
	}
	s.listener = joinListeners(netutil.LimitListener(port, c.MaxConnections))
	s.grpc = s.newGRPC(certs)
	if err := s.registerAll(services); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if c.HTTP.Address != "" {
		if s.http, err = s.newHTTP(certs, services); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func (s *Server) listen() (net.Listener, error) {
	if s.withoutPort {
		return newNoPort(), nil
	}
	return net.Listen("tcp", s.config.GRPC.Address)
}

func (s *Server) newGRPC(certs *certificates) *kgrpc.Server {
	c := s.config
	var outer credentials.TransportCredentials
	options := []kgrpc.ServerOption{
		kgrpc.Address(c.GRPC.Address), kgrpc.Listener(s.listener), kgrpc.CustomHealth(), kgrpc.Timeout(0),
		kgrpc.StreamInterceptor(s.intercept), kgrpc.UnaryInterceptor(s.interceptInfrastructure),
	}
	if certs != nil {
		tlsConfig := certs.forProtocols("h2")
		outer = credentials.NewTLS(tlsConfig)
		options = append(options, kgrpc.TLSConfig(tlsConfig)) // names the endpoint grpcs; the credentials below are the ones used
	}
	if !c.GRPC.Reflection {
		options = append(options, kgrpc.DisableReflection())
	}
	// A message over the limit is read up to twice the limit, to be refused with details instead of gRPC's bare status.
	most := min(2*int64(c.MaxMessageBytes)+1024, math.MaxInt32)
	notHealth := filters.Not(filters.ServiceName("grpc.health.v1.Health"))
	options = append(options, kgrpc.Options(
		grpc.Creds(newServerCredentials(outer)),
		grpc.ForceServerCodecV2(newCodec(c.MaxMessageBytes)),
		grpc.MaxRecvMsgSize(int(most)),
		grpc.MaxHeaderListSize(uint32(c.HTTP.MaxHeaderBytes)),
		grpc.MaxConcurrentStreams(uint32(c.MaxConcurrentStreams)),
		grpc.ConnectionTimeout(c.Timeouts.Handshake.Std()),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: c.Keepalive.Time.Std(), Timeout: c.Keepalive.Timeout.Std(),
			MaxConnectionIdle: c.Keepalive.MaxConnectionIdle.Std(), MaxConnectionAge: c.Keepalive.MaxConnectionAge.Std(),
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: c.Keepalive.MinTime.Std(), PermitWithoutStream: c.Keepalive.PermitWithoutStream,
		}),
		grpc.UnknownServiceHandler(unknownService),
		grpc.StatsHandler(otelgrpc.NewServerHandler(otelgrpc.WithFilter(notHealth))),
	))
	return kgrpc.NewServer(options...)
}

func (s *Server) registerAll(services []Service) error {
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	s.SetServing("", false)
	for _, svc := range services {
		if err := s.register(svc); err != nil {
			return err
		}
		s.SetServing(svc.Desc.ServiceName, false)
	}
	s.registerInfrastructure()
	return nil
}

// GRPCAddr returns the bound address of the gRPC port.
func (s *Server) GRPCAddr() net.Addr { return s.listener.Addr() }

// HTTPAddr returns the bound address of the HTTP port, nil when HTTP is off.
func (s *Server) HTTPAddr() net.Addr {
	if s.http == nil {
		return nil
	}
	return s.http.listener.Addr()
}

// SetServing sets a service's health: SERVING once its models are warm. The empty name stands for the whole server, and
// decides what /readyz answers. While the server drains everything is NOT_SERVING and calls of SetServing change nothing.
func (s *Server) SetServing(service string, serving bool) {
	status := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if serving {
		status = grpc_health_v1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus(service, status)
}

// Run serves until ctx ends or the process gets SIGTERM or SIGINT, then drains: health turns NOT_SERVING, the registration
// is taken back, new calls get UNAVAILABLE, streams are told (see [Draining]), running calls may finish within
// server.timeouts.drain, and what still runs then is ended. A second signal ends the drain at once. Run returns nil after
// a drain, and may be called once.
func (s *Server) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.Close()) }()
	transports := []kratos.Option{kratos.Server(grpcTransport{s.grpc, s})}
	if s.http != nil {
		transports = []kratos.Option{kratos.Server(grpcTransport{s.grpc, s}, httpTransport{s.http.kratos, s})}
	}
	logKratos()
	app := kratos.New(append(transports,
		kratos.Context(context.WithoutCancel(ctx)), kratos.Name("courtsense"), kratos.Version(s.version), kratos.Metadata(s.metadata),
		kratos.Registrar(s.registrar), kratos.Signal(syscall.SIGTERM, syscall.SIGINT),
		kratos.BeforeStop(func(context.Context) error {
			s.health.Shutdown()
			return nil
		}))...)

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { s.watchSignals(signals, ended) })
	defer func() {
		signal.Stop(signals)
		close(ended)
		watching.Wait()
	}()
	stopped := make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(stopped)
		if err := app.Stop(); err != nil {
			s.logger.Warn("stopping", "error", err)
		}
	})
	s.logger.Info("serving", "grpc", s.GRPCAddr().String(), "http", s.httpAddress(), "tls", s.config.TLS.CertFile != "", "version", s.version)
	err = app.Run()
	if !unhook() {
		<-stopped
	}
	if errors.Is(err, grpc.ErrServerStopped) {
		err = nil
	}
	s.logger.Info("stopped")
	return err
}

func (s *Server) httpAddress() string {
	if a := s.HTTPAddr(); a != nil {
		return a.String()
	}
	return "off"
}

func (s *Server) watchSignals(signals <-chan os.Signal, ended <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-signals:
			if n == 1 {
				close(s.hurry)
			}
		case <-ended:
			return
		}
	}
}

// drain waits for the running calls, once, whichever transport is stopped first.
func (s *Server) drain() {
	s.drainOnce.Do(func() {
		defer close(s.drained)
		s.health.Shutdown()
		if notice := s.config.Timeouts.DrainNotice.Std(); notice > 0 {
			s.logger.Info("draining soon; health is NOT_SERVING", "notice", notice)
			s.waitFor(nil, notice)
		}
		s.calls.close()
		s.logger.Info("draining; new calls are refused", "limit", s.config.Timeouts.Drain.Std())
		s.waitFor(s.calls.idle, s.config.Timeouts.Drain.Std())
		if left := s.calls.cancel(errDrainTimeout); left > 0 {
			s.logger.Warn("calls were ended because the drain's time is over", "calls", left)
			s.waitFor(s.calls.idle, hardStop)
		}
	})
	<-s.drained
}

// hardStop is how long handlers and connections that were told to end may take to do so.
const hardStop = 2 * time.Second

func (s *Server) waitFor(done <-chan struct{}, limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-s.hurry:
	}
}

// grpcTransport and httpTransport are kratos' transports, stopped only after the drain. HTTP stays up meanwhile, so that
// /readyz and /metrics answer to the end.
type grpcTransport struct {
	*kgrpc.Server
	server *Server
}

// Stop implements kratos' transport.Server.
func (t grpcTransport) Stop(ctx context.Context) error {
	t.server.drain()
	ctx, cancel := context.WithTimeout(ctx, hardStop)
	defer cancel()
	return t.Server.Stop(ctx)
}

type httpTransport struct {
	*khttp.Server
	server *Server
}

// Stop implements kratos' transport.Server.
func (t httpTransport) Stop(ctx context.Context) error {
	t.server.drain()
	ctx, cancel := context.WithTimeout(ctx, hardStop)
	defer cancel()
	err := t.Server.Stop(ctx)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close ends a server that was never run, and what is left of one that was; Run calls it. It is idempotent.
func (s *Server) Close() error {
	var err error
	s.closeOnce.Do(func() {
		s.calls.close()
		s.calls.cancel(errDrainTimeout)
		if s.grpc != nil {
			s.grpc.Server.Stop()
		}
		_ = s.listener.Close()
		if s.http != nil {
			err = s.http.close()
		}
	})
	return err
}
