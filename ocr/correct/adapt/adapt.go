package adapt

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/courtsense/courtsense/pipeline/charlm"
)

// Options of a run.
type Options struct {
	Epochs float64 // how often to go through the texts
	Rate   float64 // learning rate of Adam
	Seed   uint64
	Places int // held-out characters to measure with

	// Keep is handed the model whenever it has got better; it must not be changed afterwards. An error ends the run.
	Keep func(*charlm.Model) error
	// Progress is told after every step; may be nil.
	Progress func(Progress)
}

// Progress of a run.
type Progress struct {
	Done         float64 // 0..1
	PerSecond    float64 // characters learnt from, as the model counts them
	Left         time.Duration
	Before, Best float64 // perplexity on the held-out texts
}

// Report is what a run has brought.
type Report struct {
	Before, After charlm.Fit // on the held-out texts; After is the best's
	Improved      bool
	Done          float64 // 0..1; less than 1 when it was interrupted
	Seconds       float64
	PerSecond     float64 // characters learnt from; measuring not counted
}

// checks is how often in a run the held-out texts are measured.
const checks = 8

// Run teaches a copy of m the corpus. When ctx ends it returns what has been reached, and the end of ctx as the error.
func (o Options) Run(ctx context.Context, m *charlm.Model, c *Corpus) (Report, error) {
	var r Report
	trainer, err := charlm.NewTrainer(m, c.learn, o.Rate, o.Seed)
	if err != nil {
		return r, err
	}
	if r.Before, err = m.Measure(ctx, c.held, o.Places); err != nil {
		return r, err
	}
	r.After = r.Before
	steps := max(1, int(math.Ceil(o.Epochs*float64(len(c.learn))/charlm.StepClasses)))
	begin, measuring := time.Now(), time.Duration(0)
	finish := func(step int) {
		r.Done = float64(step) / float64(steps)
		r.Seconds = time.Since(begin).Seconds()
		if learning := (time.Since(begin) - measuring).Seconds(); learning > 0 {
			r.PerSecond = float64(step*charlm.StepClasses) / learning
		}
	}
	for step := 1; step <= steps; step++ {
		if ctx.Err() != nil {
			finish(step - 1)
			return r, context.Cause(ctx)
		}
		if _, err := trainer.Step(float64(step) / float64(steps)); err != nil {
			return r, fmt.Errorf("step %d: %w; try a lower learning rate", step, err)
		}
		if step == steps || step%max(1, steps/checks) == 0 {
			start := time.Now()
			err := o.check(ctx, trainer, c, &r)
			measuring += time.Since(start)
			if err != nil {
				finish(step)
				return r, err
			}
		}
		finish(step)
		if o.Progress != nil {
			left := time.Duration(r.Seconds / float64(step) * float64(steps-step) * float64(time.Second))
			o.Progress(Progress{r.Done, r.PerSecond, left, r.Before.Perplexity, r.After.Perplexity})
		}
	}
	return r, nil
}

// check measures the model as it would be read from its file, and keeps it when it is the best so far.
func (o Options) check(ctx context.Context, trainer *charlm.Trainer, c *Corpus, r *Report) error {
	learnt := trainer.Model()
	if !strings.Contains(learnt.About, adapted) {
		learnt.About += adapted
	}
	b, err := learnt.Encode()
	if err != nil {
		return err
	}
	rounded, err := charlm.Parse(b)
	if err != nil {
		return err
	}
	fit, err := rounded.Measure(ctx, c.held, o.Places)
	if err != nil {
		return err
	}
	if fit.Perplexity >= r.After.Perplexity {
		return nil
	}
	r.After, r.Improved = fit, true
	return o.Keep(rounded)
}

// adapted is added to the description of a model that was taught.
const adapted = " Adapted to a court's own texts."
