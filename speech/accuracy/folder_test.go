package accuracy

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/internal/vadtest"
	"github.com/courtsense/courtsense/speech/vad"
)

// The floors are what was measured plus a margin for another machine's arithmetic, not goals. They guard against
// regressions on one minute of meetings, far too little to rank detectors by.
func TestDetectionOnMeetingsStaysAsGoodAsItWas(t *testing.T) {
	dir := testinput.SharedData(t, "diarization/debug.development.rttm") + "/diarization"
	for _, c := range []struct {
		id    string
		limit float64
	}{{vadtest.Silero, .12}, {vadtest.Embedded, .125}, {"energy", .20}} {
		t.Run(c.id, func(t *testing.T) {
			v := vad.NewEnergy()
			if c.id != "energy" {
				v, _ = vadtest.Open(t, c.id)
			}
			s, err := speech.NewSegmenter(v, speech.Config{})
			require.NoError(t, err)
			recordings, err := DetectFolder(context.Background(), s, dir)
			require.NoError(t, err)
			var all Detection
			for _, r := range recordings {
				all = all.Add(r.Score)
				t.Logf("%s: %s %5.2f s speech, miss %.2f s, false alarm %.2f s, error %.1f %%, %d segments, real-time factor %.4f", c.id,
					r.Name, r.Score.Speech, r.Score.Miss, r.Score.FalseAlarm, 100*r.Score.Rate(), len(r.Segments), r.Took.Seconds()/r.Seconds)
			}
			t.Logf("%s: all %5.2f s speech, miss %.1f %%, false alarm %.1f %%, error %.1f %%", c.id, all.Speech,
				100*all.Miss/all.Speech, 100*all.FalseAlarm/all.Speech, 100*all.Rate())
			assert.Less(t, all.Rate(), c.limit)
		})
	}
}
