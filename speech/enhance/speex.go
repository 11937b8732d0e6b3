package enhance

import (
	"context"

	"github.com/courtsense/courtsense/speech/enhance/speexdsp"
)

// What libspeexdsp is asked for. Its own defaults are 15 dB and a gain of 30 dB, which raises the hall between two
// speakers along with them.
const (
	speexFrame    = Rate / 50 // 20 ms
	speexSuppress = 15        // dB
	speexLevel    = 4000      // root mean square of speech in 16-bit samples: 18 dB below full scale
	speexMaxGain  = 20        // dB
)

// preprocessor is a stream's state in libspeexdsp.
type preprocessor struct {
	p       *speexdsp.Preprocessor
	pending []float32 // less than a frame
	frame   []int16
	early   int // samples that are still to come out before the first one of the sound
}

func newPreprocessor(suppress, gain bool) (*preprocessor, error) {
	var o speexdsp.Options
	if suppress {
		o.Suppress = speexSuppress
	}
	if gain {
		o.Level, o.MaxGain = speexLevel, speexMaxGain
	}
	s := &preprocessor{frame: make([]int16, speexFrame), early: speexFrame}
	var err error
	s.p, err = speexdsp.New(Rate, speexFrame, o)
	return s, err
}

func (s *preprocessor) delay() int { return speexFrame }

func (s *preprocessor) close() { s.p.Close() }

func (s *preprocessor) push(_ context.Context, pcm []float32) ([]float32, error) {
	s.pending = append(s.pending, pcm...)
	var out []float32
	taken := 0
	for ; len(s.pending)-taken >= speexFrame; taken += speexFrame {
		for i, v := range s.pending[taken : taken+speexFrame] {
			s.frame[i] = int16(min(max(v*32768, -32768), 32767))
		}
		if err := s.p.Process(s.frame); err != nil {
			return out, err
		}
		cut := min(s.early, speexFrame)
		s.early -= cut
		for _, v := range s.frame[cut:] {
			out = append(out, float32(v)/32768)
		}
	}
	s.pending = s.pending[:copy(s.pending, s.pending[taken:])]
	return out, nil
}
