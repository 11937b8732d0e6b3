package speech

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/courtsense/courtsense/pipeline/refusal"
	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/enhance"
	"github.com/courtsense/courtsense/speech/vad"
)

// Config says what a stream brings and what it wants. The zero value reads any container with the default limits.
type Config struct {
	Audio   audio.Config
	Limits  audio.Limits  // the zero value stands for audio.DefaultLimits
	VAD     vad.Config    // zero fields stand for its defaults
	Interim time.Duration // sound between two interim results of a segment; 0: 500 ms, negative: final results only
	// Recognition writes the speech down; nil: segments come without text. With it, an interim result comes early when its
	// text has changed.
	Recognition *Recognition
	// Enhancer cleans the sound before anything else hears it, as Enhance says; nil: nothing does.
	Enhancer *enhance.Enhancer
	Enhance  enhance.Config
	// SuppressCrosstalk silences in each channel, before anything else hears it, what leaks into it from another one, and has segments
	// tell that others spoke at the same time. It counts for sound of 2 to 8 channels, each a microphone in one room; results come 0.1 s
	// later.
	SuppressCrosstalk bool
	// Separation tells the speakers of a channel apart; nil: nothing does. A final segment in which the speaker changes becomes
	// several, of which the later ones have no interim results.
	Separation *Separation
	recorder   Recorder // of [Segmenter.Recording]
}

// DefaultInterim is the sound between two interim results of one segment.
const DefaultInterim = 500 * time.Millisecond

// Segmenter finds the segments of streams with one configuration. It is safe for concurrent use and holds no resources.
type Segmenter struct {
	vad     *vad.VAD
	cfg     Config
	interim int64 // samples, 0: none
}

// NewSegmenter checks the configuration; what is wrong with it is a refusal with reason INVALID_CONFIG.
func NewSegmenter(v *vad.VAD, cfg Config) (*Segmenter, error) {
	if err := v.Check(cfg.VAD); err != nil {
		return nil, err
	}
	if cfg.Limits == (audio.Limits{}) {
		cfg.Limits = audio.DefaultLimits()
	}
	if cfg.Interim == 0 {
		cfg.Interim = DefaultInterim
	}
	if cfg.Interim > 0 && cfg.Interim < 100*time.Millisecond || cfg.Interim > time.Minute {
		e := refusal.New(refusal.InvalidConfig, "the interim interval must be within 100 ms..1 min, or negative for none, is %v", cfg.Interim)
		e.Field = "config.interim_interval"
		return nil, e
	}
	if r := cfg.Recognition; r != nil {
		if err := r.Endpoint.Check(); err != nil {
			return nil, err
		}
	}
	return &Segmenter{vad: v, cfg: cfg, interim: max(0, int64(cfg.Interim)*audio.Rate/int64(time.Second))}, nil
}

// Recording is this segmenter for one run, whose sound the recorder keeps.
func (s *Segmenter) Recording(r Recorder) *Segmenter {
	one := *s
	one.cfg.recorder = r
	return &one
}

// Summary describes a stream that has ended.
type Summary struct {
	Info     audio.Info
	Duration time.Duration // of the sound that was decoded
	Segments int           // final results
}

// Run reads the sound from r to its end and reports results to emit, in the order in which they were decided; between
// channels, by channel. What it reports does not depend on how r cuts the bytes. emit runs on the calling goroutine:
// while it blocks, nothing is read.
//
// When the sound is refused in the middle, the segments before that are completed and reported, and then the refusal is
// returned. When ctx ends or emit fails, Run stops at once with that error. Run does not close r, and can't interrupt
// its Read: to stop a reader that blocks, make it fail.
func (s *Segmenter) Run(ctx context.Context, r io.Reader, emit func(Result) error) (Summary, error) {
	return s.run(ctx, r, emit, nil)
}

// run is Run with hot words that may be replaced meanwhile.
func (s *Segmenter) run(ctx context.Context, r io.Reader, emit func(Result) error, update *hotWordUpdate) (Summary, error) {
	if err := ctx.Err(); err != nil {
		return Summary{}, err
	}
	dec, err := audio.NewDecoder(r, s.cfg.Audio, s.cfg.Limits)
	if err != nil {
		return Summary{}, err
	}
	defer dec.Close()
	info := dec.Info()
	resampler, err := audio.NewResampler(info.SampleRate, info.Channels)
	if err != nil {
		return Summary{}, err
	}
	defer resampler.Close()
	t, err := newTracks(s, info.Channels, emit)
	if err != nil {
		return Summary{}, err
	}
	defer t.close()
	in, err := s.newSource(ctx, info.Channels, t.push)
	if err != nil {
		return Summary{}, err
	}
	frames := 0
	summary := func() Summary {
		return Summary{Info: info, Duration: time.Duration(float64(frames) / float64(info.SampleRate) * float64(time.Second)), Segments: t.finals}
	}
	buf := make([]float32, (info.SampleRate/4)*info.Channels)
	for {
		if err := ctx.Err(); err != nil {
			return summary(), err
		}
		n, readErr := dec.Read(buf)
		if n > 0 {
			frames += n / info.Channels
			pcm, err := resampler.Push(buf[:n])
			if err != nil {
				return summary(), err
			}
			if g, ok := update.take(); ok {
				t.setHotWords(g)
			}
			if err := in.own(ctx, pcm); err != nil {
				return summary(), err
			}
		}
		if readErr == nil {
			continue
		}
		if _, refused := refusal.As(readErr); !refused && !errors.Is(readErr, io.EOF) {
			return summary(), readErr
		}
		pcm, err := resampler.Flush()
		if err != nil {
			return summary(), err
		}
		if err := in.own(ctx, pcm); err != nil {
			return summary(), err
		}
		if err := t.flush(ctx); err != nil {
			return summary(), err
		}
		if errors.Is(readErr, io.EOF) {
			readErr = nil
		}
		return summary(), readErr
	}
}
