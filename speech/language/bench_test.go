package language

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models/embedded"
)

func embeddedModel(t testing.TB) *NGram {
	t.Helper()
	b, err := embedded.Files.ReadFile("speech-lm.bin")
	require.NoError(t, err)
	return parsed(t, b)
}

const spokenText = "当事人一方不履行合同义务或者履行合同义务不符合约定的应当承担继续履行采取补救措施或者赔偿损失等违约责任"

func TestEmbeddedModel(t *testing.T) {
	g := embeddedModel(t)
	assert.Equal(t, 4, g.Order())
	assert.Greater(t, Sum(g, spokenText), Sum(g, "当事人一方不履行合同异物或者履行合同义务不负合约定的应当承担继续屡行采取补就措施或者赔偿损失等违约责任"))
	assert.Greater(t, Sum(g, "被告人犯盗窃罪"), Sum(g, "被告人犯到切罪"))
	assert.True(t, g.Known('民'))
	assert.False(t, g.Known('。'))
	assert.False(t, g.Known('5'))
}

func TestScoringAllocatesNothing(t *testing.T) {
	g := embeddedModel(t)
	s := g.Start()
	assert.Zero(t, testing.AllocsPerRun(10, func() {
		for _, r := range spokenText {
			_, s = g.Score(s, r)
		}
	}))
}

// BenchmarkScore asks as a decoder does: for each state of a text a dozen characters, most of which don't fit.
func BenchmarkScore(b *testing.B) {
	g := embeddedModel(b)
	text := []rune(spokenText)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		s := g.Start()
		for i, r := range text {
			for k := range 11 {
				g.Score(s, text[(i*7+k*5+n)%len(text)])
			}
			_, s = g.Score(s, r)
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(text)*12), "ns/score")
}

// BenchmarkScoreAll asks for as many at once.
func BenchmarkScoreAll(b *testing.B) {
	g := embeddedModel(b)
	text := []rune(spokenText)
	asked, logp := make([]rune, 12), make([]float32, 12)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		s := g.Start()
		for i, r := range text {
			for k := range asked {
				asked[k] = text[(i*7+k*5+n)%len(text)]
			}
			ScoreAll(g, s, asked, logp)
			s = After(s, r)
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(text)*12), "ns/score")
}

func BenchmarkParse(b *testing.B) {
	content, err := embedded.Files.ReadFile("speech-lm.bin")
	require.NoError(b, err)
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if _, err := Parse(content); err != nil {
			b.Fatal(err)
		}
	}
}
