package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/speech/language"
)

var texts = []string{
	"人民法院审理民事案件，应当根据事实，以法律为准绳。", "当事人对自己提出的主张，有责任提供证据。", "人民法院应当公开审判案件。", "当事人应当履行合同义务，不得擅自变更合同。",
	"合同当事人应当遵循诚信原则。", "证据应当在法庭上出示，由当事人互相质证。", "当事人有权提起上诉。", "人民法院对证据应当审查核实。", "民事案件由人民法院受理。", "原告应当提供证据。",
}

func trained(t testing.TB, sources []Source, c Config) (*language.NGram, Report) {
	t.Helper()
	b, r, err := Train(context.Background(), sources, c)
	require.NoError(t, err)
	assert.Equal(t, len(b), r.Size)
	g, err := language.Parse(b)
	require.NoError(t, err)
	return g, r
}

// TestProbabilitiesSumToOne holds for any order, pruning and mixture, in states that were seen and in ones that weren't. Rounding
// to 8 bits is what it allows for.
func TestProbabilitiesSumToOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := Config{Order: rapid.IntRange(1, 5).Draw(rt, "order"), RareCharacter: rapid.IntRange(1, 2).Draw(rt, "rare"), Cutoffs: []int{rapid.IntRange(1, 3).Draw(rt, "cutoff")}}
		sources := []Source{{Name: "all", Texts: slices.Values(texts)}}
		if rapid.Bool().Draw(rt, "two") {
			sources = []Source{{Name: "a", Texts: slices.Values(texts[:6]), Weight: 0.7}, {Name: "b", Texts: slices.Values(texts[4:]), Weight: 0.3}}
		}
		b, _, err := Train(context.Background(), sources, c)
		require.NoError(rt, err)
		g, err := language.Parse(b)
		require.NoError(rt, err)
		s := g.Start()
		for _, r := range rapid.SampledFrom([]string{"", "当", "当事人", "人民法院应当", "证据应", "龙", "龙人民", "提起上诉"}).Draw(rt, "history") {
			_, s = g.Score(s, r)
		}
		sum, _ := g.Score(s, language.Boundary)
		total := math.Exp(float64(sum))
		for r := rune(0x4e00); r < 0x4e00+alphabet; r++ {
			p, _ := g.Score(s, r)
			total += math.Exp(float64(p))
		}
		assert.InDelta(rt, 1, total, 0.03)
	})
}

func TestLearnsWhatFollows(t *testing.T) {
	g, r := trained(t, []Source{{Name: "all", Texts: slices.Values(texts)}}, Config{RareCharacter: 1, About: "a test"})
	assert.Equal(t, "a test", g.About)
	assert.Equal(t, 4, g.Order())
	best := func(history string) string {
		s := g.Start()
		for _, r := range history {
			_, s = g.Score(s, r)
		}
		var top rune
		most := float32(math.Inf(-1))
		for _, r := range g.Characters() {
			if p, _ := g.Score(s, r); p > most {
				top, most = r, p
			}
		}
		return string(top)
	}
	assert.Equal(t, "院", best("人民法"))
	assert.Equal(t, "人", best("当事"))
	assert.Equal(t, "人", best("当事人对当事"))
	assert.Equal(t, 1.0, r.Sources[0].Weight)
	assert.True(t, g.Known('准'))
	// After a comma an utterance may begin, and the sentence may also go on.
	fresh, _ := g.Score(g.Start(), '有')
	other, _ := g.Score(g.Start(), '绳')
	assert.Greater(t, fresh, other)
}

// TestKneserNeyByHand compares with probabilities that were worked out by hand from the formula.
func TestKneserNeyByHand(t *testing.T) {
	// Bigrams: ^甲 2, 甲乙 2, 乙$ 2, ^乙 1, 乙甲 1, 甲$ 1. Discounts fall back to .5, 1, 1.5.
	g, _ := trained(t, []Source{{Name: "x", Texts: slices.Values([]string{"甲乙", "甲乙", "乙甲"})}}, Config{Order: 2, RareCharacter: 1})
	ask := func(s language.State, r rune) float64 { p, _ := g.Score(s, r); return math.Exp(float64(p)) }
	// Unigrams by what comes before: 甲 2 (^, 乙), 乙 2 (甲, ^), $ 2 (乙, 甲): (2-1)/6 + (3/6)/20992.
	one := 1.0/6 + 0.5/alphabet
	start := g.Start()
	assert.InDelta(t, (2-1)/3.0+(1.5/3)*one, ask(start, '甲'), 2e-3)
	assert.InDelta(t, (1-.5)/3.0+(1.5/3)*one, ask(start, '乙'), 2e-3)
	_, after := g.Score(start, '甲')
	assert.InDelta(t, (2-1)/3.0+(1.5/3)*one, ask(after, '乙'), 2e-3)
	assert.InDelta(t, (1-.5)/3.0+(1.5/3)*one, ask(after, language.Boundary), 2e-3)
}

func TestPruningKeepsToTheSize(t *testing.T) {
	var many []string
	for i := range 3000 {
		many = append(many, string([]rune{rune(0x4e00 + i%700), rune(0x4e00 + i*7%900), rune(0x4e00 + i*13%800), rune(0x4e00 + i*31%1000), '的', '法'}))
	}
	whole, _ := trained(t, []Source{{Name: "all", Texts: slices.Values(many)}}, Config{Order: 4, RareCharacter: 1})
	small, r := trained(t, []Source{{Name: "all", Texts: slices.Values(many)}}, Config{Order: 4, RareCharacter: 1, Size: MinSize})
	assert.Greater(t, whole.Size(), MinSize)
	assert.LessOrEqual(t, small.Size(), MinSize)
	assert.Greater(t, small.Size(), MinSize*8/10, "the size is used")
	assert.Less(t, r.Entries[3], r.Counted[3])
}

func TestWeightsFitTheText(t *testing.T) {
	law, other := slices.Repeat([]string{"人民法院应当审理案件。"}, 50), slices.Repeat([]string{"今天天气很好我们去公园。"}, 50)
	sources := []Source{{Name: "law", Texts: slices.Values(law)}, {Name: "other", Texts: slices.Values(other)}}
	_, r := trained(t, sources, Config{RareCharacter: 1, Tune: slices.Values([]string{"人民法院应当审理案件。"})})
	assert.Greater(t, r.Sources[0].Weight, 0.95)
	_, r = trained(t, sources, Config{RareCharacter: 1, Tune: slices.Values([]string{"今天天气很好我们去公园。", "人民法院应当审理案件。"})})
	assert.InDelta(t, 0.5, r.Sources[0].Weight, 0.2)
	assert.InDelta(t, 1, r.Sources[0].Weight+r.Sources[1].Weight, 1e-9)
}

func TestRefuses(t *testing.T) {
	one := []Source{{Name: "x", Texts: slices.Values(texts)}}
	for name, f := range map[string]func() error{
		"no sources": func() error { _, _, err := Train(context.Background(), nil, Config{}); return err },
		"order":      func() error { _, _, err := Train(context.Background(), one, Config{Order: 6}); return err },
		"size":       func() error { _, _, err := Train(context.Background(), one, Config{Size: 100}); return err },
		"cutoff":     func() error { _, _, err := Train(context.Background(), one, Config{Cutoffs: []int{0}}); return err },
		"empty": func() error {
			_, _, err := Train(context.Background(), []Source{{Name: "nothing.txt", Texts: slices.Values([]string{"。。。", ""})}}, Config{})
			assert.ErrorContains(t, err, "nothing.txt")
			return err
		},
		"weight": func() error {
			_, _, err := Train(context.Background(), []Source{{Name: "x", Texts: slices.Values(texts), Weight: -1}}, Config{})
			return err
		},
		"rare": func() error {
			_, _, err := Train(context.Background(), []Source{{Name: "x", Texts: slices.Values([]string{"天地玄黄"})}}, Config{})
			return err
		},
	} {
		assert.Error(t, f(), name)
	}
	stopped, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	cancel(why)
	_, _, err := Train(stopped, one, Config{})
	assert.ErrorIs(t, err, why)
}
