package speaker_test

import (
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/speaker"
)

// Whatever the samples are, the spans cover the segment, and labels are those that the stream knows.
func FuzzStreamLabel(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0}, uint16(40000))
	f.Add([]byte{0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x3f}, uint16(9000))
	f.Add([]byte{1, 0x20, 0x41, 0x3d, 7, 9, 0x41, 0xbd, 3, 3, 3, 0x3e}, uint16(30000))
	f.Fuzz(func(t *testing.T, pattern []byte, length uint16) {
		pcm := make([]float32, length)
		for i := range pcm {
			if at := 4 * i % (len(pattern)/4*4 + 4); at+4 <= len(pattern) {
				pcm[i] = math.Float32frombits(binary.LittleEndian.Uint32(pattern[at:]))
			}
		}
		s, err := embedder(t).NewStream(speaker.Config{MaxSpeakers: 3})
		require.NoError(t, err)
		for range 2 {
			spans, err := s.Label(context.Background(), pcm)
			require.NoError(t, err)
			end := 0.
			for _, x := range spans {
				require.InDelta(t, end, x.Start, 1e-9)
				require.Less(t, x.Start, x.End)
				require.True(t, x.Speaker == "" || x.Speaker == s.Name(x.Speaker), x.Speaker)
				end = x.End
			}
			require.InDelta(t, float64(len(pcm))/speaker.Rate, end, 1e-6)
		}
		require.LessOrEqual(t, len(s.Speakers()), 3)
	})
}
