package charlm

import "math"

// cell takes one step of an LSTM: gates are a row of 4H sums in the order input, forget, cell, output; state and memory
// are H long and change.
func cell(gates, state, memory []float32) {
	h := len(state)
	in, forget, cand, out := gates[:h], gates[h:2*h], gates[2*h:3*h], gates[3*h:4*h]
	for j := range state {
		c := sigmoid(forget[j])*memory[j] + sigmoid(in[j])*tanh(cand[j])
		memory[j] = c
		state[j] = sigmoid(out[j]) * tanh(c)
	}
}

func sigmoid(x float32) float32 { return 1 / (1 + exp(-x)) }

func tanh(x float32) float32 { return 2/(1+exp(-2*x)) - 1 }

// exp is e^x with a relative error below 1e-6. math.Exp works in double precision and would take half of the time of a page.
func exp(x float32) float32 {
	const toNearest = 3 << 22 // adding and taking it away rounds a small float32 to a whole number
	y := float32(min(max(x, -80), 80) * math.Log2E)
	whole := float32(y+toNearest) - toNearest
	f := (y - whole) * math.Ln2
	p := 1 + f*(1+f*(1./2+f*(1./6+f*(1./24+f*(1./120+f*(1./720))))))
	return p * math.Float32frombits(uint32(int32(whole)+127)<<23)
}
