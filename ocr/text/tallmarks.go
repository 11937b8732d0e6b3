package text

import (
	"slices"
	"strings"
)

const (
	lowMarks = "，。、,."
	// tallMark is from which share of the Chinese characters' usual height on a stop or comma at a line's end is none, but a rule of a table, a fold or a
	// brim of shadow. Of 756 that were true (pages of seeds 5200, 5601, 5602 and 3406) 755 had less than 0.45 of it, and one 0.56.
	tallMark = 0.65
	tallFrom = 2 // Chinese characters that tell the height
)

// withoutRules leaves out the stops and commas at a line's ends whose ink is as high as the line.
func withoutRules(glyphs []glyph) []glyph {
	var heights []float32
	for _, g := range glyphs {
		if g.inked && scriptOf(g.text) == unspacedScript {
			heights = append(heights, g.box.H)
		}
	}
	if len(heights) < tallFrom {
		return glyphs
	}
	slices.Sort(heights)
	limit := tallMark * heights[len(heights)/2]
	tall := func(g glyph) bool {
		return g.inked && strings.Contains(lowMarks, g.text) && g.box.H > limit
	}
	for len(glyphs) > 0 && (glyphs[len(glyphs)-1].text == " " || tall(glyphs[len(glyphs)-1])) {
		glyphs = glyphs[:len(glyphs)-1]
	}
	for len(glyphs) > 0 && (glyphs[0].text == " " || tall(glyphs[0])) {
		glyphs = glyphs[1:]
	}
	return glyphs
}
