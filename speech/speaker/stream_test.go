package speaker

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// crowd makes windows without a network: directions around one of each voice, timbres likewise.
func crowd(rng *rand.Rand, voice, n int) []window {
	out := make([]window, n)
	for i := range out {
		v := make([]float32, 16)
		for d := range v {
			v[d] = float32(.1 * rng.NormFloat64())
		}
		v[voice]++
		unit(v)
		w := window{start: i * hopSamples, end: i*hopSamples + windowSamples, vector: v}
		w.timbre.frames = 90
		colour := rand.New(rand.NewPCG(9, uint64(voice)))
		for k := range cepstra {
			mean := colour.NormFloat64()
			w.timbre.sum[k], w.timbre.squares[k] = 90*mean, 90*(mean*mean+1)
		}
		out[i] = w
	}
	return out
}

func TestStreamOfHoursRemembersLittleAndKeepsItsLabels(t *testing.T) {
	s, err := (&Embedder{similarStream: .3, timbre: .3}).NewStream(Config{})
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	known := map[int]string{}
	for i := range 600 {
		voice := 0
		if i%100 == 99 { // one who says something once in a while is not forgotten
			voice = 1 + i/100%3
		}
		n := 4 + rng.IntN(12)
		spans := s.tell(crowd(rng, voice, n), []extent{{0, n*hopSamples + windowSamples}})
		require.Len(t, spans, 1)
		if known[voice] == "" {
			known[voice] = spans[0].Speaker
		}
		require.Equal(t, known[voice], spans[0].Speaker, "segment %d", i)
		require.LessOrEqual(t, len(s.heard), remembered)
		require.LessOrEqual(t, cap(s.heard), 4*remembered)
	}
	assert.Equal(t, []string{"S1", "S2", "S3", "S4"}, s.Speakers())
}

func TestLongRecordingsAreClusteredInBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var windows []window
	for i := range 300 {
		windows = append(windows, crowd(rng, i%5, 12)...)
	}
	require.Greater(t, len(windows), 3*block)
	join(windows, .3)
	assert.Len(t, group(windows, Config{Similarity: .3, MaxSpeakers: 10}, minVoice, len(windows)), 5)
	assert.Len(t, group(windows, Config{Similarity: .3, MaxSpeakers: 3}, minVoice, len(windows)), 3)
	assert.Len(t, group(windows, Config{Similarity: .9, MaxSpeakers: 10, Speakers: 4}, minVoice, len(windows)), 4)
}

// The chain gives what joining the two most similar groups, again and again, gives.
func TestAgglomerationIsGreedy(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		n := 2 + rng.IntN(25)
		vectors, weights := make([][]float32, n), make([]float64, n)
		for i := range vectors {
			v := make([]float32, 6)
			for d := range v {
				v[d] = float32(rng.NormFloat64())
			}
			unit(v)
			vectors[i], weights[i] = v, float64(1+rng.IntN(5))
		}
		threshold := float32(rng.Float64() - .3)
		require.Equal(t, greedy(vectors, weights, threshold), agglomerate(vectors, weights).cut(threshold, 0, 0))
	}
}

func greedy(vectors [][]float32, weights []float64, threshold float32) []int {
	label := make([]int, len(vectors))
	for i := range label {
		label[i] = i
	}
	for {
		best, from, into := math.Inf(-1), -1, -1
		for a := range vectors {
			for b := range a {
				sum, count := 0., 0.
				for i, x := range vectors {
					for j, y := range vectors {
						if label[i] == a && label[j] == b {
							sum += weights[i] * weights[j] * float64(product(x, y))
							count += weights[i] * weights[j]
						}
					}
				}
				if count > 0 && sum/count > best {
					best, from, into = sum/count, a, b
				}
			}
		}
		if best < float64(threshold) {
			break
		}
		for i := range label {
			if label[i] == from {
				label[i] = into
			}
		}
	}
	numbers := map[int]int{}
	for i, l := range label {
		if _, ok := numbers[l]; !ok {
			numbers[l] = len(numbers)
		}
		label[i] = numbers[l]
	}
	return label
}
