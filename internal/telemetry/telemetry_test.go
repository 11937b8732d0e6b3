package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLogHasIdsAndNoPersonalData(t *testing.T) {
	var out bytes.Buffer
	logger := NewLogger(&out, conf.Log{Level: "info", Format: "json"})
	ctx := WithRequestID(context.Background(), "r-1")
	provider := sdktrace.NewTracerProvider()
	ctx, span := provider.Tracer("t").Start(ctx, "s")
	logger.With("text", "原告").WithGroup("input").InfoContext(ctx, "page read",
		"file_name", "王五的身份证.jpg", "content", []byte("secret"), "raw", []byte("secret"), "message", wrapperspb.String("secret"), "pages", 3, "took", 1500*time.Millisecond)
	span.End()
	logger.Debug("below the level")

	assert.NotContains(t, out.String(), "原告")
	assert.NotContains(t, out.String(), "王五")
	assert.NotContains(t, out.String(), "secret")
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line), "exactly one line")
	assert.Equal(t, Redacted, line["text"])
	input := line["input"].(map[string]any)
	assert.Equal(t, "[6 bytes]", input["raw"])
	assert.Equal(t, "[google.protobuf.StringValue, 8 bytes]", input["message"])
	assert.Equal(t, "r-1", input["request_id"])
	assert.Equal(t, span.SpanContext().TraceID().String(), input["trace_id"])
	assert.EqualValues(t, 3, input["pages"])
	assert.Equal(t, "1.5s", input["took"])
}

func TestTextLog(t *testing.T) {
	var out bytes.Buffer
	NewLogger(&out, conf.Log{Level: "warn", Format: "text"}).Warn("careful", slog.Int("n", 1))
	assert.Contains(t, out.String(), "level=WARN msg=careful n=1")
}

func TestRequestIDs(t *testing.T) {
	assert.True(t, ValidRequestID(NewRequestID()))
	assert.NotEqual(t, NewRequestID(), NewRequestID())
	for _, bad := range []string{"", "a b", "a\nb", "名", strings.Repeat("a", 129), `a"b`} {
		assert.False(t, ValidRequestID(bad), "%q", bad)
	}
	assert.Empty(t, RequestID(context.Background()))
}

func TestStagesAreTimedTracedAndObserved(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
	defer otel.SetTracerProvider(noop.NewTracerProvider())

	m := NewMetrics()
	ctx := WithMetrics(context.Background(), m)
	call := TimingsOf(ctx)
	onePage, timings := WithTimings(ctx)
	for range 2 {
		_, end := Stage(onePage, "decode")
		end(nil)
		end(nil)
	}
	_, end := Stage(onePage, "detect")
	end(errors.New("the text of 原告"))

	list := timings.List()
	require.Len(t, list, 2)
	assert.Equal(t, "decode", list[0].Stage)
	assert.Equal(t, 2, list[0].Runs, "an end counts once")
	assert.Equal(t, "detect", list[1].Stage)
	assert.Empty(t, call.List(), "a page's stages are its own")

	ended := spans.Ended()
	require.Len(t, ended, 3)
	assert.Equal(t, "detect", ended[2].Name())
	assert.Equal(t, "failed", ended[2].Status().Description, "an error's text may quote the input")
	assert.Empty(t, ended[2].Events())
	assert.Contains(t, page(m), `courtsense_stage_seconds_count{stage="decode"} 2`)
}

func TestStagesWithoutACall(t *testing.T) {
	_, end := Stage(context.Background(), "decode")
	end(nil)
	assert.Nil(t, TimingsOf(context.Background()).List())
}

func TestTimingsFromManyGoroutines(t *testing.T) {
	ctx, timings := WithTimings(context.Background())
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			_, end := Stage(ctx, "recognize")
			end(nil)
		})
	}
	all.Wait()
	assert.Equal(t, 32, timings.List()[0].Runs)
}

func TestRPCMetrics(t *testing.T) {
	m := NewMetrics()
	call := m.Begin(RPC{Service: "s", Method: "m", Type: "unary"})
	call.Received()
	call.Sent()
	call.Panicked()
	assert.Contains(t, page(m), `courtsense_rpc_in_flight{grpc_method="m",grpc_service="s",grpc_type="unary"} 1`)
	assert.GreaterOrEqual(t, call.End("Internal", "INTERNAL"), time.Duration(0))
	text := page(m)
	for _, want := range []string{
		`courtsense_rpc_in_flight{grpc_method="m",grpc_service="s",grpc_type="unary"} 0`,
		`grpc_server_started_total{grpc_method="m",grpc_service="s",grpc_type="unary"} 1`,
		`grpc_server_handled_total{grpc_code="Internal",grpc_method="m",grpc_service="s",grpc_type="unary"} 1`,
		`grpc_server_handling_seconds_count{grpc_method="m",grpc_service="s",grpc_type="unary"} 1`,
		`grpc_server_msg_received_total{grpc_method="m",grpc_service="s",grpc_type="unary"} 1`,
		`courtsense_rpc_errors_total{grpc_method="m",grpc_service="s",reason="INTERNAL"} 1`,
		`courtsense_rpc_panics_total 1`, `go_goroutines`, `process_resident_memory_bytes`,
	} {
		assert.Contains(t, text, want)
	}
}

func TestModelMetrics(t *testing.T) {
	m := NewMetrics()
	m.RequestFinished(pipeline.RequestStats{Model: "yunet", Rows: 1, BatchRows: 4, Queue: time.Millisecond, Run: time.Millisecond})
	m.RequestFinished(pipeline.RequestStats{Model: "yunet", Reason: pipeline.Rejected})
	m.RequestFinished(pipeline.RequestStats{Model: "yunet", Reason: pipeline.DeadlineExceeded, Queue: time.Second})
	m.RunFinished(pipeline.RunStats{Model: "yunet", Requests: 3, Rows: 4, Run: time.Millisecond})
	m.StateChanged("yunet", pipeline.Warming)
	m.StateChanged("yunet", pipeline.Ready)
	text := page(m)
	for _, want := range []string{
		`courtsense_model_requests_total{model="yunet",result="OK"} 1`,
		`courtsense_model_requests_total{model="yunet",result="REJECTED"} 1`,
		`courtsense_model_requests_total{model="yunet",result="DEADLINE"} 1`,
		`courtsense_model_queue_seconds_count{model="yunet"} 2`,
		`courtsense_model_request_run_seconds_count{model="yunet"} 1`,
		`courtsense_model_batch_size_sum{model="yunet"} 4`,
		`courtsense_model_run_requests_sum{model="yunet"} 3`,
		`courtsense_model_runs_total{model="yunet",result="OK"} 1`,
		`courtsense_model_state{model="yunet",state="READY"} 1`,
		`courtsense_model_state{model="yunet",state="WARMING"} 0`,
	} {
		assert.Contains(t, text, want)
	}
}

func page(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

type collectorServer struct {
	collector.UnimplementedTraceServiceServer
	names chan string
}

func (c *collectorServer) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	for _, rs := range r.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				c.names <- s.GetName()
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func TestSpansReachACollector(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server, names := grpc.NewServer(), make(chan string, 10)
	collector.RegisterTraceServiceServer(server, &collectorServer{names: names})
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(lis) })
	defer serving.Wait()
	defer server.Stop()
	defer otel.SetTracerProvider(noop.NewTracerProvider())

	stop, err := StartTracing(t.Context(), conf.Trace{Endpoint: lis.Addr().String(), Insecure: true, SampleRatio: 1}, "test")
	require.NoError(t, err)
	_, end := Stage(t.Context(), "recognize")
	end(nil)
	require.NoError(t, stop(context.Background()))
	assert.Equal(t, "recognize", <-names)
}

func TestNoCollectorNoTracing(t *testing.T) {
	stop, err := StartTracing(t.Context(), conf.Trace{}, "test")
	require.NoError(t, err)
	require.NoError(t, stop(t.Context()))
}

// TestDocumentedMetricsExist keeps the tables and alerts of docs/operations.md true.
func TestDocumentedMetricsExist(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	descriptions := make(chan *prometheus.Desc, 1000)
	NewMetrics().Registry().Describe(descriptions)
	close(descriptions)
	exported := map[string]bool{}
	for d := range descriptions {
		name, _, _ := strings.Cut(strings.TrimPrefix(d.String(), `Desc{fqName: "`), `"`)
		exported[name] = true
	}
	documented := map[string]bool{}
	for _, name := range regexp.MustCompile(`\b(courtsense_(rpc|model|stage|speech|record)|grpc_server)_[a-z_]+`).FindAllString(string(text), -1) {
		name = strings.TrimSuffix(name, "_bucket")
		documented[name] = true
		assert.True(t, exported[name], "docs/operations.md names %s, which is not exported", name)
	}
	for name := range exported {
		if strings.HasPrefix(name, "courtsense_") || strings.HasPrefix(name, "grpc_server_") {
			assert.True(t, documented[name], "%s is missing in docs/operations.md", name)
		}
	}
}
