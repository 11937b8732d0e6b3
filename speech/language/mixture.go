package language

import (
	"errors"
	"fmt"
	"math"
)

// Mixture interpolates models: the probability is the weighted mean of theirs.
type Mixture struct {
	models  []Model
	weights []float32
}

// Mix joins models by weights, which are scaled to the sum 1.
func Mix(models []Model, weights []float64) (*Mixture, error) {
	if len(models) == 0 || len(models) != len(weights) {
		return nil, fmt.Errorf("%d language models with %d weights: want one weight a model", len(models), len(weights))
	}
	sum := 0.0
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return nil, fmt.Errorf("weight %d of the language models is %v: want 0 or more", i+1, w)
		}
		sum += w
	}
	if sum == 0 {
		return nil, errors.New("all weights of the language models are 0")
	}
	m := &Mixture{models: append([]Model(nil), models...)}
	for _, w := range weights {
		m.weights = append(m.weights, float32(w/sum))
	}
	return m, nil
}

// Start implements [Model].
func (m *Mixture) Start() State { return start }

// Known implements [Model]: whether any of the models knows the character.
func (m *Mixture) Known(r rune) bool {
	for _, model := range m.models {
		if model.Known(r) {
			return true
		}
	}
	return false
}

// Score implements [Model].
func (m *Mixture) Score(s State, r rune) (float32, State) {
	sum := 0.0
	for i, model := range m.models {
		if m.weights[i] > 0 {
			logp, _ := model.Score(s, r)
			sum += float64(m.weights[i]) * math.Exp(float64(logp))
		}
	}
	return float32(math.Log(sum)), after(s, code(r))
}

// ScoreAll implements [Batcher].
func (m *Mixture) ScoreAll(s State, characters []rune, logp []float32) {
	var own [32]float32
	var sums [32]float64
	for len(characters) > 0 {
		n := min(len(characters), len(own))
		clear(sums[:])
		for i, model := range m.models {
			if m.weights[i] == 0 {
				continue
			}
			ScoreAll(model, s, characters[:n], own[:n])
			for k, p := range own[:n] {
				sums[k] += float64(m.weights[i]) * math.Exp(float64(p))
			}
		}
		for k, sum := range sums[:n] {
			logp[k] = float32(math.Log(sum))
		}
		characters, logp = characters[n:], logp[n:]
	}
}
