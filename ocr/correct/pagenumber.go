package correct

import (
	"strings"
	"unicode/utf8"

	"github.com/courtsense/courtsense/ocr"
)

const (
	dashes       = "—-–－"
	likeDashes   = "一。、·_"
	mostOfNumber = 3 // digits of a page's number
	dashed       = 3 // what a page's number between strokes adds to the score of a dash
	opposed      = 6 // what a dash on the number's other side adds more: nothing else stands there
)

// pageNumbers finds strokes on either side of a page's number that were read for anything else: on a line of its own, such as “—16一”,
// there is a dash on both sides.
func (c *Corrector) pageNumbers(fs []flow) []change {
	var out []change
	for i, f := range fs {
		for from, to := range f.lines() {
			if n := to - from; n >= 3 && n <= mostOfNumber+2 && f.dashedNumber(from, to) {
				first, one := c.dash(f, i, from, f[to-1].r)
				opposite := f[from].r
				if one {
					opposite, _ = utf8.DecodeRuneInString(first.to.Char)
					out = append(out, first)
				}
				last, other := c.dash(f, i, to-1, opposite)
				if other {
					out = append(out, last)
				}
				if !one && other { // and now the first has a dash opposite
					opposite, _ = utf8.DecodeRuneInString(last.to.Char)
					if first, one = c.dash(f, i, from, opposite); one {
						out = append(out, first)
					}
				}
			}
		}
	}
	return out
}

// dashedNumber tells whether a line is digits between two strokes of which one is a dash, or may be.
func (f flow) dashedNumber(from, to int) bool {
	for _, g := range f[from+1 : to-1] {
		if g.r < '0' || g.r > '9' {
			return false
		}
	}
	stroke := func(r rune) bool { return strings.ContainsRune(dashes+likeDashes, r) }
	return stroke(f[from].r) && stroke(f[to-1].r)
}

// dash returns the change of a stroke to a dash: that of the other side, else the one that the recogniser thinks likeliest.
func (c *Corrector) dash(f flow, number, at int, opposite rune) (change, bool) {
	g := f[at]
	if strings.ContainsRune(dashes, g.r) {
		return change{}, false
	}
	more := float32(dashed)
	if strings.ContainsRune(dashes, opposite) {
		more += opposed
	}
	for _, o := range g.candidates {
		if len(o.Char) == 0 || !strings.Contains(dashes, o.Char) || strings.ContainsRune(dashes, opposite) && o.Char != string(opposite) {
			continue
		}
		original, corrected := c.config.Han.Recognition*logarithm(g.confidence), c.config.Han.Recognition*logarithm(o.Confidence)+more
		if corrected <= original {
			return change{}, false
		}
		return change{place: place{flow: number, at: at}, to: ocr.Candidate{Char: o.Char, Confidence: o.Confidence}, original: original, corrected: corrected, why: "a dash on either side of a page's number"}, true
	}
	return change{}, false
}
