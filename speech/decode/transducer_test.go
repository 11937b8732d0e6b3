package decode

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// copier is a transducer whose encoder's rows are the posteriors themselves. Where the row says so (its blank is forbidden),
// the joiner hears a token only after the right one.
type copier struct {
	after  map[int64]int64 // token: the one that it must follow
	broken error
	asked  [][]int64
}

func (c *copier) ContextSize() int { return 2 }
func (c *copier) Start() []int64   { return []int64{-1, 0} }

func (c *copier) Predict(_ context.Context, contexts [][]int64) ([][]float32, error) {
	rows := make([][]float32, len(contexts))
	for i, v := range contexts {
		c.asked = append(c.asked, append([]int64{}, v...))
		rows[i] = []float32{float32(v[0]), float32(v[1])}
	}
	return rows, nil
}

func (c *copier) Join(_ context.Context, encoded, predicted [][]float32) ([][]float32, error) {
	if c.broken != nil {
		return nil, c.broken
	}
	out := make([][]float32, len(encoded))
	for i := range encoded {
		out[i] = append([]float32{}, encoded[i]...)
		for token, before := range c.after {
			if predicted[i][1] != float32(before) {
				out[i][token] = -12
			}
		}
	}
	return out, nil
}

func TestTransducer(t *testing.T) {
	fake := &copier{}
	d := testDecoder(t, Config{Transducer: fake})
	// Each frame writes one token or none.
	rows := [][]float32{row(0.95, "原"), row(0), row(0.95, "告"), row(0), row(0.95, "章"), row(0.95, "三"), row(0)}
	s := d.NewStream()
	require.NoError(t, s.Push(background, rows))
	h := s.Hypotheses(2)
	assert.Equal(t, "原告章三", h[0].Text())
	assert.Equal(t, []int{0, 2, 4, 5}, []int{h[0].Characters[0].Start, h[0].Characters[1].Start, h[0].Characters[2].Start, h[0].Characters[3].Start})
	assert.Equal(t, []int64{-1, 0}, fake.asked[0])
	assert.Contains(t, fake.asked, []int64{4, 6}, "the tokens that were heard, 章 and 三")

	s.Reset()
	s.SetHotwords(testGraph(t, "张三"))
	require.NoError(t, s.Push(background, rows))
	final, err := s.Finish(background, 1)
	require.NoError(t, err)
	assert.Equal(t, "原告张三", final[0].Text(), "by its sound")
	assert.Equal(t, "张三", final[0].Characters[3].Hotword)
}

func TestTransducerKnowsWhatWasHeardBefore(t *testing.T) {
	// 告 is heard after 原 alone.
	d := testDecoder(t, Config{Transducer: &copier{after: map[int64]int64{9: 8}}})
	s := d.NewStream()
	require.NoError(t, s.Push(background, [][]float32{row(0.6, "元"), row(0.9, "告"), row(0.9, "原"), row(0.9, "告")}))
	h := s.Hypotheses(1)[0]
	assert.Equal(t, "原告", h.Text(), "of the ways to hear 原, the one that counts most is the context")
}

func TestFailingTransducer(t *testing.T) {
	fake := &copier{}
	s := testDecoder(t, Config{Transducer: fake}).NewStream()
	require.NoError(t, s.Push(background, [][]float32{row(0.9, "原")}))
	before := s.Hypotheses(3)
	fake.broken = errors.New("out of memory")
	require.ErrorContains(t, s.Push(background, [][]float32{row(0.9, "告")}), "out of memory")
	assert.Equal(t, 1, s.Frames(), "the frame can be pushed again")
	assert.Equal(t, before, s.Hypotheses(3))
	fake.broken = nil
	require.NoError(t, s.Push(background, [][]float32{row(0.9, "告"), row(0)}))
	assert.Equal(t, "原告", s.Hypotheses(1)[0].Text())
	require.Error(t, testDecoder(t, Config{Transducer: narrow{fake}}).NewStream().Push(background, [][]float32{row(0)}))
}

// narrow joins to too few tokens.
type narrow struct{ *copier }

func (n narrow) Join(_ context.Context, encoded, _ [][]float32) ([][]float32, error) {
	out := make([][]float32, len(encoded))
	for i := range out {
		out[i] = []float32{0, 0}
	}
	return out, nil
}
