package language

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// small is a model whose probabilities can be followed by hand.
func small(t testing.TB, about string) []byte {
	t.Helper()
	p := func(f float64) float32 { return float32(math.Log(f)) }
	b, err := Build(about, 3, p(0.001), slices.Values([]Entry{
		{[]rune("法"), p(0.2), p(0.5)},
		{[]rune("院"), p(0.1), p(0.25)},
		{[]rune("人"), p(0.3), p(0.8)},
		{[]rune{Boundary}, p(0.1), p(0.9)},
		{[]rune("法院"), p(0.6), p(0.7)},
		{[]rune("人法"), p(0.4), p(0.6)},
		{[]rune{Boundary, '法'}, p(0.5), p(0.3)},
		{[]rune{Boundary, '法', '院'}, p(0.95), 0},
		{[]rune("院\n"), p(0.45), 0},
	}))
	require.NoError(t, err)
	return b
}

func parsed(t testing.TB, b []byte) *NGram {
	t.Helper()
	g, err := Parse(b)
	require.NoError(t, err)
	return g
}

// ask returns the probability of the last character of text after the others, from the beginning.
func ask(m Model, text string) float64 {
	s := m.Start()
	p := float32(0)
	for _, r := range text {
		p, s = m.Score(s, r)
	}
	return math.Exp(float64(p))
}

func TestBackOff(t *testing.T) {
	g := parsed(t, small(t, "small"))
	assert.Equal(t, "small", g.About)
	for text, want := range map[string]float64{
		"法":     0.5,              // after the beginning
		"院":     0.9 * 0.1,        // backs off from the beginning
		"法院":    0.95,             // the whole trigram
		"人法":    0.4,              // the trigram from the beginning is not there, nor is its context
		"人法院":   0.6 * 0.6,        // backs off from 人法 to the bigram
		"法院人":   0.7 * 0.25 * 0.3, // backs off twice
		"法院\n":  0.7 * 0.45,       // the end, after 法院's backoff
		"人\n":   0.8 * 0.1,        //
		"囧":     0.9 * 0.001,      // unknown
		"囧人":    0.3,              // nothing is known of the context
		"法院\n法": 0.5,              // begins anew
		"𠀀":     0.9 * 0.001,      // beyond the basic plane
	} {
		assert.InEpsilon(t, want, ask(g, text), 0.02, text)
	}
}

func TestStates(t *testing.T) {
	g := parsed(t, small(t, ""))
	s := g.Start()
	for _, r := range "我们在北京的法" {
		_, s = g.Score(s, r)
	}
	other := g.Start()
	for _, r := range "大家京的法" {
		_, other = g.Score(other, r)
	}
	assert.NotEqual(t, s, other, "four characters back")
	other = g.Start()
	for _, r := range "他北京的法" {
		_, other = g.Score(other, r)
	}
	assert.Equal(t, s, other, "five characters back is forgotten")
	_, upper := g.Score(g.Start(), 'A')
	_, lower := g.Score(g.Start(), 'a')
	assert.Equal(t, lower, upper)
	_, end := g.Score(s, Boundary)
	assert.Equal(t, g.Start(), end)
	assert.True(t, g.Known('法'))
	assert.False(t, g.Known('囧'))
	assert.False(t, g.Known('𠀀'))
	assert.Equal(t, []rune("人法院"), g.Characters())
	assert.Equal(t, [...]int{3, 3, 3, 0}, [...]int{g.Entries(1), g.Entries(2) - 1, g.Entries(3) + 2, g.Entries(4)})
}

// TestAllAtOnceIsTheSame compares the two ways of scoring in states that were seen and in ones that weren't.
func TestAllAtOnceIsTheSame(t *testing.T) {
	g := embeddedModel(t)
	characters := []rune("当事人的法囧院\nA𠀀龘不履行")
	logp := make([]float32, len(characters))
	for _, history := range []string{"", "当", "当事", "当事人一方不", "囧", "囧人", "龘龘龘龘", "一\n", "𠀀当"} {
		s := g.Start()
		for _, r := range history {
			_, s = g.Score(s, r)
		}
		ScoreAll(g, s, characters, logp)
		for i, r := range characters {
			want, next := g.Score(s, r)
			assert.InDelta(t, want, logp[i], 1e-4, "%q after %q", r, history)
			assert.Equal(t, next, After(s, r))
		}
	}
}

func TestMixture(t *testing.T) {
	a := parsed(t, small(t, ""))
	p := func(f float64) float32 { return float32(math.Log(f)) }
	b, err := Build("", 1, p(0.002), slices.Values([]Entry{{[]rune("法"), p(0.25), 0}, {[]rune("囧"), p(0.5), 0}}))
	require.NoError(t, err)
	m, err := Mix([]Model{a, parsed(t, b)}, []float64{3, 1})
	require.NoError(t, err)
	assert.InEpsilon(t, 0.75*0.5+0.25*0.25, ask(m, "法"), 0.02)
	assert.InEpsilon(t, 0.75*0.0009+0.25*0.5, ask(m, "囧"), 0.02)
	assert.InEpsilon(t, 0.75*0.95+0.25*0.002, ask(m, "法院"), 0.02)
	assert.True(t, m.Known('囧'))
	assert.True(t, m.Known('院'))
	assert.False(t, m.Known('我'))
	characters, logp := []rune(strings.Repeat("法囧院人", 10)), make([]float32, 40)
	m.ScoreAll(m.Start(), characters, logp)
	for i, r := range characters {
		want, _ := m.Score(m.Start(), r)
		assert.InDelta(t, want, logp[i], 1e-5)
	}
	only, err := Mix([]Model{a, parsed(t, b)}, []float64{1, 0})
	require.NoError(t, err)
	assert.InEpsilon(t, ask(a, "法院人"), ask(only, "法院人"), 1e-5)

	for _, weights := range [][]float64{{1}, {0, 0}, {1, -1}, {1, math.NaN()}, {1, math.Inf(1)}, nil} {
		_, err := Mix([]Model{a, a}, weights)
		assert.Error(t, err, "%v", weights)
	}
	_, err = Mix(nil, nil)
	assert.Error(t, err)
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "small.lm")
	require.NoError(t, os.WriteFile(path, small(t, "small"), 0o600))
	g, err := Open(path)
	require.NoError(t, err)
	assert.InEpsilon(t, 0.95, ask(g, "法院"), 0.02)
	require.NoError(t, g.Close())
	require.NoError(t, g.Close(), "closing twice")

	_, err = Open(filepath.Join(t.TempDir(), "absent"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = Open(t.TempDir())
	assert.ErrorIs(t, err, ErrFormat)
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	_, err = Open(empty)
	assert.ErrorIs(t, err, ErrFormat)
	assert.ErrorContains(t, err, empty)
}

func TestBuildRefuses(t *testing.T) {
	for name, build := range map[string]func() ([]byte, error){
		"order":       func() ([]byte, error) { return Build("", 6, -1, slices.Values([]Entry{})) },
		"length":      func() ([]byte, error) { return Build("", 1, -1, slices.Values([]Entry{{[]rune("法院"), -1, 0}})) },
		"probability": func() ([]byte, error) { return Build("", 1, -1, slices.Values([]Entry{{[]rune("法"), 1, 0}})) },
		"NaN": func() ([]byte, error) {
			return Build("", 1, -1, slices.Values([]Entry{{[]rune("法"), float32(math.NaN()), 0}}))
		},
		"unknown": func() ([]byte, error) { return Build("", 1, 1, slices.Values([]Entry{{[]rune("法"), -1, 0}})) },
		"about": func() ([]byte, error) {
			return Build(string(make([]byte, maxAbout+1)), 1, -1, slices.Values([]Entry{}))
		},
	} {
		_, err := build()
		assert.Error(t, err, name)
	}
}

func TestDamagedFiles(t *testing.T) {
	good := small(t, "about it")
	for n := range good {
		_, err := Parse(good[:n])
		require.ErrorIs(t, err, ErrFormat, "cut after %d bytes", n)
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 0x10
		_, err := Parse(bad)
		require.ErrorIs(t, err, ErrFormat, "byte %d changed", i)
	}
}
