package statute

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Confidences, from 0 to 1.
const (
	// namedConfidence is that of a provision whose law and number were said; what else sounds like them is all that speaks against it.
	namedConfidence = .99
	// leastConfidence is what a match needs to be answered at all.
	leastConfidence = .05
	// Sure is what a recital needs for its exact words to take the place of what was recognised.
	Sure = .85
)

// What a recital must be to take the place of what was recognised.
const (
	// wholeClause is how many characters the recital of one whole clause needs, and edge by how many its ends may miss a clause's.
	wholeClause = 10
	edge        = 2
	// unnamedClause is what it needs when neither law nor number was said, but other words around it.
	unnamedClause = 16
	// clean is the share of sounding characters above which a differing number or negation is no mishearing: another text is meant.
	clean = .93
)

// confidence is the chance that an alignment is with what was recited: a logistic function of the evidence. Its weights were chosen so that on
// fragments of 6 to 24 characters it is no larger than the share that was right (`courtsense eval statutes`: calibration).
func confidence(a alignment) float64 {
	matched := float64(a.equal + a.sounds)
	wrong := float64(a.other + a.oneSided)
	z := -4 + .5*min(matched, 60) - wrong
	return 1 / (1 + math.Exp(-z))
}

// Quotation is a place of a text that became a provision's exact words, or names a provision.
type Quotation struct {
	Match
	// Start and End bound the place in Snapped.Text, in characters.
	Start, End int
	// SpokenStart and SpokenEnd bound it in the text as it was recognised, and Spoken is what stood there.
	SpokenStart, SpokenEnd int
	Spoken                 string
	// Recited tells that the provision's words are said, not only its name.
	Recited bool
}

// Snapped is a text with its recitals in their exact words.
type Snapped struct {
	Text       string
	Quotations []Quotation // in order, apart from each other
}

// Snap puts what a text recites into the exact words of the law, where that is sure, and marks what it names. All else stays as it is.
func (x *Index) Snap(text string, o Options) (Snapped, error) {
	found, err := x.places(text, o, (*Match).sure)
	if err != nil {
		return Snapped{}, err
	}
	return written([]rune(text), found), nil
}

// place is where a text recites a provision, or names it.
type place struct {
	Match
	recited bool
}

// places finds what a text recites, where it is sure, and names; in order.
func (x *Index) places(text string, o Options, sure func(*Match) bool) ([]place, error) {
	var places, mentioned []place
	named := map[int]int{}
	for _, m := range x.mentions(text) {
		provisions, articles, err := x.named(m, o.Day)
		if err != nil {
			return nil, err
		}
		if len(provisions) == 0 {
			continue
		}
		for _, a := range articles {
			named[a] = m.end
		}
		mentioned = append(mentioned, place{Match{Provision: provisions[0], Confidence: namedConfidence, Start: m.start, End: m.end, Named: true, article: articles[0]}, false})
	}
	// A text may recite several provisions: what is found parts it, and the rest is looked at again.
	parts := []heard{listen(text)}
	for len(parts) > 0 {
		part := parts[len(parts)-1]
		parts = parts[:len(parts)-1]
		matches, err := x.recited(part, o.Day, named)
		if err != nil {
			return nil, err
		}
		for _, m := range matches {
			if !sure(&m) {
				continue
			}
			m.widen()
			places = append(places, place{m, true})
			parts = append(parts, part.slice(0, m.from), part.slice(m.to, len(part.runes)))
			break
		}
	}
	// What a recited provision names itself is part of the recital.
	for _, p := range mentioned {
		if !slices.ContainsFunc(places, func(o place) bool { return o.recited && p.Start < o.End && o.Start < p.End }) {
			places = append(places, p)
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.Start, b.Start) })
	return places, nil
}

// written puts the words of the law into the places of a text.
func written(spoken []rune, places []place) Snapped {
	var out Snapped
	var b strings.Builder
	at, length := 0, 0
	for _, p := range places {
		if p.Start < at {
			continue
		}
		b.WriteString(string(spoken[at:p.Start]))
		length += p.Start - at
		words := string(spoken[p.Start:p.End])
		if p.recited {
			printed := []rune(p.Text)
			// The mark behind the recital belongs to it, unless the text has its own.
			if p.ArticleEnd < len(printed) && strings.ContainsRune("，。；：！？", printed[p.ArticleEnd]) &&
				(p.End == len(spoken) || !unicode.IsPunct(spoken[p.End])) {
				p.ArticleEnd++
			}
			words = string(printed[p.ArticleStart:p.ArticleEnd])
			words = strings.ReplaceAll(words, "\n", "")
		}
		n := utf8.RuneCountInString(words)
		b.WriteString(words)
		out.Quotations = append(out.Quotations, Quotation{Match: p.Match, Start: length, End: length + n, SpokenStart: p.Start, SpokenEnd: p.End,
			Spoken: string(spoken[p.Start:p.End]), Recited: p.recited})
		at, length = p.End, length+n
	}
	b.WriteString(string(spoken[at:]))
	out.Text = b.String()
	return out
}

// sure tells whether a recital may take the place of what was recognised: it is likely, has whole clauses, does not differ in a number or a
// negation where all else was heard well, and where its provision was not named sounds like it throughout.
func (m *Match) sure() bool {
	if m.Confidence < Sure || m.equal+m.sounds < wholeClause {
		return false
	}
	if m.numbers+m.negated > 0 && m.sounding() > clean {
		return false
	}
	// Judgments use the words of the law without reciting it: they differ from it in some words and are heard well. A recital that was misheard
	// also has characters that only sound alike.
	before, after := m.missing()
	wrong := m.other + m.oneSided + before + after
	if m.Named {
		if wrong > 2*m.sounds && (m.oneSided > 0 || wrong > 1+m.length()/30) {
			return false
		}
	} else {
		alone := m.from == 0 && m.to == len(m.query.runes)
		if !alone && m.equal+m.sounds < unnamedClause || 2*wrong > m.sounds || m.numbers+m.negated > 0 {
			return false
		}
	}
	return before <= edge && after <= edge && m.room(before, after)
}

// room tells whether the text has characters beside the recital that may be the misheard ones: what was not said is not added.
func (m *Match) room(before, after int) bool {
	q := m.query
	for i := m.from; i > m.from-before; i-- {
		if i == 0 || q.ends[i-1] != q.places[i] {
			return false
		}
	}
	for i := m.to; i < m.to+after; i++ {
		if i == len(q.runes) || q.places[i] != q.ends[i-1] {
			return false
		}
	}
	return true
}

// missing counts the characters of the article between the recital's ends and those of its clauses.
func (m *Match) missing() (before, after int) {
	text := []rune(m.Text)
	for i := m.ArticleStart - 1; i >= 0 && !clauseEnd(text[i]); i-- {
		// The number of an item need not be said.
		if (text[i] == '）' || text[i] == ')') && itemNumber.MatchString(string(text[max(0, i-4):i+1])) {
			break
		}
		if isHan(text[i]) {
			before++
		}
	}
	for i := m.ArticleEnd; i < len(text) && !clauseEnd(text[i]); i++ {
		if isHan(text[i]) {
			after++
		}
	}
	return before, after
}

// widen takes in the article's characters up to the ends of its clauses, which were misheard, with as many of the text's, and the marks that
// open and close brackets and quotes. Where more is missing, or more than one was not said at all, the end stays.
func (m *Match) widen() {
	before, after := m.missing()
	if before > max(edge, m.reach) {
		before = 0
	}
	if after > edge || after > 1+len(m.query.runes)-m.to {
		after = 0
	}
	from := max(m.from-before, 0)
	m.with = append(slices.Repeat([]int32{-1}, m.from-from), m.with...)
	m.from, m.to = from, min(m.to+after, len(m.query.runes))
	text := []rune(m.Text)
	for before > 0 {
		if m.ArticleStart--; isHan(text[m.ArticleStart]) {
			before--
		}
	}
	for after > 0 {
		if m.ArticleEnd++; isHan(text[m.ArticleEnd-1]) {
			after--
		}
	}
	for m.ArticleEnd < len(text) && strings.ContainsRune("”’）》】", text[m.ArticleEnd]) {
		m.ArticleEnd++
	}
	for m.ArticleStart > 0 && strings.ContainsRune("“‘（《【", text[m.ArticleStart-1]) {
		m.ArticleStart--
	}
	m.Start, m.End = int(m.query.places[m.from]), int(m.query.ends[m.to-1])
}

var itemNumber = regexp.MustCompile(`(?:^|[。；，：！？\n])[（(][一二三四五六七八九十]+[）)]$`)

func clauseEnd(r rune) bool { return strings.ContainsRune("，。；：！？\n", r) }
