package gate

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/vision/face"
)

func at(x, y, w, score float32) face.Detection {
	return face.Detection{Box: face.Box{X: x, Y: y, W: w, H: w * 1.2}, Score: score}
}

func TestFollowing(t *testing.T) {
	clock := time.Unix(1000, 0)
	look := func(tr *Tracker, found ...face.Detection) []*Track {
		clock = clock.Add(120 * time.Millisecond)
		return tr.Update(clock, found)
	}
	t.Run("uncertain detections continue tracks and begin none", func(t *testing.T) {
		tr := NewTracker(TrackerConfig{})
		look(tr, at(100, 100, 80, 0.6))
		require.Empty(t, tr.Tracks())
		look(tr, at(100, 100, 80, 0.9))
		look(tr, at(110, 100, 80, 0.6))
		require.Len(t, tr.Tracks(), 1)
		assert.Equal(t, 2, tr.Tracks()[0].Hits)
		look(tr, at(120, 100, 80, 0.3))
		assert.Equal(t, 2, tr.Tracks()[0].Hits, "below the lowest score it is no face")
		assert.Nil(t, tr.Tracks()[0].Found)
	})
	t.Run("a hidden face is predicted, and found again", func(t *testing.T) {
		tr := NewTracker(TrackerConfig{})
		for i := range 8 {
			look(tr, at(float32(20*i), 100, 80, 0.9))
		}
		for range 6 {
			require.Empty(t, look(tr))
		}
		track := tr.Tracks()[0]
		assert.Greater(t, track.Box.X, float32(180), "it goes on moving")
		look(tr, at(20*14, 100, 80, 0.9))
		require.Len(t, tr.Tracks(), 1)
		assert.NotNil(t, track.Found)
	})
	t.Run("a track that is not seen ends", func(t *testing.T) {
		tr := NewTracker(TrackerConfig{MaxGap: time.Second})
		look(tr, at(100, 100, 80, 0.9))
		look(tr, at(100, 100, 80, 0.9))
		ended := 0
		for range 12 {
			ended += len(look(tr))
		}
		assert.Equal(t, 1, ended)
		assert.Empty(t, tr.Tracks())
	})
	t.Run("another size is another face", func(t *testing.T) {
		tr := NewTracker(TrackerConfig{})
		look(tr, at(100, 100, 40, 0.9))
		look(tr, at(60, 60, 160, 0.9))
		assert.Len(t, tr.Tracks(), 2)
	})
	t.Run("more faces than may be followed", func(t *testing.T) {
		tr := NewTracker(TrackerConfig{MaxTracks: 5})
		var crowd []face.Detection
		for i := range 40 {
			crowd = append(crowd, at(float32(100*i), 0, 50, 0.9))
		}
		look(tr, crowd...)
		assert.Len(t, tr.Tracks(), 5)
	})
}

// TestAStrangersChanceInTheVote holds the bound that Quorum's comment gives: whatever the frames have in common, a stranger has
// the quorum no more often than a frame passes, over the quorum.
func TestAStrangersChanceInTheVote(t *testing.T) {
	const perFrame, people = 0.05, 20000
	random := rand.New(rand.NewPCG(3, 4))
	for _, common := range []float64{0, 0.5, 0.9, 1} {
		passed := 0
		for range people {
			var b ballot
			shared := random.NormFloat64()
			for range 3 + random.IntN(6) {
				z := math.Sqrt(common)*shared + math.Sqrt(1-common)*random.NormFloat64()
				b.add(Look{Weight: 0.1 + 0.9*random.Float64(), Rule: Rule{Threshold: 1.6449}, Candidates: []Candidate{{PersonRef{"g", "x", nil}, float32(z)}}})
			}
			if b.winner() != nil {
				passed++
			}
		}
		assert.LessOrEqual(t, float64(passed)/people, perFrame/Quorum, "frames share %v", common)
	}
}

func TestOfLookAlikesTheNearestWins(t *testing.T) {
	var b ballot
	for range 4 {
		b.add(Look{Weight: 0.5, Rule: Rule{Threshold: 0.4}, Candidates: []Candidate{
			{PersonRef{"g", "she", nil}, 0.6}, {PersonRef{"g", "her-sister", nil}, 0.5}, {PersonRef{"g", "somebody", nil}, 0.1},
		}})
	}
	require.NotNil(t, b.winner())
	assert.Equal(t, "she", b.winner().who.ID)
	assert.InDelta(t, 1, b.share(b.winner()), 1e-9)
	assert.InDelta(t, 0, b.share(nil), 1e-9)

	// One near frame outweighs two far ones.
	b = ballot{}
	for _, f := range []struct{ weight, cosine float64 }{{0.1, 0.2}, {0.1, 0.2}, {0.9, 0.7}} {
		b.add(Look{Weight: f.weight, Rule: Rule{Threshold: 0.4}, Candidates: []Candidate{{PersonRef{"g", "she", nil}, float32(f.cosine)}}})
	}
	assert.NotNil(t, b.winner())
}
