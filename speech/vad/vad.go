package vad

import (
	"context"
	"fmt"
	"time"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Rate is the sample rate that detectors take, in Hz.
const Rate = 16000

// Window is the number of samples that one probability stands for (32 ms).
const Window = 512

// VAD is a voice activity detector: it makes the streams that share one model. It is safe for concurrent use.
type VAD struct {
	name       string
	start, end float32
	newScorer  func() scorer
}

// scorer gives the probability of speech, 0..1, of successive windows of one stream.
type scorer interface {
	score(ctx context.Context, window []float32) (float32, error)
}

// New makes a detector that runs x, a model of the families silero-vad or vad-stream as described by e. It fails when the
// model's tensors are not those of the family. x stays the caller's.
func New(x pipeline.Executor, e models.Entry) (*VAD, error) {
	m, err := newModel(x, e)
	if err != nil {
		return nil, fmt.Errorf("voice activity model %s: %w", e.ID, err)
	}
	start := e.Threshold("start", .5)
	return &VAD{
		name: e.ID, start: float32(start), end: float32(e.Threshold("end", start-.15)),
		newScorer: func() scorer { return m.newScorer() },
	}, nil
}

// NewEnergy makes a detector that needs no model. It takes for speech whatever is louder than the background, such as
// music, steps or a door: a last resort, so that segments of some kind come out of a server without any weights.
func NewEnergy() *VAD {
	return &VAD{name: "energy", start: .5, end: .35, newScorer: func() scorer { return &energy{} }}
}

// Name returns the model's catalogue id, or "energy".
func (v *VAD) Name() string { return v.name }

// Config shapes speech out of probabilities. The zero value of every field stands for the default.
type Config struct {
	Start      float32       // probability at which speech begins; default: the model's threshold, usually 0.5
	End        float32       // probability below which it may end, below Start; default: the model's, usually 0.35
	MinSpeech  time.Duration // shorter sounds are dropped; default 96 ms
	MinSilence time.Duration // shorter pauses belong to the speech around them (the endpoint); default 500 ms
	Pad        time.Duration // added before and after, never more than MinSilence; default 250 ms, negative: none
	MaxSegment time.Duration // longer speech is split where it is least likely; default 30 s, at least 1 s
}

// The defaults. Half a second is more than the pause between words and less than the second in which a final result is
// due. Padding matters most to the error: with 250 ms the reference segments of the two meetings in the evaluation data
// are met best by all detectors (it was chosen there, on one minute), and no consonant is clipped.
const (
	DefaultMinSpeech  = 96 * time.Millisecond
	DefaultMinSilence = 500 * time.Millisecond
	DefaultPad        = 250 * time.Millisecond
	DefaultMaxSegment = 30 * time.Second
)

// rules is a Config in samples, with the defaults filled in.
type rules struct {
	start, end                                       float32
	minSpeech, minSilence, pad, maxSegment, lookBack int64
}

// Check refuses a configuration that contradicts itself.
func (v *VAD) Check(c Config) error {
	_, err := v.Effective(c)
	return err
}

// Effective returns c with the defaults filled in, for those who have to account for a result; Pad is 0 where c asks for
// none. It refuses what [VAD.Check] refuses.
func (v *VAD) Effective(c Config) (Config, error) {
	if c.Start == 0 {
		c.Start = v.start
	}
	if c.End == 0 {
		c.End = min(v.end, c.Start)
	}
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{{&c.MinSpeech, DefaultMinSpeech}, {&c.MinSilence, DefaultMinSilence}, {&c.MaxSegment, DefaultMaxSegment}} {
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if c.Pad == 0 {
		c.Pad = min(DefaultPad, c.MinSilence)
	}
	c.Pad = max(c.Pad, 0)
	switch {
	case !(c.Start > 0 && c.Start <= 1) || !(c.End > 0 && c.End <= c.Start):
		return Config{}, invalid("voice_activity.threshold", "voice activity thresholds must satisfy 0 < end <= start <= 1, got start %v and end %v", c.Start, c.End)
	case c.MinSpeech < 0 || c.MinSpeech > 10*time.Second:
		return Config{}, invalid("voice_activity.min_speech", "voice_activity.min_speech must be within 0..10 s, is %v", c.MinSpeech)
	case c.MinSilence < 0 || c.MinSilence > 10*time.Second:
		return Config{}, invalid("voice_activity.min_silence", "voice_activity.min_silence must be within 0..10 s, is %v", c.MinSilence)
	case c.Pad > c.MinSilence:
		return Config{}, invalid("voice_activity.padding", "voice_activity.padding must not exceed voice_activity.min_silence (%v), is %v", c.MinSilence, c.Pad)
	case c.MaxSegment < time.Second || c.MaxSegment > 10*time.Minute:
		return Config{}, invalid("voice_activity.max_segment", "voice_activity.max_segment must be within 1 s..10 min, is %v", c.MaxSegment)
	}
	return c, nil
}

func (v *VAD) rules(c Config) (rules, error) {
	c, err := v.Effective(c)
	if err != nil {
		return rules{}, err
	}
	samples := func(d time.Duration) int64 { return int64(d) * Rate / int64(time.Second) }
	longest := samples(c.MaxSegment)
	return rules{c.Start, c.End, samples(c.MinSpeech), samples(c.MinSilence), samples(c.Pad), longest, min(longest/4, 8*Rate)}, nil
}

func invalid(field, format string, args ...any) error {
	e := refusal.New(refusal.InvalidConfig, format, args...)
	e.Field = "config." + field
	return e
}
