package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/courtsense/courtsense/ocr"
)

// reading is what one attempt at a region gave.
type reading struct {
	region     Region
	vertical   bool
	boxed      bool // read from its box as it was found
	glyphs     []glyph
	confidence float32 // mean over what is not blank; 0 when nothing was read
}

// finish drops blanks at the ends and repeated ones, and works out the confidence.
func (r *reading) finish() {
	if !r.vertical {
		r.glyphs = printed(respaced(latinMarks(withoutRules(r.glyphs))))
	}
	kept := r.glyphs[:0]
	for _, g := range r.glyphs {
		// In a column every character has a square of its own, and what looks like a blank is part of that.
		if g.text == " " && (r.vertical || len(kept) == 0 || kept[len(kept)-1].text == " ") {
			continue
		}
		kept = append(kept, g)
	}
	if n := len(kept); n > 0 && kept[n-1].text == " " {
		kept = kept[:n-1]
	}
	sum, n := float32(0), 0
	for _, g := range kept {
		if g.text != " " {
			sum, n = sum+g.confidence, n+1
		}
	}
	r.glyphs, r.confidence = kept, 0
	if n > 0 {
		r.confidence = sum / float32(n)
	}
}

// line puts the characters together. Words of scripts that are written with spaces end at blanks and where the script
// changes; of the others, a word is what stands between those.
func (r *reading) line(candidates int) ocr.Line {
	l := ocr.Line{Polygon: r.region.Polygon, Outline: r.region.Outline, Vertical: r.vertical}
	if len(r.glyphs) == 0 {
		return l
	}
	l.Confidence = r.confidence
	var text strings.Builder
	var word *ocr.Word
	kind, open := anyScript, false // of the word: its script; whether another character may join it
	for _, g := range r.glyphs {
		text.WriteString(g.text)
		if g.text == " " {
			open = false
			continue
		}
		this := scriptOf(g.text)
		if !open || this != anyScript && kind != anyScript && this != kind {
			l.Words = append(l.Words, ocr.Word{})
			word = &l.Words[len(l.Words)-1]
			open, kind = true, anyScript
		}
		if this != anyScript {
			kind = this
		}
		if len(g.candidates) > candidates {
			g.candidates = g.candidates[:candidates]
		}
		if candidates == 0 {
			g.candidates = nil
		}
		word.Symbols = append(word.Symbols, ocr.Symbol{Char: g.text, Box: g.box, Confidence: g.confidence, Candidates: g.candidates})
	}
	for i := range l.Words {
		finishWord(&l.Words[i])
	}
	l.Text = text.String()
	return l
}

func finishWord(w *ocr.Word) {
	var text strings.Builder
	for _, s := range w.Symbols {
		text.WriteString(s.Char)
		w.Confidence += s.Confidence
		w.Box = w.Box.Union(s.Box)
	}
	w.Text = text.String()
	w.Confidence /= float32(len(w.Symbols))
}

type script int

const (
	anyScript      script = iota // ASCII punctuation: part of the word it stands in
	spacedScript                 // letters and digits of scripts with spaces between words
	unspacedScript               // Chinese and its punctuation
)

func scriptOf(char string) script {
	c, _ := utf8.DecodeRuneInString(char)
	switch {
	case unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo), c >= 0x3000 && c <= 0x303f, c >= 0xff00 && c <= 0xffef:
		return unspacedScript
	case unicode.IsLetter(c), unicode.IsDigit(c):
		return spacedScript
	}
	return anyScript
}

// narrow tells characters that take about half of a square.
func narrow(char string) bool {
	c, _ := utf8.DecodeRuneInString(char)
	return c < 0x2e80
}

// Of so many characters, and so many of them marks, is what noise is read as. Print has such lines where it counts (（一）、（二）) or numbers
// pages (-6-), which have fewer marks or are shorter.
const (
	hatchedLeast = 4
	hatchedShare = 0.75
)

// hatched reports whether what was read is marks more than anything else.
func (r *reading) hatched() bool {
	all, marks := 0, 0
	for _, g := range r.glyphs {
		c, _ := utf8.DecodeRuneInString(g.text)
		if c == ' ' {
			continue
		}
		all++
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			marks++
		}
	}
	return all >= hatchedLeast && float64(marks) >= hatchedShare*float64(all)
}
