package text

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAPointIsHeardBetweenDigits(t *testing.T) {
	const (
		blank, one, two, space, point, comma, colon = 0, 1, 2, 3, 4, 5, 6
		k                                           = 3
	)
	type frame struct {
		classes [k]int64
		scores  [k]float32
	}
	digit := func(class int64) frame { return frame{[k]int64{class, blank}, [k]float32{.95, .05}} }
	nothing := frame{[k]int64{blank}, [k]float32{1}}
	faint := frame{[k]int64{blank, space, point}, [k]float32{.7, .28, .02}}
	// Digits are three frames apart but for the two that have more between them.
	number := func(between ...frame) []frame {
		f := []frame{digit(one), nothing, nothing, digit(two)}
		return append(append(f, between...), digit(one), nothing, nothing, digit(two))
	}
	for name, c := range map[string]struct {
		frames []frame
		want   string
	}{
		"a faint one":              {number(nothing, faint, nothing, nothing), "12.12"},
		"beneath a blank":          {number(nothing, frame{[k]int64{space, blank, point}, [k]float32{.6, .38, .02}}, nothing, nothing), "12.12"},
		"a blank":                  {number(nothing, frame{[k]int64{space, blank, point}, [k]float32{.9, .098, .002}}, nothing, nothing), "12 12"},
		"more likely a comma":      {number(nothing, frame{[k]int64{blank, comma, point}, [k]float32{.96, .02, .02}}, nothing, nothing), "1212"},
		"the ink of a digit":       {number(frame{[k]int64{blank, two, point}, [k]float32{.78, .2, .02}}, nothing, nothing, nothing), "12.12"},
		"as near as others":        {number(nothing, faint), "1212"},
		"room for a digit":         {number(nothing, nothing, faint, nothing, nothing, nothing), "1212"},
		"one digit is unsure":      {append(number(nothing, faint, nothing, nothing)[:8], frame{[k]int64{one, two}, [k]float32{.7, .3}}, nothing, nothing, digit(two)), "1212"},
		"a blank stands elsewhere": {append(number(nothing, faint, nothing, nothing), nothing, digit(space), nothing, nothing, digit(one)), "1212 1"},
		"a label's colon":          {append([]frame{digit(colon), nothing}, number(nothing, faint, nothing, nothing)...), ":12.12"},
		"hours":                    {append(number(nothing, faint, nothing, nothing), digit(colon)), "1212:"},
		"too few tell the digits":  {[]frame{digit(one), nothing, faint, nothing, nothing, digit(two)}, "12"},
		"more than one":            {append(number(nothing, faint, nothing, nothing), nothing, faint, nothing, nothing, digit(one)), "12.12.1"},
	} {
		d := decoder{classes: 7, blank: blank, space: space, point: point, digits: []int{one, two}, colons: []int{colon}, temperature: 1}
		var scores, boxes []float32
		var classes []int64
		for _, f := range c.frames {
			scores, classes, boxes = append(scores, f.scores[:]...), append(classes, f.classes[:]...), append(boxes, -1, 0, 1, 1)
		}
		emitted, err := d.ranked(scores, classes, k, len(c.frames))
		assert.NoError(t, err)
		got := ""
		for _, e := range d.withPoints(emitted, scores, classes, boxes, k) {
			got += string("_12 .,:"[e.class])
			assert.GreaterOrEqual(t, e.confidence, float32(.6), name)
		}
		assert.Equal(t, c.want, got, name)
	}
}
