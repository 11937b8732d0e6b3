package audio

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func resampleAll(tb require.TestingT, rate, channels int, in []float32, chunk func() int) []float32 {
	r, err := NewResampler(rate, channels)
	require.NoError(tb, err)
	defer r.Close()
	var out []float32
	for len(in) > 0 {
		n := min(len(in), chunk()*channels)
		got, err := r.Push(in[:n])
		require.NoError(tb, err)
		out = append(out, got...)
		in = in[n:]
	}
	got, err := r.Flush()
	require.NoError(tb, err)
	return append(out, got...)
}

func sine(n, rate int, hz, amplitude float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	return out
}

func whole() int { return math.MaxInt32 }

func TestResamplingKeepsToneTimeAndLength(t *testing.T) {
	for _, rate := range []int{8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000} {
		n := rate + 17
		out := resampleAll(t, rate, 1, sine(n, rate, 997, .5), whole)
		gain, lag, snr := tone(out, 1, 0, Rate, 997)
		t.Logf("%5d Hz: gain %.5f, lag %.4f samples, SNR %.1f dB", rate, gain, lag, snr)
		assert.Len(t, out, (n*Rate+rate/2)/rate)
		assert.InDelta(t, .5, gain, 1e-4)
		assert.Less(t, math.Abs(lag), .01)
		assert.Greater(t, snr, 100.)
	}
}

func TestResamplingRejectsWhatWouldAlias(t *testing.T) {
	for _, rate := range []int{22050, 32000, 44100, 48000} {
		for _, hz := range []float64{8500, 10000, .49 * float64(rate)} {
			out := resampleAll(t, rate, 1, sine(rate, rate, hz, .5), whole)
			power := 0.
			middle := out[len(out)/4 : len(out)*3/4]
			for _, x := range middle {
				power += float64(x) * float64(x)
			}
			level := 10*math.Log10(power/float64(len(middle))+1e-30) - 10*math.Log10(.125)
			t.Logf("%5d Hz: %6.0f Hz comes out at %.1f dB", rate, hz, level)
			assert.Less(t, level, -100., "%d Hz, %v Hz", rate, hz)
		}
	}
}

func TestResamplingDoesNotDependOnChunks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rate := rapid.SampledFrom([]int{8000, 11025, 16000, 22050, 44100, 48000}).Draw(rt, "rate")
		channels := rapid.IntRange(1, 3).Draw(rt, "channels")
		n := rapid.IntRange(0, 5000).Draw(rt, "frames")
		in := make([]float32, n*channels)
		for c := range channels {
			for i, x := range sine(n, rate, 300*float64(c+1), .5) {
				in[i*channels+c] = x
			}
		}
		want := resampleAll(rt, rate, channels, in, whole)
		require.Len(rt, want, (n*Rate+rate/2)/rate*channels)
		got := resampleAll(rt, rate, channels, in, func() int { return rapid.IntRange(1, 2000).Draw(rt, "chunk") })
		for i := range want {
			if math.Float32bits(want[i]) != math.Float32bits(got[i]) {
				rt.Fatalf("sample %d is %v in one piece, %v in chunks", i, want[i], got[i])
			}
		}
	})
}

func TestResamplingHoldsBackLittle(t *testing.T) {
	for _, c := range []struct {
		rate  int
		limit float64 // seconds
	}{{8000, .12}, {11025, .12}, {22050, .06}, {44100, .06}, {48000, .06}} {
		r, err := NewResampler(c.rate, 1)
		require.NoError(t, err)
		in, out, worst := 0, 0, 0.
		for range 300 {
			got, err := r.Push(make([]float32, c.rate/100))
			require.NoError(t, err)
			in, out = in+c.rate/100, out+len(got)
			worst = max(worst, float64(in)/float64(c.rate)-float64(out)/Rate)
		}
		r.Close()
		t.Logf("%5d Hz: at most %.0f ms", c.rate, 1000*worst)
		assert.Less(t, worst, c.limit, "%d Hz", c.rate)
	}
}

func BenchmarkResample(b *testing.B) {
	for _, rate := range []int{8000, 44100, 48000} {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			in := sine(rate, rate, 440, .5)
			r, err := NewResampler(rate, 1)
			require.NoError(b, err)
			defer r.Close()
			for b.Loop() {
				if _, err := r.Push(in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "real-time-factor")
		})
	}
}
