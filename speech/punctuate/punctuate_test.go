package punctuate_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/speech/punctuate"
)

const left, right = 5, 3

// network answers scores that depend on each id of its window, as the real one does, so that a wrong context shows.
type network struct{ err error }

func (n network) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	ids := in["ids"].Int64
	places := len(ids) - left - right
	out := make([]float32, 0, places*8)
	for t := range places {
		h := uint64(14695981039346656037)
		for _, id := range ids[t : t+left+1+right] {
			h = (h ^ uint64(id)) * 1099511628211
		}
		for c := range 8 {
			out = append(out, float32(h>>(8*c)&0xff))
		}
	}
	return pipeline.Tensors{"logits": {Shape: []int64{1, int64(places), 8}, Float32: out}}, n.err
}

func (network) Signature() pipeline.Signature { return pipeline.Signature{} }
func (network) Close() error                  { return nil }

func entry() models.Entry {
	return models.Entry{Family: models.FamilyPunctuator, Parameters: models.Parameters{"left": left, "right": right}}
}

var characters = "<out>\n<unknown>\n" + strings.Join(strings.Split("原告被诉称借款三五万元a1", ""), "\n") + "\n"

func punctuator(t require.TestingT) *punctuate.Punctuator {
	p, err := punctuate.New(network{}, entry(), []byte(characters))
	require.NoError(t, err)
	return p
}

func TestStreamGivesWhatTheWholeGives(t *testing.T) {
	p := punctuator(t)
	ctx := context.Background()
	alphabet := []rune("原告被诉称借款三五万元aab1 ，。龘\n")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 60).Draw(t, "text")
		want, err := p.Text(ctx, string(text), nil, true)
		require.NoError(t, err)
		s := p.NewStream()
		for range 2 { // a finished stream serves again
			got := ""
			for rest := text; len(rest) > 0; {
				n := rapid.IntRange(1, len(rest)).Draw(t, "n")
				part, err := s.Push(ctx, string(rest[:n]))
				require.NoError(t, err)
				got, rest = got+part, rest[n:]
				require.True(t, strings.HasPrefix(want, got), "%q is no begin of %q", got, want)
			}
			part, err := s.Finish(ctx)
			require.NoError(t, err)
			require.Equal(t, want, got+part)
		}
	})
}

func TestNothingIsLostAndNoMarkStandsWhereItMustNot(t *testing.T) {
	p := punctuator(t)
	ctx := context.Background()
	for _, text := range []string{"", "原告", "原告，被告。", "abc12原告ab", "  原告 被告  ", strings.Repeat("原告诉称被告借款", 300)} {
		got, err := p.Text(ctx, text, nil, true)
		require.NoError(t, err)
		bare := func(s string) string {
			return strings.Map(func(r rune) rune {
				if strings.ContainsRune("，。？！：；、", r) {
					return -1
				}
				return r
			}, s)
		}
		assert.Equal(t, bare(text), bare(got))
		assert.NotRegexp(t, `[，。？！：；、]{2}|[a-z0-9][，。？！：；、][a-z0-9]`, got)
		marks, err := p.Behind(ctx, text, [][2]int{{0, 8}}, false)
		require.NoError(t, err)
		for i := range min(7, len(marks)) {
			assert.Zero(t, marks[i], "%s: inside a place that is kept", text)
		}
		if len(marks) > 0 {
			assert.Zero(t, marks[len(marks)-1], "nothing ends here")
		}
	}
	got, err := p.Text(ctx, "原告诉称", nil, true)
	require.NoError(t, err)
	assert.Contains(t, "。？！", string([]rune(got)[len([]rune(got))-1]), "a whole text ends with a mark that ends it")
}

func TestScoreCountsMarks(t *testing.T) {
	p := punctuator(t)
	got, err := p.Text(context.Background(), "原告诉称被告借款三五万元", nil, true)
	require.NoError(t, err)
	counts := map[rune]*punctuate.Count{}
	n, err := punctuate.Score(context.Background(), p, got, counts)
	require.NoError(t, err)
	assert.Equal(t, 12, n)
	assert.Equal(t, 1., counts[0].F1(), "its own marks are right")
	assert.Zero(t, counts[0].Wrong+counts[0].Missed)
	assert.Zero(t, punctuate.Count{}.F1())
	c := punctuate.Count{Right: 3, Wrong: 1, Missed: 2}
	assert.InDelta(t, .75, c.Precision(), 1e-9)
	assert.InDelta(t, .6, c.Recall(), 1e-9)
	assert.InDelta(t, 2./3, c.F1(), 1e-9)
}

func TestRefusesWhatItCantUse(t *testing.T) {
	e := entry()
	e.Family = models.FamilyCTCStream
	_, err := punctuate.New(network{}, e, []byte(characters))
	require.ErrorContains(t, err, "punctuator")
	e = entry()
	delete(e.Parameters, "right")
	_, err = punctuate.New(network{}, e, []byte(characters))
	require.Error(t, err)
	_, err = punctuate.New(network{}, entry(), []byte("<out>\n<unknown>\n"))
	require.ErrorContains(t, err, "empty")
	broken := errors.New("broken")
	p, err := punctuate.New(network{err: broken}, entry(), []byte(characters))
	require.NoError(t, err)
	_, err = p.Text(context.Background(), "原告", nil, true)
	require.ErrorIs(t, err, broken)
	_, err = p.Text(context.Background(), "", nil, true)
	require.NoError(t, err, "an empty text asks nothing")
}
