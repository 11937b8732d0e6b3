package acoustic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/speech/fbank"
)

// What icefall's exports, which sherpa-onnx publishes, say in the metadata of a streaming network.
const (
	metaWindow  = "T"                // rows of features in a run
	metaShift   = "decode_chunk_len" // rows by which the next run lies further on
	metaFeature = "feature"          // "whisper" where it is not the usual filterbank
	metaContext = "context_size"     // of a predictor
)

// defaultChunk is how many rows of features a network that takes any number reads at a time where the entry does not say:
// few enough for interim results in time, enough to keep the cost of a run small.
const defaultChunk = 4

// tail is the silence that a network of fixed chunks is given after the sound: transducers write a token down a while
// after they heard it.
const tail = 300 * time.Millisecond

// buildNetwork prepares the network in a role, which reads features, and runs it once.
func (m *Model) buildNetwork(ctx context.Context, x pipeline.Executor, role string) error {
	sig, d := x.Signature(), pipeline.Describe(x)
	e, err := Complete(m.entry, role, sig, d)
	if err != nil {
		return err
	}
	n := recurrent{x: x}
	if n.states, err = bindStates(sig, e); err != nil {
		return err
	}
	isState := map[string]bool{}
	for _, s := range n.states {
		isState[s.in], isState[s.out] = true, true
	}
	input, err := only(sig.Inputs, "input", isState)
	if err != nil {
		return err
	}
	output, err := rowsOutput(e, sig.Outputs, isState)
	if err != nil {
		return err
	}
	if len(input.Shape) != 3 || len(output.Shape) != 3 || input.DType != pipeline.Float32 || output.DType != pipeline.Float32 {
		return fmt.Errorf("input %q is %v of %v and output %q %v of %v, want float32 of [batch, rows, width]",
			input.Name, input.DType, input.Shape, output.Name, output.DType, output.Shape)
	}
	n.input, n.output, n.width = input.Name, output.Name, int(max(output.Shape[2], 0))
	if err := m.chunks(&n, d.Metadata); err != nil {
		return err
	}
	cfg, err := m.featureConfig(int(input.Shape[2]), n.exact)
	if err != nil {
		return err
	}
	if m.features, err = fbank.New(cfg); err != nil {
		return err
	}
	n.dim = m.features.Dim()
	if n.width == 0 && m.kind == CTC {
		n.width = m.tokens.Len()
	}
	if err := n.probe(ctx); err != nil {
		return err
	}
	m.network = n
	m.frame = m.features.RowShift() * time.Duration(n.step) / time.Duration(n.rows)
	return nil
}

// chunks sets how the network's runs divide the rows of features.
func (m *Model) chunks(n *recurrent, metadata map[string]string) error {
	p := m.entry.Parameters
	if metadata[metaShift] == "" {
		if m.entry.Family == models.FamilyTransducerStream || metadata["model_type"] != "" {
			return fmt.Errorf("the metadata of %q has no %s: it is not made for streaming", metadata["model_type"], metaShift)
		}
		n.chunk, n.delay = p.Int("chunk", defaultChunk), p.Int("look_ahead", 0)
		n.step = n.chunk
		// A run of a single row takes another way through the runtime than one that was joined with others.
		if n.chunk < 2 || n.chunk > maxChunk || n.delay < 0 || n.delay > maxChunk {
			return fmt.Errorf("parameter chunk is %d and look_ahead %d: want 2..%d and 0..%d rows", n.chunk, n.delay, maxChunk, maxChunk)
		}
		return nil
	}
	if feature := metadata[metaFeature]; feature != "" && feature != "fbank" {
		return fmt.Errorf("the metadata asks for %q features, only filterbanks are supported", feature)
	}
	var err error
	n.exact = true
	if n.chunk, err = metadataInt(metadata, metaWindow, 1, maxChunk); err != nil {
		return err
	}
	n.step, err = metadataInt(metadata, metaShift, 1, n.chunk)
	return err
}

// maxChunk bounds what a file can make a stream hold, in rows.
const maxChunk = 4096

func metadataInt(metadata map[string]string, key string, low, high int) (int, error) {
	text, ok := metadata[key]
	if !ok {
		return 0, fmt.Errorf("the metadata has no %s", key)
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < low || v > high {
		return 0, fmt.Errorf("the metadata says %s = %q, want a number within %d..%d", key, text, low, high)
	}
	return v, nil
}

// featureConfig joins the entry's parameters with the features that networks of the kind are trained on: icefall's when
// exact, else those of FunASR's keyword spotters.
func (m *Model) featureConfig(dim int, exact bool) (fbank.Config, error) {
	p := m.entry.Parameters
	c := fbank.Default()
	if exact {
		c.SnipEdges, c.HighHz, c.Scale = false, -400, 1
	} else {
		c.Window = fbank.Hamming
	}
	if rate := p.Int("sample_rate", Rate); rate != Rate {
		return c, fmt.Errorf("sample rate is %d Hz, only %d Hz is supported", rate, Rate)
	}
	ms := func(name string, def time.Duration) time.Duration {
		return time.Duration(p.Float(name, def.Seconds()*1000) * float64(time.Millisecond))
	}
	c.LowHz, c.HighHz = p.Float("low_hz", c.LowHz), p.Float("high_hz", c.HighHz)
	c.Window = fbank.Window(p.String("window", string(c.Window)))
	c.FrameLength, c.FrameShift = ms("frame_length_ms", c.FrameLength), ms("frame_shift_ms", c.FrameShift)
	c.Preemphasis, c.RemoveDC = p.Float("preemphasis", c.Preemphasis), p.Bool("remove_dc", c.RemoveDC)
	c.SnipEdges = p.Bool("snip_edges", c.SnipEdges)
	c.Scale = p.Float("sample_scale", c.Scale)
	c.Stack, c.Skip = p.Int("lfr_stack", 1), p.Int("lfr_skip", 1)
	if dim > 0 && c.Stack > 0 {
		c.Bins = dim / c.Stack
	}
	c.Bins = p.Int("mel_bins", c.Bins)
	if dim > 0 && c.Bins*c.Stack != dim {
		return c, fmt.Errorf("the network reads rows of %d values, the entry describes %d x %d", dim, c.Bins, c.Stack)
	}
	return c, nil
}

// only returns the one tensor that is no state.
func only(list []pipeline.TensorInfo, kind string, isState map[string]bool) (pipeline.TensorInfo, error) {
	var found []pipeline.TensorInfo
	var names []string
	for _, t := range list {
		if !isState[t.Name] {
			found, names = append(found, t), append(names, t.Name)
		}
	}
	if len(found) != 1 {
		return pipeline.TensorInfo{}, fmt.Errorf("the network has the %ss %q besides its states, want one", kind, names)
	}
	return found[0], nil
}

// rowsOutput returns the output with the rows: the one that the entry lists first besides the states.
func rowsOutput(e models.Entry, list []pipeline.TensorInfo, isState map[string]bool) (pipeline.TensorInfo, error) {
	for _, spec := range e.Outputs {
		if !isState[spec.Name] {
			return tensorNamed(list, "output", spec.Name)
		}
	}
	return pipeline.TensorInfo{}, errors.New("the network has no output besides its states")
}

// checkClasses compares the width of a network's last layer with the table of tokens, which may end with symbols that only
// the training's graphs need (#0, #1, ...).
func (m *Model) checkClasses(classes int) error {
	extra := slices.ContainsFunc(m.tokens.all[min(classes, m.tokens.Len()):], func(t Token) bool { return t.Symbol[0] != '#' })
	if classes > m.tokens.Len() || extra {
		return fmt.Errorf("the network has %d classes, the table of tokens %d: it belongs to another model", classes, m.tokens.Len())
	}
	return nil
}
