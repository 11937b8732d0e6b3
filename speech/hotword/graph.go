package hotword

import (
	"cmp"
	"slices"
	"sort"

	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/syllable"
)

// Options are what a graph is made with.
type Options struct {
	// Lexicon is what the recogniser writes and hears. Needed.
	Lexicon *lexicon.Lexicon
	// DefaultWeight is that of phrases with the weight 0. Default: [DefaultWeight].
	DefaultWeight float32
	// MaxPhrases is the most phrases. Default: [MaxPhrases].
	MaxPhrases int
}

// DefaultWeight of a phrase, natural logarithm per token. Among 1,000 distractors 0.75 found more of what was said (80 of 100 invented
// names instead of 61, 50 of 59 words of a reader instead of 44), but inserted more that was not (3 and 2 instead of 1 and 2) and spoilt
// the rest by 0.5 points instead of 0.2 (courtsense eval asr --hotwords): what is written wrongly costs a record more than what is missed.
const DefaultWeight = 0.4

// State is a place in a graph: how much of which phrases was said last. 0 is the start of every graph.
type State int32

// entry is a phrase that is in use.
type entry struct {
	key    string
	phrase Phrase // with the weight in force
}

// pattern is one way to say a phrase.
type pattern struct {
	runes []rune
	entry int32
}

// node is a state: a beginning of patterns. Its children lie together, in the order of their characters.
type node struct {
	char  rune
	first int32 // the first child; the last ends where those of the next node begin
	fail  int32 // the longest other state that ends like this one
	entry int32 // the longest phrase that ends here, or -1
	// length is the characters of that phrase, depth those of the state.
	length, depth uint8
	won           float32 // score for good on arriving here
	partial       float32 // score of what has begun, taken back when it fails
}

// Graph is immutable, so that streams can share it. A nil one holds no phrases.
type Graph struct {
	options  Options
	entries  []entry
	patterns []pattern // sorted
	nodes    []node    // breadth first, with one more at the end
	roots    table     // first characters
	starts   [][]rune  // first characters by toneless syllable
}

// Compile makes a graph of phrases, and returns those that it can't use.
func Compile(phrases []Phrase, o Options) (*Graph, []Unusable) {
	if o.DefaultWeight == 0 {
		o.DefaultWeight = DefaultWeight
	}
	if o.MaxPhrases <= 0 {
		o.MaxPhrases = MaxPhrases
	}
	return (&Graph{options: o}).Add(phrases)
}

// Add returns a graph with more phrases; of one that is there already the weight is changed. The graph itself stays as it is.
func (g *Graph) Add(phrases []Phrase) (*Graph, []Unusable) {
	next := &Graph{options: g.options, entries: slices.Clone(g.entries)}
	at := make(map[string]int, len(g.entries)+len(phrases))
	for i, e := range next.entries {
		at[e.key] = i
	}
	given := map[string]Phrase{}
	var unusable []Unusable
	var added []pattern
	for _, p := range phrases {
		key, ways, bad := examine(p.Text, g.options.Lexicon)
		if bad != nil {
			unusable = append(unusable, *bad)
			continue
		}
		weight := g.options.weight(p.Weight)
		if before, twice := given[key]; twice {
			u := Unusable{Phrase: p.Text, Reason: Duplicate, Detail: "the phrase is in the list already"}
			if before.Weight != weight {
				u.Reason, u.Detail = Conflict, "the phrase is in the list already with another weight; the first is used"
			}
			unusable = append(unusable, u)
			continue
		}
		i, known := at[key]
		if !known && len(next.entries) >= g.options.MaxPhrases {
			unusable = append(unusable, Unusable{Phrase: p.Text, Reason: TooMany, Detail: "the stream has its most hot words; remove others first"})
			continue
		}
		e := entry{key, Phrase{p.Text, weight}}
		given[key] = e.phrase
		if known {
			next.entries[i] = e
			continue
		}
		i = len(next.entries)
		next.entries = append(next.entries, e)
		for _, way := range ways {
			added = append(added, pattern{way, int32(i)})
		}
	}
	next.patterns = merge(g.patterns, added)
	next.build()
	return next, unusable
}

// Remove returns a graph without these phrases; those that it doesn't hold are ignored.
func (g *Graph) Remove(phrases []string) *Graph {
	gone := make(map[string]bool, len(phrases))
	for _, p := range phrases {
		gone[normal(p)] = true
	}
	next := &Graph{options: g.options}
	now := make([]int32, len(g.entries))
	for i, e := range g.entries {
		now[i] = -1
		if !gone[e.key] {
			now[i] = int32(len(next.entries))
			next.entries = append(next.entries, e)
		}
	}
	for _, p := range g.patterns {
		if now[p.entry] >= 0 {
			next.patterns = append(next.patterns, pattern{p.runes, now[p.entry]})
		}
	}
	next.build()
	return next
}

func merge(sorted, added []pattern) []pattern {
	order := func(a, b pattern) int {
		return cmp.Or(slices.Compare(a.runes, b.runes), cmp.Compare(a.entry, b.entry))
	}
	slices.SortFunc(added, order)
	all := make([]pattern, 0, len(sorted)+len(added))
	for len(sorted) > 0 && len(added) > 0 {
		if order(sorted[0], added[0]) <= 0 {
			all, sorted = append(all, sorted[0]), sorted[1:]
		} else {
			all, added = append(all, added[0]), added[1:]
		}
	}
	return append(append(all, sorted...), added...)
}

// Len is the number of phrases in use.
func (g *Graph) Len() int {
	if g == nil {
		return 0
	}
	return len(g.entries)
}

// Phrases are those in use, with the weights in force, in the order in which they came.
func (g *Graph) Phrases() []Phrase {
	all := make([]Phrase, g.Len())
	for i := range all {
		all[i] = g.entries[i].phrase
	}
	return all
}

// Step goes on by one character, and says what score is kept for phrases that end with it; [Graph.Partial] of the new state
// takes the place of that of the old one.
func (g *Graph) Step(s State, r rune) (next State, won float32) {
	n := g.step(int32(s), lexicon.Fold(r))
	return State(n), g.nodes[n].won
}

func (g *Graph) step(n int32, r rune) int32 {
	for n > 0 {
		if c := g.child(n, r); c > 0 {
			return c
		}
		n = g.nodes[n].fail
	}
	return g.roots.get(r)
}

// child is the state after one more character, or 0. The start is looked up in roots instead.
func (g *Graph) child(n int32, r rune) int32 {
	from, to := g.nodes[n].first, g.nodes[n+1].first
	if to-from <= 8 {
		for c := from; c < to; c++ {
			if g.nodes[c].char == r {
				return c
			}
		}
		return 0
	}
	c := from + int32(sort.Search(int(to-from), func(i int) bool { return g.nodes[from+int32(i)].char >= r }))
	if c < to && g.nodes[c].char == r {
		return c
	}
	return 0
}

// Partial is the score of the phrases that have begun and not ended, natural logarithm; never below 0. It is lost when they fail.
func (g *Graph) Partial(s State) float32 { return g.nodes[s].partial }

// Depth is how many of the last characters the state stands for.
func (g *Graph) Depth(s State) int { return int(g.nodes[s].depth) }

// MaxDepth is the most characters that a state stands for.
func (g *Graph) MaxDepth() int { return int(g.nodes[len(g.nodes)-2].depth) }

// Ended is the longest phrase whose last character led to the state, and its length in characters; -1 when none.
func (g *Graph) Ended(s State) (phrase, length int) {
	n := &g.nodes[s]
	return int(n.entry), int(n.length)
}

// Phrase returns one by the number that [Graph.Ended] gives.
func (g *Graph) Phrase(i int) Phrase { return g.entries[i].phrase }

// Next appends to buf the characters by which a phrase that has begun goes on from the state, and that are read with these sounds
// (0: that are not Han characters).
func (g *Graph) Next(s State, toneless syllable.Syllable, buf []rune) []rune {
	for n := int32(s); n > 0; n = g.nodes[n].fail {
		for c := g.nodes[n].first; c < g.nodes[n+1].first; c++ {
			if sounds(g.nodes[c].char, toneless) && !slices.Contains(buf, g.nodes[c].char) {
				buf = append(buf, g.nodes[c].char)
			}
		}
	}
	return buf
}

// Begin are the characters by which phrases begin that are read with these sounds. The slice is shared.
func (g *Graph) Begin(toneless syllable.Syllable) []rune { return g.starts[toneless] }

func sounds(r rune, toneless syllable.Syllable) bool {
	all := syllable.Of(r)
	if len(all) == 0 {
		return toneless == 0
	}
	for _, s := range all[:min(len(all), len(lexicon.Readings{}))] {
		if s.Toneless() == toneless {
			return true
		}
	}
	return false
}
