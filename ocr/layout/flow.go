package layout

import (
	"cmp"
	"slices"
	"unicode"
)

// items are the lines of the body; vertical ones on a page that runs across, one block for each bunch of columns.
func (s *sheet) items(lines []int) []item {
	var out []item
	var other []int
	for _, i := range lines {
		if s.page.Lines[i].Vertical && !s.vertical {
			other = append(other, i)
			continue
		}
		out = append(out, item{box: s.boxes[i], lines: []int{i}})
	}
	// From right to left; a column joins the bunch when it is close beside it.
	slices.SortStableFunc(other, func(a, b int) int {
		return cmp.Or(cmp.Compare(s.boxes[b].x1, s.boxes[a].x1), cmp.Compare(s.boxes[a].y0, s.boxes[b].y0))
	})
	first := len(out)
	for _, i := range other {
		b := s.boxes[i]
		if n := len(out); n > first {
			last := &out[n-1]
			overlap := min(last.box.y1, b.y1) - max(last.box.y0, b.y0)
			if last.box.x0-b.x1 < 2*s.em && overlap > 0.5*min(last.box.height(), b.height()) {
				last.box = last.box.union(b)
				last.lines = append(last.lines, i)
				continue
			}
		}
		out = append(out, item{box: b, lines: []int{i}})
	}
	return out
}

// acrossVertical takes out of a page of vertical text what runs across above it, such as a title, and below it.
func (s *sheet) acrossVertical(lines []int) (above, rest, below []int) {
	var tops, bottoms []float64
	for _, i := range lines {
		if s.page.Lines[i].Vertical {
			tops = append(tops, s.upright[i].y0)
			bottoms = append(bottoms, s.upright[i].y1)
		}
	}
	top, bottom := quantile(tops, 0.1), quantile(bottoms, 0.9)
	for _, i := range lines {
		b := s.upright[i]
		middle := (b.y0 + b.y1) / 2
		switch {
		case s.page.Lines[i].Vertical:
			rest = append(rest, i)
		case middle < top:
			above = append(above, i)
		case middle > bottom:
			below = append(below, i)
		default:
			rest = append(rest, i)
		}
	}
	order := func(v []int) {
		slices.SortStableFunc(v, func(a, b int) int { return cmp.Compare(s.upright[a].y0, s.upright[b].y0) })
	}
	order(above)
	order(below)
	return above, rest, below
}

// deepest bounds columns within columns.
const deepest = 6

// flow reads items from top to bottom. Where rows share a gap, they are columns of text or a table without rules.
func (s *sheet) flow(items []item) { s.flowIn(items, 0) }

func (s *sheet) flowIn(items []item, depth int) {
	rows := rowsOf(items, s.em)
	var open group
	flush := func() {
		if len(open.rows) > 0 {
			s.groups = append(s.groups, open)
		}
		open = group{}
	}
	for i := 0; i < len(rows); {
		to, gaps := s.aligned(rows, i)
		if left, right, ok := s.columns(rows[i:to], gaps, depth); ok {
			flush()
			s.flowIn(left, depth+1)
			s.flowIn(right, depth+1)
			i = to
			continue
		}
		if t, end, ok := s.alignedTable(rows[i:to], gaps); ok {
			flush()
			s.readTable(t)
			i += end
			continue
		}
		for ; i < to; i++ {
			var line []int
			apart := func() {
				if len(line) > 0 {
					open.rows = append(open.rows, line)
				}
				line = nil
			}
			for _, it := range rows[i].items {
				switch {
				case it.table != nil:
					apart()
					flush()
					s.readTable(it.table)
				case len(it.lines) > 1: // vertical columns
					apart()
					flush()
					for _, l := range it.lines {
						open.rows = append(open.rows, []int{l})
					}
					flush()
				default:
					line = append(line, it.lines...)
				}
			}
			apart()
		}
	}
	flush()
}

// gap is a range of x that no item of some rows reaches into.
type gap struct{ x0, x1 float64 }

// smallestGap, in characters, parts columns; blanks in running text are smaller.
const smallestGap = 1.0

// aligned returns where the run of rows from row i on ends that share gaps. When row i does not begin one, the run is that
// row alone.
func (s *sheet) aligned(rows []row, i int) (to int, gaps []gap) {
	gaps = s.gapsAt(rows, i)
	if len(gaps) == 0 {
		return i + 1, nil
	}
	for to = i + 1; to < len(rows); to++ {
		left := s.clear(gaps, rows[to])
		if len(left) == 0 {
			break
		}
		gaps = left
	}
	return to, gaps
}

// gapsAt are the gaps inside row i, or between it and the next one when they overlap in height without being one row, as
// columns of different line spacing do.
func (s *sheet) gapsAt(rows []row, i int) []gap {
	items := rows[i].items
	if len(items) == 1 && i+1 < len(rows) && items[0].table == nil {
		a, b := rows[i].box, rows[i+1].box
		if overlap := min(a.y1, b.y1) - max(a.y0, b.y0); overlap > 0.2*s.em && (a.x1 < b.x0 || b.x1 < a.x0) {
			items = append(slices.Clone(items), rows[i+1].items...)
			slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(a.box.x0, b.box.x0) })
		}
	}
	var out []gap
	for k := 1; k < len(items); k++ {
		if items[k].table != nil || items[k-1].table != nil {
			continue
		}
		if g := (gap{items[k-1].box.x1, items[k].box.x0}); g.x1-g.x0 >= smallestGap*s.em {
			out = append(out, g)
		}
	}
	return out
}

// clear keeps what of the gaps the row leaves open. Both are sorted from left to right.
func (s *sheet) clear(gaps []gap, r row) []gap {
	var out []gap
	k := 0
	for _, g := range gaps {
		open, whole := true, g
		for k > 0 && r.items[k-1].box.x1 > g.x0 {
			k--
		}
		for ; k < len(r.items) && r.items[k].box.x0 < g.x1; k++ {
			b := r.items[k].box
			switch {
			case b.x1 <= g.x0:
			case b.x0 <= g.x0 && b.x1 >= g.x1, r.items[k].table != nil:
				open = false
			case b.x0 <= g.x0:
				g.x0 = b.x1
			case b.x1 >= g.x1:
				g.x1 = b.x0
			default: // inside the gap: two gaps, of which the wider one goes on
				if b.x0-g.x0 > g.x1-b.x1 {
					g.x1 = b.x0
				} else {
					g.x0 = b.x1
				}
			}
		}
		if open && g.x1-g.x0 >= 0.8*smallestGap*s.em {
			out = append(out, g)
		} else if r.parts(whole, s.em) {
			out = append(out, whole)
		}
	}
	return out
}

// How far, in characters, the end of a line may reach over the edge of a gap; and what a line alone must leave of it, or two lines
// may overlap in it at most.
const (
	strayInto = 1.5
	leftOpen  = 0.2
)

// parts tells whether the row parts near a gap, though an end of a line was found too long, as over a seal's arc or where two
// lines were taken for one.
func (r row) parts(g gap, em float64) bool {
	if len(r.items) == 1 {
		left, right := r.box.x1-g.x0, g.x1-r.box.x0
		return left <= strayInto*em && r.box.x1 <= g.x1-leftOpen*em || right <= strayInto*em && r.box.x0 >= g.x0+leftOpen*em
	}
	for k := 1; k < len(r.items); k++ {
		from, to := r.items[k-1].box.x1, r.items[k].box.x0
		if to-from > -leftOpen*em && from <= g.x0+strayInto*em && to >= g.x1-strayInto*em {
			return true
		}
	}
	return false
}

// Columns of text: how wide they are at least, in characters, how many lines they have at least, and how much of the column
// its middle line fills.
const (
	narrowestColumn = 9
	shortestColumn  = 4
	fullLine        = 0.85
)

// Columns as three on a page are narrower: as wide as a table's dates or numbers, but made of Chinese characters, and long.
const (
	narrowestOfMany = 6.5
	longColumn      = 10
	mostlyHan       = 0.6 // share of the characters
)

// columns parts rows at the first gap that has running text on both sides.
func (s *sheet) columns(rows []row, gaps []gap, depth int) (left, right []item, ok bool) {
	if depth == deepest || len(rows) < shortestColumn {
		return nil, nil, false
	}
	// A run of many gaps is a table; looking at a few bounds the time.
	for k, g := range gaps[:min(len(gaps), 4)] {
		left, right = nil, nil
		// Only what is next to the gap is looked at: beyond it, lines of further columns need not be level with these.
		var before, behind []item
		for _, r := range rows {
			for _, it := range r.items {
				if it.box.x0+it.box.x1 < g.x0+g.x1 {
					left = append(left, it)
					if k == 0 || it.box.x1 > gaps[k-1].x1 {
						before = append(before, it)
					}
				} else {
					right = append(right, it)
					if k == len(gaps)-1 || it.box.x0 < gaps[k+1].x0 {
						behind = append(behind, it)
					}
				}
			}
		}
		if s.running(before) && s.running(behind) {
			return left, right, true
		}
	}
	return nil, nil, false
}

// running tells running text: enough lines, most of which fill their column.
func (s *sheet) running(items []item) bool {
	rows := rowsOf(items, s.em)
	if len(rows) < shortestColumn {
		return false
	}
	widths := make([]float64, len(rows))
	ink := 0.0
	for i, r := range rows {
		widths[i] = r.box.width()
		for _, it := range r.items {
			ink += it.box.width()
		}
	}
	full := quantile(widths, 0.9)
	// A table's rows are wide too, but mostly gaps.
	total := 0.0
	for _, w := range widths {
		total += w
	}
	wide := full >= narrowestColumn*s.em || full >= narrowestOfMany*s.em && len(rows) >= longColumn && s.chinese(items)
	return wide && median(widths) >= fullLine*full && ink > 0.85*total
}

// chinese tells whether most of the characters of lines are Chinese ones.
func (s *sheet) chinese(items []item) bool {
	han, all := 0, 0
	for _, it := range items {
		for _, i := range it.lines {
			for _, r := range s.page.Lines[i].Text {
				if all++; unicode.Is(unicode.Han, r) {
					han++
				}
			}
		}
	}
	return float64(han) >= mostlyHan*float64(all)
}
