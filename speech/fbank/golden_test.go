package fbank

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
)

// sample returns the 16-bit samples of a committed recording in -1..1.
func sample(tb testing.TB) []float32 {
	tb.Helper()
	raw, err := os.ReadFile(testinput.Testdata(tb, "speech", "court-zh-16k.wav"))
	require.NoError(tb, err)
	raw = raw[44:]
	pcm := make([]float32, len(raw)/2)
	for i := range pcm {
		pcm[i] = float32(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / 32768
	}
	return pcm
}

// The vectors come from testdata/golden.py, which knows nothing of this code.
func TestGoldenVectors(t *testing.T) {
	with := func(change func(*Config)) Config {
		c := Default()
		change(&c)
		return c
	}
	icefall := with(func(c *Config) { c.HighHz, c.SnipEdges, c.Scale = -400, false, 1 })
	for _, tc := range []struct {
		name         string
		first, count int
		cfg          Config
	}{
		{"kaldi", 14000, 9000, Default()},
		{"stacked", 90000, 9130, with(func(c *Config) { c.Window, c.Stack, c.Skip = Hamming, 5, 3 })},
		{"icefall", 30000, 8801, icefall},
		{"short", 16000, 130, icefall},
		{"narrow", 14000, 6000, with(func(c *Config) {
			c.SampleRate, c.Bins, c.Window, c.LowHz, c.HighHz, c.Preemphasis, c.RemoveDC = 8000, 23, Hanning, 100, 3800, 0, false
			c.FrameLength, c.FrameShift = 32*time.Millisecond, 16*time.Millisecond
		})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, err := New(tc.cfg)
			require.NoError(t, err)
			raw, err := os.ReadFile(filepath.Join("testdata", tc.name+".f32"))
			require.NoError(t, err)
			s := e.NewStream()
			got := append([]float32(nil), s.Push(sample(t)[tc.first:tc.first+tc.count])...)
			got = append(got, s.Flush()...)
			require.Len(t, got, len(raw)/4)
			require.Zero(t, len(got)%e.Dim())
			worst := 0.0
			for i, v := range got {
				want := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
				worst = max(worst, math.Abs(float64(v-want)))
			}
			// Logarithms of energies up to 25, in single precision.
			require.Less(t, worst, 2e-5)
		})
	}
}
