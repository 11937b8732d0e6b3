package search

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMemoryFollowsWhatIsHeld lets vectors come and go many times over, and looks at the room that is taken.
func TestMemoryFollowsWhatIsHeld(t *testing.T) {
	x := NewIndex(Config{Dimensions: 2})
	defer x.Close()
	const stay = 10
	for i := range stay {
		require.NoError(t, x.Add(int32(i), []float32{1, 0}))
	}
	gone := make([]int32, 2*blockRows+5)
	for i := range gone {
		gone[i] = int32(stay + i)
	}
	for range 4 {
		for _, owner := range gone {
			require.NoError(t, x.Add(owner, []float32{0, 1}))
		}
		require.Equal(t, len(gone), x.Remove(gone...))
		require.NoError(t, x.Settle(t.Context()))
		require.Equal(t, stay, x.Len())
		x.mu.RLock()
		room := 0
		for _, b := range x.blocks {
			room += len(b.rows) / x.cfg.Dimensions
		}
		x.mu.RUnlock()
		assert.LessOrEqual(t, room, firstRows)
	}
	hits, err := x.Nearest(t.Context(), []float32{1, 0}, 100, nil)
	require.NoError(t, err)
	assert.Len(t, hits, stay)
}
