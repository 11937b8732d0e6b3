package speaker

import (
	"context"
	"slices"
)

// Stream labels the segments of one channel as they end. It is not safe for concurrent use; what it remembers is its
// [Clusterer].
type Stream struct {
	m *Embedder
	c *Clusterer
}

// NewStream begins a channel.
func (m *Embedder) NewStream(cfg Config) (*Stream, error) {
	c, err := m.NewClusterer(cfg)
	if err != nil {
		return nil, err
	}
	return &Stream{m, c}, nil
}

// Clusterer is what the stream knows of its speakers.
func (s *Stream) Clusterer() *Clusterer { return s.c }

// Label says who speaks in the sound of one segment, samples of -1..1 at 16 kHz, in spans that cover it; times are
// relative to its first sample. A change of speakers within the segment makes two spans of it. Segments that are too short
// to tell a voice, or silent, give one span with the speaker "".
func (s *Stream) Label(ctx context.Context, pcm []float32) ([]Span, error) {
	windows, err := s.m.windows(ctx, pcm, 0, len(pcm))
	if err != nil {
		return nil, err
	}
	t := newTimeline(extents([]Interval{{0, float64(len(pcm)) / Rate}}, len(pcm)), windows)
	if len(windows) == 0 {
		return t.turns(make([]int, len(t.frames)), func(int) string { return "" }), nil
	}
	local := s.c.cfg
	local.Speakers = 0
	speakers := group(windows, local)
	path := t.follow(windows, speakers)
	speakers = t.relearn(windows, path, speakers)
	path = t.follow(windows, speakers)

	frames := make([]int, len(speakers))
	for _, k := range path {
		frames[k]++
	}
	names := make([]string, len(speakers))
	order := make([]int, len(speakers)) // the longest first: it is known best
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return frames[b] - frames[a] })
	for _, k := range order {
		if frames[k] > 0 {
			names[k] = s.c.Add(speakers[k], float64(frames[k]*frameSamples)/Rate).Label
		}
	}
	return t.turns(path, func(k int) string { return names[k] }), nil
}
