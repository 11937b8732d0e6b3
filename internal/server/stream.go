package server

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
)

// callStream is a call as its handler sees it: every wait for the client is bounded, every message counted, and every
// request message checked against the rules in its .proto file.
type callStream struct {
	grpc.ServerStream
	ctx      context.Context //nolint:containedctx // a gRPC stream is the carrier of its call's context
	cancel   context.CancelCauseFunc
	call     *telemetry.Call
	check    func(proto.Message) error
	late     lateErrors
	idle     time.Duration
	send     time.Duration
	lastSent atomic.Int64 // time.Time.UnixNano of the last answer
}

// Context implements grpc.ServerStream.
func (s *callStream) Context() context.Context { return s.ctx }

// RecvMsg implements grpc.ServerStream. It waits for the client as long as the stream is not idle: as long as something
// moves in either direction.
func (s *callStream) RecvMsg(m any) error {
	message, ok := m.(proto.Message)
	if !ok {
		return fmt.Errorf("request of type %T is no protobuf message", m)
	}
	env := &envelope{message: message}
	err := s.bounded(func() error { return s.ServerStream.RecvMsg(env) }, s.idle, s.sinceSent, s.late.idle)
	if err != nil {
		return err
	}
	s.call.Received()
	if env.err != nil {
		return env.err
	}
	return s.check(message)
}

// SendMsg implements grpc.ServerStream. The message belongs to the stream from here on.
func (s *callStream) SendMsg(m any) error {
	err := s.bounded(func() error { return s.ServerStream.SendMsg(m) }, s.send, nil, s.late.send)
	if err == nil {
		s.lastSent.Store(time.Now().UnixNano())
		s.call.Sent()
	}
	return err
}

func (s *callStream) sinceSent() time.Duration {
	return time.Since(time.Unix(0, s.lastSent.Load()))
}

// panicked is a panic on its way from the goroutine where it happened to the call's own.
type panicked struct {
	value any
	stack []byte
}

// bounded runs a wait for the client in a goroutine of its own, because gRPC's calls can't be interrupted from outside;
// the goroutine ends with the call at the latest. activity, if given, tells how long ago something else moved.
func (s *callStream) bounded(wait func() error, limit time.Duration, activity func() time.Duration, late error) error {
	done, crashed := make(chan error, 1), make(chan panicked, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				crashed <- panicked{v, debug.Stack()}
			}
		}()
		done <- wait()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case err := <-done:
			return err
		case p := <-crashed:
			panic(p)
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		case <-timer.C:
			if activity != nil {
				if left := limit - activity(); left > 0 {
					timer.Reset(left)
					continue
				}
			}
			s.cancel(late)
			return late
		}
	}
}

// lateErrors are the ends of calls that took too long, made once because every call carries them.
type lateErrors struct{ idle, send, total error }

func newLateErrors(t conf.Timeouts) lateErrors {
	limit := func(d conf.Duration) rpcerror.Option { return rpcerror.Meta("limit", d.String()) }
	return lateErrors{
		idle: rpcerror.New(codes.DeadlineExceeded, rpcerror.ReasonIdleTimeout,
			fmt.Sprintf("no message came for %v (config server.timeouts.stream_idle)", t.StreamIdle), limit(t.StreamIdle)),
		send: rpcerror.New(codes.Aborted, rpcerror.ReasonSlowClient,
			fmt.Sprintf("an answer waited %v for the client to read (config server.timeouts.send)", t.Send), limit(t.Send)),
		total: rpcerror.New(codes.DeadlineExceeded, rpcerror.ReasonStreamTimeout,
			fmt.Sprintf("the stream has been open for %v (config server.timeouts.stream_total); open a new one", t.StreamTotal), limit(t.StreamTotal)),
	}
}

// check holds a request message against the rules in its .proto file and against what this version serves.
func (s *Server) check(m proto.Message) error {
	if err := s.validator.Validate(m); err != nil {
		return validationError(err)
	}
	if s.unserved == nil {
		return nil
	}
	if field := s.unserved(m); field != "" {
		return rpcerror.New(codes.Unimplemented, rpcerror.ReasonUnimplemented, field+" is not served by this version of the server; leave it out",
			rpcerror.Meta("field", field), rpcerror.FieldReason(field, rpcerror.ReasonUnimplemented, "not served by this version"))
	}
	return nil
}

func validationError(err error) error {
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	var options []rpcerror.Option
	var first string
	for i, v := range invalid.Violations {
		field, text := protovalidate.FieldPathString(v.Proto.GetField()), v.Proto.GetMessage()
		if text == "" {
			text = "violates " + v.Proto.GetRuleId()
		}
		if i == 0 {
			first = text
			if field != "" {
				first = field + ": " + text
				options = append(options, rpcerror.Meta("field", field))
			}
		}
		options = append(options, rpcerror.FieldReason(field, ruleReason(v.Proto.GetRuleId()), text))
	}
	if n := len(invalid.Violations); n > 1 {
		first = fmt.Sprintf("%s (and %d more)", first, n-1)
	}
	return rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, first, options...)
}

// ruleReason writes a rule's id ("string.max_len") as google.rpc's reasons are written.
func ruleReason(id string) string {
	out := []byte(id)
	for i, c := range out {
		switch {
		case 'a' <= c && c <= 'z':
			out[i] = c - ('a' - 'A')
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		default:
			out[i] = '_'
		}
	}
	return string(out)
}
