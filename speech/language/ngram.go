package language

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"
)

// NGram is an n-gram model in back-off form (Katz 1987), its probabilities those of interpolated modified Kneser-Ney smoothing
// (Chen & Goodman 1999) when package train made it. It lies in memory as in the file; see format.go.
type NGram struct {
	About string // what it is and where it comes from

	order    int
	unigrams [1 << 16]unigram // by code
	unknown  float32          // natural log-probability of each character that has no unigram
	known    int
	levels   []level // [0] holds the bigrams

	data    []byte
	release func([]byte) error
	once    sync.Once
	closed  error
}

type unigram struct{ logp, backoff float32 }

// level holds all n-grams of one length. Those of a bucket stand one after another; offsets says where each bucket begins.
type level struct {
	entries, buckets int
	offsets          []byte // uint32, one more than there are buckets
	fingerprints     []byte // uint16, ascending within a bucket
	logp, backoff    []byte // indices into the level's codebooks; none for the backoff of the longest n-grams
	logps, backoffs  [256]float32
}

// Order is the length of the longest n-grams, 1 to [MaxOrder].
func (g *NGram) Order() int { return g.order }

// Entries is how many n-grams of a length the model holds.
func (g *NGram) Entries(n int) int {
	switch {
	case n == 1:
		return g.known
	case n >= 2 && n <= g.order:
		return g.levels[n-2].entries
	}
	return 0
}

// Size is the file's size in bytes.
func (g *NGram) Size() int { return len(g.data) }

// Close gives the file's memory back; nothing may be scored after it.
func (g *NGram) Close() error {
	g.once.Do(func() {
		if g.release != nil {
			g.closed = g.release(g.data)
		}
	})
	return g.closed
}

// Start implements [Model].
func (g *NGram) Start() State { return start }

// Known implements [Model].
func (g *NGram) Known(r rune) bool { return g.unigrams[code(r)].logp < 0 }

// Characters returns the characters that the model knows, in the order of their numbers, without [Boundary].
func (g *NGram) Characters() []rune {
	var all []rune
	for c := range g.unigrams {
		if c > codeOther && g.unigrams[c].logp < 0 {
			all = append(all, rune(c))
		}
	}
	return slices.Clip(all)
}

// Score implements [Model].
func (g *NGram) Score(s State, r rune) (float32, State) {
	c := code(r)
	return g.score(s, c), after(s, c)
}

func (g *NGram) score(s State, c uint16) float32 {
	logp, matched := g.unigrams[c].logp, 1
	if logp == 0 {
		logp = g.unknown
	} else {
		hash := seed(c)
		for n, past := 2, s; n <= g.order && uint16(past) != codeNone; n, past = n+1, past>>16 {
			hash = extend(hash, uint16(past))
			l := &g.levels[n-2]
			i := l.find(hash)
			if i < 0 {
				break
			}
			logp, matched = l.logps[l.logp[i]], n
		}
	}
	// What backs off are the contexts as long as the match or longer: with each the character was not seen.
	past := uint16(s)
	if past == codeNone || g.order < 2 || matched == g.order {
		return logp
	}
	if matched == 1 {
		logp += g.unigrams[past].backoff
	}
	hash := seed(past)
	for n, s := 2, s>>16; n < g.order && uint16(s) != codeNone; n, s = n+1, s>>16 {
		hash = extend(hash, uint16(s))
		l := &g.levels[n-2]
		i := l.find(hash)
		if i < 0 {
			break // a context that was not seen has no longer ones that were
		}
		if n >= matched {
			logp += l.backoffs[l.backoff[i]]
		}
	}
	return logp
}

// ScoreAll implements [Batcher]: what the state needs is looked up once.
func (g *NGram) ScoreAll(s State, characters []rune, logp []float32) {
	// give[n] is what backing off from all contexts of n characters and more costs.
	var give [MaxOrder + 1]float32
	contexts := 0
	if past := uint16(s); past != codeNone && g.order > 1 {
		contexts = 1
		give[1] = g.unigrams[past].backoff
		hash := seed(past)
		for n, s := 2, s>>16; n < g.order && uint16(s) != codeNone; n, s = n+1, s>>16 {
			hash = extend(hash, uint16(s))
			l := &g.levels[n-2]
			i := l.find(hash)
			if i < 0 {
				break
			}
			contexts, give[n] = n, l.backoffs[l.backoff[i]]
		}
		for n := contexts - 1; n >= 1; n-- {
			give[n] += give[n+1]
		}
	}
	for k, r := range characters {
		c := code(r)
		p, matched := g.unigrams[c].logp, 1
		if p == 0 {
			logp[k] = g.unknown + give[1]
			continue
		}
		hash := seed(c)
		// An n-gram that is there has a context that is there.
		for n, past := 2, s; n <= contexts+1; n, past = n+1, past>>16 {
			hash = extend(hash, uint16(past))
			l := &g.levels[n-2]
			i := l.find(hash)
			if i < 0 {
				break
			}
			p, matched = l.logps[l.logp[i]], n
		}
		logp[k] = p + give[matched]
	}
}

// seed begins the hash of an n-gram with its last character; extend adds the one before.
func seed(c uint16) uint64 { return mix(uint64(c) + 0x9e3779b97f4a7c15) }

func extend(hash uint64, c uint16) uint64 { return mix(hash + uint64(c)*0xd1342543de82ef95) }

// mix is a step of multiplication and folding, as in wyhash.
func mix(x uint64) uint64 {
	hi, lo := bits.Mul64(x^0x2d358dccaa6c78a5, 0x8bb84b93962eacc9)
	return hi ^ lo
}

// place is the bucket and the fingerprint of an n-gram among so many buckets.
func place(hash uint64, buckets int) (bucket int, fingerprint uint16) {
	hi, _ := bits.Mul64(hash, uint64(buckets))
	return int(hi), uint16(hash)
}

// find returns the entry with this hash, or -1. Two n-grams in some ten thousand are taken for one another.
func (l *level) find(hash uint64) int {
	if l.buckets == 0 {
		return -1
	}
	bucket, want := place(hash, l.buckets)
	offsets := l.offsets[4*bucket:]
	first := binary.LittleEndian.Uint32(offsets)
	last := binary.LittleEndian.Uint32(offsets[4:])
	prints := l.fingerprints[2*first : 2*last]
	for i := 0; i+2 <= len(prints); i += 2 {
		if f := binary.LittleEndian.Uint16(prints[i:]); f >= want {
			if f == want {
				return int(first) + i/2
			}
			return -1
		}
	}
	return -1
}
