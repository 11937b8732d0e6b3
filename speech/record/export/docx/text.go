package docx

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

// escaped returns s for character data or an attribute.
func escaped(s string) string { return escaper.Replace(strings.Map(printable, s)) }

// printable replaces what a document must not or cannot hold by U+FFFD, so that one sees that something stood there: bytes that
// are no text, control characters, noncharacters, and the marks that turn the direction of what follows, with which a text can be
// made to look like another one. Right-to-left letters need no such marks and stay.
func printable(r rune) rune {
	switch {
	case r == '\n' || r == '\t':
		return r
	case r == '\u2028' || r == '\u2029' || r == '\u0085' || r == '\v' || r == '\f':
		return '\n'
	case unicode.IsControl(r), r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef, r >= 0xd800 && r <= 0xdfff, r == 0xfeff:
		return utf8.RuneError
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c:
		return utf8.RuneError
	case r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe007f:
		// Interlinear annotation and tag characters are shown by nothing and hide text.
		return utf8.RuneError
	}
	return r
}

// writeText writes the text elements of a run.
func writeText(b *strings.Builder, s string) {
	s = Clean(s)
	for s != "" {
		end := strings.IndexAny(s, "\n\t")
		if end < 0 {
			end = len(s)
		}
		if end > 0 {
			b.WriteString(`<w:t xml:space="preserve">`)
			_, _ = escaper.WriteString(b, s[:end])
			b.WriteString("</w:t>")
		}
		if end == len(s) {
			return
		}
		if s[end] == '\n' {
			b.WriteString("<w:br/>")
		} else {
			b.WriteString("<w:tab/>")
		}
		s = s[end+1:]
	}
}

// Clean returns the text as a document shows it: valid UTF-8, with U+FFFD for what it cannot hold or must not, and line breaks as \n.
func Clean(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(printable, strings.ReplaceAll(s, "\r", "\n"))
}
