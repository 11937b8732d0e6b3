package language

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"unicode/utf8"
)

// The file, little-endian:
//
//	"CSNG"  uint16 version  uint8 order  uint8 0
//	uint32  bytes of the description, then as many of UTF-8, then zeros up to a multiple of 4
//	uint32  unigrams, then as many of {uint16 code, uint16 0, float32 logp, float32 backoff}, codes ascending
//	float32 logp of a character that has no unigram
//	for each length from 2 to the order:
//	  uint32 entries, uint32 buckets
//	  float32 [256] codebook of logp, and, but for the longest, float32 [256] codebook of backoff
//	  uint32 [buckets+1] where each bucket begins
//	  uint16 [entries] fingerprints, uint8 [entries] logp and, but for the longest, uint8 [entries] backoff; zeros up to 4
//	uint32  CRC-32 (IEEE) of all before it
//
// logp and backoff are natural logarithms. An n-gram's bucket and fingerprint come from its hash (see place).
const (
	magic         = "CSNG"
	formatVersion = 1
	headerSize    = 12
	maxAbout      = 4096 // bytes
	unigramSize   = 12

	// MaxSize bounds a file, in bytes.
	MaxSize = 1 << 30

	// perBucket is how many n-grams share a bucket on average: a bucket's fingerprints fit in half a cache line.
	perBucket = 12

	// lowest bounds logarithms of probabilities and backoffs, highest those of backoffs.
	lowest, highest = -100, 100
)

// ErrFormat is a file that is not an n-gram language model, or is damaged.
var ErrFormat = errors.New("not a language model of speech that can be used")

// Parse makes a model of a file's content, which must not change while the model is used. Its errors wrap [ErrFormat].
func Parse(b []byte) (*NGram, error) {
	g, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return g, nil
}

// reader takes a file apart; once something is missing, it gives zeros and remembers the error.
type reader struct {
	b   []byte
	err error
}

func (r *reader) take(n int, what string) []byte {
	if r.err == nil && n > len(r.b) {
		r.err = fmt.Errorf("truncated: %d bytes of %s, want %d", len(r.b), what, n)
	}
	if r.err != nil {
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

// count reads a number of things that take at least size bytes each in what follows.
func (r *reader) count(size int, what string) int {
	b := r.take(4, what)
	if b == nil {
		return 0
	}
	n := binary.LittleEndian.Uint32(b)
	if uint64(n)*uint64(size) > uint64(len(r.b)) {
		r.err = fmt.Errorf("truncated: %d %s don't fit in the %d bytes that follow", n, what, len(r.b))
		return 0
	}
	return int(n)
}

func (r *reader) float(what string) float32 {
	b := r.take(4, what)
	if b == nil {
		return 0
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(b))
}

func (r *reader) codebook(to *[256]float32, top float32, what string) {
	for i := range to {
		f := r.float(what)
		if r.err == nil && !(f >= lowest && f <= top) {
			r.err = fmt.Errorf("%s holds %v, want %d to %v", what, f, lowest, top)
		}
		to[i] = f
	}
}

func parse(b []byte) (*NGram, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%d bytes, the limit is %d", len(b), MaxSize)
	}
	if len(b) < headerSize+4 || string(b[:4]) != magic {
		return nil, fmt.Errorf("it does not begin with %q", magic)
	}
	if v := binary.LittleEndian.Uint16(b[4:]); v != formatVersion {
		return nil, fmt.Errorf("format version %d, this program reads %d", v, formatVersion)
	}
	body := b[:len(b)-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(b[len(b)-4:]) {
		return nil, errors.New("the checksum does not fit: the file is truncated or damaged")
	}
	g := &NGram{order: int(b[6]), data: b}
	if g.order < 1 || g.order > MaxOrder {
		return nil, fmt.Errorf("n-grams of up to %d characters, want 1 to %d", g.order, MaxOrder)
	}
	r := &reader{b: body[8:]}
	length := r.count(1, "bytes of description")
	if length > maxAbout {
		return nil, fmt.Errorf("the description has %d bytes, the limit is %d", length, maxAbout)
	}
	about := r.take(pad(length), "description")
	if r.err == nil && !utf8.Valid(about[:length]) {
		return nil, errors.New("the description is not UTF-8")
	}
	if r.err == nil {
		g.About = string(about[:length])
	}
	if err := g.parseUnigrams(r); err != nil {
		return nil, err
	}
	for n := 2; n <= g.order; n++ {
		l, err := parseLevel(r, n == g.order)
		if err != nil {
			return nil, fmt.Errorf("n-grams of %d characters: %w", n, err)
		}
		g.levels = append(g.levels, l)
	}
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%d bytes too many", len(r.b))
	}
	return g, r.err
}

func (g *NGram) parseUnigrams(r *reader) error {
	n := r.count(unigramSize, "characters")
	last := -1
	for range n {
		b := r.take(unigramSize, "characters")
		c := int(binary.LittleEndian.Uint16(b))
		u := unigram{math.Float32frombits(binary.LittleEndian.Uint32(b[4:])), math.Float32frombits(binary.LittleEndian.Uint32(b[8:]))}
		switch {
		case c <= last || c == codeNone || c == codeOther:
			return fmt.Errorf("the character %#x stands after %#x", c, last)
		case !(u.logp >= lowest && u.logp < 0):
			return fmt.Errorf("the character %#x has the log-probability %v, want %d to below 0", c, u.logp, lowest)
		case !(u.backoff >= lowest && u.backoff <= highest):
			return fmt.Errorf("the character %#x has the backoff %v, want %d to %d", c, u.backoff, lowest, highest)
		}
		last = c
		g.unigrams[c] = u
		if c > codeOther {
			g.known++
		}
	}
	g.unknown = r.float("the unknown character")
	if r.err == nil && !(g.unknown >= lowest && g.unknown < 0) {
		return fmt.Errorf("an unknown character has the log-probability %v, want %d to below 0", g.unknown, lowest)
	}
	return r.err
}

func parseLevel(r *reader, longest bool) (level, error) {
	var l level
	l.entries = r.count(3, "n-grams")
	l.buckets = r.count(4, "buckets")
	if r.err == nil && (l.buckets == 0) != (l.entries == 0) {
		return l, fmt.Errorf("%d n-grams in %d buckets", l.entries, l.buckets)
	}
	r.codebook(&l.logps, 0, "the codebook of probabilities")
	if !longest {
		r.codebook(&l.backoffs, highest, "the codebook of backoffs")
	}
	l.offsets = r.take(4*(l.buckets+1), "buckets")
	l.fingerprints = r.take(2*l.entries, "fingerprints")
	l.logp = r.take(l.entries, "probabilities")
	used := 3 * l.entries
	if !longest {
		l.backoff = r.take(l.entries, "backoffs")
		used += l.entries
	}
	r.take(pad(used)-used, "padding")
	if r.err != nil {
		return l, r.err
	}
	last := uint32(0)
	for i := range l.buckets + 1 {
		at := binary.LittleEndian.Uint32(l.offsets[4*i:])
		if at < last || at > uint32(l.entries) || i == 0 && at != 0 || i == l.buckets && at != uint32(l.entries) {
			return l, fmt.Errorf("bucket %d begins at %d, after %d, of %d", i, at, last, l.entries)
		}
		last = at
	}
	return l, nil
}

func pad(n int) int { return (n + 3) &^ 3 }

// Entry is an n-gram of a model that is being built.
type Entry struct {
	Text    []rune  // 1 to [MaxOrder] characters; the first may be [Boundary], which is then the beginning, and the last, which is the end
	LogP    float32 // natural log-probability of the last character after those before it
	Backoff float32 // natural logarithm of the factor of shorter n-grams after these characters
}

// Build makes the content of a file. The entries of all lengths come in any order; an n-gram's own beginning and end must be
// among them, or it is never reached. unknown is the natural log-probability of each character that has no entry.
func Build(about string, order int, unknown float32, entries func(yield func(Entry) bool)) ([]byte, error) {
	if order < 1 || order > MaxOrder {
		return nil, fmt.Errorf("n-grams of up to %d characters: want 1 to %d", order, MaxOrder)
	}
	if len(about) > maxAbout {
		return nil, fmt.Errorf("the description has %d bytes, the limit is %d", len(about), maxAbout)
	}
	single := map[uint16]unigram{}
	levels := make([][]hashed, order+1)
	for e := range entries {
		n := len(e.Text)
		if n < 1 || n > order {
			return nil, fmt.Errorf("%q has %d characters, want 1 to %d", string(e.Text), n, order)
		}
		if !(e.LogP >= lowest && e.LogP <= 0) || !(e.Backoff >= lowest && e.Backoff <= highest) {
			return nil, fmt.Errorf("%q: log-probability %v, backoff %v: out of range", string(e.Text), e.LogP, e.Backoff)
		}
		last := code(e.Text[n-1])
		if n == 1 {
			// A probability of 1 would look like none at all.
			single[last] = unigram{min(e.LogP, -1e-6), e.Backoff}
			continue
		}
		hash := seed(last)
		for i := n - 2; i >= 0; i-- {
			hash = extend(hash, code(e.Text[i]))
		}
		levels[n] = append(levels[n], hashed{hash, e.LogP, e.Backoff})
	}
	b := append([]byte(magic), byte(formatVersion), byte(formatVersion>>8), byte(order), 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(about)))
	b = append(b, about...)
	b = append(b, make([]byte, pad(len(about))-len(about))...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(single)))
	codes := make([]uint16, 0, len(single))
	for c := range single {
		codes = append(codes, c)
	}
	slices.Sort(codes)
	for _, c := range codes {
		b = binary.LittleEndian.AppendUint32(b, uint32(c))
		b = appendFloat(b, single[c].logp)
		b = appendFloat(b, single[c].backoff)
	}
	b = appendFloat(b, unknown)
	for n := 2; n <= order; n++ {
		b = appendLevel(b, levels[n], n == order)
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	if _, err := Parse(b); err != nil {
		return nil, fmt.Errorf("the model that was built: %w", err)
	}
	return b, nil
}

// hashed is an entry of two characters or more.
type hashed struct {
	hash          uint64
	logp, backoff float32
}

func appendLevel(b []byte, entries []hashed, longest bool) []byte {
	buckets := (len(entries) + perBucket - 1) / perBucket
	bucketOf := func(h hashed) int { i, _ := place(h.hash, max(buckets, 1)); return i }
	slices.SortFunc(entries, func(a, b hashed) int {
		_, fa := place(a.hash, 1)
		_, fb := place(b.hash, 1)
		return cmp.Or(cmp.Compare(bucketOf(a), bucketOf(b)), cmp.Compare(fa, fb), cmp.Compare(b.logp, a.logp))
	})
	b = binary.LittleEndian.AppendUint32(b, uint32(len(entries)))
	b = binary.LittleEndian.AppendUint32(b, uint32(buckets))
	logps := newCodebook(entries, func(h hashed) float32 { return h.logp })
	b = logps.append(b)
	var backoffs codebook
	if !longest {
		backoffs = newCodebook(entries, func(h hashed) float32 { return h.backoff })
		b = backoffs.append(b)
	}
	next := 0
	for bucket := range buckets {
		b = binary.LittleEndian.AppendUint32(b, uint32(next))
		for next < len(entries) && bucketOf(entries[next]) == bucket {
			next++
		}
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(entries)))
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint16(b, uint16(e.hash))
	}
	for _, e := range entries {
		b = append(b, logps.nearest(e.logp))
	}
	used := 3 * len(entries)
	if !longest {
		for _, e := range entries {
			b = append(b, backoffs.nearest(e.backoff))
		}
		used += len(entries)
	}
	return append(b, make([]byte, pad(used)-used)...)
}

// codebook is 256 values at equal distances: with logarithms that run over some 12 units, rounding costs 0.02.
type codebook struct{ low, high, step float32 }

func newCodebook(entries []hashed, of func(hashed) float32) codebook {
	if len(entries) == 0 {
		return codebook{}
	}
	low, high := of(entries[0]), of(entries[0])
	for _, e := range entries {
		low, high = min(low, of(e)), max(high, of(e))
	}
	return codebook{low, high, (high - low) / 255}
}

func (c codebook) value(i int) float32 {
	return min(c.low+float32(i)*c.step, c.high)
}

func (c codebook) nearest(f float32) byte {
	if c.step == 0 {
		return 0
	}
	return byte(max(0, min(255, math.Round(float64((f-c.low)/c.step)))))
}

func (c codebook) append(b []byte) []byte {
	for i := range 256 {
		b = appendFloat(b, c.value(i))
	}
	return b
}

func appendFloat(b []byte, f float32) []byte {
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
}
