package layout

import (
	"cmp"
	"math"
	"slices"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// grid is a bunch of rulings that touch each other.
type grid struct {
	horizontal, vertical []ruling
	box                  box
	rows, columns        []float64 // where rows and columns begin, by the rulings
}

// ruledTables finds tables by their rules, and takes their lines out of the body.
func (s *sheet) ruledTables(picture *imaging.Raster, body []int) (items []item, rest []int) {
	if picture == nil || picture.Validate() != nil || len(body) == 0 {
		return nil, body
	}
	grids := s.gridsOf(picture)
	inside := make([][]int, len(grids))
	for _, i := range body {
		x, y := middle(s.straight[i])
		best := -1
		for k, g := range grids {
			// Of nested grids the inner one counts.
			if g.box.holds(x, y) && (best < 0 || g.box.width()*g.box.height() < grids[best].box.width()*grids[best].box.height()) {
				best = k
			}
		}
		if best < 0 {
			rest = append(rest, i)
			continue
		}
		inside[best] = append(inside[best], i)
	}
	for k, g := range grids {
		t, ok := s.tableOf(g, inside[k])
		if !ok {
			rest = append(rest, inside[k]...)
			continue
		}
		it := item{table: t, box: s.boxes[inside[k][0]], lines: inside[k]}
		for _, i := range inside[k] {
			it.box = it.box.union(s.boxes[i])
		}
		items = append(items, it)
	}
	slices.Sort(rest)
	return items, rest
}

func middle(b box) (x, y float64) { return (b.x0 + b.x1) / 2, (b.y0 + b.y1) / 2 }

func (b box) holds(x, y float64) bool { return x > b.x0 && x < b.x1 && y > b.y0 && y < b.y1 }

// ruledCell is what the rules say of a cell.
type ruledCell struct {
	row, column int
	bottom      float64
	box         box
	lines       []int
}

// tableOf sorts the lines into the grid's cells. Fewer than two cells beside each other are a frame, not a table.
func (s *sheet) tableOf(g grid, lines []int) (*table, bool) {
	found := map[[2]int]*ruledCell{}
	columns := map[int]bool{}
	for _, i := range lines {
		x, y := middle(s.straight[i])
		c := g.cellAt(x, y, s.em)
		key := [2]int{c.row, c.column}
		columns[c.column] = true
		if found[key] == nil {
			found[key] = &c
		}
		f := found[key]
		f.lines = append(f.lines, i)
		f.box = f.box.union(c.box)
	}
	if len(columns) < 2 {
		return nil, false
	}
	outline := func(b box) []ocr.Point {
		out := b.outline()
		for i := range out {
			out[i] = s.plumb.back(out[i])
		}
		return out
	}
	t := &table{outline: outline(g.box), confidence: ruledConfidence}
	cells := map[[2]int][]int{}
	boxes := map[[2]int]box{}
	added := 0 // rows that have no rules between them, so far
	for n := range g.rows {
		var row []*ruledCell
		for _, c := range found {
			if c.row == n {
				row = append(row, c)
			}
		}
		slices.SortFunc(row, func(a, b *ruledCell) int { return cmp.Compare(a.column, b.column) })
		parts := s.unruledRows(row)
		for _, c := range row {
			for _, i := range c.lines {
				key := [2]int{n + added + parts[i], c.column}
				cells[key] = append(cells[key], i)
				boxes[key] = c.box
			}
		}
		most := 0
		for _, k := range parts {
			most = max(most, k)
		}
		added += most
	}
	s.fill(t, cells, func(k [2]int, _ []int) []ocr.Point { return outline(boxes[k]) })
	return t, true
}

// unruledRows tells the rows of a ruled row whose cells hold a list each, as invoices' do: items below each other without a
// rule between them, side by side with their quantities and prices. Lines that it does not name are in the first row.
func (s *sheet) unruledRows(row []*ruledCell) map[int]int {
	const (
		fewestCells = 3
		filled      = 0.8 // of all places; wrapped text leaves more of them empty
	)
	if len(row) < fewestCells {
		return nil
	}
	bottom := row[0].bottom
	for _, c := range row {
		bottom = min(bottom, c.bottom)
	}
	var items, high []item
	cellsOf := 0
	for _, c := range row {
		if c.bottom-bottom > s.em { // it reaches over several rows
			continue
		}
		cellsOf++
		for _, i := range c.lines {
			it := item{box: s.straight[i], lines: []int{i}}
			// What was found as one column, such as the units of several items, stands on no row.
			if it.box.height() > 1.6*s.em {
				high = append(high, it)
				continue
			}
			items = append(items, it)
		}
	}
	rows, stray := fullRows(rowsOf(items, s.em))
	places := cellsOf * len(rows)
	for _, it := range high { // it takes the places of the rows that it reaches, two at least
		reached := 0
		for _, r := range rows {
			if _, y := middle(r.box); y > it.box.y0 && y < it.box.y1 {
				reached++
			}
		}
		places -= max(reached, 2)
	}
	if cellsOf < fewestCells || len(rows) < 2 || float64(len(items)-len(stray)) < filled*float64(places) {
		return nil
	}
	out := map[int]int{}
	for k, r := range rows {
		for _, it := range r.items {
			out[it.lines[0]] = k
		}
	}
	for _, it := range stray {
		_, y := middle(it.box)
		out[it.lines[0]] = nearestRow(rows, y)
	}
	for _, it := range high {
		// With the first row that it reaches.
		k := 0
		for k < len(rows)-1 && (rows[k].box.y0+rows[k].box.y1)/2 < it.box.y0 {
			k++
		}
		out[it.lines[0]] = k
	}
	return out
}

// fullRows parts rows from what stands on a row of its own, such as a misread mark between two of them, where rows have several items.
func fullRows(all []row) (rows []row, stray []item) {
	for _, r := range all {
		if len(r.items) > 1 {
			rows = append(rows, r)
		} else {
			stray = append(stray, r.items...)
		}
	}
	return rows, stray
}

// nearestRow is the index of the row whose middle is nearest to a height.
func nearestRow(rows []row, y float64) int {
	best, nearest := 0, math.Inf(1)
	for k, r := range rows {
		if _, at := middle(r.box); math.Abs(at-y) < nearest {
			best, nearest = k, math.Abs(at-y)
		}
	}
	return best
}

// cellAt is the cell between the nearest rulings around a point; where a side has none, as with tables that are open left
// and right, the grid's own edge.
func (g grid) cellAt(x, y, em float64) ruledCell {
	c := ruledCell{box: g.box, bottom: g.box.y1}
	top, left := g.box.y0, g.box.x0
	for _, r := range g.horizontal {
		if x < r.from-em/3 || x > r.to+em/3 {
			continue
		}
		if v := r.at(x); v <= y && v >= c.box.y0 {
			c.box.y0, top = v, r.middle()
		} else if v > y && v <= c.box.y1 {
			c.box.y1, c.bottom = v, r.middle()
		}
	}
	for _, r := range g.vertical {
		if y < r.from-em/3 || y > r.to+em/3 {
			continue
		}
		if v := r.at(y); v <= x && v >= c.box.x0 {
			c.box.x0, left = v, r.middle()
		} else if v > x && v <= c.box.x1 {
			c.box.x1 = v
		}
	}
	c.row, c.column = index(g.rows, top), index(g.columns, left)
	return c
}

// index is the place of the start that is nearest to v.
func index(starts []float64, v float64) int {
	best := 0
	for k, at := range starts {
		if math.Abs(at-v) < math.Abs(starts[best]-v) {
			best = k
		}
	}
	return best
}

// straightened takes the skew and perspective of the page out of a ruling.
func (s *sheet) straightened(r ruling, horizontal bool) ruling {
	a, b := ocr.Point{X: float32(r.from), Y: float32(r.atFrom)}, ocr.Point{X: float32(r.to), Y: float32(r.atTo)}
	if !horizontal {
		a, b = ocr.Point{X: a.Y, Y: a.X}, ocr.Point{X: b.Y, Y: b.X}
	}
	a, b = s.plumb.apply(a), s.plumb.apply(b)
	if !horizontal {
		a, b = ocr.Point{X: a.Y, Y: a.X}, ocr.Point{X: b.Y, Y: b.X}
	}
	return ruling{from: float64(a.X), to: float64(b.X), atFrom: float64(a.Y), atTo: float64(b.Y)}
}

// fold tells the shadow of a fold from a rule: it runs through text, where a rule has text beside it.
func (s *sheet) fold(v ruling) bool {
	const fewest = 3 // lines that it runs through
	through, beside := 0, 0
	for i, b := range s.straight {
		_, y := middle(b)
		if !s.finite(i) || y < v.from || y > v.to {
			continue
		}
		x := v.at(y)
		switch {
		case x > b.x0+0.7*s.em && x < b.x1-0.7*s.em:
			through++
		case x > b.x0-2*s.em && x < b.x1+2*s.em:
			beside++
		}
	}
	return through >= fewest && through > beside
}

// held keeps the rulings that are part of a grid: both ends meet one of the other direction, or the grid's edge. A row of
// strokes beside a rule meets it at one end at the most.
func held(all, across []ruling, from, to, em float64) []ruling {
	meets := func(along, at float64) bool {
		if math.Abs(along-from) < em || math.Abs(along-to) < em {
			return true
		}
		for _, o := range across {
			if math.Abs(o.at(at)-along) < em/2 && at > o.from-em/2 && at < o.to+em/2 {
				return true
			}
		}
		return false
	}
	return slices.DeleteFunc(all, func(r ruling) bool { return !meets(r.from, r.atFrom) || !meets(r.to, r.atTo) })
}

// gridsOf joins the picture's rulings into grids. One needs rules in both directions.
func (s *sheet) gridsOf(picture *imaging.Raster) []grid {
	em := s.em
	horizontal, vertical := rulingsOf(picture, em)
	for i, r := range horizontal {
		horizontal[i] = s.straightened(r, true)
	}
	for i, r := range vertical {
		vertical[i] = s.straightened(r, false)
	}
	vertical = slices.DeleteFunc(vertical, s.fold)
	parent := make([]int, len(horizontal)+len(vertical))
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	reach := em / 2
	for i, h := range horizontal {
		for k, v := range vertical {
			x := v.at(h.middle())
			y := h.at(x)
			if x >= h.from-reach && x <= h.to+reach && y >= v.from-reach && y <= v.to+reach {
				a, b := find(i), find(len(horizontal)+k)
				parent[max(a, b)] = min(a, b)
			}
		}
	}
	byRoot := map[int]*grid{}
	at := func(i int) *grid {
		g := byRoot[find(i)]
		if g == nil {
			g = &grid{box: nowhere}
			byRoot[find(i)] = g
		}
		return g
	}
	for i, h := range horizontal {
		g := at(i)
		g.horizontal = append(g.horizontal, h)
		g.box = g.box.union(box{h.from, min(h.atFrom, h.atTo), h.to, max(h.atFrom, h.atTo)})
	}
	for k, v := range vertical {
		g := at(len(horizontal) + k)
		g.vertical = append(g.vertical, v)
		g.box = g.box.union(box{min(v.atFrom, v.atTo), v.from, max(v.atFrom, v.atTo), v.to})
	}
	var out []grid
	for _, g := range byRoot {
		horizontal := held(slices.Clone(g.horizontal), g.vertical, g.box.x0, g.box.x1, em)
		g.vertical = held(g.vertical, g.horizontal, g.box.y0, g.box.y1, em)
		g.horizontal = horizontal
		if len(g.horizontal) < 2 || len(g.vertical) < 1 {
			continue
		}
		g.rows = starts(g.horizontal, g.box.y0, g.box.y1, em)
		g.columns = starts(g.vertical, g.box.x0, g.box.x1, em)
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b grid) int {
		return cmp.Or(cmp.Compare(a.box.y0, b.box.y0), cmp.Compare(a.box.x0, b.box.x0), cmp.Compare(a.box.y1, b.box.y1), cmp.Compare(a.box.x1, b.box.x1))
	})
	return out
}

// starts are the different places of rulings, and the grid's first edge where it is open; the last edge begins nothing.
func starts(rulings []ruling, first, last, em float64) []float64 {
	places := make([]float64, len(rulings))
	for i, r := range rulings {
		places[i] = r.middle()
	}
	slices.Sort(places)
	var out []float64
	for _, m := range places {
		switch {
		case len(out) == 0 && m-first > em:
			out = append(out, first, m)
		case len(out) == 0, m-out[len(out)-1] > 0.6*em && last-m > em:
			out = append(out, m)
		}
	}
	return out
}
