package api

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
)

// Every route must reach its own method: two templates that overlap would hide one behind the other.
func TestEveryRouteReachesItsMethod(t *testing.T) {
	gateway := gatewayTo(t, grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		return status.Error(codes.Aborted, method)
	})))
	for _, m := range methods(contract(t)) {
		if m.IsStreamingClient() {
			continue
		}
		t.Run(string(m.FullName()), func(t *testing.T) {
			verb, path, _ := strings.Cut(route(t, m), " ")
			var body *strings.Reader
			if body = strings.NewReader(""); verb == http.MethodPost {
				body = strings.NewReader("{}")
			}
			r := httptest.NewRequest(verb, filled(path), body)
			w := httptest.NewRecorder()
			gateway.ServeHTTP(w, r)
			var got struct {
				Code    int
				Message string
				Error   struct{ Message string } // of a stream's answer
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got), w.Body.String())
			assert.Equal(t, "/"+string(m.Parent().FullName())+"/"+string(m.Name()), got.Message+got.Error.Message)
			assert.Equal(t, http.StatusConflict, w.Code)
		})
	}
}

// filled puts names into a path template: "/v1/{name=galleries/*}:enrol" -> "/v1/galleries/a:enrol".
func filled(template string) string {
	path := regexp.MustCompile(`\{[a-z_]+=([^}]*)\}`).ReplaceAllString(template, "$1")
	return strings.ReplaceAll(path, "*", "a")
}

func gatewayTo(t *testing.T, server *grpc.Server) http.Handler {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	conn, err := grpc.NewClient("passthrough:memory",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, conn.Close()) })
	mux := runtime.NewServeMux()
	for _, register := range []func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error{
		pb.RegisterFaceServiceHandler, pb.RegisterDocumentServiceHandler,
		pb.RegisterSpeechServiceHandler, pb.RegisterModelServiceHandler,
	} {
		require.NoError(t, register(t.Context(), mux, conn))
	}
	return mux
}
