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
	end      int64 // rows of features at which it stops moving on, once the sound is over
	given    int64 // rows of features so far
	returned int64 // rows returned so far
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
	s.given, s.returned = 0, 0
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
	out, err := s.advance(ctx, nil, false) // of what an earlier failure left
	for len(pcm) > 0 {
		// A long recording in one push is read second by second: its features are larger than itself.
		n := min(len(pcm), Rate)
		s.heard += int64(n)
		s.take(s.features.Push(pcm[:n]))
		pcm = pcm[n:]
		if err == nil {
			out, err = s.advance(ctx, out, false)
		}
	}
	return out, err
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
		s.extend()
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

// extend repeats the last row of features for as long as the network looks ahead, and until the last chunk is full: a run
// of a single row takes another way through the runtime, with other rounding.
func (s *Stream) extend() {
	n := &s.m.network
	s.end = s.given
	if s.given == 0 {
		return
	}
	for rows := len(s.pending)/n.dim + n.delay; len(s.pending) < (rows+n.chunk-1)/n.chunk*n.chunk*n.dim; {
		s.pending = append(s.pending, s.last...)
	}
}

func (s *Stream) take(rows []float32) {
	s.pending = append(s.pending, rows...)
	n := s.m.network.dim
	s.given += int64(len(rows) / n)
	if len(rows) > 0 {
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
		if len(rest) < n.chunk*n.dim || last && n.exact && s.read >= s.end {
			return out, nil
		}
		values, next, err := n.run(ctx, rest[:n.chunk*n.dim], s.states)
		if err != nil {
			return out, err
		}
		s.states = next
		taken += n.step * n.dim
		s.read += int64(n.step)
		for ; len(values) > 0; values = values[n.width:] {
			if s.early > 0 {
				s.early--
				continue
			}
			if last && !n.exact && s.returned*int64(n.chunk) >= s.end*int64(n.rows) {
				return out, nil // what follows belongs to the rows that were repeated
			}
			s.returned++
			row := values[:n.width:n.width]
			if s.m.kind == CTC {
				logSoftmax(row)
			}
			out = append(out, row)
		}
	}
}
