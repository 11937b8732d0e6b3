package speaker_test

import (
	"context"
	"encoding/binary"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/speech/internal/speakertest"
	"github.com/courtsense/courtsense/speech/speaker"
)

// samples reads one of the committed recordings at 16 kHz: 44 bytes of header, then 16-bit numbers.
func samples(t testing.TB, name string, channel, channels int) []float32 {
	t.Helper()
	b, err := os.ReadFile(testinput.Testdata(t, "speech", name))
	require.NoError(t, err)
	var pcm []float32
	for i := 44 + 2*channel; i+1 < len(b); i += 2 * channels {
		pcm = append(pcm, float32(int16(binary.LittleEndian.Uint16(b[i:])))/32768)
	}
	return pcm
}

func similarity(t *testing.T, m *speaker.Embedder, a, b []float32) float32 {
	t.Helper()
	x, err := m.Embed(context.Background(), a)
	require.NoError(t, err)
	y, err := m.Embed(context.Background(), b)
	require.NoError(t, err)
	sum := float32(0)
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum
}

// The voices of the committed samples are synthetic; one sentence of one of them is more like its next sentence than like
// another voice.
func TestEmbeddedNetworkTellsVoicesApart(t *testing.T) {
	m := speakertest.Open(t, nil)
	zh, en := samples(t, "court-zh-16k.wav", 0, 1), samples(t, "court-en-16k.wav", 0, 1)
	first, second := zh[13000:57000], zh[77000:148000]
	assert.Greater(t, similarity(t, m, first, second), similarity(t, m, first, en))
}

// The windows of a stretch run together; one by one they give the same.
func TestEmbeddedNetworkIsNotChangedByNeighbours(t *testing.T) {
	pcm := append(samples(t, "court-zh-16k.wav", 0, 1), samples(t, "court-en-16k.wav", 0, 1)...)
	speech := []speaker.Interval{{Start: .8, End: 3.6}, {Start: 4.8, End: 9.3}, {Start: 10.6, End: 16}}
	together, err := speakertest.Open(t, nil).Diarize(context.Background(), pcm, speech, speaker.Config{})
	require.NoError(t, err)
	alone, err := speakertest.Open(t, func(e *models.Entry) { e.Batch = models.BatchSpec{Max: 1} }).Diarize(context.Background(), pcm, speech, speaker.Config{})
	require.NoError(t, err)
	assert.Equal(t, alone, together)
	assert.NotEmpty(t, together)
}

// What a final segment of six seconds waits for its speakers, in a stream that has heard much already.
func BenchmarkStreamLabel(b *testing.B) {
	s, err := speakertest.Open(b, nil).NewStream(speaker.Config{})
	require.NoError(b, err)
	pcm := append(samples(b, "court-zh-16k.wav", 0, 1), samples(b, "court-en-16k.wav", 0, 1)...)
	label := func(from int) {
		_, err := s.Label(context.Background(), pcm[from:from+6*speaker.Rate])
		require.NoError(b, err)
	}
	for i := range 20 {
		label(i % 10 * speaker.Rate / 2)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		label(i % 10 * speaker.Rate / 2)
	}
}
