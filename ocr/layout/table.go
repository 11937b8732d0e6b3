package layout

import (
	"cmp"
	"slices"

	"github.com/courtsense/courtsense/ocr"
)

// table is a table and its cells in reading order.
type table struct {
	outline    []ocr.Point // on the page
	confidence float32
	cells      []cell
}

// cell is a cell with text.
type cell struct {
	row, column int
	outline     []ocr.Point // on the page
	rows        [][]int
}

// readTable reads the cells row by row.
func (s *sheet) readTable(t *table) {
	region := ocr.Region{Kind: ocr.RegionTable, Outline: t.outline, Confidence: t.confidence}
	at := len(s.regions)
	s.regions = append(s.regions, region)
	for _, c := range t.cells {
		s.groups = append(s.groups, group{rows: c.rows, cell: true})
		lines := slices.Concat(c.rows...)
		s.regions = append(s.regions, ocr.Region{
			Kind: ocr.RegionCell, Outline: c.outline, Confidence: t.confidence, Lines: lines, Row: c.row, Column: c.column,
		})
		s.regions[at].Lines = append(s.regions[at].Lines, lines...)
	}
}

// Confidence in a table: one with rules is seen, one without is concluded. They only order the two.
const (
	ruledConfidence   = 0.95
	alignedConfidence = 0.6
)

// A table without rules: rows of two columns may just be labels and values, so more of them are asked for.
const (
	rowsOfMany = 3
	rowsOfTwo  = 6
)

// alignedTable takes the first rows of a run that share gaps as a table, when most of them fill several columns. A row that
// leaves the first column empty, and most others too, goes on with the cells of the row above it.
func (s *sheet) alignedTable(rows []row, gaps []gap) (t *table, end int, ok bool) {
	column := func(b box) int {
		middle := (b.x0 + b.x1) / 2
		n, _ := slices.BinarySearchFunc(gaps, middle, func(g gap, x float64) int { return cmp.Compare((g.x0+g.x1)/2, x) })
		return n
	}
	filled := 0
	for i, r := range rows {
		if slices.ContainsFunc(r.items, func(it item) bool { return it.table != nil }) {
			break
		}
		if column(r.items[0].box) != column(r.items[len(r.items)-1].box) {
			filled++
			end = i + 1
		}
	}
	if end == 0 {
		return nil, 0, false
	}
	continues := func(i int) bool {
		n := len(rows[i].items)
		return column(rows[i].items[0].box) > 0 && (n == 1 || 2*n < len(gaps)+1) && rows[i].box.y0-rows[i-1].box.y1 < 0.8*s.em
	}
	for end < len(rows) && continues(end) && rows[end].items[0].table == nil {
		end++
	}
	least := rowsOfMany
	if len(gaps) == 1 {
		least = rowsOfTwo
	}
	if len(gaps) == 0 || filled < least || 10*filled < 6*end {
		return nil, 0, false
	}
	t = &table{confidence: alignedConfidence}
	cells := map[[2]int][]int{}
	n := -1
	for i, r := range rows[:end] {
		if i == 0 || !continues(i) {
			n++
		}
		for _, it := range r.items {
			key := [2]int{n, column(it.box)}
			cells[key] = append(cells[key], it.lines...)
		}
	}
	var all []int
	for _, lines := range cells {
		all = append(all, lines...)
	}
	t.outline = s.around(all)
	s.fill(t, cells, func(_ [2]int, lines []int) []ocr.Point { return s.around(lines) })
	return t, end, true
}

// around is the outline around lines.
func (s *sheet) around(lines []int) []ocr.Point {
	b := nowhere
	for _, i := range lines {
		b = b.union(s.upright[i])
	}
	return b.outline()
}

// fill puts cells, by row and column, into the table in reading order.
func (s *sheet) fill(t *table, cells map[[2]int][]int, outline func(key [2]int, lines []int) []ocr.Point) {
	keys := make([][2]int, 0, len(cells))
	for k := range cells {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	for _, k := range keys {
		t.cells = append(t.cells, cell{row: k[0], column: k[1], outline: outline(k, cells[k]), rows: s.cellRows(cells[k])})
	}
}

// cellRows reads a cell's lines; vertical ones from right to left.
func (s *sheet) cellRows(lines []int) [][]int {
	down := 0
	for _, i := range lines {
		if s.page.Lines[i].Vertical {
			down++
		}
	}
	if s.vertical || down < len(lines) {
		return s.lineRows(lines)
	}
	sorted := slices.Clone(lines)
	slices.SortStableFunc(sorted, func(a, b int) int { return cmp.Compare(s.boxes[b].x0, s.boxes[a].x0) })
	out := make([][]int, len(sorted))
	for k, i := range sorted {
		out[k] = []int{i}
	}
	return out
}
