package charlm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"unicode/utf8"

	"github.com/nlpodyssey/spago/mat"
)

// The file, all numbers little-endian (docs/models.md):
//
//	magic "CSLM", version uint16 = 2, zero uint16
//	uint32: classes, embedding E, state H, hidden M
//	uint32 length and UTF-8: what the model is and where it comes from
//	uint32 length and UTF-8: the characters of the classes after the marks
//	tensors: embed [classes,E]; bias [classes]; for the left and the right context: input [E,4H], recurrent [H,4H],
//	         bias [4H], the gates in the order input, forget, cell, output; join [2H,M], bias [M]; out [M,E], bias [E]
//	runs: uint32 bits B, uint32 number N; the sizes of the 2^B buckets, a byte each; the N entries, uint16 each
//	uint32: CRC-32 (IEEE) of all before it
//
// A matrix is its rows, each a float32 scale and as many int8, whose product is the value; a bias is float32.
const (
	magic         = "CSLM"
	formatVersion = 2
	headerSize    = 8 + 4*4

	maxClasses = 32768
	maxWidth   = 2048 // of E, H and M
	maxAbout   = 4096 // bytes

	// maxValue bounds weights; none of a useful model comes near it. A row whose largest weight is in bounds is in bounds still
	// when it was rounded, because the bound's own scale, 64, is exact.
	maxValue = 127 * 64

	// MaxSize bounds a file, in bytes.
	MaxSize = 64 << 20
)

// ErrFormat is a file that is not a language model, or is damaged.
var ErrFormat = errors.New("not a language model that can be used")

type sizes struct{ classes, embedding, state, hidden int }

// matrices returns the shapes of all matrices and biases in the order of the file; a bias has 0 rows.
func (s sizes) matrices() [][2]int {
	out := [][2]int{{s.classes, s.embedding}, {0, s.classes}}
	for range 2 {
		out = append(out, [2]int{s.embedding, 4 * s.state}, [2]int{s.state, 4 * s.state}, [2]int{0, 4 * s.state})
	}
	return append(out, [2]int{2 * s.state, s.hidden}, [2]int{0, s.hidden}, [2]int{s.hidden, s.embedding}, [2]int{0, s.embedding})
}

// bytes returns how much room the tensors take.
func (s sizes) bytes() int {
	n := 0
	for _, m := range s.matrices() {
		if m[0] == 0 {
			n += 4 * m[1]
		} else {
			n += m[0] * (4 + m[1])
		}
	}
	return n
}

// Parse reads a model. Its errors wrap [ErrFormat].
func Parse(b []byte) (*Model, error) {
	m, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return m, nil
}

func parse(b []byte) (*Model, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%d bytes, the limit is %d", len(b), MaxSize)
	}
	if len(b) < headerSize+12 || string(b[:4]) != magic {
		return nil, fmt.Errorf("it does not begin with %q", magic)
	}
	if v := binary.LittleEndian.Uint16(b[4:]); v != formatVersion {
		return nil, fmt.Errorf("format version %d, this program reads %d", v, formatVersion)
	}
	body := b[:len(b)-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(b[len(b)-4:]) {
		return nil, errors.New("the checksum does not fit: the file is truncated or damaged")
	}
	number := func(i int) int { return int(binary.LittleEndian.Uint32(b[8+4*i:])) }
	s := sizes{number(0), number(1), number(2), number(3)}
	for _, n := range []struct {
		what       string
		got, limit int
	}{{"classes", s.classes, maxClasses}, {"embedding", s.embedding, maxWidth}, {"state", s.state, maxWidth}, {"hidden", s.hidden, maxWidth}} {
		if n.got < 1 || n.got > n.limit {
			return nil, fmt.Errorf("%s is %d, want 1 to %d", n.what, n.got, n.limit)
		}
	}
	body = body[headerSize:]
	about, body, err := text(body, maxAbout)
	if err != nil {
		return nil, fmt.Errorf("description: %w", err)
	}
	chars, body, err := text(body, 4*maxClasses)
	if err != nil {
		return nil, fmt.Errorf("characters: %w", err)
	}
	v, err := newVocabulary(chars)
	if err != nil {
		return nil, err
	}
	if v.Len() != s.classes {
		return nil, fmt.Errorf("%d characters for %d classes, want %d fewer", len(v.chars), s.classes, marks)
	}
	if len(body) < s.bytes() {
		return nil, fmt.Errorf("%d bytes of weights, want %d", len(body), s.bytes())
	}
	var tensors [][]float32
	for i, shape := range s.matrices() {
		var t []float32
		if t, body, err = tensor(body, shape[0], shape[1]); err != nil {
			return nil, fmt.Errorf("tensor %d: %w", i, err)
		}
		tensors = append(tensors, t)
	}
	r, err := parseRuns(body)
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	m := assemble(s, v, about, tensors)
	m.runs = r
	return m, nil
}

func text(b []byte, limit int) (string, []byte, error) {
	if len(b) < 4 {
		return "", nil, errors.New("truncated")
	}
	n := binary.LittleEndian.Uint32(b)
	b = b[4:]
	switch {
	case uint64(n) > uint64(limit):
		return "", nil, fmt.Errorf("%d bytes, the limit is %d", n, limit)
	case uint64(n) > uint64(len(b)):
		return "", nil, errors.New("truncated")
	case !utf8.Valid(b[:n]):
		return "", nil, errors.New("not UTF-8")
	}
	return string(b[:n]), b[n:], nil
}

// tensor reads a matrix, or a bias when rows is 0. The caller has made sure that b is long enough.
func tensor(b []byte, rows, columns int) ([]float32, []byte, error) {
	float := func() float32 {
		f := math.Float32frombits(binary.LittleEndian.Uint32(b))
		b = b[4:]
		return f
	}
	out := make([]float32, 0, max(rows, 1)*columns)
	if rows == 0 {
		for range columns {
			out = append(out, float())
		}
	}
	for range rows {
		scale := float()
		for _, q := range b[:columns] {
			out = append(out, scale*float32(int8(q)))
		}
		b = b[columns:]
	}
	if f, ok := outOfRange(out); ok {
		return nil, nil, fmt.Errorf("the value %v is out of range", f)
	}
	return out, b, nil
}

// outOfRange returns the first weight that no model may have, if there is one.
func outOfRange(t []float32) (float32, bool) {
	for _, f := range t {
		if !(f >= -maxValue && f <= maxValue) {
			return f, true
		}
	}
	return 0, false
}

func assemble(s sizes, v *Vocabulary, about string, t [][]float32) *Model {
	matrix := func(i int) *mat.Dense[float32] {
		shape := s.matrices()[i]
		return mat.NewDense[float32](mat.WithShape(shape[0], shape[1]), mat.WithBacking(t[i]))
	}
	m := &Model{Vocabulary: v, About: about, sizes: s, embed: t[0], bias: t[1]}
	for d := range m.sides {
		m.sides[d] = side{input: matrix(2 + 3*d), recurrent: matrix(3 + 3*d), bias: t[4+3*d]}
	}
	m.join, m.joinBias, m.out, m.outBias = matrix(8), t[9], matrix(10), t[11]
	m.known = newProjections(s.classes)
	return m
}

// tensors are all weights in the order of the file.
func (m *Model) tensors() [][]float32 {
	t := [][]float32{m.embed, m.bias}
	for _, s := range m.sides {
		t = append(t, s.input.Data().F32(), s.recurrent.Data().F32(), s.bias)
	}
	return append(t, m.join.Data().F32(), m.joinBias, m.out.Data().F32(), m.outBias)
}

// Encode writes the model as [Parse] reads it. Weights are rounded to 8 bits, so that a model that was just trained is
// not quite the one that is read back. The error is a weight that is not finite or of no use.
func (m *Model) Encode() ([]byte, error) {
	if len(m.About) > maxAbout {
		return nil, fmt.Errorf("the description has %d bytes, the limit is %d", len(m.About), maxAbout)
	}
	chars := string(m.Vocabulary.chars)
	b := make([]byte, 0, headerSize+12+len(m.About)+len(chars)+m.sizes.bytes()+9+len(m.runs.sizes)+2*len(m.runs.entries)+4)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint16(b, formatVersion)
	b = binary.LittleEndian.AppendUint16(b, 0)
	for _, n := range []int{m.sizes.classes, m.sizes.embedding, m.sizes.state, m.sizes.hidden} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	for _, s := range []string{m.About, chars} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	shapes := m.sizes.matrices()
	for i, t := range m.tensors() {
		if f, ok := outOfRange(t); ok {
			return nil, fmt.Errorf("tensor %d holds %v: the training has failed", i, f)
		}
		if shapes[i][0] == 0 {
			for _, f := range t {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
			}
			continue
		}
		for columns := shapes[i][1]; len(t) > 0; t = t[columns:] {
			b = appendRow(b, t[:columns])
		}
	}
	b = m.runs.append(b)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

func appendRow(b []byte, row []float32) []byte {
	var largest float32
	for _, f := range row {
		largest = max(largest, f, -f)
	}
	scale := largest / 127
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(scale))
	for _, f := range row {
		q := 0.0
		if scale > 0 {
			q = math.RoundToEven(float64(f / scale))
		}
		b = append(b, byte(int8(min(127, max(-127, q)))))
	}
	return b
}
