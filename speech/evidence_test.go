package speech

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/internal/vadtest"
)

// TestEvidenceSpeaksForWhatWasSaid: a final result's own words fit its sound better than others in their place, at the times of its words.
func TestEvidenceSpeaksForWhatWasSaid(t *testing.T) {
	r := openRecognizer(t)
	detector, _ := vadtest.Open(t, vadtest.Embedded)
	s, err := NewSegmenter(detector, Config{Recognition: &Recognition{Recognizer: r, Endpoint: DefaultEndpoint()}})
	require.NoError(t, err)
	results, _, err := collect(s, bytes.NewReader(soundFile(t, "court-zh-16k.wav")))
	require.NoError(t, err)
	finals := 0
	for _, x := range results {
		if !x.Final {
			assert.Nil(t, x.Evidence)
			continue
		}
		finals++
		require.NotNil(t, x.Evidence)
		right := x.Evidence.Fit(x.Text, x.Start, x.End)
		assert.Less(t, x.Evidence.Fit(strings.Repeat("猫", len(x.Words)), x.Start, x.End), right-20)
		for i := 1; i+1 < len(x.Words); i++ {
			before, w, after := x.Words[i-1], x.Words[i], x.Words[i+1]
			if w.Confidence < .8 || w.Text == "猫" {
				continue
			}
			said := before.Text + w.Text + after.Text
			other := before.Text + "猫" + after.Text
			assert.Greater(t, x.Evidence.Fit(said, before.Start, after.End), x.Evidence.Fit(other, before.Start, after.End)+2, said)
		}
		later := x.Evidence.Later(100)
		assert.InDelta(t, right, later.Fit(x.Text, x.Start+100, x.End+100), 1e-6, "the clock began earlier")
	}
	assert.Positive(t, finals)
	assert.Nil(t, (*Evidence)(nil).Later(1))
}
