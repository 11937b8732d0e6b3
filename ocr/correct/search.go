package correct

import (
	"slices"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/charlm"
)

// place is a symbol that may be changed.
type place struct {
	flow, at int       // index of the glyph in its flow
	class    int       // index in the page's text
	readings []reading // what was read, then what else it may be
	weights  *Weights  // of its readings
	chosen   int       // index in readings
	network  []float32 // what the LSTMs say of each reading, natural logarithms; nil when they were not asked
}

// reading is one of a place's.
type reading struct {
	ocr.Candidate
	r     rune
	class charlm.Class
	own   float32 // the part of its score that does not depend on its neighbours
}

const (
	// beam is how many ways to read what came before are followed.
	beam = 8
	// near is how far apart two places are at most that stand in one run.
	near = charlm.LongestRun - 1
)

// path is a way to read the places so far.
type path struct {
	score float32
	text  [near]charlm.Class // the last ones before the next position
	picks []uint8            // of the places so far
}

// search chooses for all places together what fits the runs of the texts best: misread characters often stand side by side,
// and then neither can be judged by the other as it was read. Places that are near each other are searched as one (beam
// search).
func (c *Corrector) search(text []charlm.Class, places []place) {
	for len(places) > 0 {
		n := 1
		for n < len(places) && places[n].class-places[n-1].class <= near {
			n++
		}
		c.searchNear(text, places[:n])
		places = places[n:]
	}
}

func (c *Corrector) searchNear(text []charlm.Class, places []place) {
	first, end := places[0].class, min(len(text), places[len(places)-1].class+near+1)
	start := path{}
	for i := range near {
		if at := first - near + i; at >= 0 {
			start.text[i] = text[at]
		}
	}
	paths := []path{start}
	var window [charlm.LongestRun]charlm.Class
	next := 0 // place
	fixed := [1]reading{}
	for at := first; at < end; at++ {
		readings := fixed[:]
		fixed[0].class = text[at]
		here := next < len(places) && places[next].class == at
		if here {
			readings = places[next].readings
		}
		var grown []path
		for _, p := range paths {
			copy(window[:near], p.text[:])
			for i, r := range readings {
				window[near] = r.class
				g := path{score: p.score + r.own + c.runsBefore(window[max(0, near-at):]), picks: p.picks}
				copy(g.text[:], window[1:])
				if here {
					g.picks = append(slices.Clip(p.picks), uint8(i))
				}
				grown = append(grown, g)
			}
		}
		paths = best(grown)
		if here {
			next++
		}
		// What stands behind a break does not depend on what stands before it.
		if text[at] == charlm.Break && next == len(places) {
			break
		}
	}
	for i, pick := range paths[0].picks {
		places[i].chosen = int(pick)
	}
}

// best keeps the best paths, and of those that end alike the better one.
func best(paths []path) []path {
	slices.SortStableFunc(paths, func(a, b path) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	kept := paths[:0]
	for _, p := range paths {
		if len(kept) == beam {
			break
		}
		if !slices.ContainsFunc(kept, func(k path) bool { return k.text == p.text }) {
			kept = append(kept, p)
		}
	}
	return kept
}

// runsBefore is the weighted sum over the runs that end with a text. Here marks count like characters: the weights of a place are
// asked when it is judged.
func (c *Corrector) runsBefore(text []charlm.Class) float32 {
	var found [charlm.LongestRun]float32
	sum := float32(0)
	for i, v := range found[:c.model.Runs(text, &found)] {
		sum += c.config.Han.Runs[i] * v
	}
	return sum
}

// runsAround is the weighted sum over the runs that hold the class at a place.
func (c *Corrector) runsAround(text []charlm.Class, at int, w *Weights) float32 {
	sum := float32(0)
	var found [charlm.LongestRun]float32
	for end := at; end < min(len(text), at+charlm.LongestRun); end++ {
		n := c.model.Runs(text[max(0, end+1-charlm.LongestRun):end+1], &found)
		for i := end - at; i < n; i++ {
			sum += w.Runs[i] * found[i]
		}
		if text[end] == charlm.Break {
			break
		}
	}
	return sum
}
