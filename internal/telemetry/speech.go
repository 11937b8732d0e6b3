package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Speech counts what SpeechService hears. A nil *Speech counts nothing.
type Speech struct {
	streams    prometheus.Gauge
	sound      prometheus.Counter
	segments   *prometheus.CounterVec
	words      prometheus.Counter
	hotWords   prometheus.Counter
	unusable   *prometheus.CounterVec
	confidence prometheus.Histogram
	turns      prometheus.Counter
	unwritten  prometheus.Counter
	writing    prometheus.Histogram
}

func newSpeechMetrics() *Speech {
	return &Speech{
		streams:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "courtsense_speech_streams", Help: "Recordings and streams that are being heard now."}),
		sound:      prometheus.NewCounter(prometheus.CounterOpts{Name: "courtsense_speech_audio_seconds_total", Help: "Sound that was heard to its end, seconds, all channels of it at once."}),
		segments:   counter("courtsense_speech_segments_total", "Final segments, by what ended them.", "ended_by"),
		words:      prometheus.NewCounter(prometheus.CounterOpts{Name: "courtsense_speech_words_total", Help: "Words (of Chinese characters) in final segments."}),
		hotWords:   prometheus.NewCounter(prometheus.CounterOpts{Name: "courtsense_speech_hot_word_words_total", Help: "Words in final segments that belong to a hot word."}),
		unusable:   counter("courtsense_speech_hot_words_unusable_total", "Hot words that could not be used, by reason.", "reason"),
		confidence: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "courtsense_speech_confidence", Help: "Confidence of final segments with text.", Buckets: prometheus.LinearBuckets(.1, .1, 10)}),
		turns:      prometheus.NewCounter(prometheus.CounterOpts{Name: "courtsense_record_turns_total", Help: "Turns that streams wrote into records."}),
		unwritten:  prometheus.NewCounter(prometheus.CounterOpts{Name: "courtsense_record_failures_total", Help: "Final results that could not be written into a record, which ends their streams."}),
		writing:    prometheus.NewHistogram(prometheus.HistogramOpts{Name: "courtsense_record_write_seconds", Help: "Time until a final result was on the disk, with the sound before it.", Buckets: prometheus.ExponentialBuckets(.0005, 2, 14)}),
	}
}

func (s *Speech) collectors() []prometheus.Collector {
	return []prometheus.Collector{s.streams, s.sound, s.segments, s.words, s.hotWords, s.unusable, s.confidence, s.turns, s.unwritten, s.writing}
}

// Speech returns the metrics of SpeechService; nil of nil.
func (m *Metrics) Speech() *Speech {
	if m == nil {
		return nil
	}
	return m.speech
}

// Begin counts a recording or stream; the function that it returns counts its end, with the length of its sound.
func (s *Speech) Begin() (end func(seconds float64)) {
	if s == nil {
		return func(float64) {}
	}
	s.streams.Inc()
	return func(seconds float64) {
		s.streams.Dec()
		s.sound.Add(seconds)
	}
}

// Segment counts a final segment: what ended it, its words, and how many of them belong to hot words.
func (s *Speech) Segment(endedBy string, words, hot int, confidence float32) {
	if s == nil {
		return
	}
	s.segments.WithLabelValues(endedBy).Inc()
	s.words.Add(float64(words))
	s.hotWords.Add(float64(hot))
	if words > 0 {
		s.confidence.Observe(float64(confidence))
	}
}

// Unusable counts a hot word that can't be used; the reason is one of the contract's.
func (s *Speech) Unusable(reason string) {
	if s != nil {
		s.unusable.WithLabelValues(reason).Inc()
	}
}

// Recorded counts turns that a stream wrote into a record, and how long that took.
func (s *Speech) Recorded(turns int, took time.Duration, err error) {
	switch {
	case s == nil:
	case err != nil:
		s.unwritten.Inc()
	default:
		s.turns.Add(float64(turns))
		s.writing.Observe(took.Seconds())
	}
}
