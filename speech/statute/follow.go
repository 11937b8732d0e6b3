package statute

import (
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/courtsense/courtsense/speech/syllable"
)

// Scores of following a provision, whose place is known: what does not fit costs less than in a search.
const (
	followNear   = .4
	followOther  = -.8
	followGap    = -1.2
	followClause = 1.5 // for ending with a clause: people breathe there
	followAhead  = 16  // characters by which the article may be longer than what was heard of it
)

// follow aligns all of a text with an article from one of its characters on: to where the text ends, with the article as far as that goes.
func follow(q, a heard, from int) (alignment, bool) {
	n, most := len(q.runes), min(len(a.runes)-from, len(q.runes)+followAhead)
	if n == 0 || most < 1 {
		return alignment{}, false
	}
	width := most + 1
	score := make([]float32, (n+1)*width)
	step := make([]byte, (n+1)*width) // 1 both, 2 text only, 3 article only
	for j := 1; j <= most; j++ {
		score[j], step[j] = float32(j)*followGap, 3
	}
	for i := 1; i <= n; i++ {
		row, above := score[i*width:(i+1)*width], score[(i-1)*width:i*width]
		row[0], step[i*width] = float32(i)*followGap, 2
		for j := 1; j <= most; j++ {
			best, how := above[j-1]+likeness(q, a, i-1, from+j-1), byte(1)
			if v := above[j] + followGap; v > best {
				best, how = v, 2
			}
			if v := row[j-1] + followGap; v > best {
				best, how = v, 3
			}
			row[j], step[i*width+j] = best, how
		}
	}
	at, best := 0, float32(0)
	for j := 1; j <= most; j++ {
		v := score[n*width+j]
		if !a.within(from + j) {
			v += followClause
		}
		if at == 0 || v > best {
			at, best = j, v
		}
	}
	out := alignment{score: float64(best), to: n, artFrom: from, artTo: from + at, with: make([]int32, n)}
	for i, j := n, at; i > 0 || j > 0; {
		switch step[i*width+j] {
		case 1:
			i, j = i-1, j-1
			out.with[i] = int32(from + j)
			switch {
			case q.runes[i] == a.runes[from+j]:
				out.equal++
			case alike(q, a, i, from+j):
				out.sounds++
			default:
				out.other++
			}
		case 2:
			i--
			out.with[i] = -1
			out.oneSided++
		case 3:
			j--
			out.oneSided++
		}
	}
	return out, true
}

// within tells whether a place between heard characters lies within what is spoken in one breath: there is no mark.
func (h heard) within(at int) bool {
	return at > 0 && at < len(h.runes) && h.places[at] <= h.ends[at-1]
}

// likeness is how well a heard character stands for one of an article.
func likeness(q, a heard, i, j int) float32 {
	switch {
	case q.runes[i] == a.runes[j]:
		return scoreEqual
	case alike(q, a, i, j):
		return scoreSound
	case near(q.sounds[i], a.sounds[j]):
		return followNear
	}
	return followOther
}

// parts are what each toneless syllable begins with, and the rest of it.
var parts = sync.OnceValue(func() [][2]string {
	out := make([][2]string, syllable.Limit())
	for s := range out {
		text := syllable.Syllable(s).String()
		n := strings.IndexAny(text, "aeiouvü")
		out[s] = [2]string{text[:max(n, 0)], text[max(n, 0):]}
	}
	return out
})

// near tells whether two toneless syllables begin or end alike.
func near(a, b syllable.Syllable) bool {
	p, q := parts()[a], parts()[b]
	return p[1] == q[1] || p[0] == q[0] && p[0] != ""
}

// What following a provision needs, as shares of the characters on the longer side.
const (
	followed   = .35 // that sound alike of a provision that was named or is being recited
	recognised = .5  // of one that is known by its words only
	recalled   = 12  // so many of them at least
	unequal    = 3   // by how many characters text and article may differ in length, and one in eight more
	breaths    = 1   // characters before it that may have been none
	hypotheses = 6   // provisions that are tried of those that a search has found
)

// hypothesis is a provision that a result may be the recital of.
type hypothesis struct {
	Match
	from  int  // the article's heard character that it would begin with
	skip  int  // of those that follow, how many were written in the result before
	known bool // named or being recited, not only found by its words
}

// stretches are the places in what was said, in heard characters, from where the latest result may be a recital to its end: its beginning, and
// behind what names provisions or sounds like a number of one.
func stretches(q heard, first int) []int {
	out := []int{first}
	for _, o := range q.ordinals() {
		if o.to > first && o.to < len(q.runes) {
			out = append(out, o.to)
		}
	}
	for i := first; i < len(q.sounds); i++ {
		if q.sounds[i] != soundOrdinal {
			continue
		}
		k := i + 1
		for k < len(q.sounds) && spokenNumbers[q.sounds[k]] != 0 {
			k++
		}
		if k > i+1 && k+1 < len(q.sounds) && !slices.Contains(out, k+1) {
			out = append(out, k+1)
		}
	}
	return out
}

// fillers stand between a provision's name and its words.
var fillers = []string{"的规定", "之规定", "规定", "明确规定", "的"}

// behind is where a recital may begin that follows a name: at once, or behind a filler.
func behind(q heard, at int) []int {
	out := []int{at}
	for _, f := range fillers {
		if n := len([]rune(f)); at+n < len(q.runes) && string(q.runes[at:at+n]) == f {
			out = append(out, at+n)
		}
	}
	return out
}

// followed puts a provision that all of the latest result recites, from its beginning or from behind a name, in the place of what was found of
// it by its words.
func (r *Reader) followed(joined string, bound int, places []place, day string) ([]place, error) {
	var named []place
	for _, m := range r.x.mentions(joined) {
		provisions, articles, err := r.x.named(m, day)
		if err != nil {
			return nil, err
		}
		for i, p := range provisions {
			named = append(named, place{Match: Match{Provision: p, Start: m.start, End: m.end, Named: true, article: articles[i], words: listen(p.Text)}})
		}
	}
	p, ok := r.follow(joined, bound, named)
	if !ok {
		return places, nil
	}
	kept := slices.DeleteFunc(places, func(o place) bool { return o.End > p.Start })
	return append(kept, p), nil
}

// follow finds a provision that all of the latest result recites by what was heard beside the words. joined is what was said with that result,
// which begins at bound.
func (r *Reader) follow(joined string, bound int, named []place) (place, bool) {
	q := listen(joined)
	first, _ := slices.BinarySearch(q.places, int32(bound))
	if first == len(q.runes) || r.sounds[bound].of == nil {
		return place{}, false
	}
	var best place
	found := false
	try := func(at int, h hypothesis) {
		if m, ok := r.fits(q, at, h, bound); ok && (!found || m.score > best.score) {
			best, found = place{m, true}, true
		}
	}
	if r.article >= 0 {
		h := hypothesis{Match: r.going, known: true}
		h.from, _ = slices.BinarySearch(h.words.places, int32(r.end))
		try(first, h)
		// What was cut in two is heard twice.
		for h.skip = 1; h.skip <= edge && h.from > 0; h.skip++ {
			h.from--
			try(first, h)
		}
	}
	for _, p := range named {
		at, _ := slices.BinarySearch(q.places, int32(p.End))
		if at < first {
			continue
		}
		for _, from := range behind(q, at) {
			try(from, hypothesis{Match: p.Match, known: true})
		}
	}
	if found {
		return best, true
	}
	for _, at := range stretches(q, first) {
		for _, m := range r.tried {
			for _, from := range m.beginnings(q, at) {
				try(at, hypothesis{Match: m, from: from, known: from == 0 && m.numberBefore(q, at)})
			}
		}
	}
	return best, found
}

// numberBefore tells whether the article's number stands right before a heard character.
func (m *Match) numberBefore(q heard, at int) bool {
	return slices.ContainsFunc(q.ordinals(), func(o ordinal) bool {
		return o.to <= at && at-o.to <= behindName && sameNumber(m.Number, o.number)
	})
}

// beginnings are the article's heard characters with which the recital may begin if it begins at a heard character of the text: of clauses,
// about as far before the match.
func (m *Match) beginnings(q heard, at int) []int {
	start, _ := slices.BinarySearch(q.places, int32(m.Start))
	want := m.artFrom - (start - at)
	var out []int
	text := []rune(m.Text)
	for k := range m.words.runes {
		if k > 0 && (m.words.places[k] <= m.words.ends[k-1] || !slices.ContainsFunc(text[m.words.ends[k-1]:m.words.places[k]], clauseEnd)) {
			continue
		}
		if d := k - want; d >= -1-outOfStep && d <= 1+outOfStep {
			out = append(out, k)
		}
	}
	return out
}

// fits tells whether the text from a heard character to its end recites a provision.
func (r *Reader) fits(q heard, at int, h hypothesis, bound int) (Match, bool) {
	stretch := q.slice(at, len(q.runes))
	al, ok := follow(stretch, h.words, h.from)
	if !ok {
		return Match{}, false
	}
	m := h.Match
	m.alignment, m.query = al, stretch
	n, matched, length := al.to, al.equal+al.sounds, al.length()
	least := mishearing
	need := max(recalled, int(recognised*float64(length)))
	if h.known {
		least, need = announced, int(math.Ceil(followed*float64(length)))
	}
	if differ := n - (al.artTo - al.artFrom); matched < need || differ > unequal+n/8 || -differ > unequal+n/8 {
		return Match{}, false
	}
	m.Start, m.End = int(stretch.places[0]), int(stretch.ends[n-1])
	m.ArticleStart, m.ArticleEnd = int(m.words.places[al.artFrom]), int(m.words.ends[al.artTo-1])
	breath := 0
	for breath < len(al.with) && al.with[breath] < 0 {
		breath++
	}
	if breath > breaths || !h.known && m.words.within(al.artTo) {
		return Match{}, false
	}
	j, ok := r.judge(&m, bound)
	if !ok || !j.misheard(least) {
		return Match{}, false
	}
	if h.skip > 0 {
		if al.artTo <= al.artFrom+h.skip {
			return Match{}, false
		}
		m.ArticleStart = int(m.words.places[al.artFrom+h.skip])
	}
	text := []rune(m.Text)
	for m.ArticleEnd < len(text) && strings.ContainsRune("”’）》】", text[m.ArticleEnd]) {
		m.ArticleEnd++
	}
	for m.ArticleStart > 0 && strings.ContainsRune("“‘（《【", text[m.ArticleStart-1]) {
		m.ArticleStart--
	}
	m.Confidence = max(confidence(al), Sure)
	return m, true
}
