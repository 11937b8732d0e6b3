package acoustic

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/speech/fbank"
)

// defaultChunk is how many rows of features a CTC network reads at a time where the entry does not say: few enough for
// interim results in time, enough to keep the cost of a run small.
const defaultChunk = 4

func (m *Model) buildCTC(ctx context.Context, networks Networks) error {
	x := networks[models.RoleModel]
	if x == nil {
		return fmt.Errorf("family %s needs a network in the role %q", m.entry.Family, models.RoleModel)
	}
	m.kind = CTC
	p := m.entry.Parameters
	cfg, err := featureConfig(m.entry)
	if err != nil {
		return err
	}
	if m.features, err = fbank.New(cfg); err != nil {
		return err
	}
	m.network = recurrent{
		x: x, dim: m.features.Dim(), chunk: p.Int("chunk", defaultChunk), delay: p.Int("look_ahead", 0), width: m.tokens.Len(),
	}
	m.network.step = m.network.chunk
	if m.network.chunk < 1 || m.network.delay < 0 {
		return fmt.Errorf("chunk of %d rows and look_ahead of %d: want at least 1 and 0", m.network.chunk, m.network.delay)
	}
	sig := x.Signature()
	for _, spec := range m.entry.Inputs {
		if spec.Next == "" {
			m.network.input = spec.Name
		}
	}
	next := map[string]bool{}
	for _, spec := range m.entry.Inputs {
		next[spec.Next] = true
	}
	for _, spec := range m.entry.Outputs {
		if !next[spec.Name] {
			m.network.output = spec.Name
		}
	}
	if _, err := tensorNamed(sig.Inputs, "input", m.network.input); err != nil {
		return err
	}
	if _, err := tensorNamed(sig.Outputs, "output", m.network.output); err != nil {
		return err
	}
	if m.network.states, err = bindStates(sig, m.entry); err != nil {
		return err
	}
	if err := m.network.probe(ctx); err != nil {
		return err
	}
	m.frame = m.features.RowShift() * time.Duration(m.network.step) / time.Duration(m.network.rows)
	return nil
}

// featureConfig reads the parameters that describe an entry's features.
func featureConfig(e models.Entry) (fbank.Config, error) {
	p := e.Parameters
	c := fbank.Default()
	if rate := p.Int("sample_rate", Rate); rate != Rate {
		return c, fmt.Errorf("sample rate is %d Hz, only %d Hz is supported", rate, Rate)
	}
	ms := func(name string, def time.Duration) time.Duration {
		return time.Duration(p.Float(name, def.Seconds()*1000) * float64(time.Millisecond))
	}
	c.Bins = p.Int("mel_bins", c.Bins)
	c.LowHz, c.HighHz = p.Float("low_hz", c.LowHz), p.Float("high_hz", c.HighHz)
	c.Window = fbank.Window(p.String("window", string(c.Window)))
	c.FrameLength, c.FrameShift = ms("frame_length_ms", c.FrameLength), ms("frame_shift_ms", c.FrameShift)
	c.Preemphasis, c.RemoveDC = p.Float("preemphasis", c.Preemphasis), p.Bool("remove_dc", c.RemoveDC)
	c.SnipEdges = p.Bool("snip_edges", c.SnipEdges)
	c.Scale = p.Float("sample_scale", c.Scale)
	c.Stack, c.Skip = p.Int("lfr_stack", 1), p.Int("lfr_skip", 1)
	return c, nil
}

// logSoftmax turns logits into natural logarithms of probabilities, in place. What is normalised already stays as it is.
func logSoftmax(row []float32) {
	top := float32(math.Inf(-1))
	for _, v := range row {
		top = max(top, v)
	}
	sum := 0.0
	for _, v := range row {
		sum += math.Exp(float64(v - top))
	}
	norm := top + float32(math.Log(sum))
	for i := range row {
		row[i] -= norm
	}
}
