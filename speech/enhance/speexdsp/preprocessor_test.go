package speexdsp

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func tone(n int) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(8000 * math.Sin(2*math.Pi*440*float64(i)/16000))
	}
	return out
}

func TestWithNothingToDoSoundComesOneFrameLater(t *testing.T) {
	p, err := New(16000, 320, Options{})
	require.NoError(t, err)
	defer p.Close()
	in := tone(3200)
	got := append([]int16(nil), in...)
	for at := 0; at < len(got); at += 320 {
		require.NoError(t, p.Process(got[at:at+320]))
	}
	for i := 640; i < len(got); i++ {
		require.InDelta(t, in[i-320], got[i], 40, "sample %d", i)
	}
}

func TestSettingsAreCheckedAndCloseIsIdempotent(t *testing.T) {
	for _, bad := range []Options{{Suppress: -1}, {Suppress: 101}, {Level: math.NaN()}, {Level: 40000}, {MaxGain: -3}} {
		_, err := New(16000, 320, bad)
		require.Error(t, err)
	}
	for _, bad := range [][2]int{{0, 320}, {16000, 1}, {16000, 16000}} {
		_, err := New(bad[0], bad[1], Options{})
		require.Error(t, err)
	}
	p, err := New(16000, 320, Options{Suppress: 15, Level: 8000, MaxGain: 20})
	require.NoError(t, err)
	require.ErrorContains(t, p.Process(make([]int16, 100)), "frame of 100 samples, want 320")
	require.NoError(t, p.Process(tone(320)))
	p.Close()
	p.Close()
	require.ErrorContains(t, p.Process(tone(320)), "closed")
}
