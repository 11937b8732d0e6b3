package accuracy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func turn(who string, start, end float64) Turn { return Turn{Span{start, end}, who} }

func TestDiarizationErrors(t *testing.T) {
	reference := []Turn{turn("anna", 0, 4), turn("bert", 4, 10)}
	for name, c := range map[string]struct {
		found  []Turn
		collar float64
		want   Diarization
	}{
		"right, other names":  {[]Turn{turn("S2", 0, 4), turn("S1", 4, 10)}, 0, Diarization{Speech: 10, Scored: 12}},
		"one speaker":         {[]Turn{turn("S1", 0, 10)}, 0, Diarization{Speech: 10, Scored: 12, Confusion: 4}},
		"nobody":              {nil, 0, Diarization{Speech: 10, Scored: 12, Miss: 10}},
		"too long":            {[]Turn{turn("S2", 0, 4), turn("S1", 4, 12)}, 0, Diarization{Speech: 10, Scored: 12, FalseAlarm: 2}},
		"both at once":        {[]Turn{turn("S2", 0, 10), turn("S1", 0, 10)}, 0, Diarization{Speech: 10, Scored: 12, FalseAlarm: 10}},
		"late, in the collar": {[]Turn{turn("S2", 0, 4.2), turn("S1", 4.2, 10.2)}, .25, Diarization{Speech: 9, Scored: 10.75}},
		"late, beyond it":     {[]Turn{turn("S2", 0, 4.45), turn("S1", 4.45, 10)}, .25, Diarization{Speech: 9, Scored: 10.75, Confusion: .2}},
		"one split in two":    {[]Turn{turn("S2", 0, 4), turn("S1", 4, 8), turn("S3", 8, 10)}, 0, Diarization{Speech: 10, Scored: 12, Confusion: 2}},
	} {
		got := ScoreDiarization(reference, c.found, 12, c.collar)
		for part, pair := range map[string][2]float64{"speech": {c.want.Speech, got.Speech}, "scored": {c.want.Scored, got.Scored}, "miss": {c.want.Miss, got.Miss},
			"false alarm": {c.want.FalseAlarm, got.FalseAlarm}, "confusion": {c.want.Confusion, got.Confusion}} {
			assert.InDelta(t, pair[0], pair[1], .03, "%s: %s of %+v", name, part, got)
		}
	}
	overlap := ScoreDiarization([]Turn{turn("a", 0, 4), turn("b", 2, 4)}, []Turn{turn("x", 0, 4)}, 4, 0)
	assert.InDelta(t, 2./6, overlap.Rate(), .01, "who speaks at the same time and is not found is missed")
}

func FuzzParseTurns(f *testing.F) {
	f.Add("SPEAKER dev00 1 1.440 11.872 <NA> <NA> MEE009 <NA> <NA>\nSPKR-INFO x\n")
	f.Add("SPEAKER a 1 -1 2 <NA> <NA> b")
	f.Add("SPEAKER a 1 1e308 1e308 <NA> <NA> b <NA> <NA>")
	f.Fuzz(func(t *testing.T, text string) {
		turns, err := ParseTurns(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, all := range turns {
			d := ScoreDiarization(all, all, 3, Collar)
			require.InDelta(t, 0, d.Miss+d.FalseAlarm+d.Confusion, 1e-9)
		}
	})
}
