package rescore

import (
	"context"
	"sync"

	"github.com/courtsense/courtsense/pipeline/charlm"
)

// reach is how many neighbours on either side are read: more make the model's choice no better (models/embedded/char-lm.md).
const reach = 8

// Rescorer scores texts. It is safe for concurrent use.
type Rescorer struct{ model *charlm.Model }

// New makes a rescorer of a model, which it doesn't change.
func New(m *charlm.Model) *Rescorer { return &Rescorer{m} }

// Rescore returns the natural pseudo-log-likelihood of each text, but for a constant that all share: what the texts have in
// common at their beginning and at their end, out of a difference's reach, is left out. Texts are compared with each other in one
// call only. The error is the end of ctx.
func (r *Rescorer) Rescore(ctx context.Context, texts []string) ([]float32, error) {
	classes := make([][]charlm.Class, len(texts))
	for i, t := range texts {
		// A text is a paragraph of its own.
		classes[i], _ = r.model.Vocabulary.Append([]charlm.Class{charlm.Break}, nil, []rune(t))
		classes[i] = append(classes[i], charlm.Break)
	}
	head, tail := common(classes)
	out := make([]float32, len(texts))
	errs := make([]error, len(texts))
	var running sync.WaitGroup
	for i, text := range classes {
		var places []int
		for p := max(1, head-reach); p < min(len(text)-1, len(text)-tail+reach); p++ {
			places = append(places, p)
		}
		running.Go(func() {
			var logp []float32
			logp, errs[i] = r.model.LogProbabilities(ctx, text, places, reach)
			for _, p := range logp {
				out[i] += p
			}
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// common is how many classes all texts share at their beginning and at their end.
func common(texts [][]charlm.Class) (head, tail int) {
	if len(texts) == 0 {
		return 0, 0
	}
	first := texts[0]
	head, tail = len(first), len(first)
	for _, t := range texts[1:] {
		n := 0
		for n < min(head, len(t)) && t[n] == first[n] {
			n++
		}
		head = n
		n = 0
		for n < min(tail, len(t)) && t[len(t)-1-n] == first[len(first)-1-n] {
			n++
		}
		tail = n
	}
	return head, tail
}
