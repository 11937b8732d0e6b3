package language

import (
	"context"
	"iter"
	"math"

	"github.com/courtsense/courtsense/speech/language/spoken"
)

// Fit is how well a model knows texts.
type Fit struct {
	Utterances int     // sentences
	Characters int     // that the model knows
	Unknown    int     // that it doesn't
	LogP       float64 // natural logarithm of the probability of all known characters; ends of sentences are not counted
}

// Perplexity is among how many characters the model is undecided, as it were; unknown characters are left out. NaN without any.
func (f Fit) Perplexity() float64 { return math.Exp(-f.LogP / float64(f.Characters)) }

// Coverage is the share of the characters that the model knows, 0..1.
func (f Fit) Coverage() float64 { return float64(f.Characters) / float64(f.Characters+f.Unknown) }

// Measure scores paragraphs in the form in which they are said. A sentence begins anew; pauses are left out. The error is the end
// of ctx.
func Measure(ctx context.Context, m Model, paragraphs iter.Seq[string]) (Fit, error) {
	var f Fit
	for paragraph := range paragraphs {
		if ctx.Err() != nil {
			return f, context.Cause(ctx)
		}
		s, begun := m.Start(), false
		for _, r := range spoken.Form(paragraph) {
			switch {
			case r == spoken.Stop:
				s, begun = m.Start(), false
				continue
			case r == spoken.Pause:
				continue
			}
			if !begun {
				f.Utterances++
				begun = true
			}
			var p float32
			p, s = m.Score(s, r)
			if m.Known(r) {
				f.Characters++
				f.LogP += float64(p)
			} else {
				f.Unknown++
			}
		}
	}
	return f, nil
}
