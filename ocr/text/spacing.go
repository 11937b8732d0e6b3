package text

import "slices"

// Gaps between the ink of two characters, in heights of the network's input, which is about 1.15 em.
const (
	// wideGap is a gap from which two characters of a spaced script belong to different words, where the line is set as
	// usual: a blank is a quarter of an em or more, letters stand a tenth or less apart.
	wideGap = 0.19
	// tightGap is a gap below which there is no blank.
	tightGap = 0.06
	// digitWidth is the least width that a digit takes: all digits of most type are set equally wide, so that a 1 has gaps
	// on both sides.
	digitWidth = 0.4
	// A gap must also be wideShare times the line's usual gap to be a blank, and one below tightShare times it is none:
	// where letters are spaced out, blanks are wider still.
	wideShare, tightShare = 2.6, 1.5
)

// respaced puts blanks where the gaps of a line of a spaced script show them, and takes out those where there is no gap.
// Networks read blanks from their surroundings, and are often wrong where type is set tight or spaced out. It needs the
// ink boxes.
func respaced(glyphs []glyph) []glyph {
	var gaps []float32
	last := -1 // last glyph that is not a blank
	for i, g := range glyphs {
		if !g.inked {
			return glyphs
		}
		if g.text == " " {
			continue
		}
		// Where a blank was read there may be one: a row of single letters has more of those than of other gaps.
		if last == i-1 && i > 0 && spaced(glyphs[last], g) {
			gaps = append(gaps, between(glyphs[last], g))
		}
		last = i
	}
	if len(gaps) < 4 {
		return glyphs
	}
	slices.Sort(gaps)
	usual := max(gaps[len(gaps)/2], 0)
	out := make([]glyph, 0, len(glyphs)+4)
	last = -1
	for i, g := range glyphs {
		if g.text == " " {
			continue
		}
		if last >= 0 {
			blank := last < i-1
			if spaced(glyphs[last], g) {
				gap := between(glyphs[last], g)
				blank = gap > max(wideGap, wideShare*usual) || blank && gap >= max(tightGap, tightShare*usual)
			}
			if blank {
				out = append(out, glyph{text: " ", confidence: min(glyphs[last].confidence, g.confidence), inked: true, from: glyphs[last].to, to: g.from})
			}
		}
		out = append(out, g)
		last = i
	}
	return out
}

// spaced tells neighbours of which neither is of an unspaced script, and one is a letter or digit.
func spaced(a, b glyph) bool {
	x, y := scriptOf(a.text), scriptOf(b.text)
	return x != unspacedScript && y != unspacedScript && (x == spacedScript || y == spacedScript)
}

// between returns the gap between two characters.
func between(a, b glyph) float32 {
	_, end := extent(a)
	start, _ := extent(b)
	return start - end
}

// extent returns where a character begins and ends.
func extent(g glyph) (from, to float32) {
	if width := g.to - g.from; len(g.text) == 1 && g.text[0] >= '0' && g.text[0] <= '9' && width < digitWidth {
		more := (digitWidth - width) / 2
		return g.from - more, g.to + more
	}
	return g.from, g.to
}
