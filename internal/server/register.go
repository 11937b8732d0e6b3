package server

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/courtsense/courtsense/internal/telemetry"
)

// register adds a service with its unary methods in the form of streams of one message each way. On the wire that is the
// same; in the server it makes one chain of checks serve every call, and puts the reading of the request inside it, where
// idle time, size and content are judged. (gRPC reads a unary request before any interceptor sees the call.)
func (s *Server) register(svc Service) error {
	d := svc.Desc
	if want := reflect.TypeOf(d.HandlerType).Elem(); svc.Impl == nil || !reflect.TypeOf(svc.Impl).Implements(want) {
		return fmt.Errorf("service %s: %T does not implement %v", d.ServiceName, svc.Impl, want)
	}
	if _, dup := s.grpc.GetServiceInfo()[d.ServiceName]; dup {
		return fmt.Errorf("service %s is registered twice", d.ServiceName)
	}
	asStreams := grpc.ServiceDesc{ServiceName: d.ServiceName, HandlerType: d.HandlerType, Metadata: d.Metadata}
	for _, m := range d.Methods {
		asStreams.Streams = append(asStreams.Streams, grpc.StreamDesc{StreamName: m.MethodName, Handler: s.unaryAsStream(d.ServiceName, m)})
		s.methods["/"+d.ServiceName+"/"+m.MethodName] = &method{
			rpc:     telemetry.RPC{Service: d.ServiceName, Method: m.MethodName, Type: "unary"},
			timeout: svc.timeoutOf(m.MethodName, s.config.Timeouts.Unary.Std()),
			admin:   svc.Admin, absent: s.absent(d.ServiceName, m.MethodName), counted: true,
		}
	}
	for _, m := range d.Streams {
		asStreams.Streams = append(asStreams.Streams, m)
		s.methods["/"+d.ServiceName+"/"+m.StreamName] = &method{
			rpc:    telemetry.RPC{Service: d.ServiceName, Method: m.StreamName, Type: callType(m.ClientStreams, m.ServerStreams)},
			stream: true, admin: svc.Admin, absent: s.absent(d.ServiceName, m.StreamName), counted: true,
		}
	}
	s.grpc.RegisterService(&asStreams, svc.Impl)
	return nil
}

func (s *Server) absent(service, method string) bool {
	return s.served != nil && !s.served(service, method)
}

func (svc *Service) timeoutOf(name string, unary time.Duration) time.Duration {
	if t, ok := svc.MethodTimeouts[name]; ok {
		return t
	}
	if svc.Timeout > 0 {
		return svc.Timeout
	}
	return unary
}

// unaryAsStream calls the chain itself: gRPC applies stream interceptors only to methods that stream.
func (s *Server) unaryAsStream(service string, m grpc.MethodDesc) grpc.StreamHandler {
	info := &grpc.StreamServerInfo{FullMethod: "/" + service + "/" + m.MethodName}
	handler := func(impl any, ss grpc.ServerStream) error {
		reply, err := m.Handler(impl, ss.Context(), ss.RecvMsg, nil)
		if err != nil {
			return err
		}
		return ss.SendMsg(reply)
	}
	return func(impl any, ss grpc.ServerStream) error { return s.intercept(impl, ss, info, handler) }
}

// registerInfrastructure notes the methods that gRPC and kratos registered themselves. Health and reflection are open to
// everyone; the others, such as channelz, show clients' addresses and are for administrators.
func (s *Server) registerInfrastructure() {
	for service, info := range s.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			full := "/" + service + "/" + m.Name
			if s.methods[full] != nil {
				continue
			}
			s.methods[full] = &method{
				rpc:    telemetry.RPC{Service: service, Method: m.Name, Type: callType(m.IsClientStream, m.IsServerStream)},
				stream: true,
				admin:  !strings.HasPrefix(service, "grpc.health.") && !strings.HasPrefix(service, "grpc.reflection."),
			}
		}
	}
}
