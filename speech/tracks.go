package speech

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/vad"
)

// tracks follows the channels of one stream side by side.
type tracks struct {
	channels []*track
	emit     func(Result) error
	finals   int
}

// track follows one channel.
type track struct {
	number  int
	vad     *vad.Stream
	interim int64     // samples between two interim results, 0: none
	pcm     []float32 // of the current push
	rest    []float32 // less than a window
	index   int       // of the current segment
	start   int64     // where it begins
	chance  float32   // its probability when it began
	told    int64     // where its last interim result stood, -1 before the first
	ready   []decided
}

// decided is a result with the position at which it was known, which orders it among the other channels' results.
type decided struct {
	at int64
	Result
}

func newTracks(s *Segmenter, channels int, emit func(Result) error) (*tracks, error) {
	t := &tracks{emit: emit}
	for n := range channels {
		stream, err := s.vad.NewStream(s.cfg.VAD)
		if err != nil {
			return nil, err
		}
		t.channels = append(t.channels, &track{number: n, vad: stream, interim: s.interim})
	}
	return t, nil
}

// push takes interleaved samples at audio.Rate.
func (t *tracks) push(ctx context.Context, pcm []float32) error {
	if len(pcm) == 0 {
		return nil
	}
	n := len(t.channels)
	for c, track := range t.channels {
		track.pcm = track.pcm[:0]
		for i := c; i < len(pcm); i += n {
			track.pcm = append(track.pcm, pcm[i])
		}
	}
	return t.each(ctx, (*track).push)
}

func (t *tracks) flush(ctx context.Context) error { return t.each(ctx, (*track).flush) }

// each runs the channels at the same time, so that one batch of the model can hold all of them.
func (t *tracks) each(ctx context.Context, step func(*track, context.Context) error) error {
	var err error
	if len(t.channels) == 1 {
		err = step(t.channels[0], ctx)
	} else {
		g, ctx := errgroup.WithContext(ctx)
		for _, track := range t.channels {
			g.Go(func() error { return guarded(func() error { return step(track, ctx) }) })
		}
		err = g.Wait()
	}
	if err != nil {
		return err
	}
	var ready []decided
	for _, track := range t.channels {
		ready = append(ready, track.ready...)
		track.ready = track.ready[:0]
	}
	slices.SortStableFunc(ready, func(a, b decided) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.Channel, b.Channel))
	})
	for _, r := range ready {
		if r.Final {
			t.finals++
		}
		if err := t.emit(r.Result); err != nil {
			return err
		}
	}
	return nil
}

// push goes window by window, so that interim results fall on the same samples however the sound is cut.
func (t *track) push(ctx context.Context) error {
	pcm := t.pcm
	for len(t.rest)+len(pcm) >= vad.Window {
		n := vad.Window - len(t.rest)
		t.rest = append(t.rest, pcm[:n]...)
		pcm = pcm[n:]
		events, err := t.vad.Push(ctx, t.rest)
		if err != nil {
			return err
		}
		t.rest = t.rest[:0]
		t.take(events)
		heard := t.vad.Heard()
		if _, open := t.vad.Speaking(); open && t.interim > 0 && (t.told < 0 || heard-t.told >= t.interim) {
			t.told = heard
			t.report(heard, Result{Segment: t.segment(t.start, heard), Index: t.index, Probability: t.chance})
		}
	}
	t.rest = append(t.rest, pcm...)
	return nil
}

func (t *track) flush(ctx context.Context) error {
	events, err := t.vad.Push(ctx, t.rest)
	if err != nil {
		return err
	}
	t.take(events)
	if events, err = t.vad.Flush(ctx); err != nil {
		return err
	}
	t.take(events)
	return nil
}

func (t *track) take(events []vad.Event) {
	for _, e := range events {
		if e.Kind == vad.SpeechStart {
			t.start, t.chance, t.told = e.Sample, e.Probability, -1
			continue
		}
		t.report(e.At, Result{Segment: t.segment(t.start, e.Sample), Index: t.index, Final: true, Split: e.Split, Probability: e.Probability})
		t.index++
	}
}

func (t *track) segment(begin, end int64) Segment {
	return Segment{Start: float64(begin) / audio.Rate, End: float64(end) / audio.Rate, Channel: t.number, Words: []Word{}}
}

func (t *track) report(at int64, r Result) {
	r.Heard = float64(at) / audio.Rate
	t.ready = append(t.ready, decided{at, r})
}
