package proposal

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed terms.txt
var termList string

//go:embed causes.txt
var causeList string

// lexicon finds the phrases of a list in a text: by their first two characters, the longest first.
type lexicon map[[2]rune][][]rune

var (
	terms  = sync.OnceValue(func() lexicon { return newLexicon(LegalTerms()) })
	causes = sync.OnceValue(func() lexicon { return newLexicon(Causes()) })
)

// LegalTerms is the built-in list of legal terms, the frequent ones first.
func LegalTerms() []string { return column(termList) }

// Causes is the built-in list of causes of action and charges, the frequent ones first.
func Causes() []string { return column(causeList) }

func column(list string) []string {
	var out []string
	for line := range strings.Lines(list) {
		phrase, _, _ := strings.Cut(line, "\t")
		out = append(out, phrase)
	}
	return out
}

// newLexicon takes phrases of two characters and more.
func newLexicon(phrases []string) lexicon {
	l := lexicon{}
	for _, p := range phrases {
		r := []rune(p)
		key := [2]rune(r)
		l[key] = append(l[key], r)
	}
	for _, list := range l {
		slices.SortStableFunc(list, func(a, b []rune) int { return len(b) - len(a) })
	}
	return l
}

// find tells where phrases stand in a text, the longest at each place; what stands inside of one is not told.
func (l lexicon) find(text []rune, tell func(at int, phrase []rune)) {
	for at := 0; at+1 < len(text); at++ {
		for _, p := range l[[2]rune(text[at:at+2])] {
			if hasPrefix(text[at:], p) {
				tell(at, p)
				at += len(p) - 1
				break
			}
		}
	}
}

// has tells whether a phrase is on the list.
func (l lexicon) has(phrase string) bool {
	r := []rune(phrase)
	return len(r) >= 2 && slices.ContainsFunc(l[[2]rune(r)], func(p []rune) bool { return slices.Equal(p, r) })
}

var (
	statedCause = regexp.MustCompile(`案\s*由\s*[:：]\s*(\p{Han}{2,20})`)
	charge      = regexp.MustCompile(`(?:犯|涉嫌|构成|以|成立)(\p{Han}{2,12}罪)(?:[^嫌犯名]|$)`)
	// What is no charge though it ends in 罪.
	noCharge = regexp.MustCompile(`有罪|无罪|认罪|本罪|此罪|该罪|数罪|悔罪|其|的|了|被告|指控|判`)
)

func findCauses(f *findings, all []sentence) {
	f.each(all, func(s sentence) {
		text := string(s.text)
		for _, m := range statedCause.FindAllStringSubmatch(text, -1) {
			f.add(Cause, m[1])
		}
		for _, m := range charge.FindAllStringSubmatch(text, -1) {
			if !noCharge.MatchString(m[1]) {
				f.add(Cause, m[1])
			}
		}
		causes().find(s.text, func(_ int, p []rune) { f.add(Cause, string(p)) })
	})
}

func findTerms(f *findings, all []sentence) {
	f.each(all, func(s sentence) {
		terms().find(s.text, func(_ int, p []rune) { f.add(Term, string(p)) })
	})
}
