package layout

import (
	"math"
	"regexp"
	"slices"
)

// listMark begins an item of a list: 一、 （一） 1. 1、 (1) ① 第三章
var listMark = regexp.MustCompile(`^\s*(?:[一二三四五六七八九十百]{1,4}[、．.]|[（(][0-9一二三四五六七八九十百]{1,4}[)）]|[0-9]{1,3}[、．.](?:[^0-9]|$)|[①-⑳]|第[0-9一二三四五六七八九十百千]{1,6}[条章节](?:[\s:：]|$))`)

// farIndent, in characters, is more than a first line is indented by: a line that stands so far to the right has another
// place on the page than the one below it.
const farIndent = 5

// paragraphs tells which of the group's rows begin a paragraph. A line goes on with the one before it when that one was
// full, and it begins neither indented nor with a list's mark, at the same size, at the usual distance.
func (s *sheet) paragraphs(g group) []bool {
	starts := make([]bool, len(g.rows))
	if len(starts) == 0 {
		return starts
	}
	starts[0] = true
	boxes := make([]box, len(g.rows))
	var lefts, rights, gaps []float64
	for k, r := range g.rows {
		boxes[k] = s.boxes[r[0]]
		for _, i := range r {
			boxes[k] = boxes[k].union(s.boxes[i])
		}
		lefts, rights = append(lefts, boxes[k].x0), append(rights, boxes[k].x1)
		if k > 0 {
			if d := boxes[k].y0 - boxes[k-1].y1; !math.IsNaN(d) {
				gaps = append(gaps, d)
			}
		}
	}
	left, right, gap := quantile(slices.Clone(lefts), 0.1), quantile(slices.Clone(rights), 0.9), median(gaps)
	for k := 1; k < len(boxes); k++ {
		last, b := boxes[k-1], boxes[k]
		em := max(min(last.height(), b.height()), 1)
		if em > tall*s.em { // a block of another direction
			em = s.em
		}
		indent := b.x0 - left
		switch {
		case listMark.MatchString(s.page.Lines[g.rows[k][0]].Text):
			starts[k] = true
		case g.cell:
		case max(last.height(), b.height()) > 1.3*em:
			starts[k] = true
		case b.y0-last.y1 > gap+0.6*em, b.y0 < last.y0-em:
			starts[k] = true
		case last.x1 < right-1.5*em, last.x0-b.x0 > farIndent*em:
			starts[k] = true
		case indent > 1.2*em && math.Abs(b.x0-last.x0) > 0.3*em, indent > 1.2*em && indent < 3*em:
			starts[k] = true
		}
	}
	return starts
}
