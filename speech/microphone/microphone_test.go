package microphone

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDevicesAreChosenByIndexNameOrPart(t *testing.T) {
	devices := []Device{{Name: "HDA Intel: ALC"}, {Name: "USB Conference Mic"}, {Name: "USB Headset", Default: true}}
	for _, c := range []struct {
		name string
		want int
		err  string
	}{{"", 2, ""}, {"1", 1, ""}, {"HDA Intel: ALC", 0, ""}, {"conference", 1, ""}, {"usb", 0, "ambiguous"}, {"bluetooth", 0, `0 "HDA Intel: ALC"`}, {"7", 0, "no input device"}} {
		got, err := choose(devices, c.name)
		if c.err != "" {
			assert.ErrorContains(t, err, c.err, c.name)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, c.want, got, c.name)
	}
	_, err := choose(nil, "")
	assert.ErrorIs(t, err, ErrNoDevice)
}

func TestRecordingReadsInOrderAndNeverBlocksTheDriver(t *testing.T) {
	m := &Microphone{queue: make(chan []byte, 2), done: make(chan struct{}), rate: 16000}
	m.record([]int16{1, -2, 3})
	m.record([]int16{4})
	m.record([]int16{5, 6})
	assert.Equal(t, int64(2), m.Dropped())
	got := make([]byte, 8)
	_, err := io.ReadFull(m, got)
	require.NoError(t, err)
	assert.Equal(t, []byte{1, 0, 0xfe, 0xff, 3, 0, 4, 0}, got)
	close(m.done)
	_, err = m.Read(got)
	assert.ErrorIs(t, err, io.EOF)
}
