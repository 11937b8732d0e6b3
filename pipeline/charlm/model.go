package charlm

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/nlpodyssey/spago/mat"
)

// Model is the language model. It is safe for concurrent use; what it returned may be changed.
type Model struct {
	Vocabulary *Vocabulary
	About      string // what it is and where it comes from

	sizes    sizes
	embed    []float32 // [classes, E]
	bias     []float32 // [classes]
	sides    [2]side   // left and right context
	join     *mat.Dense[float32]
	joinBias []float32
	out      *mat.Dense[float32]
	outBias  []float32
	runs     runs

	known *projections
}

// side is the LSTM of one side's context.
type side struct {
	input, recurrent *mat.Dense[float32] // [E, 4H], [H, 4H]
	bias             []float32           // [4H]
}

// Parameters returns how many numbers were trained.
func (m *Model) Parameters() int {
	n := 0
	for _, t := range m.tensors() {
		n += len(t)
	}
	return n
}

// Score returns the natural log-probability of a class in a context of [Model.Contexts], but for a constant that is the same
// for all classes at a place: only differences mean anything. [Model.Measure] computes what is missing.
func (m *Model) Score(around []float32, c Class) float32 {
	e := m.sizes.embedding
	sum := m.bias[c]
	for i, f := range m.embed[int(c)*e:][:e] {
		sum += f * around[i]
	}
	return sum
}

// Contexts returns for each place of the text, given in ascending order, what [Model.Score] compares candidates with. The
// class at the place itself is not looked at. At least reach classes on either side count, unless the text ends before; a
// state is carried along from place to place where they are near each other. The error is the end of ctx.
func (m *Model) Contexts(ctx context.Context, text []Class, places []int, reach int) ([][]float32, error) {
	if len(places) == 0 {
		return nil, nil
	}
	h, n := m.sizes.state, len(places)
	around := make([]float32, n*2*h)
	// The right context is the left one of the text read backwards.
	back, backPlaces := slices.Clone(text), make([]int, n)
	slices.Reverse(back)
	for i, p := range places {
		backPlaces[n-1-i] = len(text) - 1 - p
	}
	right := make(chan error, 1)
	go func() {
		right <- m.read(ctx, 1, back, backPlaces, reach, func(i int, state []float32) { copy(around[(n-1-i)*2*h+h:], state) })
	}()
	err := m.read(ctx, 0, text, places, reach, func(i int, state []float32) { copy(around[i*2*h:], state) })
	if r := <-right; err == nil {
		err = r
	}
	if err != nil {
		return nil, err
	}
	vectors := m.joined(around, n)
	out := make([][]float32, n)
	for i := range out {
		out[i] = vectors[i*m.sizes.embedding:][:m.sizes.embedding]
	}
	return out, nil
}

// joined takes the states of both sides [n, 2H] to vectors [n, E].
func (m *Model) joined(around []float32, n int) []float32 {
	hidden := dense(n, 2*m.sizes.state, around).Mul(m.join).Data().F32()
	for i := range hidden {
		hidden[i] = max(0, hidden[i]+m.joinBias[i%m.sizes.hidden])
	}
	vectors := dense(n, m.sizes.hidden, hidden).Mul(m.out).Data().F32()
	for i := range vectors {
		vectors[i] += m.outBias[i%m.sizes.embedding]
	}
	return vectors
}

func dense(rows, columns int, data []float32) *mat.Dense[float32] {
	return mat.NewDense[float32](mat.WithShape(rows, columns), mat.WithBacking(data))
}

// stretch is a piece of text that is read from its start, up to the last of the places first..last-1 in it.
type stretch struct{ start, end, first, last int }

// stretches cuts what must be read for the places into pieces that can be read side by side: each begins reach before its
// first place and holds the places that follow within reach.
func stretches(places []int, reach int) []stretch {
	var out []stretch
	for i := 0; i < len(places); {
		s := stretch{start: max(0, places[i]-reach), first: i}
		for i < len(places) && places[i] < places[s.first]+reach {
			i++
		}
		s.last, s.end = i, places[i-1]
		out = append(out, s)
	}
	// The longest first: those that are still being read are then always the first ones.
	slices.SortStableFunc(out, func(a, b stretch) int { return (b.end - b.start) - (a.end - a.start) })
	return out
}

// read runs one side's LSTM over what is before the places and tells the state there.
func (m *Model) read(ctx context.Context, d int, text []Class, places []int, reach int, tell func(place int, state []float32)) error {
	pieces := stretches(places, max(reach, 1))
	projected := m.project(d, text, pieces)
	h := m.sizes.state
	states, memories := make([]float32, len(pieces)*h), make([]float32, len(pieces)*h)
	next := make([]int, len(pieces)) // place of each piece that comes next
	for i, p := range pieces {
		next[i] = p.first
	}
	for step, active := 0, len(pieces); ; step++ {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		for i := range active {
			if p := pieces[i]; next[i] < p.last && places[next[i]] == p.start+step {
				tell(next[i], states[i*h:][:h])
				next[i]++
			}
		}
		for active > 0 && pieces[active-1].start+step >= pieces[active-1].end {
			active--
		}
		if active == 0 {
			return nil
		}
		gates := dense(active, h, states[:active*h]).Mul(m.sides[d].recurrent).Data().F32()
		for i := range active {
			row := gates[i*4*h:][:4*h]
			for j, f := range projected[text[pieces[i].start+step]] {
				row[j] += f
			}
			cell(row, states[i*h:][:h], memories[i*h:][:h])
		}
	}
}

// projections are the products of embeddings with an LSTM's input weights, bias added: the same for every occurrence of a
// character. The characters that come first, which are the frequent ones, are kept.
type projections struct {
	rows  [2][]atomic.Pointer[[]float32]
	count atomic.Int64
}

// maxProjections bounds what is kept of both sides together: 4,096 rows of 4 x 224 numbers are 15 MB.
const maxProjections = 4096

func newProjections(classes int) *projections {
	var p projections
	for d := range p.rows {
		p.rows[d] = make([]atomic.Pointer[[]float32], classes)
	}
	return &p
}

// project returns the projections of all classes in the pieces, by class.
func (m *Model) project(d int, text []Class, pieces []stretch) map[Class][]float32 {
	out := map[Class][]float32{}
	var missing []Class
	for _, p := range pieces {
		for _, c := range text[p.start:p.end] {
			if _, ok := out[c]; ok {
				continue
			}
			row := m.known.rows[d][c].Load()
			if row == nil {
				missing = append(missing, c)
				out[c] = nil
				continue
			}
			out[c] = *row
		}
	}
	if len(missing) == 0 {
		return out
	}
	e, width := m.sizes.embedding, 4*m.sizes.state
	x := make([]float32, 0, len(missing)*e)
	for _, c := range missing {
		x = append(x, m.embed[int(c)*e:][:e]...)
	}
	y := dense(len(missing), e, x).Mul(m.sides[d].input).Data().F32()
	for i, c := range missing {
		row := slices.Clone(y[i*width:][:width])
		for j, f := range m.sides[d].bias {
			row[j] += f
		}
		out[c] = row
		if m.known.count.Load() < maxProjections && m.known.rows[d][c].CompareAndSwap(nil, &row) {
			m.known.count.Add(1)
		}
	}
	return out
}
