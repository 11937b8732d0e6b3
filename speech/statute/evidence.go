package statute

import (
	"slices"
	"strings"
)

// Evidence knows what was heard of a final result beside its words. Its values are compared: pointers are.
type Evidence interface {
	// Fit is the natural log-likelihood that from one second to another a text was said and nothing else.
	Fit(text string, from, to float64) float64
}

// How much less likely the law's words may be than those that were recognised for these to be a mishearing: in nats by differing character.
// On 196 articles read by synthetic voices that no training heard, places that were misheard had a median of -1.5, of three voices that are hard to
// understand -2.9, and 19 of 20 lay above -7; another word in the place of one that was heard well had -11.9, and 9 of 10 lay below -9.
const (
	mishearing = -6.5
	// announced is the same for a provision that was named, or is being recited.
	announced = -7.
	// unlikely is the same for a recital that its words speak for enough.
	unlikely = -9.
	// otherWord is the least of a single place: below, another word was said there, however little of the rest was heard. otherCharacter is that
	// of a single character, which is seldom a word, and otherSense that of a place with characters that turn the sense of a provision.
	otherWord      = -8.5
	otherCharacter = -12.5
	otherSense     = -6.5
	// littleLost is what all places may cost by character of the recital.
	littleLost = -.3
)

// sounded is what a reader keeps of a character: when it was said, and the evidence of the result that it is of.
type sounded struct {
	from, to float64
	of       Evidence
}

// loss is by how many nats the law's words fit worse than characters from..to of what was said. All are of one result with evidence; ok is
// false where they are not.
func (r *Reader) loss(from, to int, said, instead string) (nats float64, ok bool) {
	if from >= to || r.sounds[from].of == nil || r.sounds[to-1].of != r.sounds[from].of {
		return 0, false
	}
	first, last := r.sounds[from], r.sounds[to-1]
	begin, end := first.from, last.to
	// The sound between characters belongs to what may have been said there.
	if from == 0 || r.sounds[from-1].of != first.of {
		begin -= beside
	} else {
		begin = r.sounds[from-1].to
	}
	if to == len(r.sounds) || r.sounds[to].of != last.of {
		end += beside
	} else {
		end = r.sounds[to].from
	}
	return first.of.Fit(instead, begin, end) - first.of.Fit(said, begin, end), true
}

// beside is how much sound before the first and behind the last character of a result may hold others, in seconds.
const beside = .6

// judged is what the evidence says of a recital.
type judged struct {
	mean  float64 // nats by differing character, of all that differs; 0 when nothing does
	share float64 // nats by character of the recital
	// Nats by differing character of the worst place: of those with characters that turn the sense, of other single characters, and of the rest.
	sense, alone, worst float64
}

// plausible tells whether no other word was said in any place.
func (j judged) plausible() bool {
	return j.sense >= otherSense && j.alone >= otherCharacter && j.worst >= otherWord
}

// misheard tells whether a recital's words were said, and what differs from them was misheard.
func (j judged) misheard(least float64) bool {
	return j.plausible() && (j.mean >= least || j.share >= littleLost)
}

// judge asks the evidence for the places where a recital differs from the article, and one whether they all lie in results that have any.
func (r *Reader) judge(m *Match, bound int) (judged, bool) {
	var out judged
	sum, n := 0., 0
	known := true
	place := func(from, to int, artFrom, artTo int) {
		// The characters on both sides hold the place.
		left, right := from, to
		a, b := artFrom, artTo
		if from > m.from {
			left, a = from-1, artFrom-1
		}
		if to < m.to {
			right, b = to+1, artTo+1
		}
		if left >= right || int(m.query.places[left]) < bound {
			return
		}
		lost, ok := r.loss(int(m.query.places[left]), int(m.query.ends[right-1]), string(m.query.runes[left:right]), string(m.words.runes[a:b]))
		if !ok {
			known = known && r.sounds[m.query.places[left]].of != nil
			return
		}
		differ := max(to-from, artTo-artFrom)
		// Where characters were heard that the article has not, silence fits better than another character would.
		lost += float64(differ)*r.doubt(m, from, to) - extra*float64(max(0, to-from-(artTo-artFrom)))
		sum, n = sum+lost, n+differ
		place := lost / float64(differ)
		switch decisive := slices.ContainsFunc(m.query.runes[from:to], decides) || slices.ContainsFunc(m.words.runes[artFrom:artTo], decides); {
		case decisive:
			out.sense = min(out.sense, place)
		case differ == 1:
			out.alone = min(out.alone, place)
		default:
			out.worst = min(out.worst, place)
		}
	}
	each(m, place)
	// What stands beside the recital and is taken for the misheard ends of its clauses is judged, too.
	before, after := m.missing()
	if before = min(before, m.artFrom, m.from); before > 0 {
		place(m.from-before, m.from, m.artFrom-before, m.artFrom)
	}
	if after = min(after, len(m.words.runes)-m.artTo, len(m.query.runes)-m.to); after > 0 && after <= edge {
		place(m.to, m.to+after, m.artTo, m.artTo+after)
	}
	if n > 0 {
		out.mean, out.share = sum/float64(n), sum/float64(m.length())
	}
	return out, known
}

// decides tells whether a character can turn the sense of a provision into another.
func decides(r rune) bool {
	return numeral(r) || negation(r) || strings.ContainsRune("或和与及且可应须得以上下内外前后", r)
}

// What the recogniser's own confidence of a place adds to its evidence, in nats: it has .63 on average where it was wrong, .84 where not.
const (
	doubtful = .75
	weight   = 10
	mostFor  = 3
	leastFor = -2
	extra    = 3
)

// doubt is that of characters of the text, or of their neighbours where there are none.
func (r *Reader) doubt(m *Match, from, to int) float64 {
	if from == to {
		from, to = max(m.from, from-1), min(m.to, to+1)
	}
	sum, n := 0., 0
	for _, at := range m.query.places[from:to] {
		sum, n = sum+float64(r.sure[at]), n+1
	}
	return min(max(weight*(doubtful-sum/float64(max(n, 1))), leastFor), mostFor)
}

// each calls f with every place of the alignment where text and article differ, both in heard characters.
func each(m *Match, f func(from, to, artFrom, artTo int)) {
	at, art := m.from, m.artFrom
	for i := 0; i <= len(m.with); i++ {
		k := m.from + i
		w := int32(m.artTo)
		if i < len(m.with) {
			if w = m.with[i]; w < 0 || m.query.runes[k] != m.words.runes[w] && !alike(m.query, m.words, k, int(w)) {
				continue
			}
		}
		if k > at || int(w) > art {
			f(at, k, art, int(w))
		}
		at, art = k+1, int(w)+1
	}
}
