package charlm

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/nlpodyssey/spago/mat"
)

// Fit is how well the model knows a text.
type Fit struct {
	Places     int     // characters that were asked for
	Perplexity float64 // among how many characters the model is undecided, as it were: e to the mean surprise
	Right      float64 // share of the characters that the model would have chosen itself, 0..1
	Coverage   float64 // share of the text's characters that have a class of their own or are digits or letters, 0..1
}

// measureReach is generous: what is measured is the model, not the time of a page.
const measureReach = 24

// Measure asks for at most so many characters, drawn from the text with a fixed seed, each from its neighbours.
func (m *Model) Measure(ctx context.Context, text []Class, most int) (Fit, error) {
	var fit Fit
	var all []int
	known, count := 0, 0
	for i, c := range text {
		if c == Break {
			continue
		}
		count++
		if c != Unknown {
			known++
		}
		if c >= marks {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return fit, nil
	}
	rng := rand.New(rand.NewPCG(1, 1))
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	places := all[:min(most, len(all))]
	slices.Sort(places)

	surprise, right := 0.0, 0
	err := m.weigh(ctx, text, places, measureReach, func(place int, row []float32) {
		best := 0
		for c := range row {
			if row[c] > row[best] {
				best = c
			}
		}
		surprise += logSumExp(row) - float64(row[text[place]])
		if best == int(text[place]) {
			right++
		}
		fit.Places++
	})
	if err != nil {
		return fit, err
	}
	fit.Perplexity = math.Exp(surprise / float64(fit.Places))
	fit.Right = float64(right) / float64(fit.Places)
	fit.Coverage = float64(known) / float64(count)
	return fit, nil
}

// LogProbabilities returns for each place of the text, given in ascending order, the natural log-probability of what stands there
// between its neighbours, of which at least reach on either side count. Their sum over a text is its pseudo-log-likelihood
// (Salazar et al. 2020). The error is the end of ctx.
func (m *Model) LogProbabilities(ctx context.Context, text []Class, places []int, reach int) ([]float32, error) {
	out := make([]float32, 0, len(places))
	err := m.weigh(ctx, text, places, reach, func(place int, row []float32) {
		out = append(out, row[text[place]]-float32(logSumExp(row)))
	})
	return out, err
}

// weigh tells the scores of all classes at each place; the row is used again.
func (m *Model) weigh(ctx context.Context, text []Class, places []int, reach int, tell func(place int, row []float32)) error {
	const together = 128
	rows := dense(m.sizes.classes, m.sizes.embedding, m.embed).T().(*mat.Dense[float32])
	for len(places) > 0 {
		n := min(together, len(places))
		around, err := m.Contexts(ctx, text, places[:n], reach)
		if err != nil {
			return err
		}
		scores := dense(n, m.sizes.embedding, slices.Concat(around...)).Mul(rows).Data().F32()
		for i, p := range places[:n] {
			row := scores[i*m.sizes.classes:][:m.sizes.classes]
			for c := range row {
				row[c] += m.bias[c]
			}
			tell(p, row)
		}
		places = places[n:]
	}
	return nil
}

func logSumExp(row []float32) float64 {
	most := slices.Max(row)
	sum := 0.0
	for _, f := range row {
		sum += float64(exp(f - most))
	}
	return float64(most) + math.Log(sum)
}
