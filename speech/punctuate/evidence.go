package punctuate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// evidence is a table of what speaks for and against each mark: words and kinds of words around a place, the marks before it, and what was put
// where the same words stood before. A place's score is the sum of the rows of all that is found there (a log-linear model).
//
// The file is "PEV2", the number of rows (uint32, little-endian), and for each row, by rising key: what its key is above the one before (a varint),
// a byte q, and eight values of four bits, 8 being nought, in units of 8/7 * 2^(-q/4), the lower half byte first.
type evidence struct {
	keys   []uint32
	values [][5]byte // q and the eight values
	begin  []uint32  // first row of each group of keys that share their upper bits
	scales [256]float32
}

const (
	keyBits   = 27 // of a row's key
	groupBits = 18 // upper bits of a key, by which rows are found
	maxRows   = 1 << 24
)

func parseEvidence(content []byte) (*evidence, error) {
	if len(content) < 8 || string(content[:4]) != "PEV2" {
		return nil, errors.New("not a table of evidence: it must begin with PEV2")
	}
	n := binary.LittleEndian.Uint32(content[4:])
	content = content[8:]
	// A row has six bytes at least.
	if n > maxRows || int(n) > len(content)/6 {
		return nil, fmt.Errorf("a table of %d rows in %d bytes: at least 6 bytes a row, at most %d rows", n, len(content), maxRows)
	}
	e := &evidence{keys: make([]uint32, n), values: make([][5]byte, n), begin: make([]uint32, 1<<groupBits+1)}
	key := uint64(0)
	for i := range n {
		gap, size := binary.Uvarint(content)
		if size <= 0 || gap >= 1<<keyBits || len(content) < size+5 {
			return nil, fmt.Errorf("row %d of the evidence is cut off or no row", i)
		}
		if key += gap; key >= 1<<keyBits || gap == 0 && i > 0 {
			return nil, fmt.Errorf("row %d of the evidence: its key %d is not above the one before and below %d", i, key, 1<<keyBits)
		}
		e.keys[i] = uint32(key)
		copy(e.values[i][:], content[size:])
		content = content[size+5:]
	}
	if len(content) > 0 {
		return nil, fmt.Errorf("%d bytes follow the %d rows of the evidence", len(content), n)
	}
	at := uint32(0)
	for g := range e.begin {
		for at < n && e.keys[at]>>(keyBits-groupBits) < uint32(g) {
			at++
		}
		e.begin[g] = at
	}
	for q := range e.scales {
		e.scales[q] = float32(8. / 7 * math.Exp2(-float64(q)/4))
	}
	return e, nil
}

// scores are those of the eight marks.
type scores [8]float32

// add adds the row of what is found: kind of evidence, and up to four values.
func (e *evidence) add(to *scores, kind, a, b, c, d int) {
	x := uint64(kind)*0x9E3779B97F4A7C15 + uint64(a+7)
	x = (x^(x>>29))*0xBF58476D1CE4E5B9 + uint64(b+7)
	x = (x^(x>>31))*0x94D049BB133111EB + uint64(c+7)
	x = (x^(x>>30))*0x9E3779B97F4A7C15 + uint64(d+7)
	x ^= x >> 32
	x *= 0xD6E8FEB86659FD93
	x ^= x >> 32
	key := uint32(x) & (1<<keyBits - 1)
	group := key >> (keyBits - groupBits)
	for i := e.begin[group]; i < e.begin[group+1]; i++ {
		if e.keys[i] < key {
			continue
		}
		if e.keys[i] == key {
			v := &e.values[i]
			scale := e.scales[v[0]]
			for m, pair := range v[1:] {
				to[2*m] += scale * float32(int(pair&15)-8)
				to[2*m+1] += scale * float32(int(pair>>4)-8)
			}
		}
		return
	}
}

// logSoftmax makes logarithms of probabilities of scores.
func (s *scores) logSoftmax() {
	top, sum := s[best(s[:], 0, len(s))], 0.
	for _, v := range s {
		sum += math.Exp(float64(v - top))
	}
	norm := top + float32(math.Log(sum))
	for i := range s {
		s[i] -= norm
	}
}
