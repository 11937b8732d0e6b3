package decode

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/language"
)

// tokens of the tests' acoustic model, by class.
var tokens = []string{"", "法", "院", "元", "章", "张", "三", "山", "原", "告", "高", "被", "he", "llo", "是", "事"}

func testLexicon(t testing.TB) *lexicon.Lexicon {
	t.Helper()
	all := make([]lexicon.Token, len(tokens))
	for i, text := range tokens {
		all[i].Text = text
	}
	l, err := lexicon.New(all, 0, lexicon.Options{})
	require.NoError(t, err)
	return l
}

// pairs is a language model that likes what follows in its texts.
type pairs map[[2]rune]float32

func newPairs(texts ...string) pairs {
	m := pairs{}
	for _, text := range texts {
		before := language.Boundary
		for _, r := range text {
			m[[2]rune{before, r}] = -1
			before = r
		}
		m[[2]rune{before, language.Boundary}] = -1
	}
	return m
}

func (m pairs) Start() language.State { return language.State(language.Boundary) }
func (m pairs) Known(rune) bool       { return true }
func (m pairs) Score(s language.State, r rune) (float32, language.State) {
	if p, ok := m[[2]rune{rune(s), r}]; ok {
		return p, language.State(r)
	}
	return -7, language.State(r)
}

// row gives the tokens of a text equal shares of p, and the blank the rest.
func row(p float64, text ...string) []float32 {
	v := make([]float32, len(tokens))
	for i := range v {
		v[i] = float32(math.Log(1e-6))
	}
	for i, token := range tokens {
		for _, want := range text {
			if i > 0 && token == want {
				v[i] = float32(math.Log(p / float64(len(text))))
			}
		}
	}
	v[0] = float32(math.Log(max(1-p, 1e-6)))
	return v
}

// say is the rows of characters, each two frames long with three blanks behind.
func say(text ...string) [][]float32 {
	var rows [][]float32
	for _, s := range text {
		rows = append(rows, row(0.9, s), row(0.6, s), row(0), row(0), row(0))
	}
	return rows
}

func decodeAll(t testing.TB, s *Stream, rows [][]float32) Hypothesis {
	t.Helper()
	require.NoError(t, s.Push(context.Background(), rows))
	h, err := s.Finish(context.Background(), 1)
	require.NoError(t, err)
	require.Len(t, h, 1)
	return h[0]
}

func TestClearSpeechIsWrittenAsItIsHeard(t *testing.T) {
	d, err := New(testLexicon(t), Config{})
	require.NoError(t, err)
	h := decodeAll(t, d.NewStream(), say("原", "告", "张", "三"))
	assert.Equal(t, "原告张三", h.Text())
	for i, c := range h.Characters {
		assert.Equal(t, 5*i, c.Start)
		assert.Equal(t, 5*i+5, c.End)
		assert.Greater(t, c.Confidence, float32(0.5))
	}
}

func TestLanguageModelReachesHomophones(t *testing.T) {
	d, err := New(testLexicon(t), Config{LM: newPairs("原告是", "园高")})
	require.NoError(t, err)
	assert.Equal(t, "园高", func() string { h := decodeAll(t, d.NewStream(), say("元", "高")); return h.Text() }())
	h := decodeAll(t, d.NewStream(), say("原", "告", "事"))
	assert.Equal(t, "原告是", h.Text())
}
