package text

import "math"

// Two lines of one core: what joins them is at most partBridge of the shorter one's cells in a row, both are at least
// partAspect times as long as all is high, and where the shorter one is, partBeside of it lies beside the other. An arch or an S has cells
// on one side only at most places.
const (
	partBridge = 0.35
	partAspect = 0.5
	partBeside = 0.6
)

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
	cut := emptiest(w.across)
	if cut < 0 {
		return nil, nil, false
	}
	w.eachCell(runs, func(x, y int32) {
		side := byte(1)
		if row(start, across, x, y, n) >= cut {
			side = 2
		}
		w.sides[row(start, along, x, y, places)] |= side
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
			below := row(start, across, from, r.y, n) >= cut
			to := from + 1
			for to < r.to && row(start, across, to, r.y, n) >= cut == below {
				to++
			}
			w.runs = append(w.runs, run{r.y, from, to})
			if added := int32(len(w.runs) - 1); below {
				other = append(other, added)
			} else {
				one = append(one, added)
			}
			from = to
		}
	}
	return one, other, true
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

// emptiest returns the row with the fewest cells for what is fuller on both its sides; -1 when none is empty enough.
func emptiest(rows []int) int {
	best, share := -1, partBridge
	for y := 1; y < len(rows)-1; y++ {
		before, after := 0, 0
		for _, n := range rows[:y] {
			before = max(before, n)
		}
		for _, n := range rows[y+1:] {
			after = max(after, n)
		}
		if lower := min(before, after); lower > 0 && float64(rows[y])/float64(lower) < share {
			best, share = y, float64(rows[y])/float64(lower)
		}
	}
	return best
}

func zeroed[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}
