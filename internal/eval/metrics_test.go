package eval

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Published values: Wilson's interval for 15 of 20, 0 of 10 and 10 of 10 (e.g. Brown, Cai, DasGupta 2001).
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n             int
		value, low, high float64
	}{{15, 20, 0.75, 0.5313, 0.8881}, {0, 10, 0, 0, 0.2775}, {10, 10, 1, 0.7225, 1}, {0, 0, 0, 0, 1}} {
		got := wilson(c.k, c.n)
		assert.InDelta(t, c.value, got.Value, 1e-9)
		assert.InDelta(t, c.low, got.Low, 1e-4)
		assert.InDelta(t, c.high, got.High, 1e-4)
	}
	assert.Equal(t, 1.0, wilson(1598, 1598).High, "no rounding below 1")
}

func TestRatesByHand(t *testing.T) {
	s := scores{genuine: []float64{0.3, 0.6, 0.7, 0.9}, impostor: []float64{0.1, 0.2, 0.3, 0.65}}
	// Of 16 pairings the genuine one wins 13: 0.3 beats two, 0.6 three, the rest four; 0.3 against 0.3 is half.
	assert.InDelta(t, (2.5+3+4+4)/16, s.auc(), 1e-12)
	// Above 0.6: one of four impostors accepted, ... at t in (0.3, 0.6]: FMR 1/4, FNMR 1/4.
	assert.InDelta(t, 0.25, s.eer(), 1e-12)
	assert.InDelta(t, 0.3, s.threshold(0.25), 1e-12)
	assert.Greater(t, s.threshold(0.25), 0.3, "the third is just not accepted")
	assert.Equal(t, 1, atLeast(s.impostor, s.threshold(0.25)))
	assert.Equal(t, 0, atLeast(s.impostor, s.threshold(0.2)), "a fifth of four is none")
}

func naiveAUC(s scores) float64 {
	var wins float64
	for _, g := range s.genuine {
		for _, i := range s.impostor {
			switch {
			case g > i:
				wins++
			case g == i:
				wins += 0.5
			}
		}
	}
	return wins / float64(len(s.genuine)*len(s.impostor))
}

// Against the definitions, with many ties.
func TestRatesAgreeWithTheirDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Map(rapid.IntRange(-1, 12), func(i int) float64 {
			if i < 0 {
				return unmatched
			}
			return float64(i) / 10
		})
		finite := rapid.Map(rapid.IntRange(0, 12), func(i int) float64 { return float64(i) / 10 })
		s := scores{rapid.SliceOfN(value, 1, 40).Draw(t, "genuine"), rapid.SliceOfN(finite, 1, 40).Draw(t, "impostor")}
		s.sort()
		require.InDelta(t, naiveAUC(s), s.auc(), 1e-9)
		eer := s.eer()
		require.True(t, eer >= 0 && eer <= 1)

		target := rapid.Float64Range(0, 0.5).Draw(t, "fmr")
		at := s.threshold(target)
		require.LessOrEqual(t, float64(atLeast(s.impostor, at)), target*float64(len(s.impostor))+1e-6)
		lower := math.Nextafter(at, -1)
		if lower > s.impostor[0] {
			require.Greater(t, float64(atLeast(s.impostor, lower)), target*float64(len(s.impostor)), "no lower threshold keeps the target")
		}

		best := s.bestThreshold()
		right := atLeast(s.genuine, best) + len(s.impostor) - atLeast(s.impostor, best)
		for _, other := range append(append([]float64{-1, 2}, s.genuine...), s.impostor...) {
			require.GreaterOrEqual(t, right, atLeast(s.genuine, other)+len(s.impostor)-atLeast(s.impostor, other))
		}
	})
}

func TestCrossValidationDecidesUnseenPairs(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var pairs []pair
	for range 500 {
		pairs = append(pairs, pair{0.5 + 0.2*random.NormFloat64(), true})
	}
	for range 500 {
		pairs = append(pairs, pair{0.2 * random.NormFloat64(), false})
	}
	a := accuracyOf(pairs)
	// Two normal distributions 2.5 deviations apart: 1 - Phi(-1.25) = 0.894 at the best threshold, 0.25.
	assert.InDelta(t, 0.894, a.Value, 0.03)
	assert.InDelta(t, 0.25, a.ThresholdLow, 0.08)
	assert.InDelta(t, 0.25, a.ThresholdHigh, 0.08)
	assert.InDelta(t, 0.01, a.StandardError, 0.008)

	fold := foldsOf(pairs)
	var count [folds]int
	for _, f := range fold {
		count[f]++
	}
	for _, n := range count {
		assert.Equal(t, 100, n)
	}

	// Noise can't be told apart, whatever threshold the training folds prefer.
	for i := range pairs {
		pairs[i].similarity = random.Float64()
	}
	assert.InDelta(t, 0.5, accuracyOf(pairs).Value, 0.06)
}

func TestFailedPairsAreErrors(t *testing.T) {
	var records []PairRecord
	for i := range 40 {
		same := i%2 == 0
		v := map[bool]float64{true: 0.8, false: 0.1}[same] + float64(i)/1000
		records = append(records, PairRecord{Left: "a.jpg", Right: "b.jpg", Same: same, Similarity: &v})
	}
	perfect := ScorePairs(records).Pairs
	require.NotNil(t, perfect.Accuracy)
	assert.Equal(t, 1.0, perfect.Accuracy.Value)
	assert.Equal(t, 1.0, perfect.AUC.Value)
	assert.Equal(t, 0.0, perfect.At[0].FNMR.Value)
	assert.False(t, perfect.At[0].Supported, "20 impostor pairs say nothing about 1e-2")

	records[0].Similarity, records[1].Similarity = nil, nil // one of each kind
	v := ScorePairs(records).Pairs
	assert.Equal(t, 40, v.Pairs)
	assert.Equal(t, 2, v.Failed)
	assert.Equal(t, 38, v.Accuracy.DecidedRightly)
	assert.InDelta(t, 0.05, v.At[0].FNMR.Value, 1e-12, "one of 20 genuine pairs")
	assert.InDelta(t, 0.95, v.AUC.Value, 1e-12)
	assert.InDelta(t, (1./20+1./19)/2, v.EER.Value, 1e-12, "one genuine pair rejected, one impostor pair accepted")
}

func TestFewPairsGiveNoAccuracy(t *testing.T) {
	v := 0.5
	r := ScorePairs([]PairRecord{{Left: "a", Right: "b", Same: true, Similarity: &v}})
	assert.Nil(t, r.Pairs.Accuracy)
	assert.Nil(t, r.Pairs.AUC)
	assert.Equal(t, 1, r.Pairs.Genuine)
	assert.NoError(t, r.WriteText(discard{}))
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
