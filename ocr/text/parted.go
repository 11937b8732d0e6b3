package text

import (
	"math"
	"slices"
)

// Two lines of one core: what joins them is at most partBridge of the shorter one's cells in a row, both are at least
// partAspect times as long as all is high, and where the shorter one is, partBeside of it lies beside the other. An arch or an S has cells
// on one side only at most places.
const (
	partBridge = 0.35
	partAspect = 0.5
	partBeside = 0.6
	// A core partHigh times as thick as usual is looked at above partLevels too: where lines grew together along much of their length,
	// the gap between them is only less probable.
	partHigh = 1.45
)

var partLevels = [...]float32{0.75, 0.85, 0.92}

// parted cuts a component in which lines that stand close have grown together at a few places, at the emptiest row between
// two fuller ones; false when it is one line.
func (w *dbWorkspace) parted(runs []int32, core rect, s dbSettings) (one, other []int32, ok bool) {
	long, high := core.width, core.height
	along, across := core.along, core.across()
	if high > long {
		long, high = high, long
		along, across = across, along.times(-1)
	}
	if high < 2*s.minSide+1 {
		return nil, nil, false
	}
	start := core.centre.minus(along.times(long / 2)).minus(across.times(high / 2))
	n, places := int(math.Ceil(high)), int(math.Ceil(long))
	w.across, w.sides = zeroed(w.across, n), zeroed(w.sides, places)
	w.eachCell(runs, func(x, y int32) {
		w.across[row(start, across, x, y, n)]++
	})
	upper, lower, found := emptiest(w.across)
	for _, level := range partLevels {
		if found || w.usual == 0 || high < partHigh*w.usual {
			break
		}
		clear(w.across)
		w.eachCell(runs, func(x, y int32) {
			if w.prob[int(y)*w.width+int(x)] > level {
				w.across[row(start, across, x, y, n)]++
			}
		})
		upper, lower, found = emptiest(w.across)
	}
	if !found {
		return nil, nil, false
	}
	side := func(x, y int32) byte {
		switch at := row(start, across, x, y, n); {
		case at < upper:
			return 1
		case at >= lower:
			return 2
		}
		return 0
	}
	w.eachCell(runs, func(x, y int32) {
		w.sides[row(start, along, x, y, places)] |= side(x, y)
	})
	var first, second, both float64
	for _, s := range w.sides {
		first, second = first+float64(s&1), second+float64(s>>1)
		if s == 3 {
			both++
		}
	}
	if shorter := min(first, second); shorter < partAspect*high || both < partBeside*shorter {
		return nil, nil, false
	}
	for _, i := range runs {
		r := w.runs[i]
		for from := r.from; from < r.to; {
			on := side(from, r.y)
			to := from + 1
			for to < r.to && side(to, r.y) == on {
				to++
			}
			if on != 0 {
				w.runs = append(w.runs, run{r.y, from, to})
			}
			switch added := int32(len(w.runs) - 1); on {
			case 1:
				one = append(one, added)
			case 2:
				other = append(other, added)
			}
			from = to
		}
	}
	return one, other, true
}

// usualCore returns the median thickness of the cores that are long; 0 where there are none.
func (w *dbWorkspace) usualCore(s dbSettings) float64 {
	w.thickness = w.thickness[:0]
	for i := range w.count() {
		core := smallestRect(w.outlineHull(w.component(i)))
		if long, high := max(core.width, core.height), min(core.width, core.height); high >= s.minSide && long > curvedAspect*high {
			w.thickness = append(w.thickness, high)
		}
	}
	if len(w.thickness) == 0 {
		return 0
	}
	slices.Sort(w.thickness)
	return w.thickness[len(w.thickness)/2]
}

// eachCell calls f for every cell of a component.
func (w *dbWorkspace) eachCell(runs []int32, f func(x, y int32)) {
	for _, i := range runs {
		r := w.runs[i]
		for x := r.from; x < r.to; x++ {
			f(x, r.y)
		}
	}
}

// row returns how far a cell is from start in a direction, in whole cells from 0 to n-1.
func row(start, direction vec, x, y int32, n int) int {
	return min(max(int(vec{float64(x) + 0.5, float64(y) + 0.5}.minus(start).dot(direction)), 0), n-1)
}

// emptiest returns the stretch of rows, around the one with the fewest cells for what is fuller on both its sides, that belongs to
// neither of them; false when none is empty enough.
func emptiest(rows []int) (from, to int, ok bool) {
	best, share, most := -1, partBridge, 0.0
	for y := 1; y < len(rows)-1; y++ {
		lower := min(slices.Max(rows[:y]), slices.Max(rows[y+1:]))
		if lower > 0 && float64(rows[y])/float64(lower) < share {
			best, share, most = y, float64(rows[y])/float64(lower), partBridge*float64(lower)
		}
	}
	if best < 0 {
		return 0, 0, false
	}
	from, to = best, best+1
	for from > 0 && float64(rows[from-1]) <= most {
		from--
	}
	for to < len(rows) && float64(rows[to]) <= most {
		to++
	}
	return from, to, true
}

func zeroed[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}
