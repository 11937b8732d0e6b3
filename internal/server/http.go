package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"time"

	khttp "github.com/go-kratos/kratos/v2/transport/http"
	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
)

type httpServer struct {
	kratos   *khttp.Server
	listener net.Listener
	conn     *grpc.ClientConn // to the gRPC server, through memory
}

func (h *httpServer) close() error {
	err := h.conn.Close()
	_ = h.listener.Close()
	return err
}

func (s *Server) newHTTP(certs *certificates, services []Service) (*httpServer, error) {
	c := s.config.HTTP
	conn, err := s.dialInside()
	if err != nil {
		return nil, err
	}
	gateway, err := s.newGateway(conn, services)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	port, err := net.Listen("tcp", c.Address)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("HTTP port (config server.http.address): %w", err)
	}
	h := &httpServer{conn: conn, listener: netutil.LimitListener(port, s.config.MaxConnections)}
	options := []khttp.ServerOption{khttp.Address(c.Address), khttp.Listener(h.listener), khttp.Timeout(0)}
	if certs != nil {
		options = append(options, khttp.TLSConfig(certs.forProtocols("h2", "http/1.1")))
	}
	h.kratos = khttp.NewServer(options...)
	// Straight to the handler: kratos' router would clean paths and fall back to http.DefaultServeMux.
	h.kratos.Handler = s.httpHandler(gateway)
	h.kratos.ReadHeaderTimeout = c.ReadHeaderTimeout.Std()
	h.kratos.IdleTimeout = c.IdleTimeout.Std()
	h.kratos.MaxHeaderBytes = int(c.MaxHeaderBytes)
	h.kratos.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	if s.peerInLog { // net/http's messages name clients' addresses
		h.kratos.ErrorLog = slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug)
	}
	return h, nil
}

func (s *Server) httpHandler(gateway http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]bool{"alive": true})
	})
	mux.HandleFunc("GET /readyz", s.readyz)
	if !s.hideMetrics {
		mux.Handle("GET /metrics", s.metrics.Handler())
	}
	if s.openAPI != nil {
		mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(s.openAPI)
		})
	}
	mux.Handle("/", gateway)
	// A web page of another origin can't use a browser inside the court's network to call the server.
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeStatus(w, rpcerror.From(rpcerror.New(codes.PermissionDenied, "CROSS_ORIGIN", "requests from pages of another origin are refused")), 0)
	}))
	return s.bounded(sameOrigin.Handler(mux))
}

// bounded gives each request an id, limits its body, and puts a deadline on every single read and write, so that a client
// that stops moving is let go while a long stream that moves is not.
func (s *Server) bounded(next http.Handler) http.Handler {
	limit, idle, send := s.config.HTTP.MaxBodyBytes, s.config.Timeouts.StreamIdle.Std(), s.config.Timeouts.Send.Std()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !telemetry.ValidRequestID(id) {
			id = telemetry.NewRequestID()
		}
		r = r.WithContext(telemetry.WithRequestID(r.Context(), id))
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.ContentLength > int64(limit) {
			w.Header().Set("Connection", "close") // the body is not read
			writeStatus(w, rpcerror.From(tooLarge(r.ContentLength, limit, "server.http.max_body_bytes")), 0)
			return
		}
		control := http.NewResponseController(w)
		body := &boundedBody{body: r.Body, limit: limit, left: int64(limit), control: control, idle: idle}
		r.Body = body
		next.ServeHTTP(&boundedWriter{ResponseWriter: w, control: control, limit: send}, r)
		if body.err == nil && r.ContentLength != 0 {
			// net/http reads on to reuse the connection, and waits as long as the client likes.
			_ = control.SetReadDeadline(time.Now().Add(idle))
		}
	})
}

// boundedBody is a request body that ends with an error when it is too large or too slow.
type boundedBody struct {
	body     io.ReadCloser
	limit    conf.Bytes
	left     int64
	control  *http.ResponseController
	idle     time.Duration
	exceeded bool
	err      error // how reading ended
}

var errBodyTooLarge = errors.New("the request's body is too large")

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.exceeded {
		return 0, errBodyTooLarge
	}
	_ = b.control.SetReadDeadline(time.Now().Add(b.idle)) // not supported by every connection; then there is none
	n, err := b.body.Read(p)
	if b.err = err; errors.Is(err, io.EOF) {
		// From here on net/http reads to notice that the client is gone; the deadline must not look like that.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	if b.left -= int64(n); b.left < 0 {
		b.exceeded = true
		return 0, errBodyTooLarge
	}
	return n, err
}

// Close implements io.Closer.
func (b *boundedBody) Close() error { return b.body.Close() }

type boundedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration
}

// Write implements io.Writer.
func (w *boundedWriter) Write(p []byte) (int, error) {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.limit))
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (w *boundedWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *boundedWriter) FlushError() error {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.limit))
	return w.control.Flush()
}

// Unwrap is for http.ResponseController.
func (w *boundedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// readyz answers 200 when the whole server is SERVING, else 503; the body names each service's state.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	list, err := s.health.List(r.Context(), &grpc_health_v1.HealthListRequest{})
	if err != nil {
		writeStatus(w, rpcerror.From(err), 0)
		return
	}
	services := map[string]string{}
	for name, response := range list.GetStatuses() {
		if name != "" {
			services[name] = response.GetStatus().String()
		}
	}
	ready := list.GetStatuses()[""].GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING
	code := http.StatusServiceUnavailable
	if ready {
		code = http.StatusOK
	}
	writeJSON(w, code, struct {
		Ready    bool              `json:"ready"`
		Services map[string]string `json:"services"`
	}{ready, services})
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

// dialInside connects to the gRPC server through memory.
func (s *Server) dialInside() (*grpc.ClientConn, error) {
	const most = math.MaxInt32 // the server's limits apply
	return grpc.NewClient("passthrough:///in-process",
		grpc.WithContextDialer(func(ctx context.Context, a string) (net.Conn, error) { return s.listener.dial(ctx, a) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(most), grpc.MaxCallSendMsgSize(most)),
		grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithIdleTimeout(0))
}
