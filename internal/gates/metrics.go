package gates

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/courtsense/courtsense/internal/webhook"
)

// metrics are the gates' Prometheus metrics. Labels are names of the configuration, never of people.
type metrics struct {
	gates                      *Gates
	events, failures, webhooks *prometheus.CounterVec
	reloads                    *prometheus.CounterVec
	lost, unwritten            prometheus.Counter
	looks                      *prometheus.HistogramVec

	up, frames, bad, dropped, opened, last, followers, policy *prometheus.Desc
}

// From a small picture without faces to one with several that are all identified.
var lookBuckets = []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 2}

func newMetrics(g *Gates) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	single := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &metrics{
		gates:     g,
		events:    counter("courtsense_gate_events_total", "Events at the gates.", "camera", "type"),
		failures:  counter("courtsense_gate_recognition_errors_total", "Pictures on which models or galleries failed.", "camera"),
		webhooks:  counter("courtsense_webhook_messages_total", "Messages of the webhook by what became of them; retried counts attempts.", "outcome"),
		reloads:   counter("courtsense_gate_policy_reloads_total", "Changes of the policy's file: taken, or refused, which leaves the policy as it was.", "result"),
		lost:      single("courtsense_gate_events_lost_total", "Events that were neither written nor told, as the disk did not keep up."),
		unwritten: single("courtsense_gate_events_unwritten_total", "Events that were told but could not be written to the journal."),
		looks:     prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "courtsense_gate_look_seconds", Help: "Time for one picture: detection, and what was done for the faces on it.", Buckets: lookBuckets}, []string{"camera"}),
		up:        desc("courtsense_camera_up", "1 while a camera's pictures come.", "camera"),
		frames:    desc("courtsense_camera_frames_total", "Pictures that came from a camera.", "camera"),
		bad:       desc("courtsense_camera_bad_frames_total", "Pictures that could not be read.", "camera"),
		dropped:   desc("courtsense_camera_dropped_frames_total", "Pictures that were left out as newer ones came before there was time for them.", "camera"),
		opened:    desc("courtsense_camera_opened_total", "Times that a camera was opened.", "camera"),
		last:      desc("courtsense_camera_last_frame_timestamp_seconds", "When the last picture came.", "camera"),
		followers: desc("courtsense_gate_followers", "Clients that follow the events."),
		policy:    desc("courtsense_gate_policy_current", "1 while the policy in force is the one in its file, 0 while that can't be used."),
	}
}

func (m *metrics) parts() []prometheus.Collector {
	return []prometheus.Collector{m.events, m.failures, m.webhooks, m.reloads, m.lost, m.unwritten, m.looks}
}

func (m *metrics) descs() []*prometheus.Desc {
	return []*prometheus.Desc{m.up, m.frames, m.bad, m.dropped, m.opened, m.last, m.followers, m.policy}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range m.descs() {
		out <- d
	}
	for _, p := range m.parts() {
		p.Describe(out)
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	for _, p := range m.parts() {
		p.Collect(out)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for name, s := range m.gates.Cameras() {
		gauge(m.up, bit(s.Live), name)
		for d, v := range map[*prometheus.Desc]int64{m.frames: s.Frames, m.bad: s.Bad, m.dropped: s.Dropped, m.opened: s.Opened} {
			out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), name)
		}
		if !s.LastFrame.IsZero() {
			gauge(m.last, float64(s.LastFrame.UnixMilli())/1000, name)
		}
	}
	gauge(m.followers, float64(m.gates.hub.count()))
	if p := m.gates.cfg.Policy; p != nil {
		gauge(m.policy, bit(p.Problem() == nil))
	}
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Delivered counts what became of the webhook's messages.
func (g *Gates) Delivered(o webhook.Outcome) { g.metrics.webhooks.WithLabelValues(string(o)).Inc() }
