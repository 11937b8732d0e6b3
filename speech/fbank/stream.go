package fbank

// Stream computes the features of one channel. It is not safe for concurrent use. Its memory does not grow with its
// length.
type Stream struct {
	e        *Extractor
	samples  []float32 // not yet done with, in -1..1
	base     int64     // position of samples[0] in the sound
	heard    int64
	frame    int64 // the next one
	stack    []float32
	stacked  int // frames in stack, which end the ones seen so far
	due      int // frames to come until a row is complete
	rows     []float32
	finished bool
}

// NewStream begins a channel's sound.
func (e *Extractor) NewStream() *Stream {
	s := &Stream{e: e, stack: make([]float32, 0, e.cfg.Stack*e.cfg.Bins)}
	s.Reset()
	return s
}

// Reset makes the stream as new, for other sound.
func (s *Stream) Reset() {
	s.samples, s.base, s.heard, s.frame, s.stacked, s.finished = s.samples[:0], 0, 0, 0, 0, false
	s.stack, s.rows = s.stack[:0], s.rows[:0]
	s.due = s.e.cfg.Stack - s.left()
}

// left is the number of copies of the first frame before it in the first row.
func (s *Stream) left() int { return (s.e.cfg.Stack - 1) / 2 }

// Push takes samples in -1..1 and returns the rows that they complete, one after the other, Dim values each. The result
// is valid until the next call. A sample that is no number makes the rows around it so; callers look before.
func (s *Stream) Push(pcm []float32) []float32 {
	s.rows = s.rows[:0]
	if s.finished {
		return s.rows
	}
	s.samples = append(s.samples, pcm...)
	s.heard += int64(len(pcm))
	s.advance(false)
	return s.rows
}

// Flush ends the sound and returns the last rows, valid until Reset. Of the frames that a last row lacks there are copies
// of the last one.
func (s *Stream) Flush() []float32 {
	s.rows = s.rows[:0]
	if s.finished {
		return s.rows
	}
	s.advance(true)
	s.finished = true
	if s.stacked == 0 {
		return s.rows
	}
	// A row belongs to each Skip frames that were begun; those that stand out beyond the last frame are completed.
	skip, first := int64(s.e.cfg.Skip), int64(s.e.cfg.Stack-s.left())
	missing := (s.frame + skip - 1) / skip
	if s.frame >= first {
		missing -= (s.frame-first)/skip + 1
	}
	bins := s.e.cfg.Bins
	for missing > 0 {
		last := s.stack[len(s.stack)-bins:]
		if s.add(last) {
			missing--
		}
	}
	return s.rows
}

// start is the first sample of a frame; it may lie before the sound.
func (s *Stream) start(frame int64) int64 {
	z := &s.e.size
	if s.e.cfg.SnipEdges {
		return frame * int64(z.shift)
	}
	return frame*int64(z.shift) + int64(z.shift/2) - int64(z.length/2)
}

// advance computes all frames that can be.
func (s *Stream) advance(last bool) {
	z := &s.e.size
	ready := func() bool {
		if !last || s.e.cfg.SnipEdges {
			return s.start(s.frame)+int64(z.length) <= s.heard
		}
		return s.frame < (s.heard+int64(z.shift/2))/int64(z.shift)
	}
	if !ready() {
		return
	}
	w := s.e.scratch.Get().(*scratch) //nolint:forcetypeassert // its New makes nothing else
	defer s.e.scratch.Put(w)
	for ready() {
		s.load(w.frame[:z.length])
		s.frame++
		// The frame's place is the end of the stack, where its row is made.
		s.stack = s.roll(s.stack)
		s.e.features(s.stack[len(s.stack)-s.e.cfg.Bins:], w)
		s.count()
	}
	// A frame is mirrored at the end of the sound by less than its own length.
	if done := min(s.start(s.frame)-int64(z.length)-s.base, int64(len(s.samples))); done > 0 {
		s.samples = s.samples[:copy(s.samples, s.samples[done:])]
		s.base += done
	}
}

// load fills x with the next frame's samples.
func (s *Stream) load(x []float64) {
	at, scale := s.start(s.frame)-s.base, s.e.cfg.Scale
	if at >= 0 && at+int64(len(x)) <= int64(len(s.samples)) {
		for i, v := range s.samples[at : at+int64(len(x))] {
			x[i] = float64(v) * scale
		}
		return
	}
	for i := range x {
		p := at + s.base + int64(i)
		for p < 0 || p >= s.heard {
			if p < 0 {
				p = -p - 1
			} else {
				p = 2*s.heard - 1 - p
			}
		}
		x[i] = float64(s.samples[p-s.base]) * scale
	}
}

// roll makes room for one more frame at the end of the stack.
func (s *Stream) roll(stack []float32) []float32 {
	bins := s.e.cfg.Bins
	if len(stack) == cap(stack) {
		copy(stack, stack[bins:])
		return stack
	}
	return stack[:len(stack)+bins]
}

// add appends a copy of a frame.
func (s *Stream) add(frame []float32) (row bool) {
	s.stack = s.roll(s.stack)
	copy(s.stack[len(s.stack)-s.e.cfg.Bins:], frame)
	return s.count()
}

// count takes the frame at the end of the stack into account and reports whether a row was completed.
func (s *Stream) count() (row bool) {
	if s.stacked++; s.stacked == 1 {
		first := s.stack[len(s.stack)-s.e.cfg.Bins:]
		for range s.left() {
			s.stack = s.roll(s.stack)
			copy(s.stack[len(s.stack)-s.e.cfg.Bins:], first)
		}
	}
	if s.due--; s.due > 0 {
		return false
	}
	s.rows = append(s.rows, s.stack...)
	s.due = s.e.cfg.Skip
	return true
}
