package text

import (
	"testing"

	"github.com/courtsense/courtsense/ocr"
)

func TestRulesAreNoMarks(t *testing.T) {
	// one lays glyphs side by side, with the height that is given for each.
	one := func(text string, heights ...float32) []glyph {
		var out []glyph
		i := 0
		for _, c := range text {
			out = append(out, glyph{text: string(c), box: ocr.Box{X: float32(20 * i), W: 18, H: heights[i]}, inked: true})
			i++
		}
		return out
	}
	for _, c := range []struct {
		name   string
		glyphs []glyph
		want   string
	}{
		{"a table's rule behind a cell", one("倾倒废水，", 22, 23, 21, 22, 22), "倾倒废水"},
		{"a comma", one("倾倒废水，", 22, 23, 21, 22, 9), "倾倒废水，"},
		{"rules on both sides", one("。退还学。", 24, 22, 23, 21, 24), "退还学"},
		{"a blank before the rule", one("退还 ，", 22, 23, 0, 22), "退还"},
		{"in the middle it may be anything", one("退，还学", 22, 21, 23, 22), "退，还学"},
		{"a colon is higher than that", one("姓名：", 22, 22, 16), "姓名："},
		{"figures alone tell no height", one("12,", 22, 22, 22), "12,"},
		{"nothing", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := textOf(withoutRules(c.glyphs)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	bare := one("倾倒废水，", 22, 23, 21, 22, 22)
	for i := range bare {
		bare[i].inked = false
	}
	if got := textOf(withoutRules(bare)); got != "倾倒废水，" {
		t.Errorf("of a network without boxes: %q", got)
	}
}
