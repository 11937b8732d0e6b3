package acoustic

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/refusal"
	"github.com/courtsense/courtsense/speech/fbank"
)

// Stream follows one channel through a model. It is not safe for concurrent use. Its memory does not grow with its
// length.
type Stream struct {
	m        *Model
	features *fbank.Stream
	pending  []float32 // rows of features that no run has taken
	last     []float32 // the latest row of features
	states   []pipeline.Tensor
	early    int // rows that are still to come before the first one that counts
	heard    int64
	read     int64 // rows of features that the network has moved on by
	end      int64 // rows by which it stops moving on, once the sound is over
	flushed  bool
}

// NewStream begins a channel's sound.
func (m *Model) NewStream() (*Stream, error) {
	s := &Stream{m: m, features: m.features.NewStream()}
	s.Reset()
	return s, nil
}

// Reset makes the stream as new, for other sound.
func (s *Stream) Reset() {
	s.features.Reset()
	s.pending, s.last, s.heard, s.read, s.flushed = s.pending[:0], s.last[:0], 0, 0, false
	s.states, s.early = s.m.network.zeros(), s.m.network.delay
}

// Push takes samples of 16 kHz in -1..1 and returns the rows that they complete, Width values each; they belong to the
// caller. Neither the rows nor their number in the end depend on how the sound is cut into pushes.
//
// A sample that is no number is refused with the reason INVALID_VALUE, and then nothing of that push is taken. When a run
// fails, the rows before it come with the error and nothing is lost: Push goes on from there, with no samples if there
// are none.
func (s *Stream) Push(ctx context.Context, pcm []float32) ([][]float32, error) {
	if s.flushed {
		return nil, errors.New("speech recognition stream is over")
	}
	for i, v := range pcm {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, refusal.New(refusal.InvalidValue, "sample %d is %v: samples must be numbers within -1..1", s.heard+int64(i), v)
		}
	}
	s.heard += int64(len(pcm))
	s.take(s.features.Push(pcm))
	return s.advance(ctx, nil, false)
}

// Flush ends the sound and returns the rows that were waiting for more of it. When it fails it can be repeated.
func (s *Stream) Flush(ctx context.Context) ([][]float32, error) {
	if !s.flushed && s.m.network.exact {
		s.flushed = true
		s.fill()
	}
	if !s.flushed {
		s.flushed = true
		s.take(s.features.Flush())
		// The network hears the last row of features for as long as it looks ahead.
		if len(s.last) > 0 {
			for range s.m.network.delay {
				s.pending = append(s.pending, s.last...)
			}
		}
	}
	return s.advance(ctx, nil, true)
}

// fill lets the network of fixed chunks hear silence, until the last of the sound and the tail lie within a chunk.
func (s *Stream) fill() {
	n, shift := &s.m.network, s.m.features.RowShift()
	perRow := int64(shift) * Rate / int64(time.Second)
	if s.heard == 0 {
		return
	}
	s.end = (s.heard+perRow-1)/perRow + int64(tail/shift)
	s.take(s.features.Push(make([]float32, (int64(n.chunk)+s.end-s.read)*perRow-int64(len(s.pending)/n.dim)*perRow)))
	s.take(s.features.Flush())
}

func (s *Stream) take(rows []float32) {
	s.pending = append(s.pending, rows...)
	if n := s.m.network.dim; len(rows) > 0 {
		s.last = append(s.last[:0], rows[len(rows)-n:]...)
	}
}

// advance runs the network on all chunks that are complete, and with last on what is left.
func (s *Stream) advance(ctx context.Context, out [][]float32, last bool) ([][]float32, error) {
	n := &s.m.network
	taken := 0
	defer func() { s.pending = s.pending[:copy(s.pending, s.pending[taken:])] }()
	for {
		rest := s.pending[taken:]
		rows := min(len(rest)/n.dim, n.chunk)
		if rows == 0 || rows < n.chunk && (!last || n.exact) || last && n.exact && s.read >= s.end {
			return out, nil
		}
		values, next, err := n.run(ctx, rest[:rows*n.dim], s.states)
		if err != nil {
			return out, err
		}
		s.states = next
		taken += min(n.step, rows) * n.dim
		s.read += int64(n.step)
		for ; len(values) > 0; values = values[n.width:] {
			if s.early > 0 {
				s.early--
				continue
			}
			row := values[:n.width:n.width]
			if s.m.kind == CTC {
				logSoftmax(row)
			}
			out = append(out, row)
		}
	}
}
