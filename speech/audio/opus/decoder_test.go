package opus

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLayoutsAreChecked(t *testing.T) {
	for _, l := range []Layout{
		{},
		{Channels: 9, Streams: 9, Mapping: make([]byte, 9)},
		{Channels: 2, Streams: 1, Mapping: []byte{0, 1}},
		{Channels: 2, Streams: 1, Coupled: 2, Mapping: []byte{0, 1}},
		{Channels: 1, Streams: 0, Mapping: []byte{0}},
		{Channels: 1, Streams: 1, Mapping: nil},
	} {
		_, err := NewDecoder(l)
		assert.Error(t, err, "%+v", l)
	}
}

func TestDecoderOutlivesBadPacketsAndClosing(t *testing.T) {
	d, err := NewDecoder(Layout{Channels: 2, Streams: 1, Coupled: 1, Mapping: []byte{0, 1}})
	require.NoError(t, err)
	out := make([]float32, 2*MaxFrames)
	_, err = d.Decode(out, []byte{0xFF, 0xFF})
	assert.ErrorContains(t, err, "corrupted")
	_, err = d.Decode(out[:10], []byte{0})
	assert.Error(t, err)
	_, err = d.Decode(out, nil)
	assert.Error(t, err)
	n, err := d.Decode(out, []byte{0xFC}) // 20 ms of nothing, stereo
	require.NoError(t, err)
	assert.Equal(t, 960, n)
	d.Close()
	d.Close()
	_, err = d.Decode(out, []byte{0xFC})
	assert.ErrorContains(t, err, "closed")
}
