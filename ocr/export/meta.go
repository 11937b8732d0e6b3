package export

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Meta describes the file that is written. Every field may be zero.
type Meta struct {
	Title    string    // default: Source
	Source   string    // the original's file name
	SHA256   string    // of the original, in hexadecimal
	Language string    // of the text, BCP 47, such as "zh-Hans"
	Software string    // what read the pages; default "courtsense"
	Version  string    // of Software
	Time     time.Time // when the pages were read; zero leaves it out

	// KeepRotation shows a PDF's pages as their pictures lie. By default a page that was read as turned is shown upright; the
	// picture itself is never changed.
	KeepRotation bool
}

func (m Meta) withDefaults() Meta {
	if m.Title == "" {
		m.Title = m.Source
	}
	if m.Software == "" {
		m.Software = "courtsense"
	}
	if !validLanguage(m.Language) {
		m.Language = ""
	}
	for _, s := range []*string{&m.Title, &m.Source, &m.SHA256, &m.Software, &m.Version} {
		*s = shorten(clean(*s), maxMetaRunes)
	}
	// Formats differ in the range of years; what a clock says lies inside all of them.
	if y := m.Time.UTC().Year(); y < 1 || y > 9999 {
		m.Time = time.Time{}
	}
	m.Time = m.Time.UTC().Truncate(time.Second)
	return m
}

// maxMetaRunes keeps each text below the 32,767 bytes that PDF/A-2 permits in a string, as UTF-16 in hexadecimal too.
const maxMetaRunes = 2000

// product is the software with its version.
func (m Meta) product() string { return strings.TrimSpace(m.Software + " " + m.Version) }

// validLanguage tells what XML Schema's language type accepts: subtags of 1 to 8 letters, from the second on digits too.
func validLanguage(tag string) bool {
	if tag == "" || len(tag) > 64 {
		return false
	}
	for i, sub := range strings.Split(tag, "-") {
		if sub == "" || len(sub) > 8 {
			return false
		}
		for _, c := range sub {
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
			if !letter && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}

// clean returns s as valid UTF-8 without characters that XML 1.0 cannot hold: control characters, noncharacters and bytes
// that are no text become U+FFFD, line breaks and tabs one space.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			return ' '
		case !writable(r):
			return utf8.RuneError
		}
		return r
	}, s)
}

// writable tells the characters that every format can hold.
func writable(r rune) bool {
	return !unicode.IsControl(r) && r&0xfffe != 0xfffe && !(r >= 0xfdd0 && r <= 0xfdef) && !(r >= 0xd800 && r <= 0xdfff) && r != 0xfeff
}

func shorten(s string, runes int) string {
	n := 0
	for i := range s {
		if n == runes {
			return s[:i]
		}
		n++
	}
	return s
}
