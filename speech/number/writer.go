package number

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Style says how numbers are written. The zero value is that of Chinese court records.
type Style struct {
	Amounts Amounts
	// Articles writes 第577条 instead of 第五百七十七条.
	Articles bool
}

// Span is a place where a number was written.
type Span struct {
	// Start and End bound what was written, in characters of Written.Text.
	Start, End int
	// SpokenStart and SpokenEnd bound what was spoken, in characters of the spoken text.
	SpokenStart, SpokenEnd int
	// Spoken is what was said there.
	Spoken string
	// Rule names the row of the table that wrote it.
	Rule string
}

// Written is a text with its numbers as they are written.
type Written struct {
	Text  string
	Spans []Span // in order, apart from each other
}

// context is how many bytes on either side of a place the rules look at.
const context = 90

// Write writes the numbers of a spoken text. It changes nothing else, takes time linear in the text, and may be called from several
// goroutines at once.
func (s Style) Write(text string) Written {
	var out strings.Builder
	var spans []Span
	spoken, written := 0, 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !strings.ContainsRune(heads, r) {
			out.WriteString(text[i : i+size])
			i, spoken, written = i+size, spoken+1, written+1
			continue
		}
		before, rest := text[max(0, i-context):i], text[i:min(len(text), i+2*context)]
		name, length, to := s.match(before, rest)
		if length == 0 {
			// What no rule understands stays as a whole: writing its end alone would garble it.
			length = max(len(run.FindString(rest)), size)
			to = rest[:length]
		}
		n, m := utf8.RuneCountInString(rest[:length]), utf8.RuneCountInString(to)
		if to != rest[:length] {
			spans = append(spans, Span{written, written + m, spoken, spoken + n, rest[:length], name})
		}
		out.WriteString(to)
		i, spoken, written = i+length, spoken+n, written+m
	}
	return Written{Text: out.String(), Spans: spans}
}

// match returns the first rule that applies at the head of rest, how many bytes it takes and what it writes.
func (s Style) match(before, rest string) (name string, length int, to string) {
	for i := range rules {
		r := &rules[i]
		m := r.pattern.FindStringSubmatchIndex(rest)
		if m == nil || r.behind != nil && !r.behind.MatchString(before) || r.notBehind != nil && r.notBehind.MatchString(before) ||
			r.ahead != nil && !r.ahead.MatchString(rest[m[1]:]) || r.notAhead != nil && r.notAhead.MatchString(rest[m[1]:]) {
			continue
		}
		if r.write == nil {
			return r.name, m[1], rest[:m[1]]
		}
		groups := make([]string, len(m)/2)
		for g := range groups {
			if m[2*g] >= 0 {
				groups[g] = rest[m[2*g]:m[2*g+1]]
			}
		}
		if to, ok := r.write(groups, s); ok {
			return r.name, m[1], to
		}
	}
	return "", 0, ""
}

// Places returns where numbers stand in a spoken text, also those that stay in characters, as pairs of begin and end in characters: no mark of
// punctuation belongs inside of them.
func Places(text string) [][2]int {
	var out [][2]int
	at := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !strings.ContainsRune(heads, r) {
			i, at = i+size, at+1
			continue
		}
		before, rest := text[max(0, i-context):i], text[i:min(len(text), i+2*context)]
		_, length, _ := Style{}.match(before, rest)
		if length == 0 {
			length = max(len(run.FindString(rest)), size)
		}
		n := utf8.RuneCountInString(rest[:length])
		if n > 1 {
			out = append(out, [2]int{at, at + n})
		}
		i, at = i+length, at+n
	}
	return out
}

var run = regexp.MustCompile(`^[` + numerals + `]+`)
