package charlm

import (
	"math"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
)

// The operators below join many steps into one node of spago's graph: a node a step and gate would cost more than the sums.

// gather takes rows of a matrix [V, E]: [n, E].
type gather struct {
	from mat.Tensor
	rows []Class
}

func gathered(from mat.Tensor, rows []Class) mat.Tensor {
	return ag.NewOperator(&gather{from, rows}).Run()
}

// Operands returns the matrix.
func (g *gather) Operands() []mat.Tensor { return []mat.Tensor{g.from} }

// Forward copies the rows.
func (g *gather) Forward() (mat.Tensor, error) {
	e := g.from.Shape()[1]
	data, out := floats(g.from), make([]float32, 0, len(g.rows)*e)
	for _, r := range g.rows {
		out = append(out, data[int(r)*e:][:e]...)
	}
	return dense(len(g.rows), e, out), nil
}

// Backward adds the gradients to the rows' own.
func (g *gather) Backward(gy mat.Tensor) error {
	shape := g.from.Shape()
	e := shape[1]
	grad, gr := make([]float32, shape[0]*e), floats(gy)
	for i, r := range g.rows {
		to := grad[int(r)*e:][:e]
		for j, f := range gr[i*e:][:e] {
			to[j] += f
		}
	}
	g.from.AccGrad(dense(shape[0], e, grad))
	return nil
}

// recurrence runs an LSTM over inputs [T*B, 4H], already multiplied by the input weights, and gives at each step the state
// before it [T*B, H]: what is known of a place from the characters on one side.
type recurrence struct {
	inputs, weights mat.Tensor // weights: [H, 4H]
	batch           int
	backwards       bool

	// of each step in the order of reading: [steps][B*H], gates [B*4H] after their functions
	gates, memories, tanhs, states [][]float32
}

func recurred(inputs, weights mat.Tensor, batch int, backwards bool) mat.Tensor {
	return ag.NewOperator(&recurrence{inputs: inputs, weights: weights, batch: batch, backwards: backwards}).Run(true)
}

// Operands returns the inputs and the recurrent weights.
func (r *recurrence) Operands() []mat.Tensor { return []mat.Tensor{r.inputs, r.weights} }

// at is where the step's rows begin, in rows.
func (r *recurrence) at(step, steps int) int {
	if r.backwards {
		step = steps - 1 - step
	}
	return step * r.batch
}

// Forward reads the text.
func (r *recurrence) Forward() (mat.Tensor, error) {
	h, b := r.weights.Shape()[0], r.batch
	in, steps := floats(r.inputs), r.inputs.Shape()[0]/b
	out := make([]float32, steps*b*h)
	state, memory := make([]float32, b*h), make([]float32, b*h)
	weights := r.weights.Value().(mat.Matrix)
	for s := range steps {
		copy(out[r.at(s, steps)*h:], state)
		if s == steps-1 {
			break
		}
		r.states = append(r.states, state)
		gates := floats(dense(b, h, state).Mul(weights))
		for i, f := range in[r.at(s, steps)*4*h:][:b*4*h] {
			gates[i] += f
		}
		next, nextMemory, squashed := make([]float32, b*h), make([]float32, b*h), make([]float32, b*h)
		for n := range b {
			row := gates[n*4*h:][:4*h]
			for j := range h {
				i, f, g, o := sigmoid(row[j]), sigmoid(row[h+j]), tanh(row[2*h+j]), sigmoid(row[3*h+j])
				row[j], row[h+j], row[2*h+j], row[3*h+j] = i, f, g, o
				c := f*memory[n*h+j] + i*g
				t := tanh(c)
				nextMemory[n*h+j], squashed[n*h+j], next[n*h+j] = c, t, o*t
			}
		}
		r.gates, r.memories, r.tanhs = append(r.gates, gates), append(r.memories, memory), append(r.tanhs, squashed)
		state, memory = next, nextMemory
	}
	return dense(steps*b, h, out), nil
}

// Backward goes the way back through all steps.
func (r *recurrence) Backward(gy mat.Tensor) error {
	h, b := r.weights.Shape()[0], r.batch
	gr, steps := floats(gy), r.inputs.Shape()[0]/b
	turned := r.weights.Value().(mat.Matrix).T()
	inputs := make([]float32, steps*b*4*h)
	// Of all steps one after another, for the product that is the weights' gradient.
	before, after := make([]float32, 0, (steps-1)*b*h), make([]float32, 0, (steps-1)*b*4*h)
	state, memory := make([]float32, b*h), make([]float32, b*h)
	for s := steps - 2; s >= 0; s-- {
		for i, f := range gr[r.at(s+1, steps)*h:][:b*h] {
			state[i] += f
		}
		sums := make([]float32, b*4*h)
		for n := range b {
			act, sum := r.gates[s][n*4*h:][:4*h], sums[n*4*h:][:4*h]
			for j := range h {
				k := n*h + j
				i, f, g, o, t := act[j], act[h+j], act[2*h+j], act[3*h+j], r.tanhs[s][k]
				d := state[k]*o*(1-t*t) + memory[k]
				sum[j] = d * g * i * (1 - i)
				sum[h+j] = d * r.memories[s][k] * f * (1 - f)
				sum[2*h+j] = d * i * (1 - g*g)
				sum[3*h+j] = state[k] * t * o * (1 - o)
				memory[k] = d * f
			}
		}
		copy(inputs[r.at(s, steps)*4*h:], sums)
		before, after = append(before, r.states[s]...), append(after, sums...)
		state = floats(dense(b, 4*h, sums).Mul(turned))
	}
	if r.inputs.RequiresGrad() {
		r.inputs.AccGrad(dense(steps*b, 4*h, inputs))
	}
	if r.weights.RequiresGrad() {
		rows := (steps - 1) * b
		r.weights.AccGrad(dense(rows, h, before).T().Mul(dense(rows, 4*h, after)))
	}
	return nil
}

// sampledSoftmax is the mean surprise of the targets among the rows offered, with a correction for how likely each row was
// to be offered (Jean et al. 2015).
type sampledSoftmax struct {
	vectors, rows, bias mat.Tensor // [n, E], [K, E], [K, 1]
	offered             []float32  // natural logarithm, by row
	targets             []int      // indices of rows

	probabilities []float32 // [n, K]
}

// Operands returns vectors, rows and biases.
func (s *sampledSoftmax) Operands() []mat.Tensor { return []mat.Tensor{s.vectors, s.rows, s.bias} }

// Forward computes the loss.
func (s *sampledSoftmax) Forward() (mat.Tensor, error) {
	k, bias := len(s.offered), floats(s.bias)
	s.probabilities = floats(s.vectors.Value().(mat.Matrix).Mul(s.rows.Value().(mat.Matrix).T()))
	loss := 0.0
	for i, target := range s.targets {
		row := s.probabilities[i*k:][:k]
		for j := range row {
			row[j] += bias[j] - s.offered[j]
		}
		sum := logSumExp(row)
		loss += sum - float64(row[target])
		for j := range row {
			row[j] = exp(row[j] - float32(sum))
		}
	}
	return mat.Scalar(float32(loss / float64(len(s.targets)))), nil
}

// Backward hands the gradients on.
func (s *sampledSoftmax) Backward(gy mat.Tensor) error {
	k, n := len(s.offered), len(s.targets)
	scale := gy.Item().F32() / float32(n)
	grad, bias := s.probabilities, make([]float32, k)
	for i, target := range s.targets {
		row := grad[i*k:][:k]
		row[target]--
		for j := range row {
			row[j] *= scale
			bias[j] += row[j]
		}
	}
	g := dense(n, k, grad)
	s.vectors.AccGrad(g.Mul(s.rows.Value().(mat.Matrix)))
	s.rows.AccGrad(g.T().Mul(s.vectors.Value().(mat.Matrix)))
	s.bias.AccGrad(dense(k, 1, bias))
	return nil
}

func floats(t mat.Tensor) []float32 { return t.Value().Data().F32() }

// norm is the Euclidean length of a gradient.
func norm(t mat.Tensor) float64 {
	sum := 0.0
	for _, f := range t.Data().F32() {
		sum += float64(f) * float64(f)
	}
	return math.Sqrt(sum)
}
