package idcard

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Line is a line that was read, character by character.
type Line struct {
	Text string
	// Confidence of each rune of Text, 0..1; a shorter list means that the last one holds for the rest, none 0.
	Confidence []float32
}

// Field is a field that was found on a card.
type Field struct {
	Text       string  // normalised; empty when it was not found
	Confidence float32 // lowest of its characters
}

// Fields are those that claims are held against.
type Fields struct{ Name, Number Field }

// Labels of the card's front, without blanks. What follows one up to the next is its field.
const (
	labelName   = "姓名"
	labelNumber = "公民身份号码"
)

var labels = []string{labelName, "性别", "民族", "出生", "住址", labelNumber}

const (
	longestName = 40 // characters; the longest names on cards are transliterations of some 30
	// leastDigits is how many digits a line must have to be taken for the number where its label was not read.
	leastDigits = 15
)

// char is a character with its confidence.
type char struct {
	r rune
	c float32
}

// Find finds name and number among the lines of a card's front, in reading order. It changes no character, save that blanks
// go, letters and digits become ASCII, and an O among digits is a zero.
func Find(lines []Line) Fields {
	var f Fields
	for i := range lines {
		if f.Name.Text == "" {
			if s := upToLabel(behind(labelName, lines[i:])); !slices.ContainsFunc(s, func(c char) bool { return unicode.IsDigit(c.r) }) {
				f.Name = field(s, longestName)
			}
		}
		if f.Number.Text == "" {
			f.Number = number(behind(labelNumber, lines[i:]))
		}
	}
	if f.Number.Text == "" {
		for _, l := range lines {
			if n := number(compact(l)); len(n.Text) >= leastDigits && len(n.Text) <= 20 && (f.Number.Text == "" || len(n.Text) == 18) {
				f.Number = n
			}
		}
	}
	return f
}

// behind is what stands behind a label in the first of the lines, or in the next one where the label is all that was read of
// its line: labels stand apart from what they name.
func behind(label string, lines []Line) []char {
	s := compact(lines[0])
	at := index(s, label)
	if at < 0 {
		return nil
	}
	if s = s[at+len([]rune(label)):]; len(s) == 0 && len(lines) > 1 {
		s = compact(lines[1])
	}
	return s
}

// compact is the line without blanks and in its compatibility form, so that full-width digits are digits.
func compact(l Line) []char {
	var out []char
	i := 0
	for _, r := range l.Text {
		c := float32(0)
		if n := len(l.Confidence); n > 0 {
			c = l.Confidence[min(i, n-1)]
		}
		i++
		for _, k := range norm.NFKC.String(string(r)) {
			if !unicode.IsSpace(k) {
				out = append(out, char{k, c})
			}
		}
	}
	return out
}

func index(s []char, label string) int {
	want := []rune(label)
	for i := 0; i+len(want) <= len(s); i++ {
		same := true
		for k, r := range want {
			same = same && s[i+k].r == r
		}
		if same {
			return i
		}
	}
	return -1
}

func upToLabel(s []char) []char {
	end := len(s)
	for _, label := range labels {
		if at := index(s, label); at >= 0 {
			end = min(end, at)
		}
	}
	return s[:end]
}

func field(s []char, longest int) Field {
	for len(s) > 0 && (s[0].r == ':' || unicode.IsPunct(s[0].r)) {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > longest {
		return Field{}
	}
	f := Field{Confidence: 1}
	var b strings.Builder
	for _, c := range s {
		b.WriteRune(c.r)
		f.Confidence = min(f.Confidence, c.c)
	}
	f.Text = b.String()
	return f
}

// number is the longest run of digits, with an X that ends it.
func number(s []char) Field {
	var best, run []char
	for _, c := range s {
		switch {
		case c.r >= '0' && c.r <= '9':
			run = append(run, c)
			if len(run) > len(best) {
				best = run
			}
			continue
		case (c.r == 'O' || c.r == 'o') && len(run) > 0:
			c.r = '0'
			if run = append(run, c); len(run) > len(best) {
				best = run
			}
			continue
		case (c.r == 'X' || c.r == 'x' || c.r == '×') && len(run) == 17:
			return field(append(run[:17:17], char{'X', c.c}), 18)
		}
		run = nil
	}
	return field(best, 32)
}

// SameName tells whether two names are one: blanks, the kind of the dot in a transliterated name, case of letters and
// compatibility forms do not count.
func SameName(a, b string) bool {
	a, b = plainName(a), plainName(b)
	return a != "" && a == b
}

func plainName(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKC.String(s) {
		switch {
		case unicode.IsSpace(r):
		case strings.ContainsRune("·•‧∙・.．･", r):
			b.WriteRune('·')
		default:
			b.WriteRune(unicode.ToUpper(r))
		}
	}
	return b.String()
}
