package flac

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFramesAddUpToTheHeader(t *testing.T) {
	b, err := os.ReadFile("../testdata/mono16k-24bit.flac")
	require.NoError(t, err)
	d, err := NewDecoder(iotest.OneByteReader(bytes.NewReader(b)))
	require.NoError(t, err)
	assert.Equal(t, Info{SampleRate: 16000, Channels: 1, BitsPerSample: 24, Samples: 8000}, d.Info())
	n := 0
	for {
		block, err := d.Next()
		n += len(block)
		if err != nil {
			assert.Equal(t, io.EOF, err)
			break
		}
	}
	assert.Equal(t, 8000, n)
	assert.Empty(t, d.Rest())
	d.Close()
	d.Close()
	_, err = d.Next()
	assert.ErrorContains(t, err, "closed")
}

func TestErrorsAreTheReadersOrTheContents(t *testing.T) {
	broken := errors.New("broken")
	_, err := NewDecoder(iotest.ErrReader(broken))
	assert.ErrorIs(t, err, broken)
	_, err = NewDecoder(bytes.NewReader([]byte("fLaC")))
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = NewDecoder(bytes.NewReader(make([]byte, 100)))
	assert.ErrorIs(t, err, ErrCorrupt)
}
