package charlm

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
	"github.com/nlpodyssey/spago/nn"
	"github.com/nlpodyssey/spago/optimizers/adam"
)

// Training as the recipe's: pieces of text of 40 classes, each read in both directions, with a few misread characters in
// the context; see models/training/ocr/language/train.py.
const (
	pieceLength   = 40
	pieces        = 16 // a step
	negatives     = 512
	mistakes      = 0.03
	longestStride = 1.0 // of all gradients together
)

// StepClasses is how much text one step of a [Trainer] sees, in classes.
const StepClasses = pieceLength * pieces

// ErrTooShort is a text from which nothing can be learnt.
var ErrTooShort = errors.New("too little text")

// Trainer teaches a copy of a model a text. It is not safe for concurrent use.
type Trainer struct {
	of      *Model
	text    []Class
	drawn   []float64 // cumulative chance of each class as a negative
	offered []float32 // natural logarithm of the chance that a class is among a step's negatives
	rng     *rand.Rand
	params  []*nn.Param // in the order of the file
	adam    *adam.Adam
	rate    float64
}

// NewTrainer prepares to teach m the text, a stream of classes with breaks. Equal seeds give equal runs on one machine.
// rate is the learning rate of Adam, such as 5e-4. The error is [ErrTooShort].
func NewTrainer(m *Model, text []Class, rate float64, seed uint64) (*Trainer, error) {
	if len(text) < 2*pieceLength {
		return nil, fmt.Errorf("%w: %d classes, want %d at least", ErrTooShort, len(text), 2*pieceLength)
	}
	t := &Trainer{of: m, text: text, rng: rand.New(rand.NewPCG(seed, 2)), rate: rate}
	counts := make([]float64, m.sizes.classes)
	for _, c := range text {
		if c >= marks {
			counts[c]++
		}
	}
	// What the text does not hold must be drawn too, or the model would forget that it is rare.
	sum := 0.0
	for c := range counts {
		if Class(c) >= marks {
			sum += math.Pow(counts[c]+1, 0.75)
		}
		t.drawn = append(t.drawn, sum)
	}
	before := 0.0
	for _, upTo := range t.drawn {
		t.offered = append(t.offered, float32(math.Log(-math.Expm1(negatives*math.Log1p(-(upTo-before)/sum))+1e-30)))
		before = upTo
	}
	shapes := m.sizes.matrices()
	for i, data := range m.tensors() {
		rows, columns := shapes[i][0], shapes[i][1]
		switch {
		case i == 1:
			rows, columns = columns, 1 // a bias of classes is gathered by rows
		case rows == 0:
			rows = 1
		}
		t.params = append(t.params, nn.NewParam(dense(rows, columns, slices.Clone(data))))
	}
	t.adam = adam.New(adam.NewConfig(rate, 0.9, 0.99, 1e-8))
	return t, nil
}

// Step learns from one batch of pieces and returns the mean surprise before it, in natural logarithms. progress, 0..1, is
// how much of the training is done: the learning rate falls along it. The error says that the training has failed, which
// a lower rate would mend.
func (t *Trainer) Step(progress float64) (float64, error) {
	read, targets, places := t.batch()
	rows, index, offered := t.offer(targets)

	embed, bias := t.params[0], t.params[1]
	x := gathered(embed, read)
	ones := func(n int) mat.Tensor { return mat.NewDense[float32](mat.WithShape(n, 1)).OnesLike() }
	var around [2]mat.Tensor
	for d := range around {
		p := t.params[2+3*d:]
		inputs := ag.Add(ag.Mul(x, p[0]), ag.Mul(ones(len(read)), p[2]))
		around[d] = gathered(recurred(inputs, p[1], pieces, d == 1), places)
	}
	n, h := len(places), t.of.sizes.state
	p := t.params[8:]
	// The joining layer's upper half belongs to the left context, its lower half to the right one.
	left, right := ag.Slice(p[0], 0, 0, h, t.of.sizes.hidden), ag.Slice(p[0], h, 0, 2*h, t.of.sizes.hidden)
	hidden := ag.ReLU(ag.Add(ag.Add(ag.Mul(around[0], left), ag.Mul(around[1], right)), ag.Mul(ones(n), p[1])))
	vectors := ag.Add(ag.Mul(hidden, p[2]), ag.Mul(ones(n), p[3]))
	loss := ag.NewOperator(&sampledSoftmax{vectors: vectors, rows: gathered(embed, rows), bias: gathered(bias, rows), offered: offered, targets: index}).Run()

	value := float64(loss.Value().Item().F32())
	if err := ag.Backward(loss); err != nil {
		return 0, err
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, errors.New("the training has failed: the loss is not a number")
	}
	return value, t.update(progress)
}

// batch draws pieces of the text: what is read and what is asked for, step by step, and the rows in which something is asked.
func (t *Trainer) batch() (read, targets, places []Class) {
	read = make([]Class, StepClasses)
	for b := range pieces {
		start := t.rng.IntN(len(t.text) - pieceLength + 1)
		for s, c := range t.text[start:][:pieceLength] {
			read[s*pieces+b] = c
		}
	}
	for i, c := range read {
		if c < marks {
			continue
		}
		targets, places = append(targets, c), append(places, Class(i))
		if t.rng.Float64() < mistakes {
			read[i] = t.draw()
		}
	}
	if len(targets) == 0 { // pieces of nothing but digits and breaks
		targets, places = []Class{marks}, []Class{0}
	}
	return read, targets, places
}

func (t *Trainer) draw() Class {
	i, _ := slices.BinarySearch(t.drawn, t.rng.Float64()*t.drawn[len(t.drawn)-1])
	return Class(min(i, len(t.drawn)-1))
}

// offer returns the classes that the targets are compared with, where each target stands among them, and the correction.
func (t *Trainer) offer(targets []Class) (rows []Class, index []int, offered []float32) {
	at := map[Class]int{}
	add := func(c Class, chance float32) int {
		i, ok := at[c]
		if !ok {
			i = len(rows)
			at[c] = i
			rows, offered = append(rows, c), append(offered, chance)
		}
		return i
	}
	for _, c := range targets {
		index = append(index, add(c, 0))
	}
	for range negatives {
		if c := t.draw(); c >= marks {
			add(c, t.offered[c])
		}
	}
	return rows, index, offered
}

func (t *Trainer) update(progress float64) error {
	total := 0.0
	for _, p := range t.params {
		if p.HasGrad() {
			n := norm(p.Grad())
			total += n * n
		}
	}
	total = math.Sqrt(total)
	if math.IsNaN(total) || math.IsInf(total, 0) {
		return errors.New("the training has failed: a gradient is not a number")
	}
	t.adam.StepSize = t.rate * (0.02 + 0.98*0.5*(1+math.Cos(math.Pi*min(max(progress, 0), 1))))
	t.adam.IncExample()
	for _, p := range t.params {
		if !p.HasGrad() {
			continue
		}
		if total > longestStride {
			p.Grad().(mat.Matrix).ProdScalarInPlace(longestStride / total)
		}
		if err := t.adam.OptimizeParams(p); err != nil {
			return err
		}
	}
	return nil
}

// Model returns a copy of what has been learnt so far. The counts of runs are those of the model that it began with.
func (t *Trainer) Model() *Model {
	var tensors [][]float32
	for _, p := range t.params {
		tensors = append(tensors, slices.Clone(p.Data().F32()))
	}
	m := assemble(t.of.sizes, t.of.Vocabulary, t.of.About, tensors)
	m.runs = t.of.runs
	return m
}
