package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

const (
	// peerHeader tells the administration guard where the HTTP connection came from. Only the gateway can set it: a
	// client's own headers are passed on by name, and this one is not among them.
	peerHeader   = "x-courtsense-peer"
	peerLoopback = "loopback"
)

func (s *Server) newGateway(conn *grpc.ClientConn, services []Service) (http.Handler, error) {
	marshaler := &runtime.HTTPBodyMarshaler{Marshaler: &runtime.JSONPb{
		MarshalOptions: protojson.MarshalOptions{EmitDefaultValues: true},
		// A misspelt field is an error, as a misspelt configuration key is.
		UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: false},
	}}
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, marshaler),
		runtime.WithIncomingHeaderMatcher(passInward),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithOutgoingTrailerMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithMetadata(annotate),
		runtime.WithErrorHandler(writeError),
		runtime.WithRoutingErrorHandler(writeRoutingError),
		runtime.WithStreamErrorHandler(func(_ context.Context, err error) *status.Status { return rpcerror.From(err) }),
	)
	for _, svc := range services {
		if svc.Gateway == nil {
			continue
		}
		if err := svc.Gateway(context.Background(), mux, conn); err != nil {
			return nil, fmt.Errorf("HTTP form of %s: %w", svc.Desc.ServiceName, err)
		}
	}
	return mux, nil
}

// passInward names the HTTP headers that reach the gRPC server; the gateway itself passes Authorization on.
func passInward(header string) (string, bool) {
	switch header {
	case "Traceparent", "Tracestate":
		return strings.ToLower(header), true
	}
	return "", false
}

func annotate(ctx context.Context, r *http.Request) metadata.MD {
	md := metadata.Pairs(requestIDHeader, telemetry.RequestID(ctx))
	if httpFromThisMachine(r) {
		md.Set(peerHeader, peerLoopback)
	}
	return md
}

// httpFromThisMachine tells whether a program on this machine asks. A forwarding header means that a proxy here asks for
// somebody elsewhere, and a Host that is no loopback name that a browser was led here under a foreign name.
func httpFromThisMachine(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return false
	}
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	name := r.Host
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}

func writeError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	if b, ok := r.Body.(*boundedBody); ok && b.exceeded {
		err = tooLarge(0, b.limit, "server.http.max_body_bytes")
	}
	writeStatus(w, rpcerror.From(err), 0)
}

func writeRoutingError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, code int) {
	var err error
	switch code {
	case http.StatusNotFound:
		err = rpcerror.New(codes.NotFound, "UNKNOWN_PATH", "no such path; /openapi.json lists them")
	case http.StatusMethodNotAllowed:
		err = rpcerror.New(codes.Unimplemented, "UNKNOWN_METHOD", "this path does not accept this HTTP method; /openapi.json lists them")
	default:
		err = rpcerror.New(codes.InvalidArgument, rpcerror.ReasonMalformed, http.StatusText(code))
	}
	writeStatus(w, rpcerror.From(err), code)
}

// writeStatus answers with a google.rpc.Status as JSON. code 0 means the usual HTTP code of the status.
func writeStatus(w http.ResponseWriter, st *status.Status, code int) {
	if code == 0 {
		code = httpCode(st)
	}
	body, err := protojson.Marshal(st.Proto())
	if err != nil {
		body, code = []byte(`{"code":13,"message":"internal error"}`), http.StatusInternalServerError
	}
	w.Header().Del("Trailer")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(body) // the client may be gone
}

// httpCode is the gateway's mapping, save that too much input is 413: 429 would have clients send it again.
func httpCode(st *status.Status) int {
	switch reason := rpcerror.Reason(st); {
	case reason == rpcerror.ReasonMessageTooLarge, refusal.Reason(reason).OverLimit():
		return http.StatusRequestEntityTooLarge
	}
	return runtime.HTTPStatusFromCode(st.Code())
}
