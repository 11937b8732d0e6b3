package enhance

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// network is a GTCRN (Rong et al. 2024), exported for streaming: the spectrum of one frame and states in, the spectrum of
// the cleaned frame and the next states out. It is the same for all streams.
type network struct {
	x             pipeline.Executor
	input, output string
	states        []state
	bins          int // of the spectrum
	hop           int // samples from frame to frame: half a frame
	window        []float64
}

type state struct {
	in, out string
	shape   []int64
}

func newNetwork(x pipeline.Executor, e models.Entry) (*network, error) {
	if e.Family != models.FamilyGTCRN {
		return nil, fmt.Errorf("family %q is not %s", e.Family, models.FamilyGTCRN)
	}
	p := e.Parameters
	fft, hop := p.Int("fft", 512), p.Int("hop", 256)
	if rate := p.Int("sample_rate", Rate); rate != Rate || fft < 2 || fft > 1<<14 || hop*2 != fft || p.String("window", "sqrt-hann") != "sqrt-hann" {
		return nil, fmt.Errorf("frames of %d samples every %d at %d Hz, window %s: only sqrt-hann at half a frame and %d Hz is supported",
			fft, hop, rate, p.String("window", "sqrt-hann"), Rate)
	}
	n := &network{x: x, bins: fft/2 + 1, hop: hop, window: make([]float64, fft)}
	for i := range n.window {
		// The periodic form, whose square and that of its neighbour, half a frame on, add up to one.
		n.window[i] = math.Sin(math.Pi * float64(i) / float64(fft))
	}
	sig := x.Signature()
	shape := func(list []pipeline.TensorInfo, name string) ([]int64, error) {
		i := slices.IndexFunc(list, func(t pipeline.TensorInfo) bool { return t.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("the network has no tensor %q, it has %v and %v", name, sig.Inputs, sig.Outputs)
		}
		for _, d := range list[i].Shape {
			if d < 1 || list[i].DType != pipeline.Float32 {
				return nil, fmt.Errorf("tensor %q is %v of %v, want float32 of a fixed shape", name, list[i].DType, list[i].Shape)
			}
		}
		return list[i].Shape, nil
	}
	next := map[string]bool{}
	for _, in := range e.Inputs {
		if in.Next == "" {
			n.input = in.Name
			continue
		}
		next[in.Next] = true
		s, err := shape(sig.Inputs, in.Name)
		if err != nil {
			return nil, err
		}
		n.states = append(n.states, state{in: in.Name, out: in.Next, shape: s})
	}
	for _, out := range e.Outputs {
		if !next[out.Name] {
			n.output = out.Name
		}
	}
	for _, t := range []struct {
		list []pipeline.TensorInfo
		name string
	}{{sig.Inputs, n.input}, {sig.Outputs, n.output}} {
		s, err := shape(t.list, t.name)
		if err != nil {
			return nil, err
		}
		if want := []int64{1, int64(n.bins), 1, 2}; !slices.Equal(s, want) {
			return nil, fmt.Errorf("tensor %q has shape %v, want %v for frames of %d samples", t.name, s, want, fft)
		}
	}
	for name := range next {
		if _, err := shape(sig.Outputs, name); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// suppressor is a stream's state in a network.
type suppressor struct {
	n        *network
	fft      *fourier.FFT
	states   []pipeline.Tensor
	pending  []float32 // less than a hop
	before   []float32 // the hop before
	overlap  []float64 // the second half of the frame before, windowed
	frame    []float64
	spectrum []complex128
	early    int // samples that are still to come out before the first one of the sound
}

func (n *network) newSuppressor() *suppressor {
	s := &suppressor{n: n, fft: fourier.NewFFT(len(n.window)), frame: make([]float64, len(n.window)), spectrum: make([]complex128, n.bins),
		before: make([]float32, n.hop), overlap: make([]float64, n.hop), early: n.hop}
	for _, st := range n.states {
		t := pipeline.Tensor{Shape: st.shape}
		t.Float32 = make([]float32, t.Elements())
		s.states = append(s.states, t)
	}
	return s
}

// delay is how many samples out lie behind samples in.
func (s *suppressor) delay() int { return s.n.hop }

func (s *suppressor) close() {}

func (s *suppressor) push(ctx context.Context, pcm []float32) ([]float32, error) {
	s.pending = append(s.pending, pcm...)
	var out []float32
	for len(s.pending) >= s.n.hop {
		more, err := s.hop(ctx)
		if err != nil {
			return out, err
		}
		s.pending = s.pending[:copy(s.pending, s.pending[s.n.hop:])]
		cut := min(s.early, len(more))
		s.early -= cut
		out = append(out, more[cut:]...)
	}
	return out, nil
}

// hop cleans the frame that ends with the next hop. Nothing is taken before the run has succeeded.
func (s *suppressor) hop(ctx context.Context) ([]float32, error) {
	n := s.n
	for i := range n.hop {
		s.frame[i] = float64(s.before[i]) * n.window[i]
		s.frame[n.hop+i] = float64(s.pending[i]) * n.window[n.hop+i]
	}
	s.fft.Coefficients(s.spectrum, s.frame)
	mix := make([]float32, 2*n.bins)
	for i, c := range s.spectrum {
		mix[2*i], mix[2*i+1] = float32(real(c)), float32(imag(c))
	}
	in := pipeline.Tensors{n.input: {Shape: []int64{1, int64(n.bins), 1, 2}, Float32: mix}}
	for i, st := range n.states {
		in[st.in] = s.states[i]
	}
	result, err := n.x.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	clean := result[n.output].Float32
	if len(clean) != 2*n.bins {
		return nil, fmt.Errorf("speech enhancement model answered %d values, want %d", len(clean), 2*n.bins)
	}
	next := make([]pipeline.Tensor, len(n.states))
	for i, st := range n.states {
		if next[i] = result[st.out]; !slices.Equal(next[i].Shape, st.shape) {
			return nil, fmt.Errorf("speech enhancement model answered a state %q of shape %v, want %v", st.out, next[i].Shape, st.shape)
		}
	}
	s.states = next
	for i := range s.spectrum {
		s.spectrum[i] = complex(float64(clean[2*i]), float64(clean[2*i+1]))
	}
	s.fft.Sequence(s.frame, s.spectrum)
	out := make([]float32, n.hop)
	for i := range out {
		// The transform multiplies by its length.
		scale := 1 / float64(len(n.window))
		out[i] = float32(s.overlap[i] + s.frame[i]*n.window[i]*scale)
		s.overlap[i] = s.frame[n.hop+i] * n.window[n.hop+i] * scale
	}
	copy(s.before, s.pending[:n.hop])
	return out, nil
}
