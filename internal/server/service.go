package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/go-kratos/kratos/v2/registry"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/courtsense/courtsense/internal/telemetry"
)

// Service is one gRPC service and its implementation.
type Service struct {
	Desc *grpc.ServiceDesc // generated, such as courtsensev1.FaceService_ServiceDesc
	Impl any               // implements Desc.HandlerType

	// Gateway registers the JSON form of the service, such as courtsensev1.RegisterFaceServiceHandler; nil: gRPC only.
	Gateway func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error

	// Timeout bounds the service's unary calls; 0 means server.timeouts.unary.
	Timeout time.Duration
	// MethodTimeouts overrides Timeout for single unary methods, by their name ("Recognize").
	MethodTimeouts map[string]time.Duration

	// Admin restricts the service to this machine, or to holders of the administration token.
	Admin bool
}

// Option changes how [New] builds a server.
type Option func(*options)

type options struct {
	logger      *slog.Logger
	metrics     *telemetry.Metrics
	version     string
	openAPI     []byte
	registrar   registry.Registrar
	metadata    map[string]string
	hideMetrics bool
	peerInLog   bool
	tokenFile   string
	withoutPort bool
	unserved    func(proto.Message) string
	served      func(service, method string) bool
}

// WithLogger sets the logger; without it, slog.Default() is used.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// WithMetrics sets the metrics that calls are counted in and /metrics shows; without it the server has its own.
func WithMetrics(m *telemetry.Metrics) Option { return func(o *options) { o.metrics = m } }

// WithoutMetricsPage keeps /metrics from answering.
func WithoutMetricsPage() Option { return func(o *options) { o.hideMetrics = true } }

// WithVersion sets the version that is registered and logged.
func WithVersion(v string) Option { return func(o *options) { o.version = v } }

// WithOpenAPI sets the JSON document served at /openapi.json.
func WithOpenAPI(doc []byte) Option { return func(o *options) { o.openAPI = doc } }

// WithRegistrar has the server registered while it runs: with etcd, consul, Kubernetes or anything else that kratos'
// interface fits. It is deregistered before it drains. The metadata goes into the registration; it may be nil.
func WithRegistrar(r registry.Registrar, metadata map[string]string) Option {
	return func(o *options) { o.registrar, o.metadata = r, metadata }
}

// WithUnserved sets what finds a request's first field that this version does not serve, "" when there is none; such a
// request is answered UNIMPLEMENTED, since an option that is silently ignored would make the answer a wrong one.
func WithUnserved(find func(proto.Message) string) Option {
	return func(o *options) { o.unserved = find }
}

// WithServed sets what tells the methods that this version serves; calls of the others are answered UNIMPLEMENTED, whatever
// their request looks like.
func WithServed(served func(service, method string) bool) Option {
	return func(o *options) { o.served = served }
}

// WithAdminToken names the file with the bearer token for [Service.Admin] services; "" means loopback peers only.
func WithAdminToken(file string) Option { return func(o *options) { o.tokenFile = file } }

// WithoutPort keeps the server from listening on the gRPC port: it is reached through [Server.Connect] only. For programs
// that are their own only client.
func WithoutPort() Option { return func(o *options) { o.withoutPort = true } }

// WithPeerAddressInLog has each call's log line carry the client's address.
func WithPeerAddressInLog() Option { return func(o *options) { o.peerInLog = true } }

// method is what the server knows of one rpc.
type method struct {
	rpc     telemetry.RPC
	timeout time.Duration // of unary calls; 0: none
	stream  bool
	admin   bool
	absent  bool // part of the contract, not served by this version
	counted bool // held back and waited for while draining, and counted against max_calls
}

func callType(clientStreams, serverStreams bool) string {
	switch {
	case clientStreams && serverStreams:
		return "bidi_stream"
	case clientStreams:
		return "client_stream"
	case serverStreams:
		return "server_stream"
	}
	return "unary"
}
