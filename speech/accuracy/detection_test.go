package accuracy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestScoreDetection(t *testing.T) {
	ref := []Span{{1, 3}, {2, 4}}
	d := ScoreDetection(ref, []Span{{1.5, 4.25}}, 10)
	assert.InDelta(t, 3, d.Speech, 1e-9)
	assert.InDelta(t, 10, d.Total, 1e-9)
	assert.InDelta(t, .5, d.Miss, 1e-9)
	assert.InDelta(t, .25, d.FalseAlarm, 1e-9)
	assert.InDelta(t, .25, d.Rate(), 1e-9)
	assert.Zero(t, ScoreDetection(ref, ref, 10).Rate())
	assert.InDelta(t, 1, ScoreDetection(ref, nil, 10).Rate(), 1e-9)
}

func TestParseRTTM(t *testing.T) {
	got, err := ParseRTTM(strings.NewReader("SPEAKER a 1 1.500 2.25 <NA> <NA> x <NA> <NA>\n\nSPKR-INFO a 1\nSPEAKER b 1 0 1 <NA>\n"))
	require.NoError(t, err)
	assert.Equal(t, map[string][]Span{"a": {{1.5, 3.75}}, "b": {{0, 1}}}, got)
	for _, bad := range []string{"SPEAKER a 1 1.5", "SPEAKER a 1 x 1 y", "SPEAKER a 1 NaN 1 y"} {
		_, err := ParseRTTM(strings.NewReader(bad))
		assert.ErrorContains(t, err, "line 1", bad)
	}
}
