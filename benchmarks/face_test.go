package benchmarks

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRepeatSummarisesWhatTheWorkSays(t *testing.T) {
	i := 0
	s, err := Repeat(t.Context(), 100, func(context.Context) (time.Duration, error) {
		i++
		return time.Duration(i-10) * time.Millisecond, nil // ten warm-up calls, then 1 to 100
	})
	require.NoError(t, err)
	assert.Equal(t, 110, i)
	assert.Equal(t, 100, s.Count)
	assert.Equal(t, 51*time.Millisecond, s.Median)
	assert.Equal(t, 99*time.Millisecond, s.P99)
	assert.InDelta(t, 50.5, float64(s.Mean)/1e6, 0.01)
	failed := errors.New("no")
	_, err = Repeat(t.Context(), 5, func(context.Context) (time.Duration, error) { return 0, failed })
	require.ErrorIs(t, err, failed)
}

func TestFlatLooksTenTimes(t *testing.T) {
	calls := 0
	m, err := Flat(t.Context(), 50, func(context.Context, int) error { calls++; return nil })
	require.NoError(t, err)
	assert.Equal(t, 50, calls)
	require.Len(t, m, 10)
	assert.Equal(t, 5, m[0].Calls)
	assert.Positive(t, m[9].Goroutines)
}
