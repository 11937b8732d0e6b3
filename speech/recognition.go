package speech

import (
	"context"
	"time"

	"github.com/courtsense/courtsense/speech/acoustic"
	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/decode"
	"github.com/courtsense/courtsense/speech/endpoint"
	"github.com/courtsense/courtsense/speech/hotword"
)

// Recognizer writes speech down: an acoustic model hears, a decoder makes the text of it. It is safe for concurrent use and
// holds no resources; the networks are their owner's.
type Recognizer struct {
	Acoustic *acoustic.Model
	Decoder  *decode.Decoder
}

// Recognition says how a stream's speech is written down.
type Recognition struct {
	Recognizer   *Recognizer
	HotWords     *hotword.Graph // at the start of the stream; nil: none
	Endpoint     endpoint.Rules // beside voice activity; the zero value leaves it to that alone
	Alternatives int            // other readings of a final result
}

// DefaultEndpoint has the usual values of the rules: those of Kaldi's and sherpa-onnx's online decoders.
func DefaultEndpoint() endpoint.Rules {
	return endpoint.Rules{SilenceWithoutText: 2400 * time.Millisecond, SilenceAfterText: 1200 * time.Millisecond, MaxUtterance: 20 * time.Second}
}

// listener writes down what is said in one channel, an utterance after the other. It is not safe for concurrent use.
type listener struct {
	sound        *acoustic.Stream
	text         *decode.Stream
	frame        int64 // samples that a row stands for
	rules        endpoint.Rules
	alternatives int
	begin        int64 // sample at which the decoder's first row begins

	// As the latest rows left them.
	best   []decode.Hypothesis
	stable int
	told   bool // an interim result had them
}

func newListener(r *Recognition) (*listener, error) {
	sound, err := r.Recognizer.Acoustic.NewStream()
	if err != nil {
		return nil, err
	}
	l := &listener{
		sound: sound, text: r.Recognizer.Decoder.NewStream(), rules: r.Endpoint, alternatives: r.Alternatives,
		frame: int64(r.Recognizer.Acoustic.FrameDuration()) * audio.Rate / int64(time.Second),
	}
	l.text.SetHotwords(r.HotWords)
	return l, nil
}

// push hands rows to the decoder.
func (l *listener) push(ctx context.Context, rows [][]float32) error {
	if len(rows) == 0 {
		return nil
	}
	if err := l.text.Push(ctx, rows); err != nil {
		return err
	}
	l.look()
	return nil
}

// look takes over what the decoder makes of the rows so far.
func (l *listener) look() {
	l.best, l.stable, l.told = l.text.Hypotheses(1), l.text.Stable(), false
}

// seconds returns where a frame of the utterance begins in the sound.
func (l *listener) seconds(frame int) float64 {
	return float64(l.begin+int64(frame)*l.frame) / audio.Rate
}

// spoken is what an utterance says.
type spoken struct {
	text         string
	words        []Word
	stable       int // words
	confidence   float32
	alternatives []Alternative
}

// reading turns the best of some hypotheses into words within from..to, seconds; the others are alternatives. Of the best one
// the first stable characters never change.
func (l *listener) reading(hypotheses []decode.Hypothesis, stable int, from, to float64) spoken {
	s := spoken{words: []Word{}}
	if len(hypotheses) == 0 {
		return s
	}
	best := hypotheses[0]
	for _, c := range best.Characters {
		start := min(max(l.seconds(c.Start), from), to)
		s.words = append(s.words, Word{
			Text: c.Text, Start: start, End: min(max(l.seconds(c.End), start), to), Confidence: c.Confidence, HotWord: c.Hotword,
		})
	}
	s.text, s.stable = best.Text(), min(stable, len(s.words))
	if s.text != "" {
		s.confidence = best.Confidence
	}
	seen := map[string]bool{s.text: true}
	for _, h := range hypotheses[1:] {
		if text := h.Text(); !seen[text] {
			seen[text] = true
			s.alternatives = append(s.alternatives, Alternative{Text: text, Confidence: h.Confidence})
		}
	}
	return s
}
