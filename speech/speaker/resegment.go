package speaker

import (
	"cmp"
	"slices"
)

// The resolution of who speaks, and what speaks against a change.
const (
	frameSamples = 1600 // 0.1 s
	// changeCost is what another speaker must gain, summed over frames, in similarity; after a pause between two
	// stretches of speech it is pauseCost. Chosen on simulated conversations, see models/embedded/speaker.md.
	changeCost = 1.0
	pauseCost  = 0.5
)

// timeline is who speaks, frame by frame, within stretches of speech.
type timeline struct {
	speech []extent
	frames []frame
	change []float32
}

// extent is a stretch of speech in samples.
type extent struct{ from, to int }

type frame struct {
	from, to int
	windows  []weighted // that it lies in
}

type weighted struct {
	window int
	weight float32
}

// newTimeline lays frames over the speech and finds the windows of each: a window counts most for its middle.
func newTimeline(speech []extent, windows []window) *timeline {
	t := &timeline{speech: speech}
	first := 0
	for _, s := range speech {
		for from := s.from; from < s.to; from += frameSamples {
			f := frame{from: from, to: min(from+frameSamples, s.to)}
			middle := (f.from + f.to) / 2
			for first < len(windows) && windows[first].end <= f.from {
				first++
			}
			for i := first; i < len(windows) && windows[i].start < f.to; i++ {
				w := windows[i]
				if middle < w.start || middle >= w.end {
					continue
				}
				half := float32(w.end-w.start) / 2
				away := float32(middle-w.start) - half
				f.windows = append(f.windows, weighted{i, max(1-max(away, -away)/half, .05)})
			}
			cost := float32(changeCost)
			if from == s.from {
				cost = pauseCost
			}
			t.frames, t.change = append(t.frames, f), append(t.change, cost)
		}
	}
	return t
}

// follow says who of the speakers, given by their directions, speaks in each frame. Frames without a window go with their
// neighbours.
func (t *timeline) follow(windows []window, speakers [][]float32) []int {
	similar := make([][]float32, len(windows))
	for i, w := range windows {
		similar[i] = make([]float32, len(speakers))
		for k, c := range speakers {
			similar[i][k] = product(w.vector, c)
		}
	}
	scores := make([][]float32, len(t.frames))
	for i, f := range t.frames {
		scores[i] = make([]float32, len(speakers))
		total := float32(0)
		for _, w := range f.windows {
			total += w.weight
			for k, s := range similar[w.window] {
				scores[i][k] += w.weight * s
			}
		}
		for k := range scores[i] {
			if total > 0 {
				scores[i][k] /= total
			}
		}
	}
	return viterbi(scores, t.change)
}

// majority says for each of n windows in whose turn most of it lies.
func (t *timeline) majority(n int, path []int, speakers int) []int {
	votes := make([]int, n*speakers)
	for i, f := range t.frames {
		for _, w := range f.windows {
			votes[w.window*speakers+path[i]]++
		}
	}
	out := make([]int, n)
	for i := range out {
		for k, v := range votes[i*speakers : (i+1)*speakers] {
			if v > votes[i*speakers+out[i]] {
				out[i] = k
			}
		}
	}
	return out
}

// relearn returns the directions of the speakers from the windows in their turns; a speaker without such keeps what was
// known.
func (t *timeline) relearn(windows []window, path []int, speakers [][]float32) [][]float32 {
	vectors, weights := make([][]float32, len(windows)), make([]float64, len(windows))
	for i, w := range windows {
		vectors[i], weights[i] = w.vector, 1
	}
	found := centroids(vectors, weights, t.majority(len(windows), path, len(speakers)), len(speakers))
	for k, c := range found {
		if c == nil {
			found[k] = speakers[k]
		}
	}
	return found
}

// turns joins the frames of one speaker; a stretch of speech ends a turn.
func (t *timeline) turns(path []int, name func(int) string) []Span {
	var spans []Span
	for i, f := range t.frames {
		who := name(path[i])
		start, end := float64(f.from)/Rate, float64(f.to)/Rate
		if n := len(spans); n > 0 && spans[n-1].Speaker == who && t.frames[i-1].to == f.from {
			spans[n-1].End = end
			continue
		}
		spans = append(spans, Span{Start: start, End: end, Speaker: who})
	}
	return spans
}

// extents turns seconds into samples of a recording of n samples: in order, joined where they meet, nothing outside.
func extents(speech []Interval, n int) []extent {
	var all []extent
	for _, s := range speech {
		if !(s.Start < s.End) {
			continue
		}
		from, to := clampSample(s.Start, n), clampSample(s.End, n)
		if from < to {
			all = append(all, extent{from, to})
		}
	}
	slices.SortFunc(all, func(a, b extent) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	kept := all[:0]
	for _, e := range all {
		if k := len(kept); k > 0 && e.from <= kept[k-1].to {
			kept[k-1].to = max(kept[k-1].to, e.to)
			continue
		}
		kept = append(kept, e)
	}
	return kept
}

func clampSample(seconds float64, n int) int {
	return int(min(max(seconds*Rate, 0), float64(n)))
}
