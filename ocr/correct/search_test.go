package correct

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/charlm"
)

// TestSearchFindsTheBestReading tries all ways to read places that are near each other, which are few enough to keep here.
func TestSearchFindsTheBestReading(t *testing.T) {
	c := embeddedCorrector(t)
	v := c.model.Vocabulary
	random := rand.New(rand.NewPCG(5, 5))
	sentence := []rune("公诉机关认为上述事实有被告人供述、证人证言等证据证明，足以认定。")
	for range 30 {
		text, _ := v.Append([]charlm.Class{charlm.Break}, nil, sentence)
		text = append(text, charlm.Break)
		var places []place
		at := 1 + random.IntN(len(sentence)-12)
		for range 3 {
			other := v.Class(sentence[random.IntN(len(sentence))])
			places = append(places, place{class: at, readings: []reading{{class: other, own: random.Float32()}, {class: text[at], own: random.Float32()}}})
			text[at] = other
			at += 1 + random.IntN(near)
		}
		// total is the score of the whole text with these readings.
		total := func(picks []int) float32 {
			read, sum := slices.Clone(text), float32(0)
			for i, pl := range places {
				read[pl.class] = pl.readings[picks[i]].class
				sum += pl.readings[picks[i]].own
			}
			for end := range read {
				sum += c.runsBefore(read[:end+1])
			}
			return sum
		}
		most := float32(-1e9)
		for k := range 8 {
			most = max(most, total([]int{k & 1, k >> 1 & 1, k >> 2}))
		}
		c.search(text, places)
		require.InDelta(t, most, total([]int{places[0].chosen, places[1].chosen, places[2].chosen}), 1e-3)
	}
}

func TestRunsAroundAPlaceAreThoseThatHoldIt(t *testing.T) {
	c := embeddedCorrector(t)
	text, _ := c.model.Vocabulary.Append([]charlm.Class{charlm.Break}, nil, []rune("原告向本院提出诉讼请求"))
	text = append(text, charlm.Break, c.model.Vocabulary.Class('事'))
	whole := func() float32 {
		sum := float32(0)
		for end := range text {
			sum += c.runsBefore(text[:end+1])
		}
		return sum
	}
	for at := 1; at < len(text)-2; at++ {
		before, around := whole(), c.runsAround(text, at, &c.config.Han)
		was := text[at]
		text[at] = c.model.Vocabulary.Class('猥')
		assert.InDelta(t, whole()-before, c.runsAround(text, at, &c.config.Han)-around, 1e-3, "place %d", at)
		text[at] = was
	}
}
