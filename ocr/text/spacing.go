package text

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
	// Digits are set at equal distances: only where middles are digitApart times the line's usual distance apart is there a blank
	// between them, however thin the digits are. The usual distance is known from leastDigits pairs on.
	digitApart  = 1.28
	leastDigits = 4
	// A full stop or colon within a number or an address has about as much room behind it as before; a blank is more by markRoom. Before
	// a capital a sentence or a name begins, and there the blank is believed.
	markRoom = 0.12
	// markAlone is a gap before a mark from which it does not belong to the word before.
	markAlone = 0.6
	// A blank between letters that is narrower than blankShare times the lower quartile of the line's is the room beside a thin or slanted
	// one: of 3859 read on English pages in lines that held nothing else wrong, 5 were so narrow, none of them one in print, whose
	// least had 0.45. The line's are known from leastBlanks on.
	blankShare  = 0.42
	leastBlanks = 5
)

// halfWidthOf are the full-width marks that a network takes English ones for.
var halfWidthOf = map[string]string{"，": ",", "；": ";", "：": ":", "！": "!", "？": "?", "（": "(", "）": ")"}

// leastLatin is how many Latin letters a line without Chinese characters has that is English.
const leastLatin = 4

// latinMarks makes the full-width marks of an English line half-width ones, and of 〇 the letter O. The blank that a full-width mark
// brings along becomes one of its own.
func latinMarks(glyphs []glyph) []glyph {
	letters, wide := 0, false
	for _, g := range glyphs {
		c, _ := utf8.DecodeRuneInString(g.text)
		if _, ok := halfWidthOf[g.text]; ok || g.text == "〇" {
			wide = true
		} else if scriptOf(g.text) == unspacedScript {
			return glyphs
		}
		if unicode.IsLetter(c) {
			letters++
		}
	}
	if !wide || letters < leastLatin {
		return glyphs
	}
	blank := func(a, b glyph) glyph {
		return glyph{text: " ", confidence: min(a.confidence, b.confidence), inked: a.inked && b.inked, from: a.to, to: b.from}
	}
	out := make([]glyph, 0, len(glyphs)+4)
	for i, g := range glyphs {
		half, ok := halfWidthOf[g.text]
		if g.text == "〇" {
			g.text = "O"
			if i > 0 && glyphs[i-1].text >= "a" && glyphs[i-1].text <= "z" {
				g.text = "o"
			}
		}
		if !ok {
			out = append(out, g)
			continue
		}
		g.text = half
		if half == "(" && i > 0 && scriptOf(glyphs[i-1].text) == spacedScript {
			out = append(out, blank(glyphs[i-1], g))
		}
		out = append(out, g)
		if half != "(" && i+1 < len(glyphs) && scriptOf(glyphs[i+1].text) == spacedScript {
			out = append(out, blank(g, glyphs[i+1]))
		}
	}
	return out
}

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
	pitch := digitPitch(glyphs)
	out := make([]glyph, 0, len(glyphs)+4)
	last = -1
	before := -1 // the one before last
	for i, g := range glyphs {
		if g.text == " " {
			continue
		}
		if last >= 0 {
			blank := last < i-1
			if spaced(glyphs[last], g) {
				gap := between(glyphs[last], g)
				blank = gap > max(wideGap, wideShare*usual) || blank && gap >= max(tightGap, tightShare*usual)
				switch a, b := glyphs[last].text, g.text; {
				case pitch > 0 && isDigit(a) && isDigit(b):
					blank = blank && middle(g)-middle(glyphs[last]) >= digitApart*pitch
				case strings.ContainsAny(b, ".:!?,;") && gap < markAlone:
					blank = false
				case before >= 0 && strings.ContainsAny(a, ".:") && b >= "0" && b <= "z" && (b <= "9" || b >= "a") && spaced(glyphs[before], glyphs[last]):
					blank = blank && gap > between(glyphs[before], glyphs[last])+markRoom
				}
			}
			if blank {
				out = append(out, glyph{text: " ", confidence: min(glyphs[last].confidence, g.confidence), inked: true, from: glyphs[last].to, to: g.from})
			}
		}
		out = append(out, g)
		before, last = last, i
	}
	return withoutNarrow(out)
}

// withoutNarrow takes out blanks between letters that are much narrower than the line's others.
func withoutNarrow(glyphs []glyph) []glyph {
	var blanks []float32
	for i, g := range glyphs {
		if g.text == " " {
			blanks = append(blanks, between(glyphs[i-1], glyphs[i+1]))
		}
	}
	if len(blanks) < leastBlanks {
		return glyphs
	}
	slices.Sort(blanks)
	usual := blanks[len(blanks)/4]
	out := glyphs[:0]
	for i, g := range glyphs {
		if g.text == " " && letter(glyphs[i-1].text) && letter(glyphs[i+1].text) && between(glyphs[i-1], glyphs[i+1]) < blankShare*usual {
			continue
		}
		out = append(out, g)
	}
	return out
}

func letter(char string) bool {
	return len(char) == 1 && (char[0] >= 'a' && char[0] <= 'z' || char[0] >= 'A' && char[0] <= 'Z')
}

func isDigit(char string) bool { return len(char) == 1 && char[0] >= '0' && char[0] <= '9' }

func middle(g glyph) float32 { return (g.from + g.to) / 2 }

// digitPitch returns the usual distance of the middles of digits between which no blank was read; 0 where there are too few.
func digitPitch(glyphs []glyph) float32 {
	var pitches []float32
	for i := 1; i < len(glyphs); i++ {
		if isDigit(glyphs[i-1].text) && isDigit(glyphs[i].text) {
			pitches = append(pitches, middle(glyphs[i])-middle(glyphs[i-1]))
		}
	}
	if len(pitches) < leastDigits {
		return 0
	}
	slices.Sort(pitches)
	return pitches[len(pitches)/2]
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
	if width := g.to - g.from; isDigit(g.text) && width < digitWidth {
		more := (digitWidth - width) / 2
		return g.from - more, g.to + more
	}
	return g.from, g.to
}
