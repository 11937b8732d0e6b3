package mpeg

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecoderOutlivesBadFramesAndClosing(t *testing.T) {
	d, err := NewDecoder()
	require.NoError(t, err)
	out := make([]float32, MaxSamples)
	// 32 kbit/s, 44.1 kHz, mono: a frame of 104 bytes whose side information announces nothing.
	frame := append([]byte{0xFF, 0xFB, 0x10, 0xC0}, make([]byte, 100)...)
	n := 0
	for range 3 {
		got, err := d.Decode(out, frame)
		require.NoError(t, err)
		n += got
	}
	assert.Contains(t, []int{2 * 1152, 3 * 1152}, n)
	_, err = d.Decode(out[:10], frame)
	assert.Error(t, err)
	_, err = d.Decode(out, nil)
	assert.Error(t, err)
	d.Close()
	d.Close()
	_, err = d.Decode(out, frame)
	assert.ErrorContains(t, err, "closed")
}
