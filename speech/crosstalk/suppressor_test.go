package crosstalk

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/speech/audio"
)

// talk is when somebody speaks at a seat, in seconds.
type talk struct {
	seat       int
	start, end float64
	level      float64 // dB
}

// room mixes what microphones hear: each talker's voice (noise in syllables), with an echo at the other seats, leak dB below and some
// milliseconds later, and noise.
func room(seconds float64, seats int, leak float64, talks ...talk) [][]float32 {
	n := int(seconds * audio.Rate)
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([][]float32, seats)
	for c := range out {
		out[c] = make([]float32, n)
		for i := range n {
			out[c][i] = float32(rng.NormFloat64()) * .0005
		}
	}
	for _, t := range talks {
		state, gain := 0., math.Pow(10, t.level/20)*.1
		colour := .55 + .1*float64(t.seat)
		for i := int(t.start * audio.Rate); i < int(t.end*audio.Rate); i++ {
			at := float64(i) / audio.Rate
			state = colour*state + rng.NormFloat64()
			x := gain * state * max(0, math.Sin(2*math.Pi*(3.1+.6*float64(t.seat))*at))
			for c := range out {
				if c == t.seat {
					out[c][i] += float32(x)
					continue
				}
				// The direct way and two reflections.
				for k, delay := range []int{50 + 37*((c+t.seat)%4), 900, 1700} {
					if i+delay < n {
						out[c][i+delay] += float32(x * math.Pow(10, (leak-7*float64(k))/20))
					}
				}
			}
		}
	}
	return out
}

// run sends sound in chunks, over and over of the sizes given.
func run(tb testing.TB, pcm [][]float32, sizes ...int) ([][]float32, *Suppressor) {
	tb.Helper()
	s, err := New(len(pcm))
	require.NoError(tb, err)
	out := make([][]float32, len(pcm))
	take := func(got [][]float32) {
		for c := range got {
			out[c] = append(out[c], got[c]...)
		}
	}
	for at, k := 0, 0; at < len(pcm[0]); k++ {
		n := min(sizes[k%len(sizes)], len(pcm[0])-at)
		part := make([][]float32, len(pcm))
		for c := range pcm {
			part[c] = pcm[c][at : at+n]
		}
		take(s.Push(part))
		at += n
		require.GreaterOrEqual(tb, len(out[0]), at-int(Delay*audio.Rate/time.Second), "no more than the delay is held back")
	}
	take(s.Flush())
	return out, s
}

// level is that of a stretch in dB of full scale.
func level(pcm []float32, from, to float64) float64 {
	sum := 0.
	part := pcm[int(from*audio.Rate):int(to*audio.Rate)]
	for _, x := range part {
		sum += float64(x) * float64(x)
	}
	return 10 * math.Log10(sum/float64(len(part))+1e-20)
}

func TestWhatLeaksBecomesTheRoomsNoise(t *testing.T) {
	for _, leak := range []float64{-10, -15, -25} {
		pcm := room(16, 3, leak, talk{0, 1, 5, 0}, talk{1, 6, 10, -3}, talk{2, 11, 15, 3})
		out, s := run(t, pcm, 1600)
		quiet := level(pcm[0], .2, .8)
		for c, spans := range [][2]float64{{1, 5}, {6, 10}, {11, 15}} {
			for other := range out {
				heard := level(out[other], spans[0]+.3, spans[1])
				if other == c {
					from, to := int(spans[0]*audio.Rate), int(spans[1]*audio.Rate)
					assert.True(t, slices.Equal(pcm[c][from:to], out[c][from:to]), "leak %v: the voice at seat %d is left as it is", leak, c)
					continue
				}
				assert.InDelta(t, quiet, heard, 4, "leak %v: seat %d while %d speaks, was %v", leak, other, c, level(pcm[other], spans[0]+.3, spans[1]))
			}
		}
		for c := range out {
			assert.Len(t, out[c], len(pcm[c]))
			assert.Less(t, s.Overlap(c, 0, 16*audio.Rate), 100*time.Millisecond, "nobody interrupts")
		}
	}
}

func TestPeopleWhoSpeakTogetherAreBothHeard(t *testing.T) {
	pcm := room(14, 2, -16, talk{0, 1, 5, 0}, talk{1, 6, 9, 0}, talk{0, 8, 12, -4})
	out, s := run(t, pcm, 160)
	for c, want := range [][2]float64{{8, 12}, {6, 9}} {
		was, is := level(pcm[c], want[0], want[1]), level(out[c], want[0], want[1])
		assert.InDelta(t, was, is, 1, "channel %d", c)
	}
	for c := range out {
		assert.InDelta(t, .6, s.Overlap(c, 0, 14*audio.Rate).Seconds(), .4, "a second in which both speak in syllables")
		assert.Zero(t, s.Overlap(c, 0, 7*audio.Rate))
		assert.Zero(t, s.Overlap(c, 1e9, 2e9))
	}
}

func TestShortAnswersAreSpokenAndLeaksAreNot(t *testing.T) {
	for _, leak := range []float64{-12, -18, -25} {
		// Seat 0 asks, the others answer: behind the question and into it, softly too.
		pcm := room(20, 3, leak, talk{0, 1, 5, 0}, talk{1, 5.5, 5.75, -6}, talk{2, 7, 7.3, -3}, talk{0, 9, 14, 0}, talk{1, 10.2, 10.5, 0}, talk{2, 15, 15.25, -12})
		_, s := run(t, pcm, 800)
		spoken := func(channel int, from, to float64) bool {
			return s.Spoken(channel, int64(from*audio.Rate), int64(to*audio.Rate))
		}
		for _, answer := range []talk{{1, 5.5, 5.75, 0}, {2, 7, 7.3, 0}, {1, 10.2, 10.5, 0}, {2, 15, 15.25, 0}, {0, 1, 5, 0}} {
			assert.True(t, spoken(answer.seat, answer.start-.2, answer.end+.2), "leak %v: seat %d at %v", leak, answer.seat, answer.start)
		}
		for _, nobody := range []talk{{1, 1, 5, 0}, {2, 1, 5, 0}, {0, 5.45, 8, 0}, {2, 9, 14, 0}, {1, 11, 14.5, 0}, {0, 16, 20, 0}, {1, 16, 20, 0}} {
			assert.False(t, spoken(nobody.seat, nobody.start, nobody.end), "leak %v: seat %d at %v", leak, nobody.seat, nobody.start)
		}
		assert.False(t, s.Spoken(0, 1e9, 2e9), "nothing was heard there")
	}
}

func TestWhoIsHardlyLouderThanTheNoiseMayHaveSpoken(t *testing.T) {
	// 12 dB over the noise, never enough for certainty.
	pcm := room(8, 2, -30, talk{0, 2, 2.6, -36}, talk{0, 4, 6, -36})
	_, s := run(t, pcm, 1600)
	for _, m := range s.moments {
		require.Zero(t, m.spoken)
	}
	assert.True(t, s.Spoken(0, 2*audio.Rate-3000, 2.6*audio.Rate+3000))
	assert.True(t, s.Spoken(0, 4*audio.Rate-3000, 6*audio.Rate+3000))
	assert.False(t, s.Spoken(0, 6.5*audio.Rate, 8*audio.Rate))
	assert.False(t, s.Spoken(1, 0, 8*audio.Rate))
}

func TestTheSameSoundInAllChannelsIsLeft(t *testing.T) {
	one := room(4, 1, 0, talk{0, 1, 3, 0})[0]
	out, _ := run(t, [][]float32{one, one}, 999)
	for c := range out {
		assert.True(t, slices.Equal(one[audio.Rate:3*audio.Rate], out[c][audio.Rate:3*audio.Rate]), "channel %d", c)
	}
}

func TestNothingDependsOnChunks(t *testing.T) {
	pcm := room(3, 2, -14, talk{0, .2, 1.5, 0}, talk{1, 1.3, 2.5, 0})
	want, whole := run(t, pcm, len(pcm[0]))
	rapid.Check(t, func(rt *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 20000), 1, 8).Draw(rt, "sizes")
		got, s := run(t, pcm, sizes...)
		for c := range want {
			require.True(rt, slices.Equal(want[c], got[c]), "channel %d", c)
		}
		require.Equal(rt, whole.Overlap(0, 0, 48000), s.Overlap(0, 0, 48000))
	})
}

func TestEveryLengthComesOutWhole(t *testing.T) {
	for _, n := range []int{0, 1, hop - 1, hop, hop + 1, window, window + 1, 5*hop + 3, 7 * hop, 9*hop + 100} {
		pcm := [][]float32{make([]float32, n), make([]float32, n)}
		for i := range n {
			pcm[0][i], pcm[1][i] = float32(i), -float32(i)
		}
		s, err := New(2)
		require.NoError(t, err)
		first := append([]float32(nil), s.Push(pcm)[0]...)
		got := append(first, s.Flush()[0]...)
		assert.Len(t, got, n)
	}
}

func TestMemoryDoesNotGrow(t *testing.T) {
	s, err := New(2)
	require.NoError(t, err)
	s.moments = make([]moment, 2*kept)
	before := int64(2 * kept * hop)
	s.Push([][]float32{make([]float32, 4*window), make([]float32, 4*window)})
	assert.Less(t, len(s.moments), kept+10)
	assert.Equal(t, before/hop-kept, s.first)
}

func TestChannelsThatCannotBeCompared(t *testing.T) {
	for _, n := range []int{0, 1, 9} {
		_, err := New(n)
		assert.ErrorContains(t, err, "2 to 8")
	}
}

func BenchmarkPush(b *testing.B) {
	pcm := room(4, 4, -15, talk{0, 0, 2, 0}, talk{1, 1, 4, 0})
	s, err := New(4)
	require.NoError(b, err)
	part := make([][]float32, 4)
	at := 0
	for b.Loop() {
		for c := range part {
			part[c] = pcm[c][at : at+1600]
		}
		s.Push(part)
		at = (at + 1600) % (len(pcm[0]) - 1600)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e8, "of-real-time")
}

func TestWhatIsMuchFainterThanASeatsVoiceIsItsBackground(t *testing.T) {
	pcm := room(9, 2, -16, talk{0, 1, 3, 0}, talk{0, 5, 6, -34}, talk{0, 7, 8, -15})
	out, _ := run(t, pcm, 4000)
	assert.Greater(t, level(pcm[0], 5, 6), level(pcm[0], 4, 4.9)+4)
	assert.InDelta(t, level(out[0], 4, 4.9), level(out[0], 5, 6), 3, "a murmur far from the microphone")
	assert.InDelta(t, level(pcm[0], 7, 8), level(out[0], 7, 8), .5, "somebody who speaks softly")
}
