package charlm

import (
	"context"
	"strings"
	"testing"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
	"github.com/nlpodyssey/spago/nn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGradients compares the operators' gradients with differences of the loss.
func TestGradients(t *testing.T) {
	const b, steps, h, e = 2, 4, 3, 5
	value := func(rows, columns int, seed float32) *nn.Param {
		d := make([]float32, rows*columns)
		for i := range d {
			seed = seed*1.7 + 0.31
			for seed > 1 {
				seed -= 2
			}
			d[i] = seed
		}
		return nn.NewParam(dense(rows, columns, d))
	}
	for _, backwards := range []bool{false, true} {
		embed, weights, out, rows, bias := value(6, 4*h, 0.1), value(h, 4*h, 0.2), value(h, e, 0.3), value(3, e, 0.4), value(3, 1, 0.5)
		read := []Class{0, 1, 2, 3, 4, 5, 1, 1}
		loss := func() mat.Tensor {
			around := recurred(gathered(embed, read), weights, b, backwards)
			return ag.NewOperator(&sampledSoftmax{vectors: ag.Mul(around, out), rows: rows, bias: bias, offered: []float32{0, -0.5, -1},
				targets: []int{0, 1, 2, 0, 1, 2, 0, 1}}).Run()
		}
		require.Len(t, read, b*steps)
		require.NoError(t, ag.Backward(loss()))
		for name, p := range map[string]*nn.Param{"embed": embed, "weights": weights, "out": out, "rows": rows, "bias": bias} {
			grad, data := p.Grad().Data().F32(), p.Data().F32()
			for i := range data {
				const step = 1e-2
				was := data[i]
				data[i] = was + step
				up := loss().Value().Item().F64()
				data[i] = was - step
				down := loss().Value().Item().F64()
				data[i] = was
				assert.InDelta(t, (up-down)/(2*step), grad[i], 2e-3, "%s[%d], backwards %v", name, i, backwards)
			}
		}
	}
}

func TestAStatesContextIsWhatTheModelReads(t *testing.T) {
	// The trainer's operator and the model's reading are two ways to the same states.
	m := small(t)
	text, _ := m.Vocabulary.Append(nil, nil, []rune("原告被告诉至本院"))
	places := make([]int, len(text))
	for i := range places {
		places[i] = i
	}
	want, err := m.Contexts(context.Background(), text, places, 100)
	require.NoError(t, err)
	n, h := len(text), m.sizes.state
	both := make([]float32, 0, n*2*h)
	var sides [2][]float32
	for d, s := range m.sides {
		x := floats(gathered(dense(m.sizes.classes, m.sizes.embedding, m.embed), text).Value().(mat.Matrix).Mul(s.input))
		for i := range x {
			x[i] += s.bias[i%len(s.bias)]
		}
		sides[d] = floats(recurred(dense(n, 4*h, x), s.recurrent, 1, d == 1))
	}
	for i := range n {
		both = append(append(both, sides[0][i*h:][:h]...), sides[1][i*h:][:h]...)
	}
	got := m.joined(both, n)
	for i := range n {
		assert.InDeltaSlice(t, want[i], got[i*m.sizes.embedding:][:m.sizes.embedding], 1e-5)
	}
}

func TestTrainingTeachesAText(t *testing.T) {
	m := small(t)
	text, _ := m.Vocabulary.Append([]Class{Break}, nil, []rune(strings.Repeat("原告诉至本院，被告诉原告。", 20)))
	before, err := m.Measure(context.Background(), text, 200)
	require.NoError(t, err)
	run := func(seed uint64) *Model {
		tr, err := NewTrainer(m, text, 2e-2, seed)
		require.NoError(t, err)
		for i := range 60 {
			_, err := tr.Step(float64(i) / 60)
			require.NoError(t, err)
		}
		return tr.Model()
	}
	learnt := run(1)
	after, err := learnt.Measure(context.Background(), text, 200)
	require.NoError(t, err)
	assert.Less(t, after.Perplexity, 0.5*before.Perplexity, "from %v to %v", before, after)
	assert.Greater(t, after.Right, before.Right)
	assert.InDelta(t, 1, after.Coverage, 1e-9)
	assert.Equal(t, 200, after.Places)

	again, err := m.Measure(context.Background(), text, 200)
	require.NoError(t, err)
	assert.Equal(t, before, again, "the model that was taught from is as it was")

	b, err := learnt.Encode()
	require.NoError(t, err)
	c, err := run(1).Encode()
	require.NoError(t, err)
	assert.Equal(t, b, c, "a run repeats")
	rounded, err := Parse(b)
	require.NoError(t, err)
	kept, err := rounded.Measure(context.Background(), text, 200)
	require.NoError(t, err)
	assert.Less(t, kept.Perplexity, 1.05*after.Perplexity)
}

func TestTooLittleText(t *testing.T) {
	_, err := NewTrainer(small(t), make([]Class, 30), 1e-3, 1)
	assert.ErrorIs(t, err, ErrTooShort)
	fit, err := small(t).Measure(context.Background(), []Class{Break, Digits}, 10)
	require.NoError(t, err)
	assert.Zero(t, fit.Perplexity)
	tr, err := NewTrainer(small(t), make([]Class, 200), 1e-3, 1)
	require.NoError(t, err)
	_, err = tr.Step(0)
	require.NoError(t, err, "nothing but unknown characters teaches nothing and breaks nothing")
}

func BenchmarkTrainingStep(b *testing.B) {
	m := embeddedModel(b)
	text := make([]Class, 20000)
	for i := range text {
		text[i] = marks + Class(i*i%1999)
	}
	tr, err := NewTrainer(m, text, 1e-4, 1)
	require.NoError(b, err)
	for b.Loop() {
		_, err := tr.Step(0)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.N)*StepClasses/b.Elapsed().Seconds(), "classes/s")
}
