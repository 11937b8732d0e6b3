package correct

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/courtsense/courtsense/ocr"
)

const (
	longestQuote = 30     // characters between quotation marks, looked at
	leastQuote   = 0.0001 // confidence from which a stop may be a quotation mark
)

// quotation tells whether a character is a quotation mark.
func quotation(r rune) bool { return r == '“' || r == '”' }

// maybeQuote tells whether a glyph was read for a quotation mark, or for a stop that may be one: small and round, they look alike.
func maybeQuote(g glyph, mark rune) bool {
	if g.r != '。' {
		return g.r == mark
	}
	for _, o := range g.candidates {
		if o.Char == string(mark) && o.Confidence >= leastQuote {
			return true
		}
	}
	return false
}

// paired tells whether a quotation mark at a place would have its counterpart: of two that stand apart alike, each bears the other out.
func (f flow) paired(at int, mark rune) bool {
	other, step := '”', 1
	if mark == other {
		other, step = '“', -1
	}
	for i := at + step; i >= 0 && i < len(f) && max(i-at, at-i) <= longestQuote; i += step {
		if maybeQuote(f[i], other) {
			return true
		}
		if f[i].r == mark {
			return false
		}
	}
	return false
}

// longestLabel is how many characters the name of a form's field has at most.
const longestLabel = 8

// label tells whether a mark stands behind the name of a field: a few Chinese characters from the beginning of a line, and behind it
// figures, a box to tick, or nothing.
func (f flow) label(at int) bool {
	from := at
	for from > 0 && f[from-1].line == f[at].line {
		from--
		if !unicode.Is(unicode.Han, f[from].r) && f[from].r != '、' || at-from > longestLabel {
			return false
		}
	}
	return at-from >= 2 && (at+1 == len(f) || f[at+1].line != f[at].line || f[at+1].r < utf8.RuneSelf || strings.ContainsRune("□☑☐", f[at+1].r))
}

// byPlace is what is added to the score of a mark for where it stands.
func (c *Corrector) byPlace(f flow, at int, o ocr.Candidate) float32 {
	mark, _ := utf8.DecodeRuneInString(o.Char)
	if mark == '：' && f.label(at) {
		return c.config.Label
	}
	if f[at].r != '。' || !quotation(mark) {
		return 0
	}
	if o.Confidence >= leastQuote && f.paired(at, mark) {
		return c.config.Quote + c.config.Paired
	}
	return c.config.Quote
}
