package vad

import (
	"context"
	"errors"
)

// Kind tells the events apart.
type Kind uint8

// The kinds of events.
const (
	SpeechStart Kind = iota + 1
	SpeechEnd
)

// Event is a change that a stream has found. Starts and ends take turns.
type Event struct {
	Kind Kind
	// Sample is where speech starts, or the first sample after its end, counted from the start of the stream.
	Sample int64
	// At is the number of samples that had been heard when this was decided; never before Sample, except at a start.
	At int64
	// Probability is, at an end, the mean over the speech that ends; at a start, over what led to the decision.
	Probability float32
	// Split says that the speech goes on: it was cut because it is longer than Config.MaxSegment.
	Split bool
}

// Seconds returns Sample in seconds.
func (e Event) Seconds() float64 { return float64(e.Sample) / Rate }

// Stream follows one channel. It is not safe for concurrent use. Its memory does not grow with its length.
type Stream struct {
	rules   rules
	scorer  scorer
	pending []float32 // less than a window
	heard   int64     // samples in whole windows that were scored
	floor   int64     // nothing may start before: the end of the speech before

	active    bool  // a window passed the start threshold
	confirmed bool  // and enough of them followed: SpeechStart was returned
	begin     int64 // start of the speech, padded once confirmed
	silent    int64 // where the pause that may end it began, -1 when there is none
	sum       float64
	windows   int
	history   []mark // of the confirmed speech, at most rules.lookBack long
	flushed   bool
}

type mark struct {
	sample int64
	p      float32
}

// NewStream starts a stream. It fails on a configuration that [VAD.Check] refuses.
func (v *VAD) NewStream(c Config) (*Stream, error) {
	r, err := v.rules(c)
	if err != nil {
		return nil, err
	}
	return &Stream{rules: r, scorer: v.newScorer(), pending: make([]float32, 0, Window), silent: -1}, nil
}

// Push takes samples in -1..1 and returns what they decided. The events do not depend on how the sound is cut into
// pushes. When the model fails, the events before that come with the error, and the stream can't be used any further.
func (s *Stream) Push(ctx context.Context, pcm []float32) ([]Event, error) {
	if s.flushed {
		return nil, errors.New("voice activity stream is over")
	}
	var events []Event
	for len(pcm) > 0 {
		n := min(len(pcm), Window-len(s.pending))
		s.pending = append(s.pending, pcm[:n]...)
		pcm = pcm[n:]
		if len(s.pending) < Window {
			break
		}
		p, err := s.scorer.score(ctx, s.pending)
		if err != nil {
			s.flushed = true
			return events, err
		}
		s.pending = s.pending[:0]
		events = s.window(events, p)
	}
	return events, nil
}

// Flush ends the stream: speech that is still open ends with the sound.
func (s *Stream) Flush(ctx context.Context) ([]Event, error) {
	if s.flushed {
		return nil, nil
	}
	var events []Event
	end := s.heard + int64(len(s.pending))
	if rest := len(s.pending); rest > 0 {
		var err error
		if events, err = s.Push(ctx, make([]float32, Window-rest)); err != nil {
			return events, err
		}
	}
	s.flushed = true
	// The last window was filled up with zeros: nothing may lie in them.
	for i := range events {
		events[i].Sample, events[i].At = min(events[i].Sample, end), min(events[i].At, end)
	}
	if s.confirmed {
		stop := end
		if s.silent >= 0 {
			stop = min(end, s.silent+s.rules.pad)
		}
		s.heard = end
		events = append(events, s.stop(stop))
	}
	return events, nil
}

// Heard returns the samples that were scored so far.
func (s *Stream) Heard() int64 { return s.heard }

// Speaking returns where the speech began that is still open.
func (s *Stream) Speaking() (sample int64, ok bool) { return s.begin, s.confirmed }

// window applies the rules to the next window's probability.
func (s *Stream) window(events []Event, p float32) []Event {
	r, from := &s.rules, s.heard
	s.heard += Window
	if !s.active {
		if p < r.start {
			return events
		}
		s.active, s.begin, s.silent, s.sum, s.windows = true, from, -1, 0, 0
	}
	s.sum += float64(p)
	s.windows++
	switch {
	case p >= r.start:
		s.silent = -1
	case p < r.end && s.silent < 0:
		s.silent = from
	}
	if !s.confirmed {
		if s.silent >= 0 {
			s.active = false
			return events
		}
		if s.heard-s.begin < r.minSpeech {
			return events
		}
		s.begin = max(s.begin-r.pad, s.floor)
		s.confirmed = true
		events = append(events, Event{Kind: SpeechStart, Sample: s.begin, At: s.heard, Probability: s.mean()})
	}
	s.remember(mark{from, p})
	if s.silent >= 0 && s.heard-s.silent >= r.minSilence {
		return append(events, s.stop(s.silent+r.pad))
	}
	if s.heard-s.begin >= r.maxSegment {
		events = s.split(events)
	}
	return events
}

func (s *Stream) mean() float32 { return float32(s.sum / float64(max(s.windows, 1))) }

func (s *Stream) stop(at int64) Event {
	e := Event{Kind: SpeechEnd, Sample: at, At: s.heard, Probability: s.mean()}
	s.active, s.confirmed, s.floor, s.history = false, false, at, s.history[:0]
	return e
}

// split cuts speech that is too long at the latest of its least likely windows.
func (s *Stream) split(events []Event) []Event {
	cut := s.history[0]
	for _, m := range s.history {
		if m.p <= cut.p {
			cut = m
		}
	}
	mean, silent := s.mean(), s.silent
	e := s.stop(cut.sample)
	e.Split = true
	if silent >= 0 {
		silent = max(silent, cut.sample)
	}
	s.active, s.confirmed, s.begin, s.silent, s.sum, s.windows = true, true, cut.sample, silent, float64(mean), 1
	return append(events, e, Event{Kind: SpeechStart, Sample: cut.sample, At: s.heard, Probability: mean, Split: true})
}

func (s *Stream) remember(m mark) {
	if n := int(s.rules.lookBack / Window); len(s.history) >= n {
		s.history = s.history[:copy(s.history, s.history[1:])]
	}
	s.history = append(s.history, m)
}
