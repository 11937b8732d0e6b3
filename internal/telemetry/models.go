package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/courtsense/courtsense/pipeline"
)

var _ pipeline.Observer = (*Metrics)(nil)

type modelMetrics struct {
	requests, runs            *prometheus.CounterVec
	batch, requestsPerRun     *prometheus.HistogramVec
	queue, request, inference *prometheus.HistogramVec
	state                     *prometheus.GaugeVec
}

var batchBuckets = []float64{1, 2, 4, 8, 16, 32, 64, 128}

func newModelMetrics() modelMetrics {
	return modelMetrics{
		requests:       counter("courtsense_model_requests_total", "Requests to a model by how they ended: OK, REJECTED, CANCELED, DEADLINE, INVALID or BACKEND.", "model", "result"),
		runs:           counter("courtsense_model_runs_total", "Runs of a model by how they ended.", "model", "result"),
		batch:          histogram("courtsense_model_batch_size", "Rows of one run.", batchBuckets, "model"),
		requestsPerRun: histogram("courtsense_model_run_requests", "Requests joined into one run.", batchBuckets, "model"),
		queue:          histogram("courtsense_model_queue_seconds", "Time from a request's arrival to its run, or to its giving up.", runBuckets, "model"),
		request:        histogram("courtsense_model_request_run_seconds", "Time from the start of a request's run to its answer.", runBuckets, "model"),
		inference:      histogram("courtsense_model_run_seconds", "Time of one run in the runtime.", runBuckets, "model"),
		state:          prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "courtsense_model_state", Help: "1 for the state that a model is in."}, []string{"model", "state"}),
	}
}

func (m modelMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.runs, m.batch, m.requestsPerRun, m.queue, m.request, m.inference, m.state}
}

func result(r pipeline.Reason) string {
	if r == "" {
		return "OK"
	}
	return string(r)
}

// RequestFinished implements pipeline.Observer.
func (m *Metrics) RequestFinished(r pipeline.RequestStats) {
	m.models.requests.WithLabelValues(r.Model, result(r.Reason)).Inc()
	if r.Reason != pipeline.Rejected {
		m.models.queue.WithLabelValues(r.Model).Observe(r.Queue.Seconds())
	}
	if r.BatchRows > 0 {
		m.models.request.WithLabelValues(r.Model).Observe(r.Run.Seconds())
	}
}

// RunFinished implements pipeline.Observer.
func (m *Metrics) RunFinished(r pipeline.RunStats) {
	m.models.runs.WithLabelValues(r.Model, result(r.Reason)).Inc()
	m.models.batch.WithLabelValues(r.Model).Observe(float64(r.Rows))
	m.models.requestsPerRun.WithLabelValues(r.Model).Observe(float64(r.Requests))
	m.models.inference.WithLabelValues(r.Model).Observe(r.Run.Seconds())
}

// StateChanged implements pipeline.Observer.
func (m *Metrics) StateChanged(model string, s pipeline.State) {
	for _, other := range []pipeline.State{pipeline.Loading, pipeline.Warming, pipeline.Ready, pipeline.Unloading, pipeline.Unloaded, pipeline.Failed} {
		value := 0.0
		if other == s {
			value = 1
		}
		m.models.state.WithLabelValues(model, string(other)).Set(value)
	}
}
