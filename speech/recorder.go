package speech

import (
	"context"
	"fmt"

	"github.com/courtsense/courtsense/speech/audio"
)

// Recorder keeps the sound of a stream beside what is recognised in it, and says how a stream goes on that broke off. Its methods
// are called from the run's goroutine; an error ends the run.
type Recorder interface {
	// Begin is called once, when the number of channels is known, before any sound is heard.
	Begin(channels int) (Resume, error)
	// Sound takes the stream's own sound before anything changes it: interleaved samples at [audio.Rate], -1..1. It must not keep
	// the slice. What is recognised in a sample is reported after Sound has returned with it.
	Sound(pcm []float32) error
}

// Resume says where a stream goes on. Results count their times from the lead's first sample. The zero value is a beginning.
type Resume struct {
	Lead []float32 // sound that was heard before the stream's own: interleaved samples at audio.Rate
	Skip int64     // samples of each channel to leave out at the beginning of the stream's own sound
	// Decided is, for each channel, the number of samples from the lead's first one in which everything is final already; nothing
	// is heard there. Channels without a number have none.
	Decided []int64
}

// leadPiece is how much of the lead is heard at a time, samples of each channel.
const leadPiece = audio.Rate / 4

// source is the sound on its way from the resampler to the channels.
type source struct {
	recorder Recorder // may be nil
	channels int
	push     func(context.Context, []float32) error
	resume   Resume
	at       int64 // samples of each channel that were heard, the lead's included
}

// newSource asks the recorder and has the lead heard.
func (s *Segmenter) newSource(ctx context.Context, channels int, push func(context.Context, []float32) error) (*source, error) {
	in := &source{recorder: s.cfg.recorder, channels: channels, push: push}
	if in.recorder == nil {
		return in, nil
	}
	var err error
	if in.resume, err = in.recorder.Begin(channels); err != nil {
		return nil, err
	}
	lead := in.resume.Lead
	if len(lead)%channels != 0 || in.resume.Skip < 0 {
		return nil, fmt.Errorf("a lead of %d samples for %d channels, and %d to leave out", len(lead), channels, in.resume.Skip)
	}
	for len(lead) > 0 {
		n := min(len(lead), leadPiece*channels)
		if err := in.hear(ctx, lead[:n]); err != nil {
			return nil, err
		}
		lead = lead[n:]
	}
	in.resume.Lead = nil
	return in, nil
}

// own takes the stream's own sound.
func (in *source) own(ctx context.Context, pcm []float32) error {
	if left := min(in.resume.Skip, int64(len(pcm)/in.channels)); left > 0 {
		in.resume.Skip -= left
		pcm = pcm[left*int64(in.channels):]
	}
	if in.recorder != nil && len(pcm) > 0 {
		if err := in.recorder.Sound(pcm); err != nil {
			return err
		}
	}
	return in.hear(ctx, pcm)
}

// hear hands sound to the channels, silent where it is decided.
func (in *source) hear(ctx context.Context, pcm []float32) error {
	for c, decided := range in.resume.Decided {
		if c >= in.channels {
			break
		}
		for i := 0; i*in.channels < len(pcm) && in.at+int64(i) < decided; i++ {
			pcm[i*in.channels+c] = 0
		}
	}
	in.at += int64(len(pcm) / in.channels)
	return in.push(ctx, pcm)
}
