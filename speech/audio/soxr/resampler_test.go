package soxr

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRatesAreCheckedAndCloseIsIdempotent(t *testing.T) {
	for _, bad := range [][3]int{{0, 16000, 1}, {16000, 0, 1}, {8000, 16000, 0}} {
		_, err := New(bad[0], bad[1], bad[2])
		assert.Error(t, err)
	}
	r, err := New(48000, 16000, 2)
	require.NoError(t, err)
	out := make([]float32, 2000)
	read, _, err := r.Process(out, make([]float32, 960))
	require.NoError(t, err)
	assert.Equal(t, 480, read)
	_, _, err = r.Process(nil, make([]float32, 960))
	assert.Error(t, err)
	r.Close()
	r.Close()
	_, _, err = r.Process(out, out)
	assert.ErrorContains(t, err, "closed")
}
