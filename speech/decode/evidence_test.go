package decode

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func heardEvidence(t *testing.T, rows [][]float32) *Evidence {
	t.Helper()
	d, err := New(testLexicon(t), Config{})
	require.NoError(t, err)
	s := d.NewStream()
	require.NoError(t, s.Push(context.Background(), rows))
	return s.Evidence()
}

// TestEvidenceTellsWhatFits: each character is said within five frames.
func TestEvidenceTellsWhatFits(t *testing.T) {
	e := heardEvidence(t, say("被", "告", "山", "法"))
	fit := func(text string, from, to int) float64 { return e.Fit([]rune(text), from, to) }
	right := fit("被告山法", 0, 20)
	assert.Greater(t, right, -6.)
	assert.InDelta(t, right, fit("被高山法", 0, 20), .01, "the same sound")
	assert.Less(t, fit("被告院法", 0, 20), right-8, "another word")
	assert.Less(t, fit("被告法", 0, 20), right-2, "one character less")
	assert.Less(t, fit("被告山法院", 0, 20), right-8, "one more")
	assert.InDelta(t, fit("告山", 5, 15), fit("告山", 5, 14), .01, "silence behind costs nothing")
	assert.Less(t, fit("", 0, 20), fit("", 2, 5)-8, "frames of nothing but silence say nothing")
}

func TestEvidenceOfOddPlaces(t *testing.T) {
	e := heardEvidence(t, say("被", "告"))
	assert.InDelta(t, e.Fit([]rune("被告"), 0, 10), e.Fit([]rune("被告"), -5, 100), 1e-9, "beyond the ends there is nothing")
	assert.InDelta(t, 2*unheard, e.Fit([]rune("被告"), 7, 7), 1e-9)
	assert.Less(t, e.Fit([]rune("被告被告"), 0, 2), 2.*unheard, "more characters than frames")
	assert.Less(t, e.Fit([]rune("告告"), 5, 10), e.Fit([]rune("告"), 5, 10)-2, "twice the same needs a gap")
}

func TestEvidenceIsKeptOfWhatASecondPassHears(t *testing.T) {
	d, err := New(testLexicon(t), Config{Second: Second{MaxFrames: 12}})
	require.NoError(t, err)
	s := d.NewStream()
	assert.Nil(t, s.Evidence())
	require.NoError(t, s.Push(context.Background(), say("被", "告")))
	e := s.Evidence()
	require.NotNil(t, e)
	before := e.Fit([]rune("被告"), 0, 10)
	require.NoError(t, s.Push(context.Background(), say("山")))
	assert.Nil(t, s.Evidence(), "too long")
	s.Reset()
	require.NoError(t, s.Push(context.Background(), say("法", "院")))
	assert.InDelta(t, before, e.Fit([]rune("被告"), 0, 10), 1e-9, "it is the caller's")
}
