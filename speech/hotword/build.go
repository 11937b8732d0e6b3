package hotword

import (
	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/syllable"
)

// build makes the states of the sorted patterns. Scores follow two rules. A phrase that is said wins its weight times its
// tokens once, however many others lie inside it. What has begun counts as if it were said already, so that the beam keeps it,
// and the most promising beginning counts alone.
func (g *Graph) build() {
	type span struct{ from, to int32 } // patterns that begin like the state
	states := 1
	for _, p := range g.patterns {
		states += len(p.runes)
	}
	g.nodes = append(make([]node, 0, min(states+1, 1<<16)), node{entry: -1})
	spans := append(make([]span, 0, cap(g.nodes)), span{0, int32(len(g.patterns))})
	promised := make([]float32, 1, cap(g.nodes)) // the greatest weight of a phrase that begins like the state
	parents := make([]int32, 1, cap(g.nodes))
	for n := 0; n < len(g.nodes); n++ {
		depth := int(g.nodes[n].depth)
		g.nodes[n].first = int32(len(g.nodes))
		at := spans[n].from
		for at < spans[n].to && len(g.patterns[at].runes) == depth {
			// The last of the same sound and spelling wins; it is there only when two phrases are said alike.
			g.nodes[n].entry, g.nodes[n].length = g.patterns[at].entry, uint8(depth)
			at++
		}
		for at < spans[n].to {
			r, end := g.patterns[at].runes[depth], at
			for end < spans[n].to && g.patterns[end].runes[depth] == r {
				end++
			}
			g.nodes = append(g.nodes, node{char: r, depth: uint8(depth + 1), entry: -1})
			spans = append(spans, span{at, end})
			parents = append(parents, int32(n))
			promised = append(promised, 0)
			at = end
		}
	}
	count := len(g.nodes)
	g.nodes = append(g.nodes, node{first: int32(count)})
	for n := count - 1; n > 0; n-- {
		if e := g.nodes[n].entry; e >= 0 {
			promised[n] = max(promised[n], g.entries[e].phrase.Weight)
		}
		promised[parents[n]] = max(promised[parents[n]], promised[n])
	}
	g.roots = newTable(g.nodes[1:g.nodes[1].first])
	g.score(count, parents, promised)
	g.index()
}

// score sets what each state wins and promises, and where it falls back to.
func (g *Graph) score(count int, parents []int32, promised []float32) {
	tokens := make([]float32, count) // of the state's characters
	kept := make([]float32, count)   // won on the way from the start
	for n := 1; n < count; n++ {
		v, p := &g.nodes[n], parents[n]
		if p > 0 {
			v.fail = g.step(g.nodes[p].fail, v.char)
		}
		back := &g.nodes[v.fail]
		tokens[n] = tokens[p] + units(v.char)
		v.won = back.won
		if v.entry >= 0 {
			weight := g.entries[v.entry].phrase.Weight
			own := weight*tokens[n] - kept[p]
			if weight < 0 || own > v.won {
				v.won = own
			}
		} else {
			v.entry, v.length = back.entry, back.length
		}
		kept[n] = kept[p] + v.won
		v.partial = max(0, promised[n]*tokens[n]-kept[n], back.partial)
	}
}

// index lists first characters by their sounds.
func (g *Graph) index() {
	g.starts = make([][]rune, syllable.Limit())
	for _, v := range g.nodes[1:g.nodes[1].first] {
		all := syllable.Of(v.char)
		if len(all) == 0 {
			g.starts[0] = append(g.starts[0], v.char)
		}
		for i, s := range all[:min(len(all), len(lexicon.Readings{}))] {
			again := false
			for _, before := range all[:i] {
				again = again || before.Toneless() == s.Toneless()
			}
			if !again {
				g.starts[s.Toneless()] = append(g.starts[s.Toneless()], v.char)
			}
		}
	}
}

// table finds the state of a first character: open addressing, since it is asked for every character that a beam considers.
type table struct {
	chars  []rune
	states []int32
	mask   uint32
}

func newTable(first []node) table {
	size := 4
	for size < 2*len(first) {
		size *= 2
	}
	t := table{make([]rune, size), make([]int32, size), uint32(size - 1)}
	for i := range first {
		at := t.slot(first[i].char)
		t.chars[at], t.states[at] = first[i].char, int32(1+i)
	}
	return t
}

// slot is where the character is, or would be.
func (t *table) slot(r rune) uint32 {
	at := uint32(r) * 2654435761 >> 7 & t.mask
	for t.states[at] != 0 && t.chars[at] != r {
		at = (at + 1) & t.mask
	}
	return at
}

func (t *table) get(r rune) int32 { return t.states[t.slot(r)] }
