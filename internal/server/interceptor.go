package server

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
)

const requestIDHeader = "x-request-id"

// intercept is the one way into every handler: request id, metrics and log around everything; then admission, the
// administration guard and deadlines; then the handler, whose panics and errors become statuses with details.
func (s *Server) intercept(impl any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return s.observe(ss.Context(), s.methodOf(info.FullMethod), ss.SetHeader, func(ctx context.Context, m *method, call *telemetry.Call) error {
		return s.handle(ctx, impl, ss, m, call, handler)
	})
}

// interceptInfrastructure is for the unary methods that gRPC and kratos registered themselves, such as health checks.
func (s *Server) interceptInfrastructure(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (reply any, err error) {
	setHeader := func(md metadata.MD) error { return grpc.SetHeader(ctx, md) }
	err = s.observe(ctx, s.methodOf(info.FullMethod), setHeader, func(ctx context.Context, m *method, call *telemetry.Call) (err error) {
		defer s.recovered(ctx, call, &err)
		if m.admin {
			if err := s.admin.check(ctx); err != nil {
				return err
			}
		}
		reply, err = handler(ctx, request)
		return err
	})
	return reply, err
}

// observe puts the request id, the metrics and the log around a call, and makes its error a status with details.
func (s *Server) observe(ctx context.Context, m *method, setHeader func(metadata.MD) error, run func(context.Context, *method, *telemetry.Call) error) error {
	md, _ := metadata.FromIncomingContext(ctx)
	id := oneValue(md, requestIDHeader)
	if !telemetry.ValidRequestID(id) {
		id = telemetry.NewRequestID()
	}
	ctx = telemetry.WithRequestID(ctx, id)
	ctx = telemetry.WithMetrics(ctx, s.metrics)
	ctx = context.WithValue(ctx, drainKey{}, s.calls.told)
	// It fails only when the header was sent already, and nothing was.
	_ = setHeader(metadata.Pairs(requestIDHeader, id))

	call := s.metrics.Begin(m.rpc)
	cause := run(ctx, m, call)
	st := rpcerror.From(cause)
	took := call.End(st.Code().String(), rpcerror.Reason(st))
	s.logCall(ctx, m, st, cause, took)
	return st.Err()
}

func (s *Server) handle(ctx context.Context, impl any, ss grpc.ServerStream, m *method, call *telemetry.Call, handler grpc.StreamHandler) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	leave, err := s.calls.enter(m.counted, cancel)
	if err != nil {
		return err
	}
	defer leave()
	if m.admin {
		if err := s.admin.check(ctx); err != nil {
			return err
		}
	}
	if m.absent {
		return rpcerror.Unimplemented(m.rpc.Service + "/" + m.rpc.Method)
	}
	ctx, stop := s.withDeadline(ctx, m)
	defer stop()
	stream := &callStream{
		ServerStream: ss, ctx: ctx, cancel: cancel, call: call, check: s.check, late: s.late,
		idle: s.config.Timeouts.StreamIdle.Std(), send: s.config.Timeouts.Send.Std(),
	}
	defer s.recovered(ctx, call, &err)
	return causeOf(ctx, handler(impl, stream))
}

func (s *Server) withDeadline(ctx context.Context, m *method) (context.Context, context.CancelFunc) {
	switch {
	case m.stream && m.counted:
		return context.WithTimeoutCause(ctx, s.config.Timeouts.StreamTotal.Std(), s.late.total)
	case m.timeout > 0:
		return context.WithTimeout(ctx, m.timeout)
	}
	return ctx, func() {}
}

// causeOf prefers the reason for which the server ended a call to the "canceled" that its handler saw.
func causeOf(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	if c := rpcerror.From(err).Code(); c != codes.Canceled && c != codes.DeadlineExceeded {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// recovered is deferred around handlers: a panic ends its call and nothing else.
func (s *Server) recovered(ctx context.Context, call *telemetry.Call, err *error) {
	v := recover()
	if v == nil {
		return
	}
	stack := debug.Stack()
	if p, ok := v.(panicked); ok {
		v, stack = p.value, p.stack
	}
	call.Panicked()
	s.logger.ErrorContext(ctx, "panic in a handler; the call ends with INTERNAL", "panic", v, "stack", string(stack))
	*err = errors.New("panic in a handler")
}

var unknownMethod = &method{rpc: telemetry.RPC{Service: "unknown", Method: "unknown", Type: "unknown"}}

func (s *Server) methodOf(fullName string) *method {
	if m, ok := s.methods[fullName]; ok {
		return m
	}
	return unknownMethod
}

// unknownService answers calls to methods that the server does not have.
func unknownService(_ any, ss grpc.ServerStream) error {
	name, _ := grpc.MethodFromServerStream(ss)
	return rpcerror.New(codes.Unimplemented, "UNKNOWN_METHOD", "this server has no such method", rpcerror.Meta("method", name))
}

// logCall writes the access log: what was called and how it ended, nothing of what was sent or by whom.
func (s *Server) logCall(ctx context.Context, m *method, st *status.Status, cause error, took time.Duration) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("service", m.rpc.Service), slog.String("method", m.rpc.Method), slog.String("type", m.rpc.Type),
		slog.String("code", st.Code().String()), slog.Duration("duration", took), slog.String("from", s.origin(ctx)),
	}
	if reason := rpcerror.Reason(st); reason != "" {
		attrs = append(attrs, slog.String("reason", reason))
	}
	switch {
	case !m.counted && st.Code() == codes.OK:
		level = slog.LevelDebug // health checks come every few seconds
	case st.Code() == codes.Internal:
		level = slog.LevelError
		attrs = append(attrs, slog.Any("error", cause))
	}
	s.logger.LogAttrs(ctx, level, "call", attrs...)
}

// origin says where a call came from: its address only where the operator asked for it.
func (s *Server) origin(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return "unknown"
	}
	if _, inside := p.AuthInfo.(inProcessInfo); inside {
		return "http"
	}
	switch {
	case s.peerInLog:
		return p.Addr.String()
	case isLoopback(p.Addr):
		return "loopback"
	}
	return "remote"
}
