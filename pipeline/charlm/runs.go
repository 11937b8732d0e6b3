package charlm

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// LongestRun is how many classes the longest run has that the model counts.
const LongestRun = 5

// A run's entry holds a fingerprint and the logarithm of its count; models/training/ocr/language/phrases.py says how good
// that is.
const (
	fingerprintBits = 11
	valueBits       = 5
	valueStep       = 0.5
	maxBucketBits   = 24
	maxRuns         = 16 << 20

	// absent is the natural logarithm of the half that is added to all counts.
	absent = -0.6931472
)

// runs are how often the training texts hold runs of classes. The zero value knows none.
type runs struct {
	bits    uint     // there are 2^bits buckets
	sizes   []byte   // of the buckets, in entries
	starts  []uint32 // of the buckets; one more than there are
	entries []uint16
}

// lengthen hashes a run that has one class more at its beginning.
func lengthen(hash uint64, c Class) uint64 {
	hash = (hash ^ (uint64(c) + 1)) * 0x9E3779B97F4A7C15
	return hash ^ hash>>32
}

func (r *runs) find(hash uint64) float32 {
	if len(r.entries) == 0 {
		return absent
	}
	bucket := hash >> (64 - r.bits)
	fingerprint := uint16(hash>>(64-r.bits-fingerprintBits)) & (1<<fingerprintBits - 1)
	for _, e := range r.entries[r.starts[bucket]:r.starts[bucket+1]] {
		if e>>valueBits == fingerprint {
			return float32(e&(1<<valueBits-1)) * valueStep
		}
	}
	return absent
}

// Runs tells how often the training texts hold the last 1, 2, ... classes of a text, as natural logarithms of counts to which
// a half was added. No run reaches beyond a break. It returns how many there are: at most [LongestRun].
func (m *Model) Runs(text []Class, out *[LongestRun]float32) int {
	hash := uint64(0)
	for n := range min(len(text), LongestRun) {
		c := text[len(text)-1-n]
		hash = lengthen(hash, c)
		out[n] = m.runs.find(hash)
		if c == Break && n > 0 {
			return n + 1
		}
	}
	return min(len(text), LongestRun)
}

// parseRuns reads the last part of a file.
func parseRuns(b []byte) (runs, error) {
	var r runs
	if len(b) < 8 {
		return r, errors.New("truncated")
	}
	bits, n := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	b = b[8:]
	if bits > maxBucketBits || n > maxRuns || uint64(len(b)) != 1<<bits+2*uint64(n) {
		return r, fmt.Errorf("%d bytes for %d runs in 2^%d buckets", len(b), n, bits)
	}
	r.bits, r.sizes = uint(bits), b[:1<<bits:1<<bits]
	r.starts = make([]uint32, 1<<bits+1)
	for i, size := range r.sizes {
		r.starts[i+1] = r.starts[i] + uint32(size)
	}
	if got := r.starts[1<<bits]; got != n {
		return r, fmt.Errorf("buckets for %d runs, %d are there", got, n)
	}
	r.entries = make([]uint16, n)
	for i := range r.entries {
		r.entries[i] = binary.LittleEndian.Uint16(b[1<<bits+2*i:])
	}
	return r, nil
}

func (r *runs) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(r.bits))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.entries)))
	if len(r.sizes) == 0 {
		return append(b, 0) // one empty bucket
	}
	b = append(b, r.sizes...)
	for _, e := range r.entries {
		b = binary.LittleEndian.AppendUint16(b, e)
	}
	return b
}
