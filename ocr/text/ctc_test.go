package text

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// slowGreedy is best-path decoding word for word: the classes of the frames' largest values, repetitions joined, blanks
// dropped; with softmax over everything at the first of the frames where the class's value is largest.
func slowGreedy(d decoder, values []float32, frames int) (classes []int, confidences []float64, others [][]int) {
	path := make([]int, frames)
	for f := range path {
		for c, v := range values[f*d.classes : (f+1)*d.classes] {
			if v > values[f*d.classes+path[f]] {
				path[f] = c
			}
		}
	}
	for f := 0; f < frames; {
		end := f
		peak := f
		for ; end < frames && path[end] == path[f]; end++ {
			if values[end*d.classes+path[f]] > values[peak*d.classes+path[f]] {
				peak = end
			}
		}
		if path[f] != d.blank {
			row := values[peak*d.classes : (peak+1)*d.classes]
			p, sum := make([]float64, d.classes), 0.0
			for c, v := range row {
				if p[c] = math.Exp(float64(v) / d.temperature); !d.logits {
					p[c] = math.Pow(float64(v), 1/d.temperature)
				}
				sum += p[c]
			}
			order := make([]int, 0, d.classes)
			for c := range row {
				if c != path[f] && c != d.blank && c != d.space {
					order = append(order, c)
				}
			}
			slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[b], p[a]) })
			classes, confidences = append(classes, path[f]), append(confidences, p[path[f]]/sum)
			others = append(others, order[:min(len(order), MaxReadings)])
		}
		f = end
	}
	return classes, confidences, others
}

func TestGreedyAgreesWithASlowReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := decoder{classes: rapid.IntRange(2, 30).Draw(t, "classes"), space: -1, logits: rapid.Bool().Draw(t, "logits"),
			temperature: rapid.SampledFrom([]float64{1, 0.7, 1.5}).Draw(t, "temperature")}
		d.blank = rapid.IntRange(0, d.classes-1).Draw(t, "blank")
		frames := rapid.IntRange(0, 12).Draw(t, "frames")
		raw := rapid.SliceOfN(rapid.Float32Range(-6, 6), frames*d.classes, frames*d.classes).Draw(t, "values")
		if !d.logits { // rows of probabilities
			for f := range frames {
				row, sum := raw[f*d.classes:(f+1)*d.classes], 0.0
				for i, v := range row {
					row[i] = float32(math.Exp(float64(v)))
					sum += float64(row[i])
				}
				for i := range row {
					row[i] /= float32(sum)
				}
			}
		}
		got, err := d.greedy(raw, frames, nil)
		if err != nil {
			t.Fatal(err)
		}
		classes, confidences, others := slowGreedy(d, raw, frames)
		if len(got) != len(classes) {
			t.Fatalf("%d emissions, want %v", len(got), classes)
		}
		for i, e := range got {
			if e.class != classes[i] || math.Abs(float64(e.confidence)-confidences[i]) > 1e-4 {
				t.Fatalf("emission %d is %+v, want class %d with %v", i, e, classes[i], confidences[i])
			}
			for k, o := range e.others {
				if k >= len(others[i]) {
					if o != (scored{}) {
						t.Fatalf("candidate %d of %d: %+v", k, len(others[i]), o)
					}
					continue
				}
				want := raw[e.peak*d.classes+others[i][k]]
				// Those that float32 cannot tell apart may change places.
				if got := raw[e.peak*d.classes+o.class]; math.Abs(float64(got-want)) > 1e-5 {
					t.Fatalf("candidates %+v, want classes %v", e.others, others[i])
				}
			}
		}
	})
}

// The ranked form holds the same as all probabilities, as far as it goes.
func TestRankedAgreesWithGreedy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := decoder{classes: 24, space: -1, temperature: 1}
		const k = MaxReadings + 2 // what is emitted, the blank, and all that is kept
		frames := rapid.IntRange(1, 10).Draw(t, "frames")
		values := make([]float32, frames*d.classes)
		scores, classes := make([]float32, frames*k), make([]int64, frames*k)
		for f := range frames {
			row, sum := values[f*d.classes:(f+1)*d.classes], float32(0)
			for c, v := range rapid.Permutation([]float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 300}).Draw(t, "row") {
				row[c] = v
				sum += v
			}
			order := make([]int, d.classes)
			for c := range row {
				row[c] /= sum
				order[c] = c
			}
			slices.SortFunc(order, func(a, b int) int { return cmp.Compare(row[b], row[a]) })
			for i := range k {
				scores[f*k+i], classes[f*k+i] = row[order[i]], int64(order[i])
			}
		}
		want, err := d.greedy(values, frames, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.ranked(scores, classes, k, frames)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestFastExponential(t *testing.T) {
	for x := -79.5; x < 79.5; x += 0.0137 {
		if want := math.Exp(x); math.Abs(float64(exp32(float32(x)))-want) > 1e-5*want {
			t.Fatalf("e^%v is %v, want %v", x, exp32(float32(x)), want)
		}
	}
	assert.Equal(t, float32(1), exp32(0))
	assert.True(t, math.IsNaN(float64(exp32(float32(math.NaN())))))
}

func TestTemperatureLowersConfidence(t *testing.T) {
	row := []float32{0, 4, 2, 1}
	cold, err := decoder{classes: 4, space: -1, logits: true, temperature: 1}.greedy(row, 1, nil)
	require.NoError(t, err)
	warm, err := decoder{classes: 4, space: -1, logits: true, temperature: 2}.greedy(row, 1, nil)
	require.NoError(t, err)
	assert.InDelta(t, 1/(1+math.Exp(-2)+math.Exp(-3)+math.Exp(-4)), cold[0].confidence, 1e-6)
	assert.InDelta(t, 1/(1+math.Exp(-1)+math.Exp(-1.5)+math.Exp(-2)), warm[0].confidence, 1e-6)
	ranked, err := decoder{classes: 4, space: -1, temperature: 2}.ranked([]float32{0.7, 0.2}, []int64{1, 2}, 2, 1)
	require.NoError(t, err)
	assert.Less(t, ranked[0].confidence, float32(0.7))
}

func TestFramesThatHoldNoNumbers(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	d := decoder{classes: 3, space: -1, logits: true, temperature: 1}
	for _, row := range [][]float32{{nan, nan, nan}, {0, inf, 0}} {
		_, err := d.greedy(row, 1, nil)
		require.ErrorIs(t, err, errNoNumbers, "%v", row)
	}
	_, err := d.greedy([]float32{0, 1, nan}, 1, nil)
	require.ErrorIs(t, err, errNoNumbers, "a sum of what is no number")
	_, err = d.ranked([]float32{nan, 0}, []int64{1, 2}, 2, 1)
	require.ErrorIs(t, err, errNoNumbers)
	_, err = d.ranked([]float32{0.5, 0}, []int64{3, 2}, 2, 1)
	require.ErrorContains(t, err, "class 3 of 3")
}

// The frames of a line of 40 characters with the classes of GB 2312.
func BenchmarkGreedy(b *testing.B) {
	const classes, frames = 7500, 320
	values := make([]float32, classes*frames)
	for i := range values {
		values[i] = float32(i*2654435761>>8%1000) / 200
	}
	for f := range frames {
		if f%8 < 6 {
			values[f*classes] = 15
		} else {
			values[f*classes+1+f/8*17] = 15
		}
	}
	d := decoder{classes: classes, space: -1, logits: true, temperature: 1}
	var out []emission
	b.SetBytes(4 * classes * frames)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if out, err = d.greedy(values, frames, out[:0]); err != nil || len(out) != 40 {
			b.Fatal(len(out), err)
		}
	}
}
