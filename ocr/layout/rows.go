package layout

import (
	"cmp"
	"math"
	"slices"
)

// item is what keeps together in the flow of a page: a line, a table, a block of lines in the other direction.
type item struct {
	box   box
	lines []int // in reading order
	table *table
}

// row is a list of items beside each other, from left to right.
type row struct {
	box   box
	items []item
}

// tall is the height, in characters, from which an item no longer stands on a row but hangs down from it.
const tall = 2.5

// level is where an item stands: its middle, or for a tall one half a character below its top.
func (it item) level(em float64) float64 {
	if it.box.height() > tall*em {
		return it.box.y0 + em/2
	}
	return (it.box.y0 + it.box.y1) / 2
}

// rowsOf puts items that stand at the same level into rows, from top to bottom.
func rowsOf(items []item, em float64) []row {
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.level(em), b.level(em)), cmp.Compare(a.box.x0, b.box.x0), cmp.Compare(a.box.x1, b.box.x1))
	})
	type open struct {
		row
		level, height float64 // of the item that was added last
	}
	var rows []open
	// A page that is bent lets rows interleave a little: an item may belong to one of the last few rows.
	const recent = 3
	for _, it := range sorted {
		level, height := it.level(em), min(it.box.height(), tall*em)
		best, nearest := -1, math.Inf(1)
		for k := max(len(rows)-recent, 0); k < len(rows); k++ {
			r := &rows[k]
			d := math.Abs(level - r.level)
			if d > 0.5*min(height, r.height) || d >= nearest || r.covers(it.box, em) {
				continue
			}
			best, nearest = k, d
		}
		if best < 0 {
			rows = append(rows, open{row: row{box: it.box, items: []item{it}}, level: level, height: height})
			continue
		}
		r := &rows[best]
		r.items = append(r.items, it)
		r.box = r.box.union(it.box)
		r.level, r.height = level, height
	}
	out := make([]row, len(rows))
	for k := range rows {
		out[k] = rows[k].row
		slices.SortStableFunc(out[k].items, func(a, b item) int { return cmp.Compare(a.box.x0+a.box.x1, b.box.x0+b.box.x1) })
	}
	return out
}

// covers tells whether an item of the row already stands where b is. Only the last few are looked at: they are the ones
// at nearly the same level.
func (r row) covers(b box, em float64) bool {
	const near = 8
	for k := len(r.items) - 1; k >= max(len(r.items)-near, 0); k-- {
		o := r.items[k].box
		overlap := min(b.x1, o.x1) - max(b.x0, o.x0)
		if overlap > max(0.5*em, 0.3*min(b.width(), o.width())) {
			return true
		}
	}
	return false
}
