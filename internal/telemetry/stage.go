package telemetry

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
)

const tracerName = "github.com/courtsense/courtsense"

type timingsKey struct{}

// Timing is how long a stage of the pipeline took in one call, summed over its runs.
type Timing struct {
	Stage    string // "decode", "detect", "recognize"
	Duration time.Duration
	Runs     int
}

// Timings collects the stages of one call, or of one page or segment of a stream, for its provenance. It is safe for
// concurrent use, and a nil *Timings collects nothing.
type Timings struct {
	metrics *Metrics
	mu      sync.Mutex
	list    []Timing
}

// WithTimings starts collecting anew: the stages run with the returned context are added to the returned Timings only.
func WithTimings(ctx context.Context) (context.Context, *Timings) {
	t := &Timings{}
	if parent := TimingsOf(ctx); parent != nil {
		t.metrics = parent.metrics
	}
	return context.WithValue(ctx, timingsKey{}, t), t
}

// WithMetrics starts collecting as [WithTimings] does, and has every stage below observed by m.
func WithMetrics(ctx context.Context, m *Metrics) context.Context {
	return context.WithValue(ctx, timingsKey{}, &Timings{metrics: m})
}

// TimingsOf returns what collects ctx's stages, nil when nothing does.
func TimingsOf(ctx context.Context) *Timings {
	t, _ := ctx.Value(timingsKey{}).(*Timings)
	return t
}

// List returns the stages in the order in which they first ended.
func (t *Timings) List() []Timing {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Timing(nil), t.list...)
}

func (t *Timings) add(stage string, d time.Duration) {
	if t == nil {
		return
	}
	if t.metrics != nil {
		t.metrics.stage.WithLabelValues(stage).Observe(d.Seconds())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.list {
		if t.list[i].Stage == stage {
			t.list[i].Duration += d
			t.list[i].Runs++
			return
		}
	}
	t.list = append(t.list, Timing{Stage: stage, Duration: d, Runs: 1})
}

// Stage begins a stage of the pipeline: a span of that name, and a timing for the provenance. The caller ends it with the
// stage's error, or nil; ending twice counts once. The name must be a constant of the code.
//
//	ctx, end := telemetry.Stage(ctx, "detect")
//	faces, err := detector.Detect(ctx, picture, options)
//	end(err)
func Stage(ctx context.Context, name string) (context.Context, func(error)) {
	collector, began := TimingsOf(ctx), time.Now()
	ctx, span := otel.Tracer(tracerName).Start(ctx, name)
	var once sync.Once
	return ctx, func(err error) {
		once.Do(func() {
			collector.add(name, time.Since(began))
			if err != nil {
				// Only the fact: an error's text may quote the input.
				span.SetStatus(codes.Error, "failed")
			}
			span.End()
		})
	}
}
