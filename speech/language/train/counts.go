package train

import (
	"context"
	"slices"
)

// table is all n-grams of one length of a source. Keys are the tokens as figures of a number to the vocabulary's base, the
// last token lowest, so that n-grams with the same beginning stand together.
type table struct {
	keys     []uint64
	raw      []uint32 // how often it occurs
	adjusted []uint32 // the longest: the same; shorter: after how many different tokens it occurs, as Kneser-Ney counts
	logp     []float32
	backoff  []float32
}

func (t *table) find(key uint64) (int, bool) { return slices.BinarySearch(t.keys, key) }

// counter collects keys and keeps them sorted and counted, a part at a time.
type counter struct {
	pending []uint64
	keys    []uint64
	counts  []uint32
}

const pendingKeys = 1 << 23

func (c *counter) add(key uint64) {
	c.pending = append(c.pending, key)
	if len(c.pending) >= pendingKeys {
		c.settle()
	}
}

// settle merges what is pending.
func (c *counter) settle() {
	if len(c.pending) == 0 {
		return
	}
	slices.Sort(c.pending)
	keys, counts := make([]uint64, 0, len(c.keys)+len(c.pending)), make([]uint32, 0, len(c.keys)+len(c.pending))
	i, j := 0, 0
	for i < len(c.keys) || j < len(c.pending) {
		if j == len(c.pending) || i < len(c.keys) && c.keys[i] < c.pending[j] {
			keys, counts = append(keys, c.keys[i]), append(counts, c.counts[i])
			i++
			continue
		}
		key, n := c.pending[j], uint32(0)
		for j < len(c.pending) && c.pending[j] == key {
			n++
			j++
		}
		if i < len(c.keys) && c.keys[i] == key {
			n += c.counts[i]
			i++
		}
		keys, counts = append(keys, key), append(counts, n)
	}
	c.keys, c.counts, c.pending = keys, counts, c.pending[:0]
}

// count counts the n-grams of all lengths of a source. Those that begin at a boundary can't be longer and count at their own
// length. Where a speaker may pause, the text goes on, and a new utterance may also begin: both are counted.
func count(ctx context.Context, v vocabulary, c corpus, order int, step func(done float64)) ([]*table, error) {
	counters := make([]counter, order+1)
	read := 0
	for tokens, pauses := range v.sentences(c) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		// The boundary itself counts as what ends a sentence, not as what begins one.
		for i := 1; i < len(tokens); i++ {
			n := min(order, i+1)
			counters[n].add(number(tokens[i+1-n:i+1], v.base))
		}
		for _, p := range pauses {
			for n := 2; n <= order && p+n-1 <= len(tokens)-1; n++ {
				key := uint64(tokenBoundary)
				for _, t := range tokens[p : p+n-1] {
					key = key*v.base + t
				}
				counters[n].add(key)
			}
		}
		read += len(tokens)
		if read%(1<<16) < len(tokens) {
			step(min(1, float64(read)/float64(len(c.text)+1)))
		}
	}
	tables := make([]*table, order+1)
	for n := order; n >= 1; n-- {
		counters[n].settle()
		if n == order {
			tables[n] = &table{keys: counters[n].keys, raw: counters[n].counts, adjusted: counters[n].counts}
			continue
		}
		tables[n] = shorter(tables[n+1], v.base, n, &counters[n])
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return tables, nil
}

func number(tokens []uint64, base uint64) uint64 {
	key := uint64(0)
	for _, t := range tokens {
		key = key*base + t
	}
	return key
}

// shorter makes the table of n-grams from that of those one longer, and from those that begin at a boundary.
func shorter(longer *table, base uint64, n int, own *counter) *table {
	type occurrence struct {
		key uint64
		raw uint32
	}
	below := power(base, n)
	all := make([]occurrence, len(longer.keys))
	for i, key := range longer.keys {
		all[i] = occurrence{key % below, longer.raw[i]}
	}
	slices.SortFunc(all, func(a, b occurrence) int {
		if a.key < b.key {
			return -1
		}
		if a.key > b.key {
			return 1
		}
		return 0
	})
	t := &table{}
	put := func(key uint64, raw, adjusted uint32) {
		t.keys, t.raw, t.adjusted = append(t.keys, key), append(t.raw, raw), append(t.adjusted, adjusted)
	}
	i := 0
	for j := 0; i < len(all) || j < len(own.keys); {
		if i == len(all) || j < len(own.keys) && own.keys[j] < all[i].key {
			put(own.keys[j], own.counts[j], own.counts[j])
			j++
			continue
		}
		key, raw, before := all[i].key, uint32(0), uint32(0)
		for i < len(all) && all[i].key == key {
			raw += all[i].raw
			before++
			i++
		}
		if j < len(own.keys) && own.keys[j] == key {
			raw, before = raw+own.counts[j], before+own.counts[j]
			j++
		}
		put(key, raw, before)
	}
	return t
}

func power(base uint64, n int) uint64 {
	p := uint64(1)
	for range n {
		p *= base
	}
	return p
}
