package charlm

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models/embedded"
)

func embeddedModel(t testing.TB) *Model {
	t.Helper()
	b, err := embedded.Files.ReadFile("char-lm.bin")
	require.NoError(t, err)
	m, err := Parse(b)
	require.NoError(t, err)
	return m
}

// small returns an untrained model with a few characters.
func small(t testing.TB) *Model {
	t.Helper()
	v, err := newVocabulary("原告诉被起至本院，。")
	require.NoError(t, err)
	s := sizes{v.Len(), 6, 5, 7}
	rng := rand.New(rand.NewPCG(1, 2))
	var tensors [][]float32
	for _, shape := range s.matrices() {
		f := make([]float32, max(shape[0], 1)*shape[1])
		for i := range f {
			f[i] = rng.Float32() - 0.5
		}
		tensors = append(tensors, f)
	}
	return assemble(s, v, "untrained", tensors)
}

// TestWhatTheNetworkSays compares with what the recipe's network (PyTorch) said of the same sentences.
func TestWhatTheNetworkSays(t *testing.T) {
	m := embeddedModel(t)
	b, err := os.ReadFile("testdata/golden.json")
	require.NoError(t, err)
	var golden []struct {
		Text    string
		Classes []Class
		Scores  []float64
		Best    string
	}
	require.NoError(t, json.Unmarshal(b, &golden))
	require.NotEmpty(t, golden)
	for _, g := range golden {
		text, _ := m.Vocabulary.Append(nil, nil, []rune(g.Text))
		require.Equal(t, g.Classes, text)
		places := make([]int, len(text))
		for i := range places {
			places[i] = i
		}
		around, err := m.Contexts(context.Background(), text, places, len(text))
		require.NoError(t, err)
		for i, v := range around {
			assert.InDelta(t, g.Scores[i], m.Score(v, text[i]), 0.02, "%s, place %d", g.Text, i)
			best, most := Class(0), float32(math.Inf(-1))
			for c := range m.Vocabulary.Len() {
				if s := m.Score(v, Class(c)); s > most {
					best, most = Class(c), s
				}
			}
			if want := []rune(g.Best)[i]; want != '?' {
				assert.Equal(t, string(want), string(m.Vocabulary.chars[best-marks]), "%s, place %d", g.Text, i)
			}
		}
	}
}

func TestRunsAreOneClass(t *testing.T) {
	m := small(t)
	v := m.Vocabulary
	for text, want := range map[string][]Class{
		"原告":             {v.Class('原'), v.Class('告')},
		"告2019原":         {v.Class('告'), Digits, v.Class('原')},
		"3,500.00":       {Digits},
		"a 1 b":          {Letters, Digits, Letters},
		"１２, ok。":        {Digits, Unknown, Letters, v.Class('。')},
		"龘\u3000":        {Unknown},
		"QQ.com":         {Letters, Unknown, Letters},
		"1.":             {Digits, Unknown},
		"":               nil,
		"2019.1.2，10:30": {Digits, v.Class('，'), Digits, Unknown, Digits},
	} {
		at := []int{}
		got, at := v.Append(nil, at, []rune(text))
		assert.Equal(t, want, got, text)
		assert.Len(t, at, len([]rune(text)), text)
	}
	_, at := v.Append([]Class{Break}, []int{}, []rune("原 1.5告"))
	assert.Equal(t, []int{1, 2, 2, 2, 2, 3}, at)
}

// TestNeighboursDoNotMatter asks for places alone, all together and with different reach beyond the text.
func TestNeighboursDoNotMatter(t *testing.T) {
	m := small(t)
	text, _ := m.Vocabulary.Append(nil, nil, []rune("原告被告诉至本院，本院告原告。被告起诉原告，至本院。"))
	var all []int
	for i := range text {
		all = append(all, i)
	}
	together, err := m.Contexts(context.Background(), text, all, 100)
	require.NoError(t, err)
	for i := range text {
		alone, err := m.Contexts(context.Background(), text, []int{i}, 100)
		require.NoError(t, err)
		assert.InDeltaSlice(t, together[i], alone[0], 1e-5)
	}
	// What stands at the place itself must not count, what stands beside it must.
	changed := append([]Class{}, text...)
	changed[5] = m.Vocabulary.Class('被')
	again, err := m.Contexts(context.Background(), changed, all, 100)
	require.NoError(t, err)
	assert.Equal(t, together[5], again[5])
	assert.NotEqual(t, together[4], again[4])
	assert.NotEqual(t, together[6], again[6])
}

func TestReachBoundsWhatIsRead(t *testing.T) {
	for _, s := range stretches([]int{0, 3, 4, 30, 31, 60}, 10) {
		assert.LessOrEqual(t, s.end-s.start, 20)
		assert.Less(t, s.first, s.last)
	}
	m := small(t)
	text, _ := m.Vocabulary.Append(nil, nil, []rune("原告被告诉至本院，本院告原告。"))
	a, err := m.Contexts(context.Background(), text, []int{8}, 3)
	require.NoError(t, err)
	text[2], text[13] = text[3], text[3]
	b, err := m.Contexts(context.Background(), text, []int{8}, 3)
	require.NoError(t, err)
	assert.Equal(t, a, b)
}

func TestContextsEndWithTheContext(t *testing.T) {
	m := small(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := m.Contexts(ctx, make([]Class, 50), []int{20}, 10)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestExpIsExact(t *testing.T) {
	for x := float32(-20); x < 20; x += 0.0137 {
		assert.InEpsilon(t, math.Exp(float64(x)), exp(x), 2e-6)
		assert.InDelta(t, math.Tanh(float64(x)), tanh(x), 1e-6)
	}
	assert.False(t, math.IsInf(float64(sigmoid(-1e9)), 0))
	assert.InDelta(t, 0, sigmoid(-1e9), 1e-30)
	assert.InDelta(t, 1, sigmoid(1e9), 1e-6)
}

func TestEncodedIsParsed(t *testing.T) {
	m := small(t)
	b, err := m.Encode()
	require.NoError(t, err)
	n, err := Parse(b)
	require.NoError(t, err)
	assert.Equal(t, m.About, n.About)
	assert.Equal(t, m.Vocabulary, n.Vocabulary)
	for i, want := range m.tensors() {
		assert.InDeltaSlice(t, want, n.tensors()[i], 0.005)
	}
	again, err := n.Encode()
	require.NoError(t, err)
	assert.Equal(t, b, again, "what is already rounded stays as it is")

	m.embed[3] = float32(math.NaN())
	_, err = m.Encode()
	assert.ErrorContains(t, err, "training has failed")
}

// TestWhatIsParsedIsEncoded tries weights at the bound: a scale in bounds may have a product that is not, and rounding moves it.
func TestWhatIsParsedIsEncoded(t *testing.T) {
	m := small(t)
	for _, largest := range []float32{maxValue, math.Nextafter32(maxValue, 0), 7999.9995, 79136.03} {
		m.join.Data().F32()[3] = -largest
		b, err := m.Encode()
		if largest > maxValue {
			require.ErrorContains(t, err, "the training has failed")
			continue
		}
		require.NoError(t, err)
		n, err := Parse(b)
		require.NoError(t, err, "%v", largest)
		again, err := n.Encode()
		require.NoError(t, err, "%v", largest)
		_, err = Parse(again)
		require.NoError(t, err, "%v", largest)
	}
}

func TestDamagedFilesAreRefused(t *testing.T) {
	b, err := small(t).Encode()
	require.NoError(t, err)
	for n := range b {
		_, err := Parse(b[:n])
		require.ErrorIs(t, err, ErrFormat, "cut at %d", n)
	}
	for i := 0; i < len(b); i += 7 {
		bad := append([]byte{}, b...)
		bad[i] ^= 0x40
		_, err := Parse(bad)
		require.ErrorIs(t, err, ErrFormat, "bit turned at %d", i)
	}
	for what, change := range map[string]func([]byte){
		"format version 7":     func(b []byte) { b[4] = 7 },
		"embedding is 4294967": func(b []byte) { b[12], b[13], b[14], b[15] = 255, 255, 255, 255 },
		"characters for":       func(b []byte) { b[8]++ },
		"out of range":         func(b []byte) { copy(b[len(b)-9-4:], []byte{0, 0, 0xc0, 0x7f}) },
		"bytes of weights":     func(b []byte) { b[16]++ },
		"runs in 2^":           func(b []byte) { b[len(b)-9] = 1 },
	} {
		bad := append([]byte{}, b[:len(b)-4]...)
		change(bad)
		_, err := Parse(sealed(bad))
		assert.ErrorContains(t, err, what)
		assert.True(t, errors.Is(err, ErrFormat))
	}
}
