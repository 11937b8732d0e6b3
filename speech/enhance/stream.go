package enhance

import (
	"context"
	"errors"
	"math"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// stage is one step of a stream. What comes out lies delay samples behind what goes in; the first delay samples, which
// belong to no sound, are left out.
type stage interface {
	push(ctx context.Context, pcm []float32) ([]float32, error)
	delay() int
	close()
}

// Stream follows one channel. It is not safe for concurrent use, its memory does not grow with its length, and its owner
// closes it.
type Stream struct {
	stages   []stage
	heard    int64
	returned int64
	flushed  bool
	closed   bool
}

// NewStream begins a channel's sound.
func (e *Enhancer) NewStream(c Config) (*Stream, error) {
	s := &Stream{}
	if c.SuppressNoise && e.network != nil {
		s.stages = append(s.stages, e.network.newSuppressor())
	}
	if suppress := c.SuppressNoise && e.network == nil; suppress || c.ControlGain {
		p, err := newPreprocessor(suppress, c.ControlGain)
		if err != nil {
			return nil, err
		}
		s.stages = append(s.stages, p)
	}
	return s, nil
}

var errClosed = errors.New("speech enhancement stream is closed")

// Push takes samples of 16 kHz in -1..1 and returns what they complete: sample i of all that is returned is sample i of
// all that was pushed, some milliseconds later. The result does not depend on how the sound is cut into pushes.
//
// A sample that is no number is refused with the reason INVALID_VALUE, and then nothing of that push is taken. When the
// model fails, what was cleaned before comes with the error and nothing is lost: Push goes on from there, with no samples
// if there are none.
func (s *Stream) Push(ctx context.Context, pcm []float32) ([]float32, error) {
	if s.flushed {
		return nil, errors.New("speech enhancement stream is over")
	}
	for i, v := range pcm {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, refusal.New(refusal.InvalidValue, "sample %d is %v: samples must be numbers within -1..1", s.heard+int64(i), v)
		}
	}
	s.heard += int64(len(pcm))
	out, err := s.through(ctx, pcm)
	s.returned += int64(len(out))
	return out, err
}

func (s *Stream) through(ctx context.Context, pcm []float32) ([]float32, error) {
	if s.closed {
		return nil, errClosed
	}
	if len(s.stages) == 0 {
		return append([]float32(nil), pcm...), nil
	}
	var failure error
	for _, st := range s.stages {
		var err error
		if pcm, err = st.push(ctx, pcm); err != nil && failure == nil {
			failure = err // what came before it goes on through the other stages
		}
	}
	return pcm, failure
}

// Flush ends the sound and returns what was waiting for more of it: then as many samples have come out as went in. When
// it fails it can be repeated.
func (s *Stream) Flush(ctx context.Context) ([]float32, error) {
	silence := 0
	for _, st := range s.stages {
		silence += 2 * st.delay()
	}
	if s.flushed {
		silence = 0
	}
	s.flushed = true
	out, err := s.through(ctx, make([]float32, silence))
	out = out[:min(int64(len(out)), s.heard-s.returned)]
	s.returned += int64(len(out))
	return out, err
}

// Close frees what the stream holds. It is idempotent.
func (s *Stream) Close() {
	if s.closed {
		return
	}
	s.closed = true
	for _, st := range s.stages {
		st.close()
	}
}
