package fbank

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Window is the shape that a frame is multiplied by.
type Window string

// The windows of Kaldi that recognisers are trained with.
const (
	Hamming Window = "hamming"
	Povey   Window = "povey" // a Hann window to the power of 0.85
	Hanning Window = "hanning"
)

// Config says how features are computed. [Default] is Kaldi's choice; the zero value is no valid configuration.
type Config struct {
	SampleRate  int           // Hz
	FrameLength time.Duration // of sound in one frame
	FrameShift  time.Duration // from one frame to the next
	Window      Window
	Preemphasis float64 // coefficient of the first difference, 0..1
	RemoveDC    bool    // take each frame's mean out of it
	// SnipEdges keeps to frames that lie wholly within the sound. Without, a frame's middle lies within the sound and what
	// it lacks is mirrored.
	SnipEdges bool
	Scale     float64 // multiplies samples of -1..1; 32768 where a model was trained on 16-bit numbers
	Bins      int     // mel filters
	LowHz     float64 // lower end of the first filter
	HighHz    float64 // upper end of the last filter; 0 and less: so far below half the sample rate
	// Stack joins so many frames into one row, and Skip takes only every so manyth row. The rows of a stream begin with
	// a row around frame 0, filled up on the left with copies of that frame.
	Stack, Skip int
}

// Default is what Kaldi-style recognisers expect unless they say otherwise: 80 bins of 25 ms every 10 ms at 16 kHz.
func Default() Config {
	return Config{
		SampleRate: 16000, FrameLength: 25 * time.Millisecond, FrameShift: 10 * time.Millisecond, Window: Povey,
		Preemphasis: .97, RemoveDC: true, SnipEdges: true, Scale: 32768, Bins: 80, LowHz: 20, Stack: 1, Skip: 1,
	}
}

const (
	maxFrameSamples = 1 << 14
	maxBins         = 512
	maxStack        = 32
)

// sizes are the numbers of samples that durations stand for.
type sizes struct {
	length, shift, fft int
	high               float64
}

func (c Config) sizes() (sizes, error) {
	fail := func(format string, args ...any) (sizes, error) {
		return sizes{}, fmt.Errorf("filterbank: "+format, args...)
	}
	if c.SampleRate < 1000 || c.SampleRate > 192000 {
		return fail("sample rate of %d Hz is not within 1000..192000", c.SampleRate)
	}
	// Kaldi cuts fractions of samples off.
	samples := func(d time.Duration) int { return int(int64(d) * int64(c.SampleRate) / int64(time.Second)) }
	s := sizes{length: samples(c.FrameLength), shift: samples(c.FrameShift), high: c.HighHz}
	switch {
	case s.length < 2 || s.length > maxFrameSamples:
		return fail("frame length of %v is %d samples, not within 2..%d", c.FrameLength, s.length, maxFrameSamples)
	case s.shift < 1 || s.shift > s.length:
		return fail("frame shift of %v is %d samples, not within 1..%d, the frame length", c.FrameShift, s.shift, s.length)
	case !slices.Contains([]Window{Hamming, Povey, Hanning}, c.Window):
		return fail("window %q is not one of %s", c.Window, strings.Join([]string{string(Hamming), string(Povey), string(Hanning)}, ", "))
	case !(c.Preemphasis >= 0 && c.Preemphasis <= 1):
		return fail("pre-emphasis of %v is not within 0..1", c.Preemphasis)
	case !(c.Scale > 0) || math.IsInf(c.Scale, 0):
		return fail("scale of %v is not a positive number", c.Scale)
	case c.Bins < 1 || c.Bins > maxBins:
		return fail("%d mel bins are not within 1..%d", c.Bins, maxBins)
	case c.Stack < 1 || c.Stack > maxStack || c.Skip < 1 || c.Skip > maxStack:
		return fail("stack of %d frames every %d is not within 1..%d", c.Stack, c.Skip, maxStack)
	}
	for s.fft = 1; s.fft < s.length; {
		s.fft *= 2
	}
	nyquist := float64(c.SampleRate) / 2
	if s.high <= 0 {
		s.high += nyquist
	}
	if !(c.LowHz >= 0 && c.LowHz < s.high && s.high <= nyquist) {
		return fail("mel range of %v..%v Hz is not within 0..%v", c.LowHz, s.high, nyquist)
	}
	return s, nil
}

// shape returns the window's values.
func (w Window) shape(n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		cos := math.Cos(2 * math.Pi * float64(i) / float64(n-1))
		switch w {
		case Hamming:
			values[i] = .54 - .46*cos
		case Povey:
			values[i] = math.Pow(.5-.5*cos, .85)
		case Hanning:
			values[i] = .5 - .5*cos
		}
	}
	return values
}
