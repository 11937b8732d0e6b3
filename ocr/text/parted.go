package text

import (
	"cmp"
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
	// Rows of a thick core that hold less than slimShare of the fullest row's cells stick out of it.
	slimShare = 0.25
	// Entries that grew together are at most stackWidest usual cores wide, and each is stackAspect times as wide as high.
	stackWidest = 6
	stackAspect = 1.15
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
	one, other = w.cut(runs, side)
	return one, other, true
}

// cut sorts the cells of a component by side, which gives 1 or 2, or 0 for what belongs to neither.
func (w *dbWorkspace) cut(runs []int32, side func(x, y int32) byte) (one, other []int32) {
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
	return one, other
}

// slimmed takes off what sticks out of a straight line's core above and below: a stamp's rim that crosses it, a stroke of a pen. False where
// nothing does. It is for long cores that are partHigh times as thick as usual, and would otherwise give a box as high as two lines.
func (w *dbWorkspace) slimmed(runs []int32, core rect, s dbSettings) ([]int32, bool) {
	if high := min(core.width, core.height); w.usual == 0 || high < partHigh*w.usual || max(core.width, core.height) < curvedAspect*high {
		return nil, false
	}
	// The smallest rectangle leans towards what sticks out; the cells' own direction hardly does.
	across := w.direction(runs)
	across = vec{-across.y, across.x}
	low, high := math.Inf(1), math.Inf(-1)
	w.eachCell(runs, func(x, y int32) {
		at := vec{float64(x) + 0.5, float64(y) + 0.5}.dot(across)
		low, high = min(low, at), max(high, at)
	})
	start := across.times(low - 0.5)
	high += 1 - low
	n := int(math.Ceil(high))
	w.across = zeroed(w.across, n)
	w.eachCell(runs, func(x, y int32) {
		w.across[row(start, across, x, y, n)]++
	})
	most := int(slimShare * float64(slices.Max(w.across)))
	from, to, taken := 0, n, 0
	for ; w.across[from] < most; from++ {
		taken += w.across[from]
	}
	for ; w.across[to-1] < most; to-- {
		taken += w.across[to-1]
	}
	if left := float64(to - from); left > partHigh*w.usual || left < s.minSide || taken == 0 {
		return nil, false
	}
	kept, _ := w.cut(runs, func(x, y int32) byte {
		if at := row(start, across, x, y, n); at >= from && at < to {
			return 1
		}
		return 0
	})
	return kept, true
}

// direction returns the one in which a component's cells are spread most.
func (w *dbWorkspace) direction(runs []int32) vec {
	var n, x, y, xx, xy, yy float64
	w.eachCell(runs, func(cx, cy int32) {
		px, py := float64(cx), float64(cy)
		n, x, y, xx, xy, yy = n+1, x+px, y+py, xx+px*px, xy+px*py, yy+py*py
	})
	x, y = x/n, y/n
	angle := math.Atan2(2*(xy/n-x*y), xx/n-x*x-yy/n+y*y) / 2
	return vec{math.Cos(angle), math.Sin(angle)}
}

// stacked parts a column of short entries, as numbers in a table's cells, that grew together because they could be a column of vertical
// writing: what is most probable in it lies in rows that are each wider than high. Nil where it is not so, as in vertical writing.
func (w *dbWorkspace) stacked(runs []int32, s dbSettings) (entries [][]int32) {
	top, bottom := w.runs[runs[0]].y, w.runs[runs[0]].y+1
	left, right := w.runs[runs[0]].from, w.runs[runs[0]].to
	for _, i := range runs {
		r := w.runs[i]
		top, bottom, left, right = min(top, r.y), max(bottom, r.y+1), min(left, r.from), max(right, r.to)
	}
	if w.usual == 0 || float64(bottom-top) < partHigh*w.usual || float64(right-left) > stackWidest*w.usual {
		return nil
	}
	for _, level := range partLevels {
		if entries = w.entriesAbove(runs, level, int(top), int(bottom), s); entries != nil {
			return entries
		}
	}
	return nil
}

// entriesAbove returns the cells above a level, parted at empty rows; nil if a part is not wider than high, or higher than usual.
func (w *dbWorkspace) entriesAbove(runs []int32, level float32, top, bottom int, s dbSettings) (entries [][]int32) {
	w.across = zeroed(w.across, bottom-top)
	w.eachCell(runs, func(x, y int32) {
		if w.prob[int(y)*w.width+int(x)] > level {
			w.across[int(y)-top]++
		}
	})
	for from := 0; from < len(w.across); from++ {
		if w.across[from] == 0 {
			continue
		}
		to := from
		for to < len(w.across) && w.across[to] > 0 {
			to++
		}
		part, _ := w.cut(runs[w.firstFrom(runs, top+from):w.firstFrom(runs, top+to)], func(x, y int32) byte {
			if w.prob[int(y)*w.width+int(x)] > level {
				return 1
			}
			return 0
		})
		left, right := w.runs[part[0]].from, w.runs[part[0]].to
		for _, i := range part {
			left, right = min(left, w.runs[i].from), max(right, w.runs[i].to)
		}
		high := float64(to - from)
		from = to
		if high < s.minSide {
			continue
		}
		if float64(right-left) < stackAspect*high || high > partHigh*w.usual {
			return nil
		}
		entries = append(entries, part)
	}
	return entries
}

// firstFrom returns the place of the first of a component's runs in row y or below. They are in order of their rows.
func (w *dbWorkspace) firstFrom(runs []int32, y int) int {
	at, _ := slices.BinarySearchFunc(runs, y, func(i int32, y int) int { return cmp.Compare(int(w.runs[i].y), y) })
	return at
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
