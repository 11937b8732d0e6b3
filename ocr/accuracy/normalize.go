package accuracy

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Normalize brings a text into the form in which characters are counted, so that an error is a misread character and not
// another way of encoding or spacing the same one:
//
//   - Unicode NFC; CJK compatibility ideographs and Kangxi radicals become the ordinary characters (NFKC for them only:
//     NFKC for all would make ①, № and ℃ equal to 1, No and °C, which a reader tells apart);
//   - full-width ASCII becomes ASCII: （２０２４） is (2024), ，：； are , : ;
//   - curly quotes become straight, all hyphens and dashes -, an ellipsis three dots, · one of the middle dots;
//   - control and invisible format characters vanish;
//   - white space beside a Chinese, Japanese or full-width character vanishes, elsewhere a run of it, a line's end
//     included, is one space, none at the ends.
//
// Case counts, and so do 。 against . and 、 against , and 〔〕 against [].
func Normalize(s string) string {
	var folded strings.Builder
	folded.Grow(len(s))
	for _, r := range norm.NFC.String(s) {
		fold(&folded, r)
	}
	runes := []rune(norm.NFC.String(folded.String()))
	out := make([]rune, 0, len(runes))
	space := false
	for _, r := range runes {
		if unicode.IsSpace(r) {
			space = true
			continue
		}
		if space && len(out) > 0 && !unspaced(out[len(out)-1]) && !unspaced(r) {
			out = append(out, ' ')
		}
		space = false
		out = append(out, r)
	}
	return string(out)
}

func fold(b *strings.Builder, r rune) {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		fold(b, r-0xFF01+'!')
	case r >= 0xF900 && r <= 0xFAFF, r >= 0x2F00 && r <= 0x2FDF, r >= 0x2F800 && r <= 0x2FA1F:
		b.WriteString(norm.NFKC.String(string(r)))
	case r == '“' || r == '”' || r == '„' || r == '〝' || r == '〞':
		b.WriteByte('"')
	case r == '‘' || r == '’' || r == '‚':
		b.WriteByte('\'')
	case r >= 0x2010 && r <= 0x2015, r == '−', r == '﹣':
		b.WriteByte('-')
	case r == '…':
		b.WriteString("...")
	case r == '•' || r == '‧' || r == '・':
		b.WriteRune('·')
	case unicode.IsSpace(r):
		b.WriteByte(' ')
	case unicode.In(r, unicode.Cc, unicode.Cf):
	default:
		b.WriteRune(r)
	}
}

// unspaced tells characters beside which white space carries no meaning.
func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo) ||
		r >= 0x3000 && r <= 0x303F || r >= 0xFF00 && r <= 0xFFEF
}
