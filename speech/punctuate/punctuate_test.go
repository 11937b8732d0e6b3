package punctuate_test

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/speech/punctuate"
)

// network answers scores that depend on each word of the whole text, as the real one does, so that a wrong context shows.
type network struct{ err error }

func (n network) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	h := uint64(14695981039346656037)
	places := len(in["words"].Int64)
	for t := range places {
		for _, name := range []string{"words", "first", "last", "kinds"} {
			h = (h ^ uint64(in[name].Int64[t])) * 1099511628211
		}
	}
	out := make([]float32, 0, places*8)
	for t := range places {
		h = (h ^ uint64(t)) * 1099511628211
		for c := range 8 {
			out = append(out, float32(h>>(8*c)&0xff)/64)
		}
	}
	return pipeline.Tensors{"logits": {Shape: []int64{1, int64(places), 8}, Float32: out}}, n.err
}

func (network) Signature() pipeline.Signature { return pipeline.Signature{} }
func (network) Close() error                  { return nil }

func entry() models.Entry {
	return models.Entry{Family: models.FamilyPunctuator, Parameters: models.Parameters{"threshold": .8, "evidence": .5}}
}

var characters = "<out>\n<unknown>\n" + strings.Join(strings.Split("原告被诉称借款三五万元a1", ""), "\n") + "\n"

const words = "原告 1 300 5 2\n被告 1 310 5 2\n诉称 6 500 7 3\n借款 1 400 9 2\n三 16 600 1 1\n告诉 6 800 7 3\n"

// table has rows of even keys.
func table() []byte {
	out := append([]byte("PEV2"), 0, 0, 1, 0)
	for i := range 1 << 16 {
		out = binary.AppendUvarint(out, 2047)
		out = append(out, byte(i%16), byte(i), byte(i>>4), byte(i>>8), byte(i>>12))
	}
	return out
}

func punctuator(t require.TestingT) *punctuate.Punctuator {
	p, err := punctuate.New(network{}, entry(), []byte(characters+words), table())
	require.NoError(t, err)
	return p
}

func TestStreamIsTheSameHoweverItIsCut(t *testing.T) {
	p := punctuator(t)
	ctx := context.Background()
	alphabet := []rune("原告被诉称借款三五万元aab1 ，。龘\n")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 90).Draw(t, "text")
		s := p.NewStream()
		want, err := s.Push(ctx, string(text))
		require.NoError(t, err)
		rest, err := s.Finish(ctx)
		require.NoError(t, err)
		want += rest
		for range 2 { // a finished stream serves again
			got := ""
			for rest := text; len(rest) > 0; {
				n := rapid.IntRange(1, len(rest)).Draw(t, "n")
				part, err := s.Push(ctx, string(rest[:n]))
				require.NoError(t, err)
				got, rest = got+part, rest[n:]
				require.True(t, strings.HasPrefix(want, got), "%q is no begin of %q", got, want)
				pushed := string(text[:len(text)-len(rest)])
				require.LessOrEqual(t, len(letters(pushed))-len(letters(got)), punctuate.LookAhead)
			}
			part, err := s.Finish(ctx)
			require.NoError(t, err)
			require.Equal(t, want, got+part)
			require.Equal(t, bare(string(text)), bare(got+part))
		}
	})
}

func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("，。？！：；、", r) {
			return -1
		}
		return r
	}, s)
}

func letters(s string) []rune {
	var out []rune
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, r)
		}
	}
	return out
}

func TestNothingIsLostAndNoMarkStandsWhereItMustNot(t *testing.T) {
	p := punctuator(t)
	ctx := context.Background()
	for _, text := range []string{"", "原告", "原告，被告。", "abc12原告ab", "  原告 被告  ", strings.Repeat("原告诉称被告借款", 300)} {
		got, err := p.Text(ctx, text, nil, true)
		require.NoError(t, err)
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
	assert.Contains(t, "。？！：；", string([]rune(got)[len([]rune(got))-1]), "a whole text ends with a mark that ends it")
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
	all := []byte(characters + words)
	e := entry()
	e.Family = models.FamilyCTCStream
	_, err := punctuate.New(network{}, e, all, nil)
	require.ErrorContains(t, err, "punctuator")
	e = entry()
	delete(e.Parameters, "threshold")
	_, err = punctuate.New(network{}, e, all, nil)
	require.Error(t, err)
	for _, value := range []float64{0, 1, -3} {
		e.Parameters["threshold"] = value
		_, err = punctuate.New(network{}, e, all, nil)
		require.ErrorContains(t, err, "between 0 and 1")
	}
	for _, list := range []string{"<out>\n<unknown>\n", characters + "原告 x 3 1 1\n", characters + "原告 1 -3 1 1\n", characters + "原告 1 3 1 600\n", characters + "原告被诉称借款三 1 3 1 1\n"} {
		_, err = punctuate.New(network{}, entry(), []byte(list), nil)
		require.Error(t, err, list)
	}
	whole := table()
	for _, cut := range [][]byte{{}, []byte("PEV1\x00\x00\x00\x00"), whole[:len(whole)-1], append(table(), 0), append([]byte("PEV2\xff\xff\xff\xff"), whole[8:]...), []byte("PEV2\x01\x00\x00\x00\xff\xff\xff\xff\x7f\x00")} {
		_, err = punctuate.New(network{}, entry(), all, cut)
		require.Error(t, err)
	}
	broken := errors.New("broken")
	p, err := punctuate.New(network{err: broken}, entry(), all, nil)
	require.NoError(t, err)
	_, err = p.Text(context.Background(), "原告", nil, true)
	require.ErrorIs(t, err, broken)
	_, err = p.Text(context.Background(), "", nil, true)
	require.NoError(t, err, "an empty text asks nothing")
}

// A stream whose network fails keeps what it was given.
func TestStreamLosesNothingToAnError(t *testing.T) {
	n := &failing{}
	p, err := punctuate.New(n, entry(), []byte(characters+words), table())
	require.NoError(t, err)
	ctx := context.Background()
	text := strings.Repeat("原告诉称被告借款三五万元", 5)
	s := p.NewStream()
	want, err := s.Push(ctx, text)
	require.NoError(t, err)
	n.after = 2
	s = p.NewStream()
	got, err := s.Push(ctx, text)
	require.Error(t, err)
	n.after = -1
	more, err := s.Push(ctx, "")
	require.NoError(t, err)
	require.Equal(t, want, got+more)
}

type failing struct {
	network
	after int // calls until it fails; below 0 never, 0 never
}

func (f *failing) Run(ctx context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	if f.after > 0 {
		if f.after--; f.after == 0 {
			return nil, errors.New("broken")
		}
	}
	return f.network.Run(ctx, in)
}

func FuzzTable(f *testing.F) {
	f.Add([]byte("PEV2\x01\x00\x00\x00\x05\x01\x88\x88\x88\x88"), "原 1 3 1 1")
	f.Add([]byte("PEV2\x00\x00\x00\x00"), "")
	f.Fuzz(func(t *testing.T, content []byte, list string) {
		p, err := punctuate.New(network{}, entry(), []byte("\n\n原\n"+list), content)
		if err != nil {
			return
		}
		_, err = p.Text(context.Background(), "原告诉称", nil, true)
		require.NoError(t, err)
	})
}
