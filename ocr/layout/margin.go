package layout

import (
	"regexp"
	"slices"
	"strings"

	"github.com/courtsense/courtsense/ocr"
)

// pageNumber matches what stands alone in a margin: 3, - 3 -, 3/12, 第3页, 第 3 页 共 12 页.
var pageNumber = regexp.MustCompile(`^[-—–－·~\[(（ ]*(?:第?\s*[0-9０-９一二三四五六七八九十百]{1,5}\s*页?)(?:[\s,，/／]*[共of]*\s*[0-9０-９一二三四五六七八九十百]{1,5}\s*页?)?[-—–－·~\])） ]*$`)

// paged matches a page number that says so itself.
var paged = regexp.MustCompile(`第.{1,8}页|^\s*[-—–]\s*[0-9]{1,4}\s*[-—–]\s*$`)

// Margins: how much of the page's height they take at its top and bottom, or how many characters on a small one, and how many lines the body has at least, without
// which nothing can be told from it.
const (
	marginShare = 0.1
	pagedShare  = 0.25 // of what says that it is a page number
	marginLines = 4
	fewestLines = 5
)

// margins tells headers, footers and page numbers from the body.
func (s *sheet) margins(lines []int) (head, body, foot []int) {
	if len(lines) <= fewestLines {
		return nil, lines, nil
	}
	rows := s.uprightRows(lines)
	n := len(rows)
	var gaps []float64
	for k := 1; k < n; k++ {
		gaps = append(gaps, rows[k].box.y0-rows[k-1].box.y1)
	}
	usual := median(slices.Clone(gaps))
	// Apart: clearly farther from the body than its lines are from each other.
	apart := func(k int) bool { return k >= 0 && k < len(gaps) && gaps[k] > max(2*usual, usual+0.8*s.em) }
	small := func(r row) bool { return r.box.height() < 0.85*s.em }
	band := max(marginShare*s.height, marginLines*s.em)
	inBand := func(r row, fromEdge float64) bool {
		return fromEdge < band || fromEdge < pagedShare*s.height && paged.MatchString(s.textOf(r))
	}
	first, last := 0, n
	// A number stands nearest to the edge; a header or footer may stand before it.
	for first < min(2, n-1) && inBand(rows[first], rows[first].box.y1) {
		if !s.numbered(rows[first]) && !(small(rows[first]) && apart(first)) {
			break
		}
		first++
	}
	for last > max(n-2, first+1) && inBand(rows[last-1], s.height-rows[last-1].box.y0) {
		if !s.numbered(rows[last-1]) && !(small(rows[last-1]) && apart(last-2)) {
			break
		}
		last--
	}
	take := func(rows []row) []int {
		var out []int
		for _, r := range rows {
			for _, it := range r.items {
				out = append(out, it.lines...)
			}
		}
		return out
	}
	return take(rows[:first]), take(rows[first:last]), take(rows[last:])
}

// uprightRows are the rows across the page, whatever the direction of its text.
func (s *sheet) uprightRows(lines []int) []row {
	items := make([]item, len(lines))
	for k, i := range lines {
		b := s.upright[i]
		if !s.vertical {
			b = s.boxes[i]
		}
		items[k] = item{box: b, lines: []int{i}}
	}
	return rowsOf(items, s.em)
}

// numbered tells a row that is a page number and nothing else.
func (s *sheet) numbered(r row) bool {
	t := s.textOf(r)
	return len(t) < 64 && pageNumber.MatchString(t)
}

// textOf is what stands in a row.
func (s *sheet) textOf(r row) string {
	var text strings.Builder
	for _, it := range r.items {
		for _, i := range it.lines {
			text.WriteString(s.page.Lines[i].Text)
			text.WriteByte(' ')
		}
	}
	return strings.TrimSpace(text.String())
}

// margin reads a margin's lines, and makes each row of them a region.
func (s *sheet) margin(lines []int) {
	if len(lines) == 0 {
		return
	}
	var g group
	for _, r := range s.uprightRows(lines) {
		var row []int
		for _, it := range r.items {
			row = append(row, it.lines...)
		}
		g.rows = append(g.rows, row)
		around := s.upright[row[0]]
		for _, i := range row {
			around = around.union(s.upright[i])
		}
		s.regions = append(s.regions, ocr.Region{Kind: ocr.RegionMargin, Outline: around.outline(), Confidence: marginConfidence, Lines: row})
	}
	s.groups = append(s.groups, g)
}

// marginConfidence is a judgement, as alignedConfidence is.
const marginConfidence = 0.8
