package vad

import (
	"context"
	"fmt"
	"slices"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// model is a recurrent network that gives one probability a window: the same for all streams, which bring their state.
type model struct {
	x                 pipeline.Executor
	audio, state      string // inputs
	probability, next string // outputs
	rate              string // input with the sample rate as a scalar, "" when there is none
	context           int    // samples of the window before that are passed along
	shape             []int64
	rateTensor        pipeline.Tensor
}

func newModel(x pipeline.Executor, e models.Entry) (*model, error) {
	var m *model
	switch e.Family {
	case models.FamilySileroVAD:
		m = &model{x: x, audio: "input", state: "state", probability: "output", next: "stateN", context: e.Parameters.Int("context", 64)}
	case models.FamilyVADStream:
		m = &model{x: x, audio: "audio", state: "state", probability: "probability", next: "state_out"}
	default:
		return nil, fmt.Errorf("family %q is not one of %s, %s", e.Family, models.FamilySileroVAD, models.FamilyVADStream)
	}
	if rate, window := e.Parameters.Int("sample_rate", Rate), e.Parameters.Int("window", Window); rate != Rate || window != Window {
		return nil, fmt.Errorf("windows are %d samples at %d Hz, %d at %d Hz are supported", window, rate, Window, Rate)
	}
	sig := x.Signature()
	find := func(list []pipeline.TensorInfo, name string) (pipeline.TensorInfo, error) {
		i := slices.IndexFunc(list, func(t pipeline.TensorInfo) bool { return t.Name == name })
		if i < 0 {
			return pipeline.TensorInfo{}, fmt.Errorf("family %s needs a tensor %q, the model has %v and %v", e.Family, name, sig.Inputs, sig.Outputs)
		}
		return list[i], nil
	}
	if _, err := find(sig.Inputs, m.audio); err != nil {
		return nil, err
	}
	for _, name := range []string{m.probability, m.next} {
		if _, err := find(sig.Outputs, name); err != nil {
			return nil, err
		}
	}
	state, err := find(sig.Inputs, m.state)
	if err != nil {
		return nil, err
	}
	m.shape = slices.Clone(state.Shape)
	dynamic := 0
	for i, d := range m.shape {
		if d < 0 {
			m.shape[i] = 1
			dynamic++
		}
	}
	if dynamic > 1 {
		return nil, fmt.Errorf("state %q has the shape %v: its size can't be told", m.state, state.Shape)
	}
	// Exports differ in whether they keep the sample rate among their inputs.
	if sr, err := find(sig.Inputs, "sr"); err == nil {
		one := []int64{}
		for range sr.Shape {
			one = append(one, 1)
		}
		m.rate, m.rateTensor = sr.Name, pipeline.Tensor{Shape: one, Int64: []int64{Rate}}
	}
	return m, nil
}

func (m *model) newScorer() scorer {
	s := &modelScorer{model: m, input: make([]float32, m.context+Window)}
	s.state = pipeline.Tensor{Shape: m.shape}
	s.state.Float32 = make([]float32, s.state.Elements())
	return s
}

// modelScorer is the state of one stream in a model.
type modelScorer struct {
	model *model
	input []float32 // the end of the window before, then the window
	state pipeline.Tensor
}

func (s *modelScorer) score(ctx context.Context, window []float32) (float32, error) {
	m := s.model
	copy(s.input[m.context:], window)
	in := pipeline.Tensors{
		m.audio: {Shape: []int64{1, int64(len(s.input))}, Float32: s.input},
		m.state: s.state,
	}
	if m.rate != "" {
		in[m.rate] = m.rateTensor
	}
	out, err := m.x.Run(ctx, in)
	if err != nil {
		return 0, err
	}
	p, next := out[m.probability].Float32, out[m.next].Float32
	if len(p) != 1 || len(next) != len(s.state.Float32) || !(p[0] >= 0 && p[0] <= 1) {
		return 0, fmt.Errorf("voice activity model answered %d probabilities %v and a state of %d values, want 1 within 0..1 and %d",
			len(p), p, len(next), len(s.state.Float32))
	}
	// Only now is the window taken: a failed run can be repeated.
	s.state.Float32 = next
	copy(s.input, s.input[Window:])
	return p[0], nil
}
