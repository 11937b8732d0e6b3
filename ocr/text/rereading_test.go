package text

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheSurerOfTwoReadingsCounts(t *testing.T) {
	line := func(text string, confidences ...float32) []glyph {
		var out []glyph
		for i, c := range []rune(text) {
			out = append(out, glyph{text: string(c), confidence: confidences[i]})
		}
		return out
	}
	for name, c := range map[string]struct {
		first, second []glyph
		want          string
	}{
		"another character":           {line("五十方", .9, .9, .5), line("五十万", .9, .9, .8), "五十万"},
		"the first one is surer":      {line("五十万", .9, .9, .6), line("五十方", .9, .9, .5), "五十万"},
		"a letter that was lost":      {line("Intenational", .9, .9, .9, .9, .9, .5, .9, .9, .9, .9, .9, .9), line("International", .9, .9, .9, .9, .8, .9, .9, .9, .9, .9, .9, .9, .9), "International"},
		"nothing surely":              {line("甲乙", .9, .9), line("甲，乙", .9, .4, .9), "甲乙"},
		"something unsure in the one": {line("甲，乙", .9, .4, .9), line("甲乙", .9, .9), "甲乙"},
		"blanks are the first one's":  {line("a b", .9, .5, .9), line("ab", .9, .9), "a b"},
		"of the second one none":      {line("ab", .9, .9), line("a b", .9, .9, .9), "ab"},
		"nothing the second time":     {line("甲乙", .9, .9), nil, "甲乙"},
		"nothing the first time":      {nil, line("甲", .9), "甲"},
	} {
		got := ""
		for _, g := range surer(c.first, c.second) {
			got += g.text
		}
		assert.Equal(t, c.want, got, name)
	}
}
