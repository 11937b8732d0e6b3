package crosstalk

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// What a silenced channel sounds like: noise with the spectrum of its own quiet moments, so that its background goes on. It has no more of a
// voice in it than a mean over seconds has.
const (
	quiet     = 3.  // dB over the noise up to which a frame is a quiet moment
	attentive = .05 // what one of them adds to the spectrum
)

// filling makes a channel's background.
type filling struct {
	power [window/2 + 1]float64 // of the quiet moments by line; all 0 before the first
	tail  [hop]float32          // of the last frame, which goes on into the next block
	seed  uint32
	fft   *fourier.FFT
}

// fade makes frames that overlap by half sum up to the same power.
var fade = func() (f [window]float32) {
	for i := range f {
		f[i] = float32(math.Sin(math.Pi * (float64(i) + .5) / window))
	}
	return f
}()

// learn takes in a quiet moment's spectrum.
func (f *filling) learn(spectrum []complex128) {
	share := attentive
	if f.power[1] == 0 {
		share = 1
	}
	for i, c := range spectrum {
		f.power[i] += share * (real(c)*real(c) + imag(c)*imag(c) - f.power[i])
	}
}

// random is uniform in 0..1.
func (f *filling) random() float64 {
	f.seed = f.seed*1664525 + 1013904223
	return (float64(f.seed>>8) + .5) / (1 << 24)
}

// block makes the next hop samples; energy is that of the window that spectra were taken with, level the root mean square of the noise, for
// channels of which no quiet moment is known.
func (f *filling) block(out *[hop]float32, energy float64, level float32) {
	var frame [window]float64
	if f.power[1] > 0 {
		spectrum := make([]complex128, window/2+1)
		for i, p := range f.power {
			// Magnitudes of noise are Rayleigh's.
			size := math.Sqrt(-p * math.Log(f.random()) / (window * energy))
			angle := 2 * math.Pi * f.random()
			spectrum[i] = complex(size*math.Cos(angle), size*math.Sin(angle))
		}
		if f.fft == nil {
			f.fft = fourier.NewFFT(window)
		}
		f.fft.Sequence(frame[:], spectrum)
	} else {
		// Uniform noise of this width has the level.
		width := float64(level) * 3.4641
		for i := range frame {
			frame[i] = width * (f.random() - .5)
		}
	}
	for i := range out {
		out[i] = f.tail[i] + float32(frame[i])*fade[i]
		f.tail[i] = float32(frame[i+hop]) * fade[i+hop]
	}
}
