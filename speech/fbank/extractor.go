package fbank

import (
	"math"
	"sync"
	"time"

	"gonum.org/v1/gonum/dsp/fourier"
)

// floor is the least energy of a filter, so that silence has a logarithm: single precision's epsilon, as in Kaldi.
const floor = 1.1920928955078125e-07

// Extractor computes features with one configuration. It is safe for concurrent use; its streams are not.
type Extractor struct {
	cfg     Config
	size    sizes
	window  []float64
	filters []filter
	scratch sync.Pool // of *scratch, so that a stream that waits for sound holds none
}

// filter is one triangle over the power spectrum.
type filter struct {
	first   int // bin of the spectrum that weights[0] belongs to
	weights []float64
}

// scratch is what the computation of a frame writes to.
type scratch struct {
	fft      *fourier.FFT
	frame    []float64
	spectrum []complex128
	power    []float64
}

// New prepares the tables of a configuration. It fails on one that makes no sense.
func New(c Config) (*Extractor, error) {
	size, err := c.sizes()
	if err != nil {
		return nil, err
	}
	e := &Extractor{cfg: c, size: size, window: c.Window.shape(size.length), filters: c.filters(size)}
	e.scratch.New = func() any {
		return &scratch{
			fft: fourier.NewFFT(size.fft), frame: make([]float64, size.fft),
			spectrum: make([]complex128, size.fft/2+1), power: make([]float64, size.fft/2),
		}
	}
	return e, nil
}

// Config returns the configuration.
func (e *Extractor) Config() Config { return e.cfg }

// Dim is the number of values in a row: Bins x Stack.
func (e *Extractor) Dim() int { return e.cfg.Bins * e.cfg.Stack }

// RowShift is the sound from one row to the next.
func (e *Extractor) RowShift() time.Duration { return e.cfg.FrameShift * time.Duration(e.cfg.Skip) }

// mel is the scale of O'Shaughnessy as HTK and Kaldi use it.
func mel(hz float64) float64 { return 1127 * math.Log(1+hz/700) }

// filters places triangles at equal distances on the mel scale, each from its left neighbour's middle to its right
// one's. The bin at half the sample rate belongs to none, as in Kaldi.
func (c Config) filters(s sizes) []filter {
	low, high := mel(c.LowHz), mel(s.high)
	step := (high - low) / float64(c.Bins+1)
	all := make([]filter, c.Bins)
	for b := range all {
		left := low + float64(b)*step
		middle, right := left+step, left+2*step
		f := filter{first: -1}
		for i := range s.fft / 2 {
			m := mel(float64(i) * float64(c.SampleRate) / float64(s.fft))
			if m <= left || m >= right {
				continue
			}
			if f.first < 0 {
				f.first = i
			}
			if m <= middle {
				f.weights = append(f.weights, (m-left)/(middle-left))
			} else {
				f.weights = append(f.weights, (right-m)/(right-middle))
			}
		}
		f.first = max(f.first, 0)
		all[b] = f
	}
	return all
}

// features computes one frame, whose samples are in w.frame[:length], into out.
func (e *Extractor) features(out []float32, w *scratch) {
	x := w.frame[:e.size.length]
	if e.cfg.RemoveDC {
		sum := 0.0
		for _, v := range x {
			sum += v
		}
		mean := sum / float64(len(x))
		for i := range x {
			x[i] -= mean
		}
	}
	if c := e.cfg.Preemphasis; c != 0 {
		for i := len(x) - 1; i > 0; i-- {
			x[i] -= c * x[i-1]
		}
		x[0] -= c * x[0]
	}
	for i, v := range e.window {
		x[i] *= v
	}
	clear(w.frame[e.size.length:])
	w.fft.Coefficients(w.spectrum, w.frame)
	for i := range w.power {
		re, im := real(w.spectrum[i]), imag(w.spectrum[i])
		w.power[i] = re*re + im*im
	}
	for b, f := range e.filters {
		sum := 0.0
		for i, p := range w.power[f.first : f.first+len(f.weights)] {
			sum += f.weights[i] * p
		}
		out[b] = float32(math.Log(max(sum, floor)))
	}
}
