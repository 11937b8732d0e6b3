package tesseract

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/courtsense/courtsense/ocr"
)

// word is a word and the index of its line.
type word struct {
	ocr.Word
	line int
}

// wideGap is the gap, in heights of the line's median symbol, from which Chinese words are kept apart by a space. Tesseract
// places symbols loosely: on rendered court pages its gaps inside running text reach 1.8 (beside thin characters such as
// 一); two full-width blanks, as between a label and a name, are above 2.
const wideGap = 2

// joinWords gives the lines their words and text, and drops lines without any. Tesseract breaks Chinese into words and
// would print a space at every break; written Chinese has none, save where there is a gap to be seen.
func joinWords(lines []ocr.Line, words []word) []ocr.Line {
	for _, w := range words {
		if len(w.Symbols) > 0 {
			lines[w.line].Words = append(lines[w.line].Words, w.Word)
		}
	}
	lines = slices.DeleteFunc(lines, func(l ocr.Line) bool { return len(l.Words) == 0 })
	for i := range lines {
		lines[i].Text = lineText(lines[i].Words)
		clip(lines[i].Words, lines[i].Polygon.Bounds())
	}
	return lines
}

// clip cuts the boxes of words and symbols at their line's. Tesseract takes the line's box from the ink; those of its LSTM
// symbols are up to half as high again as the ink.
func clip(words []ocr.Word, line ocr.Box) {
	for i := range words {
		words[i].Box = clipped(words[i].Box, line)
		for k := range words[i].Symbols {
			words[i].Symbols[k].Box = clipped(words[i].Symbols[k].Box, line)
		}
	}
}

// clipped is b without what lies outside; a box wholly outside becomes empty at the edge.
func clipped(b, outside ocr.Box) ocr.Box {
	x0, x1 := min(max(b.X, outside.X), outside.X+outside.W), min(max(b.X+b.W, outside.X), outside.X+outside.W)
	y0, y1 := min(max(b.Y, outside.Y), outside.Y+outside.H), min(max(b.Y+b.H, outside.Y), outside.Y+outside.H)
	return ocr.Box{X: x0, Y: y0, W: x1 - x0, H: y1 - y0}
}

func lineText(words []ocr.Word) string {
	em := medianHeight(words)
	var b strings.Builder
	for i, w := range words {
		if i > 0 && spaceBetween(words[i-1], w, em) {
			b.WriteByte(' ')
		}
		b.WriteString(w.Text)
	}
	return b.String()
}

func spaceBetween(a, b ocr.Word, em float32) bool {
	last, _ := utf8.DecodeLastRuneInString(a.Text)
	first, _ := utf8.DecodeRuneInString(b.Text)
	if !unspaced(last) && !unspaced(first) {
		return true
	}
	return b.Box.X-(a.Box.X+a.Box.W) >= wideGap*em
}

// unspaced tells the scripts and punctuation that are written without spaces between words.
func unspaced(r rune) bool {
	switch {
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo):
		return true
	case r >= 0x3000 && r <= 0x303F: // CJK symbols and punctuation
		return true
	case r >= 0xFF00 && r <= 0xFFEF: // full-width forms
		return true
	}
	return false
}

func medianHeight(words []ocr.Word) float32 {
	var heights []float32
	for _, w := range words {
		for _, s := range w.Symbols {
			heights = append(heights, s.Box.H)
		}
	}
	if len(heights) == 0 {
		return 0
	}
	slices.Sort(heights)
	return heights[len(heights)/2]
}
