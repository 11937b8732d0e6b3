package text

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLinesOfMarksAreHatched(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{"**--。 *.--。. *- -*。a- e", true},
		{"，，×。*47", false},
		{"-6-", false},
		{"（五）", false},
		{"一、二、三、", false},
		{"（一）、（二）", false},
		{"¥1,234.00", false},
		{"", false},
	} {
		r := reading{}
		for _, s := range c.text {
			r.glyphs = append(r.glyphs, glyph{text: string(s)})
		}
		assert.Equal(t, c.want, r.hatched(), c.text)
	}
}
