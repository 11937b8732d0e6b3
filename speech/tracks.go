package speech

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/courtsense/courtsense/speech/crosstalk"
	"github.com/courtsense/courtsense/speech/hotword"
)

// tracks follows the channels of one stream side by side.
type tracks struct {
	channels  []*track
	crosstalk *crosstalk.Suppressor // nil: channels are heard as they are
	parted    [][]float32           // the latest sound by channel
	emit      func(Result) error
	finals    int
}

// decided is a result with the position at which it was known, which orders it among the other channels' results.
type decided struct {
	at int64
	Result
}

func newTracks(s *Segmenter, channels int, emit func(Result) error) (*tracks, error) {
	t := &tracks{emit: emit, parted: make([][]float32, channels)}
	if s.cfg.SuppressCrosstalk && channels > 1 && channels <= crosstalk.MaxChannels {
		var err error
		if t.crosstalk, err = crosstalk.New(channels); err != nil {
			return nil, err
		}
	}
	for n := range channels {
		one, err := newTrack(s, n)
		if err != nil {
			t.close()
			return nil, err
		}
		one.crosstalk = t.crosstalk
		t.channels = append(t.channels, one)
	}
	return t, nil
}

// push takes interleaved samples at audio.Rate.
func (t *tracks) push(ctx context.Context, pcm []float32) error {
	if len(pcm) == 0 {
		return nil
	}
	n := len(t.channels)
	for c := range t.channels {
		t.parted[c] = t.parted[c][:0]
		for i := c; i < len(pcm); i += n {
			t.parted[c] = append(t.parted[c], pcm[i])
		}
	}
	parted := t.parted
	if t.crosstalk != nil {
		parted = t.crosstalk.Push(parted)
	}
	t.hand(parted)
	return t.each(ctx, (*track).push)
}

// hand gives each channel its sound.
func (t *tracks) hand(parted [][]float32) {
	for c, track := range t.channels {
		track.pcm = parted[c]
	}
}

func (t *tracks) flush(ctx context.Context) error {
	if t.crosstalk != nil {
		t.hand(t.crosstalk.Flush())
		if err := t.each(ctx, (*track).push); err != nil {
			return err
		}
	}
	return t.each(ctx, (*track).flush)
}

// close frees what the channels hold outside Go's memory.
func (t *tracks) close() {
	for _, track := range t.channels {
		if track.clean != nil {
			track.clean.Close()
		}
	}
}

// setHotWords replaces the hot words for the sound that is pushed from now on.
func (t *tracks) setHotWords(g *hotword.Graph) {
	for _, track := range t.channels {
		if track.listener != nil {
			track.listener.text.SetHotwords(g)
		}
	}
}

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
