package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/courtsense/courtsense/api"
	courtsensev1 "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

const detectJSON = `{"purpose":"test","image":{"content":"cGljdHVyZQ=="}}`

type answer struct {
	code   int
	header http.Header
	body   string
}

func (f *fixture) http(method, path, body string, header ...string) answer {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.ctx(), method, f.url(path), strings.NewReader(body))
	require.NoError(f.t, err)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(r)
	require.NoError(f.t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(f.t, err)
	return answer{response.StatusCode, response.Header, string(content)}
}

func (a answer) requireStatus(t *testing.T, httpCode int, reason string) {
	t.Helper()
	require.Equal(t, httpCode, a.code, a.body)
	var st struct {
		Code    int
		Message string
		Details []struct {
			Type   string `json:"@type"`
			Reason string
			Domain string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &st), a.body)
	require.NotEmpty(t, st.Details, a.body)
	require.Equal(t, "type.googleapis.com/google.rpc.ErrorInfo", st.Details[0].Type)
	require.Equal(t, reason, st.Details[0].Reason, a.body)
	require.Equal(t, "courtsense", st.Details[0].Domain)
	require.Equal(t, "application/json", a.header.Get("Content-Type"))
	require.NotEmpty(t, a.header.Get("X-Request-Id"))
}

func TestJSONCalls(t *testing.T) {
	seen := make(chan *courtsensev1.DetectRequest, 1)
	f := start(t, func(s *setup) {
		s.faces.detect = func(_ context.Context, r *courtsensev1.DetectRequest) (*courtsensev1.DetectResponse, error) {
			seen <- r
			if r.GetPurpose() == "bomb" {
				return nil, &refusal.Error{Reason: refusal.TooLarge, Field: "image.content", Msg: "too many pixels"}
			}
			return &courtsensev1.DetectResponse{}, nil
		}
	})
	got := f.http("POST", "/v1/faces:detect", detectJSON, "X-Request-Id", "case-9")
	assert.Equal(t, 200, got.code, got.body)
	assert.Equal(t, "case-9", got.header.Get("X-Request-Id"))
	assert.Contains(t, got.body, `"faces":[]`)
	assert.Equal(t, []byte("picture"), waitFor(t, seen, "handler").GetImage().GetContent())
	assert.Contains(t, f.log.String(), "from=http")
	assert.Contains(t, f.log.String(), "request_id=case-9", "one id through both transports")

	f.http("POST", "/v1/faces:detect", strings.Replace(detectJSON, "test", "bomb", 1)).requireStatus(t, 413, "TOO_LARGE")
	f.http("POST", "/v1/faces:detect", `{"image":{}}`).requireStatus(t, 400, "INVALID_VALUE")
	f.http("POST", "/v1/faces:detect", `{"porpoise":""}`).requireStatus(t, 400, "INVALID_ARGUMENT")
	f.http("POST", "/v1/faces:detect", `{`).requireStatus(t, 400, "INVALID_ARGUMENT")
	f.http("POST", "/v1/faces:compare", `{"purpose":"x","left":{"content":"YQ=="},"right":{"content":"YQ=="}}`).requireStatus(t, 501, "UNIMPLEMENTED")
	f.http("GET", "/v1/faces:detect", "").requireStatus(t, 405, "UNKNOWN_METHOD")
	f.http("GET", "/nothing", "").requireStatus(t, 404, "UNKNOWN_PATH")
	f.http("POST", "/v1/faces:detect", detectJSON, "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site").requireStatus(t, 403, "CROSS_ORIGIN")
}

func TestPages(t *testing.T) {
	f := start(t, nil)
	assert.Equal(t, 200, f.http("GET", "/healthz", "").code)
	not := f.http("GET", "/readyz", "")
	assert.Equal(t, 503, not.code)
	assert.JSONEq(t, `{"ready":false,"services":{"courtsense.v1.FaceService":"NOT_SERVING","courtsense.v1.SpeechService":"NOT_SERVING","courtsense.v1.ModelService":"NOT_SERVING"}}`, not.body)
	f.server.SetServing(courtsensev1.FaceService_ServiceDesc.ServiceName, true)
	f.server.SetServing("", true)
	ready := f.http("GET", "/readyz", "")
	assert.Equal(t, 200, ready.code)
	assert.Contains(t, ready.body, `"courtsense.v1.FaceService":"SERVING"`)
	assert.JSONEq(t, string(api.OpenAPI), f.http("GET", "/openapi.json", "").body)
	f.http("POST", "/v1/faces:detect", detectJSON)
	assert.Contains(t, f.http("GET", "/metrics", "").body,
		`grpc_server_handled_total{grpc_code="OK",grpc_method="Detect",grpc_service="courtsense.v1.FaceService",grpc_type="unary"} 1`)
}

func TestPagesCanBeOff(t *testing.T) {
	f := start(t, func(s *setup) { s.options = append(s.options, WithoutMetricsPage(), WithOpenAPI(nil)) })
	assert.Equal(t, 404, f.http("GET", "/metrics", "").code)
	assert.Equal(t, 404, f.http("GET", "/openapi.json", "").code)
}

func TestHTTPCanBeOff(t *testing.T) {
	f := start(t, func(s *setup) { s.config.HTTP.Address = "" })
	assert.Nil(t, f.server.HTTPAddr())
	_, err := f.faces.Detect(f.ctx(), detectRequest())
	require.NoError(t, err)
}

func TestStreamAsJSONLines(t *testing.T) {
	f := start(t, func(s *setup) {
		s.faces.watch = func(_ *courtsensev1.WatchRequest, stream grpc.ServerStreamingServer[courtsensev1.WatchResponse]) error {
			for range 2 {
				if err := stream.Send(&courtsensev1.WatchResponse{}); err != nil {
					return err
				}
			}
			return refusal.New(refusal.InvalidValue, "no such camera")
		}
	})
	got := f.http("GET", "/v1/gates:watch?purpose=test", "")
	lines := strings.Split(strings.TrimSpace(got.body), "\n")
	require.Len(t, lines, 3, got.body)
	assert.Contains(t, lines[0], `"result"`)
	assert.Contains(t, lines[2], `"reason":"INVALID_VALUE"`)
}

func TestBodyLimit(t *testing.T) {
	f := start(t, func(s *setup) {
		s.config.MaxMessageBytes, s.config.HTTP.MaxBodyBytes = 64<<10, 128<<10
	})
	big := func(n int) string {
		return strings.Replace(detectJSON, "cGljdHVyZQ==", strings.Repeat("AAAA", n/4), 1)
	}
	f.http("POST", "/v1/faces:detect", big(100<<10)).requireStatus(t, 413, "MESSAGE_TOO_LARGE") // as decoded
	f.http("POST", "/v1/faces:detect", big(200<<10)).requireStatus(t, 413, "MESSAGE_TOO_LARGE") // by its Content-Length

	r, err := http.NewRequestWithContext(f.ctx(), http.MethodPost, f.url("/v1/faces:detect"), io.MultiReader(strings.NewReader(big(200<<10)))) // chunked
	require.NoError(t, err)
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(r)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	answer{response.StatusCode, response.Header, string(body)}.requireStatus(t, 413, "MESSAGE_TOO_LARGE")
}

func TestSlowHeaderIsCutOff(t *testing.T) {
	f := start(t, func(s *setup) { s.config.HTTP.ReadHeaderTimeout = conf.Duration(time.Second) })
	conn, err := net.Dial("tcp", f.server.HTTPAddr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n")
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(long)))
	_, err = io.Copy(io.Discard, conn)
	require.NoError(t, err, "the server closes the connection")
}

func TestSlowBodyIsCutOff(t *testing.T) {
	f := start(t, func(s *setup) { s.config.Timeouts.StreamIdle = conf.Duration(100 * time.Millisecond) })
	for path, code := range map[string]int{"/v1/faces:detect": 400, "/nothing": 404} {
		conn, err := net.Dial("tcp", f.server.HTTPAddr().String())
		require.NoError(t, err)
		_, err = io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(long)))
		in := bufio.NewReader(conn)
		response, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		assert.Equal(t, code, response.StatusCode)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		_, err = in.ReadByte()
		require.ErrorIs(t, err, io.EOF, "the server closes the connection")
		require.NoError(t, conn.Close())
	}
}

func TestWorkLongerThanTheBodysDeadlineGoesOn(t *testing.T) {
	f := start(t, func(s *setup) {
		s.config.Timeouts.StreamIdle = conf.Duration(time.Second)
		s.faces.detect = func(ctx context.Context, _ *courtsensev1.DetectRequest) (*courtsensev1.DetectResponse, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(1500 * time.Millisecond):
				return &courtsensev1.DetectResponse{}, nil
			}
		}
	})
	assert.Equal(t, 200, f.http("POST", "/v1/faces:detect", detectJSON).code)
}

func TestVanishedHTTPClientCancelsTheCall(t *testing.T) {
	entered, ended := make(chan struct{}), make(chan struct{})
	f := start(t, func(s *setup) {
		s.faces.detect = func(ctx context.Context, _ *courtsensev1.DetectRequest) (*courtsensev1.DetectResponse, error) {
			close(entered)
			<-ctx.Done()
			close(ended)
			return nil, ctx.Err()
		}
	})
	conn, err := net.Dial("tcp", f.server.HTTPAddr().String())
	require.NoError(t, err)
	var request bytes.Buffer
	r, err := http.NewRequestWithContext(f.ctx(), http.MethodPost, f.url("/v1/faces:detect"), strings.NewReader(detectJSON))
	require.NoError(t, err)
	require.NoError(t, r.Write(&request))
	_, err = conn.Write(request.Bytes())
	require.NoError(t, err)
	waitFor(t, entered, "handler")
	require.NoError(t, conn.Close())
	waitFor(t, ended, "cancellation")
}
