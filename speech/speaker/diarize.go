package speaker

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Config says how many people there may be. The zero value finds their number.
type Config struct {
	Speakers    int // that there are, unless fewer are heard for long enough; 0: found
	MaxSpeakers int // that are told apart at most; 0: 10
	// Similarity of voice and timbre from which two groups of windows count as one speaker, -1..1; 0: the model's threshold.
	Similarity float32
}

// DefaultMaxSpeakers is how many people are told apart where nothing else is said.
const DefaultMaxSpeakers = 10

const (
	mostSpeakers = 64
	block        = 1024 // windows that are clustered at once: 8 MiB of similarities, four minutes of speech
	minVoice     = 12   // windows: who is heard for less in a recording is taken for one of the others
	rounds       = 2    // of resegmentation
	reach        = 0.12 // by which the similarity that parts speakers follows the recording
)

func (c Config) check(m *Embedder) (Config, error) {
	invalid := func(field, format string, args ...any) (Config, error) {
		e := refusal.New(refusal.InvalidConfig, format, args...)
		e.Field = "config." + field
		return c, e
	}
	if c.MaxSpeakers == 0 {
		c.MaxSpeakers = max(DefaultMaxSpeakers, c.Speakers)
	}
	if c.Similarity == 0 {
		c.Similarity = m.similar
	}
	switch {
	case c.Speakers < 0 || c.Speakers > mostSpeakers:
		return invalid("speakers", "the number of speakers must be within 0..%d, is %d", mostSpeakers, c.Speakers)
	case c.MaxSpeakers < 1 || c.MaxSpeakers > mostSpeakers:
		return invalid("max_speakers", "the most speakers must be within 1..%d, are %d", mostSpeakers, c.MaxSpeakers)
	case !(c.Similarity > -1 && c.Similarity < 1):
		return invalid("similarity", "the similarity must be within -1..1, is %v", c.Similarity)
	}
	return c, nil
}

// Diarize says who speaks when in a recording, samples of -1..1 at 16 kHz, given where there is speech. Spans are in the
// order of time and cover the speech; where people speak at once only the one who is heard best is named. Speech in which
// no voice can be told at all has the speaker "". The method: windows of 1.5 s are embedded, clustered bottom-up, and the
// clusters' directions followed through the speech by the Viterbi algorithm, twice.
func (m *Embedder) Diarize(ctx context.Context, pcm []float32, speech []Interval, cfg Config) ([]Span, error) {
	cfg, err := cfg.check(m)
	if err != nil {
		return nil, err
	}
	stretches := extents(speech, len(pcm))
	var windows []window
	for _, s := range stretches {
		part, err := m.windows(ctx, pcm, s.from, s.to)
		if err != nil {
			return nil, fmt.Errorf("speech at %.1f s: %w", float64(s.from)/Rate, err)
		}
		windows = append(windows, part...)
	}
	t := newTimeline(stretches, windows)
	if len(windows) == 0 {
		return t.turns(make([]int, len(t.frames)), func(int) string { return "" }), nil
	}
	join(windows, m.timbre)
	speakers := group(windows, cfg, minVoice, len(windows))
	path := t.follow(windows, speakers)
	for range rounds {
		speakers = t.relearn(windows, path, speakers)
		path = t.follow(windows, speakers)
	}
	numbers := map[int]int{}
	return t.turns(path, func(k int) string {
		if _, ok := numbers[k]; !ok {
			numbers[k] = len(numbers) + 1
		}
		return label(numbers[k])
	}), nil
}

func label(n int) string { return "S" + strconv.Itoa(n) }

// group clusters windows, blocks of them first and then what the blocks gave, and returns the directions of the speakers,
// at least one. Those of fewer than least windows are left out, which are often the windows around a change of speakers;
// not those who have most of the windows from fresh on.
func group(windows []window, cfg Config, least float64, fresh int) [][]float32 {
	var found [][]float32
	var heard []float64
	var now []int // windows from fresh on
	first := 0
	least = min(least, float64(len(windows))/4)
	for part := range slices.Chunk(windows, block) {
		vectors, weights := make([][]float32, len(part)), make([]float64, len(part))
		for i, w := range part {
			vectors[i], weights[i] = w.vector, 1
		}
		t := agglomerate(vectors, weights)
		label := t.cut(t.threshold(cfg.Similarity, reach, least), mostSpeakers, 0)
		if len(windows) <= block && cfg.Speakers > 0 {
			label = t.parted(cfg.Speakers, least)
		}
		groups := slices.Max(label) + 1
		size, recent := make([]float64, groups), make([]int, groups)
		for i, k := range label {
			size[k]++
			if first+i >= fresh {
				recent[k]++
			}
		}
		first += len(part)
		for k, c := range centroids(vectors, weights, label, groups) {
			if c != nil {
				found, heard, now = append(found, c), append(heard, size[k]), append(now, recent[k])
			}
		}
	}
	if cfg.Speakers == 0 || len(windows) <= block {
		most := slices.Max(heard)
		keep := func(k int) bool {
			return heard[k] >= least || heard[k] == most || fresh < len(windows) && now[k]*10 >= (len(windows)-fresh)*8
		}
		var voices [][]float32
		var sizes []float64
		for k := range found {
			if keep(k) {
				voices, sizes = append(voices, found[k]), append(sizes, heard[k])
			}
		}
		found, heard = voices, sizes
	}
	if len(windows) > block || len(found) > cfg.MaxSpeakers || cfg.Speakers > 0 && len(found) > cfg.Speakers {
		label := agglomerate(found, heard).cut(cfg.Similarity, cfg.MaxSpeakers, cfg.Speakers)
		found = centroids(found, heard, label, slices.Max(label)+1)
		found = slices.DeleteFunc(found, func(c []float32) bool { return c == nil })
	}
	return found
}

// parted cuts the tree where there are first so many groups of at least least, whatever small ones there are beside; where
// there never are, into so many groups of any size.
func (t tree) parted(groups int, least float64) []int {
	for n := groups; n <= groups+mostSpeakers && n <= t.n; n++ {
		label := t.cut(0, 0, n)
		size := make([]float64, n)
		for _, k := range label {
			size[k]++
		}
		enough := 0
		for _, s := range size {
			if s >= least {
				enough++
			}
		}
		if enough >= groups {
			return label
		}
	}
	return t.cut(0, 0, groups)
}
