package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics holds the server's Prometheus metrics in a registry of its own.
type Metrics struct {
	registry *prometheus.Registry

	started, handled, received, sent, refused *prometheus.CounterVec
	handling                                  *prometheus.HistogramVec
	inFlight                                  *prometheus.GaugeVec
	panics                                    prometheus.Counter
	stage                                     *prometheus.HistogramVec
	models                                    modelMetrics
	speech                                    *Speech
}

// From a millisecond (one face) to hours (a hearing's stream), about three buckets per factor of ten.
var rpcBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 28800}

// From 50 us (one small layer) to 10 s (a page).
var runBuckets = []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// NewMetrics registers every metric, and those of the Go runtime and the process. The rpc metrics have the names that
// gRPC servers commonly use, so that existing dashboards work.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	rpc := []string{"grpc_type", "grpc_service", "grpc_method"}
	m.started = counter("grpc_server_started_total", "Calls started.", rpc...)
	m.handled = counter("grpc_server_handled_total", "Calls ended, by status code.", append(rpc[:3:3], "grpc_code")...)
	m.received = counter("grpc_server_msg_received_total", "Request messages received.", rpc...)
	m.sent = counter("grpc_server_msg_sent_total", "Response messages sent.", rpc...)
	m.refused = counter("courtsense_rpc_errors_total", "Calls ended with an error, by the reason in google.rpc.ErrorInfo.", "grpc_service", "grpc_method", "reason")
	m.handling = histogram("grpc_server_handling_seconds", "Duration of calls; of streams, their whole life.", rpcBuckets, rpc...)
	m.inFlight = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "courtsense_rpc_in_flight", Help: "Calls running now."}, rpc)
	m.panics = prometheus.NewCounter(prometheus.CounterOpts{Name: "courtsense_rpc_panics_total", Help: "Panics in handlers, each answered INTERNAL."})
	m.stage = histogram("courtsense_stage_seconds", "Duration of the pipeline's stages.", runBuckets, "stage")
	m.models = newModelMetrics()
	m.registry.MustRegister(m.started, m.handled, m.received, m.sent, m.refused, m.handling, m.inFlight, m.panics, m.stage,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(m.models.collectors()...)
	m.speech = newSpeechMetrics()
	m.registry.MustRegister(m.speech.collectors()...)
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// Registry is where other packages may register collectors of their own.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Handler serves the metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 30 * time.Second})
}

// RPC names a call in metrics. Its values must come from the server's own list of methods, never from the client.
type RPC struct {
	Service string // "courtsense.v1.FaceService"
	Method  string // "Detect"
	Type    string // "unary", "client_stream", "server_stream" or "bidi_stream"
}

// Call counts one running call.
type Call struct {
	m              *Metrics
	rpc            RPC
	began          time.Time
	received, sent prometheus.Counter
}

// Begin counts a call that starts.
func (m *Metrics) Begin(rpc RPC) *Call {
	l := []string{rpc.Type, rpc.Service, rpc.Method}
	m.started.WithLabelValues(l...).Inc()
	m.inFlight.WithLabelValues(l...).Inc()
	return &Call{m: m, rpc: rpc, began: time.Now(), received: m.received.WithLabelValues(l...), sent: m.sent.WithLabelValues(l...)}
}

// Received counts a request message.
func (c *Call) Received() { c.received.Inc() }

// Sent counts a response message.
func (c *Call) Sent() { c.sent.Inc() }

// Panicked counts a panic in the call's handler.
func (c *Call) Panicked() { c.m.panics.Inc() }

// End counts the call's end with its gRPC code ("OK", "InvalidArgument") and, unless it succeeded, its reason. It returns
// how long the call ran.
func (c *Call) End(code, reason string) time.Duration {
	ran := time.Since(c.began)
	l := []string{c.rpc.Type, c.rpc.Service, c.rpc.Method}
	c.m.inFlight.WithLabelValues(l...).Dec()
	c.m.handled.WithLabelValues(append(l[:3:3], code)...).Inc()
	c.m.handling.WithLabelValues(l...).Observe(ran.Seconds())
	if reason != "" {
		c.m.refused.WithLabelValues(c.rpc.Service, c.rpc.Method, reason).Inc()
	}
	return ran
}
