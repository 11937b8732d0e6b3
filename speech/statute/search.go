package statute

import (
	"cmp"
	"math"
	"slices"
)

// Options of a search.
type Options struct {
	// Day is the day on which the law must be in force to be preferred, YYYY-MM-DD; empty takes the latest versions.
	Day string
	// Max is the most matches; 0 takes 5.
	Max int
	// Confidence is the recogniser's of each character of the text, 0 to 1, for a [Reader]; nil: none may have been misheard.
	Confidence []float32
	// Evidence is what was heard of the text, for a [Reader], and Times are where each of its characters begins and ends in it, in seconds; nil: it
	// is not known.
	Evidence Evidence
	Times    [][2]float64
}

// Match is a provision that a text names or recites.
type Match struct {
	Provision
	// Confidence is the chance 0 to 1 that this provision is meant.
	Confidence float64
	// Start and End bound the place in the text, in characters.
	Start, End int
	// ArticleStart and ArticleEnd bound what is recited of the article's text, in characters; equal when the article is only named.
	ArticleStart, ArticleEnd int
	// Named tells that the text says the law and the number.
	Named bool

	article int
	alignment
	query, words heard // the text that was searched for, and the article
	reach        int   // characters that are missing at the beginning and are taken in, where more than edge are
}

// What a search looks at: so many candidates are aligned, runs that more articles hold tell nothing, and shorter texts are no recitals.
const (
	candidates   = 24
	tooCommon    = 4000
	shortestText = 6
)

// votes are sums of weights by article, with the articles that have one.
type votes struct {
	of    []float32
	given []uint32
}

// Lookup finds the provisions that a text names or recites, the surest first. It looks at about 2,000 characters of text in some
// milliseconds. None is an answer, not an error; the error wraps [ErrFormat] when the index is damaged.
func (x *Index) Lookup(text string, o Options) ([]Match, error) {
	limit := o.Max
	if limit <= 0 {
		limit = 5
	}
	mentions := x.mentions(text)
	var out []Match
	seen := map[int]int{} // article -> index in out
	for _, m := range mentions {
		provisions, articles, err := x.named(m, o.Day)
		if err != nil {
			return nil, err
		}
		for i, p := range provisions {
			if _, again := seen[articles[i]]; again {
				continue
			}
			seen[articles[i]] = len(out)
			// An older version, and another law of the same name, are less likely meant.
			out = append(out, Match{Provision: p, Confidence: namedConfidence / float64(1+2*i), Start: m.start, End: m.end, Named: true, article: articles[i]})
		}
	}
	recited, err := x.recited(listen(text), o.Day, seen)
	if err != nil {
		return nil, err
	}
	for _, r := range recited {
		if i, ok := seen[r.article]; ok {
			if r.Confidence > .5 {
				r.Confidence, r.Named = max(r.Confidence, out[i].Confidence), true
				out[i] = r
			}
			continue
		}
		seen[r.article] = len(out)
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b Match) int { return cmp.Compare(b.Confidence, a.Confidence) })
	kept := out[:0]
	for _, m := range out {
		if m.Confidence >= leastConfidence && len(kept) < limit {
			kept = append(kept, m)
		}
	}
	return kept, nil
}

// recited aligns a text with the articles that share most runs of syllables with it; the best first. named are articles that the text
// names, which are looked at in any case.
func (x *Index) recited(q heard, day string, named map[int]int) ([]Match, error) {
	if len(q.sounds) < shortestText {
		return nil, nil
	}
	v := x.weights.Get().(*votes)
	defer func() {
		for _, a := range v.given {
			v.of[a] = 0
		}
		v.given = v.given[:0]
		x.weights.Put(v)
	}()
	done := map[uint32]bool{}
	for _, k := range q.keys() {
		if done[k] {
			continue
		}
		done[k] = true
		n := x.holders(k, nil)
		if n == 0 || n > tooCommon {
			continue
		}
		weight := float32(math.Log(float64(x.articles+1) / float64(n)))
		x.holders(k, func(a uint32) {
			if v.of[a] == 0 {
				v.given = append(v.given, a)
			}
			v.of[a] += weight
		})
	}
	ranked := slices.Clone(v.given)
	top := min(candidates, len(ranked))
	slices.SortFunc(ranked, func(a, b uint32) int { return cmp.Or(cmp.Compare(v.of[b], v.of[a]), cmp.Compare(a, b)) })
	ranked = ranked[:top]
	for a := range named {
		if !slices.Contains(ranked, uint32(a)) {
			ranked = append(ranked, uint32(a))
		}
	}
	var out []Match
	for _, id := range ranked {
		law := x.lawOf(int(id))
		articles, err := x.unpacked(law)
		if err != nil {
			return nil, err
		}
		article := articles[int(id)-x.laws[law].first]
		a := listen(article.Text)
		al, ok := align(q, a)
		if !ok || al.equal+al.sounds < shortestText {
			continue
		}
		_, isNamed := named[int(id)]
		m := Match{Provision: x.provision(law, article), article: int(id), alignment: al, query: q, words: a, Named: isNamed}
		m.Start, m.End = int(q.places[al.from]), int(q.ends[al.to-1])
		m.ArticleStart, m.ArticleEnd = int(a.places[al.artFrom]), int(a.ends[al.artTo-1])
		out = append(out, m)
	}
	// Of texts that fit alike the named one, the one in force and the later one come first.
	rank := func(m *Match) float64 {
		s := m.score
		if m.Named {
			s += min(m.score, 40)
		}
		if x.laws[x.lawOf(m.article)].inForce(day) {
			s += .5
		}
		before, after := m.missing()
		s -= 1.5 * float64(min(before, 4)+min(after, 4))
		return s
	}
	slices.SortStableFunc(out, func(a, b Match) int {
		return cmp.Or(cmp.Compare(rank(&b), rank(&a)), cmp.Compare(b.Effective, a.Effective), cmp.Compare(a.article, b.article))
	})
	for i := range out {
		m := &out[i]
		m.Confidence = confidence(m.alignment)
		if i > 0 {
			// Another provision whose words fit as well shares the chance; one that fits worse is not meant.
			m.Confidence *= .5 * math.Exp(-max(0, rank(&out[0])-rank(m))/4)
		}
	}
	return out, nil
}
