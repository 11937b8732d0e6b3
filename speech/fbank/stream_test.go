package fbank

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func collect(s *Stream, pcm []float32, cuts func(left int) int) []float32 {
	var out []float32
	for len(pcm) > 0 {
		n := cuts(len(pcm))
		out = append(out, s.Push(pcm[:n])...)
		pcm = pcm[n:]
	}
	return append(out, s.Flush()...)
}

// Whatever the configuration, the length and the cuts: the rows are those of the whole sound, bit for bit.
func TestStreamingEqualsWhole(t *testing.T) {
	sound := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		c := Default()
		c.Window = rapid.SampledFrom([]Window{Hamming, Povey, Hanning}).Draw(t, "window")
		c.FrameLength = time.Duration(rapid.IntRange(1000, 40000).Draw(t, "length")) * time.Microsecond
		c.FrameShift = time.Duration(rapid.IntRange(500, int(c.FrameLength.Microseconds())).Draw(t, "shift")) * time.Microsecond
		c.SnipEdges = rapid.Bool().Draw(t, "snip")
		c.RemoveDC = rapid.Bool().Draw(t, "dc")
		c.Bins = rapid.IntRange(1, 30).Draw(t, "bins")
		c.Stack, c.Skip = rapid.IntRange(1, 7).Draw(t, "stack"), rapid.IntRange(1, 7).Draw(t, "skip")
		e, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		first := rapid.IntRange(0, len(sound)-1).Draw(t, "first")
		pcm := sound[first:min(len(sound), first+rapid.IntRange(0, 3000).Draw(t, "samples"))]
		whole := e.NewStream()
		want := collect(whole, pcm, func(left int) int { return left })
		cut := collect(e.NewStream(), pcm, func(left int) int { return rapid.IntRange(1, min(left, 700)).Draw(t, "cut") })
		require.Equal(t, want, cut)
		whole.Reset()
		again := collect(whole, pcm, func(left int) int { return min(left, 160) })
		require.Equal(t, want, again, "after Reset")

		// The number of rows follows from the definition alone.
		frames := 0
		if size := e.size; c.SnipEdges {
			if len(pcm) >= size.length {
				frames = 1 + (len(pcm)-size.length)/size.shift
			}
		} else {
			frames = (len(pcm) + size.shift/2) / size.shift
		}
		require.Len(t, want, (frames+c.Skip-1)/c.Skip*e.Dim())
	})
}

func TestStreamsOfOneExtractorDoNotMeet(t *testing.T) {
	e, err := New(Default())
	require.NoError(t, err)
	sound := sample(t)
	a, b := e.NewStream(), e.NewStream()
	var gotA, gotB []float32
	for at := 0; at+1600 <= 16000; at += 1600 {
		gotA = append(gotA, a.Push(sound[at:at+1600])...)
		gotB = append(gotB, b.Push(sound[60000+at:60000+at+1600])...)
	}
	require.Equal(t, collect(e.NewStream(), sound[:16000], func(n int) int { return n }), append(gotA, a.Flush()...))
	require.Equal(t, collect(e.NewStream(), sound[60000:76000], func(n int) int { return n }), append(gotB, b.Flush()...))
	require.Empty(t, a.Push(sound), "the sound is over")
	require.Empty(t, a.Flush())
}

func TestSilenceAndNumbersThatAreNone(t *testing.T) {
	e, err := New(Default())
	require.NoError(t, err)
	rows := e.NewStream().Push(make([]float32, 400))
	require.Len(t, rows, 80)
	for _, v := range rows {
		require.InDelta(t, math.Log(1.1920929e-07), v, 1e-6)
	}
	pcm := make([]float32, 720)
	pcm[100] = float32(math.NaN())
	rows = e.NewStream().Push(pcm)
	require.Len(t, rows, 3*80)
	require.True(t, math.IsNaN(float64(rows[0])))
	require.False(t, math.IsNaN(float64(rows[2*80])), "frames that do not hold the sample are not touched")
}

func TestMemoryDoesNotGrow(t *testing.T) {
	c := Default()
	c.Stack, c.Skip = 5, 3
	e, err := New(c)
	require.NoError(t, err)
	s := e.NewStream()
	pcm := sample(t)[:1600]
	push := func() { s.Push(pcm) }
	for range 20 {
		push()
	}
	held := cap(s.samples)
	require.Zero(t, testing.AllocsPerRun(200, push), "no allocations, ten frames at a time")
	require.Equal(t, held, cap(s.samples))
}

func TestBadConfigurations(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"sample rate of 10 Hz":            func(c *Config) { c.SampleRate = 10 },
		"frame length of 1µs is 0":        func(c *Config) { c.FrameLength = time.Microsecond },
		"frame shift of 1s is 16000":      func(c *Config) { c.FrameShift = time.Second },
		"frame shift of 0s is 0":          func(c *Config) { c.FrameShift = 0 },
		`window "kaiser" is not one of`:   func(c *Config) { c.Window = "kaiser" },
		"pre-emphasis of NaN":             func(c *Config) { c.Preemphasis = math.NaN() },
		"scale of 0":                      func(c *Config) { c.Scale = 0 },
		"0 mel bins":                      func(c *Config) { c.Bins = 0 },
		"stack of 0 frames every 1":       func(c *Config) { c.Stack = 0 },
		"mel range of 20..9000 Hz":        func(c *Config) { c.HighHz = 9000 },
		"mel range of 20..0 Hz":           func(c *Config) { c.HighHz = -8000 },
		"mel range of NaN..8000 Hz":       func(c *Config) { c.LowHz = math.NaN() },
		"frame length of 2s is 32000 sam": func(c *Config) { c.FrameLength = 2 * time.Second },
	} {
		c := Default()
		change(&c)
		_, err := New(c)
		require.ErrorContains(t, err, want)
	}
}

func BenchmarkStream(b *testing.B) {
	c := Default()
	c.Window, c.Stack, c.Skip = Hamming, 5, 3
	e, err := New(c)
	require.NoError(b, err)
	s := e.NewStream()
	pcm := sample(b)[:16000]
	b.ReportAllocs()
	for b.Loop() {
		s.Push(pcm)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "real-time-factor")
}
