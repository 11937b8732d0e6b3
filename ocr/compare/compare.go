package compare

import (
	"slices"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/accuracy"
)

// Pages lists where other reads something else than page, in page's reading order; what only other saw comes last. Both
// must be read from the same picture. Different encodings of one character, as [accuracy.Normalize] tells them, are not
// differences, and neither is another cutting of the text into lines.
func Pages(page, other ocr.Page) []ocr.Difference {
	assigned := assign(page.Lines, other.Lines)
	var found []ocr.Difference
	for i, l := range page.Lines {
		found = append(found, lines(l, assigned.of[i])...)
	}
	return append(found, assigned.alone...)
}

// symbol is a character with the form in which it is compared.
type symbol struct {
	ocr.Symbol
	form string
}

type assignment struct {
	of    [][]symbol       // of each line of the page, what the other engine read there, in the line's reading direction
	alone []ocr.Difference // what lies on no line of the page
}

// assign gives each character of the other engine to the line of the page that its centre lies on.
func assign(page, other []ocr.Line) assignment {
	a := assignment{of: make([][]symbol, len(page))}
	for _, l := range other {
		var alone ocr.Difference
		on := false
		for _, s := range l.Symbols() {
			x, y := s.Box.X+s.Box.W/2, s.Box.Y+s.Box.H/2
			i := slices.IndexFunc(page, func(l ocr.Line) bool { return inside(l.Polygon, x, y) })
			if i < 0 {
				alone.Other += s.Char
				alone.Box = alone.Box.Union(s.Box)
				continue
			}
			on = true
			a.of[i] = append(a.of[i], symbol{s, accuracy.Normalize(s.Char)})
		}
		if alone.Other == "" {
			continue
		}
		if !on {
			alone.Other = l.Text // with its blanks
		}
		a.alone = append(a.alone, alone)
	}
	for i, l := range page {
		along := direction(l)
		slices.SortStableFunc(a.of[i], func(p, q symbol) int { return compareFloat(along(p.Box), along(q.Box)) })
	}
	return a
}

func compareFloat(a, b float32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// direction returns how far along the line's reading direction a box lies: the polygon's first edge runs along it, of a
// vertical line its second.
func direction(l ocr.Line) func(ocr.Box) float32 {
	from, to := l.Polygon[0], l.Polygon[1]
	if l.Vertical {
		from, to = l.Polygon[1], l.Polygon[2]
	}
	dx, dy := to.X-from.X, to.Y-from.Y
	return func(b ocr.Box) float32 { return (b.X+b.W/2)*dx + (b.Y+b.H/2)*dy }
}

// inside tells whether a point lies in a convex polygon, whichever way round its corners go.
func inside(p ocr.Polygon, x, y float32) bool {
	left, right := false, false
	for i, a := range p {
		b := p[(i+1)%len(p)]
		cross := (b.X-a.X)*(y-a.Y) - (b.Y-a.Y)*(x-a.X)
		left, right = left || cross < 0, right || cross > 0
	}
	return !(left && right)
}

// lines aligns one line's characters with what the other engine read there, by the fewest edits, and joins neighbouring
// edits into one difference.
func lines(l ocr.Line, read []symbol) []ocr.Difference {
	var mine []symbol
	for _, s := range l.Symbols() {
		mine = append(mine, symbol{s, accuracy.Normalize(s.Char)})
	}
	var found []ocr.Difference
	var open *ocr.Difference
	for _, step := range align(mine, read) {
		if step.mine != nil && step.other != nil && step.mine.form == step.other.form {
			open = nil
			continue
		}
		if open == nil {
			found = append(found, ocr.Difference{})
			open = &found[len(found)-1]
		}
		if step.mine != nil {
			open.Text += step.mine.Char
			open.Box = open.Box.Union(step.mine.Box)
		}
		if step.other != nil {
			open.Other += step.other.Char
			open.Box = open.Box.Union(step.other.Box)
		}
	}
	return found
}

// pairing is one step of an alignment; nil where one side has nothing.
type pairing struct{ mine, other *symbol }

// align pairs two sequences with the fewest edits (V. I. Levenshtein, 1966).
func align(a, b []symbol) []pairing {
	width := len(b) + 1
	cost := make([]int32, (len(a)+1)*width)
	for i := range len(a) + 1 {
		for j := range width {
			at := i*width + j
			switch {
			case i == 0:
				cost[at] = int32(j)
			case j == 0:
				cost[at] = int32(i)
			default:
				substitute := cost[at-width-1]
				if a[i-1].form != b[j-1].form {
					substitute++
				}
				cost[at] = min(substitute, cost[at-width]+1, cost[at-1]+1)
			}
		}
	}
	var steps []pairing
	for i, j := len(a), len(b); i > 0 || j > 0; {
		at := i*width + j
		switch {
		case i > 0 && j > 0 && (a[i-1].form == b[j-1].form && cost[at] == cost[at-width-1] || cost[at] == cost[at-width-1]+1):
			steps = append(steps, pairing{&a[i-1], &b[j-1]})
			i, j = i-1, j-1
		case i > 0 && cost[at] == cost[at-width]+1:
			steps = append(steps, pairing{mine: &a[i-1]})
			i--
		default:
			steps = append(steps, pairing{other: &b[j-1]})
			j--
		}
	}
	slices.Reverse(steps)
	return steps
}
