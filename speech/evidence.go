package speech

import (
	"math"

	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/decode"
)

// Evidence is what was heard of a final result beside its words, for asking how well other words fit. It does not change and is safe for
// concurrent use.
type Evidence struct {
	frames *decode.Evidence
	begin  float64 // seconds at which the first frame begins
	frame  float64 // seconds
}

// evidence is that of the utterance so far; nil where it is not kept.
func (l *listener) evidence() *Evidence {
	frames := l.text.Evidence()
	if frames == nil {
		return nil
	}
	return &Evidence{frames, l.seconds(0), float64(l.frame) / audio.Rate}
}

// Fit is the natural log-likelihood that from one second of the stream to another a text was said and nothing else; see
// [decode.Evidence.Fit].
func (e *Evidence) Fit(text string, from, to float64) float64 {
	return e.frames.Fit([]rune(text), int(math.Round((from-e.begin)/e.frame)), int(math.Round((to-e.begin)/e.frame)))
}

// Later is the same evidence on a clock that began some seconds earlier.
func (e *Evidence) Later(by float64) *Evidence {
	if e == nil {
		return nil
	}
	return &Evidence{e.frames, e.begin + by, e.frame}
}
