package text

import (
	"math"
	"slices"

	"github.com/courtsense/courtsense/ocr"
)

// Numbers of marks behind lines' ends: full stops, commas and the like. Lengths are shares of the line's height.
const (
	markSide  = 0.6  // longest side of a mark that was found on its own
	markLeast = 0.15 // longest side that is more than a speck's
	markGap   = 0.3  // between the line and it; it may reach as far back into the line
	markAbove = 0.03 // by which its middle is above a line's at most
	markAside = 0.08 // by which it is beside a column's middle at least, on whichever side
	dimShare  = 0.1  // of the line's contrast, by which paper is darker where a dim mark stands, over the mark's size
	dimGrain  = 3.5  // times by how much places of that size differ, which it is darker too
	dimAlone  = 0.5  // of that, from which another place shows that there is more than a mark
	dimFar    = 10   // samples behind the end, within which its middle is
	dimAlong  = 4    // samples from its middle along the line, that are the mark's
	dimAcross = 10   // samples that it takes across at most, as a semicolon does; more is a rule
	dimPaper  = 0.1  // added behind it
)

// withMarks moves the ends of lines over marks that were found as lines of their own, and leaves these out: a mark alone is hardly
// read, and keeps its line from growing.
func withMarks(regions []Region, src plane) []Region {
	taken := make([]bool, len(regions))
	for i, g := range regions {
		if taken[i] || g.Outline != nil {
			continue
		}
		f, ok := frameOf(g, true)
		if !ok {
			continue
		}
		mark, reach := -1, math.Inf(1)
		for k, other := range regions {
			if k == i || taken[k] || other.Outline != nil {
				continue
			}
			if to, ok := f.markEnd(other.Polygon); ok && to < reach {
				mark, reach = k, to
			}
		}
		if mark < 0 || f.room(src, reach) < reach || f.ruled(src, reach) {
			continue
		}
		f.move(&regions[i].Polygon, reach)
		taken[mark] = true
	}
	kept := regions[:0]
	for i, g := range regions {
		if !taken[i] {
			kept = append(kept, g)
		}
	}
	return kept
}

// markEnd returns how far out the end of a line moves to hold a region, if that is a mark which stands right behind it.
func (f endFrame) markEnd(p ocr.Polygon) (float64, bool) {
	lo, hi := vec{math.Inf(1), math.Inf(1)}, vec{math.Inf(-1), math.Inf(-1)}
	for _, c := range p {
		d := toVec(c).minus(f.at).times(1 / f.height)
		u, v := d.dot(f.out), d.dot(f.across)
		lo, hi = vec{min(lo.x, u), min(lo.y, v)}, vec{max(hi.x, u), max(hi.y, v)}
	}
	middle := (lo.y + hi.y) / 2
	placed := middle >= -markAbove
	if f.column {
		placed = math.Abs(middle) >= markAside
	}
	side := max(hi.x-lo.x, hi.y-lo.y)
	ok := placed && side >= markLeast && side <= markSide && math.Abs(lo.x) <= markGap && hi.x > 0 && max(-lo.y, hi.y) <= 0.5
	return (hi.x + endPaper) * f.height, ok
}

// ruled reports whether a rule crosses what is up to d behind the end.
func (f endFrame) ruled(src plane, d float64) bool {
	step := f.height / endColumns
	tone, ok := f.tone(src, step)
	if !ok {
		return false
	}
	var ink [endMost]inkColumn
	n := min(int(d/step), endMost)
	f.readInk(ink[:n], src, step, tone, tone.need(inkContrast))
	return slices.ContainsFunc(ink[:n], func(c inkColumn) bool { return c.outside })
}

// dimReach returns how far out a line's end moves to hold a mark of which no stroke differs from the paper's grain, but which all
// together do: means over a mark's size tell it. 0 when there is none, or more than that. Before a line's start no mark stands.
func (f endFrame) dimReach(src plane, free float64, t tone) float64 {
	const rows = endColumns
	step := f.height / endColumns
	n := min(int(free/step), endColumns)
	if !f.closing || n < endColumns/2 {
		return 0
	}
	most := t.need(inkContrast) // a speck, however dark, is no mark
	var cells [endColumns + 1][rows]int
	for i := range n + 1 {
		for k := range rows {
			p := f.at.plus(f.out.times((float64(i) - 0.5) * step)).plus(f.across.times(((float64(k)+0.5)/rows - 0.5) * f.height))
			cells[i][k] = min(t.sign*(t.paper-int(src.nearest(int(p.x), int(p.y)))), most)
		}
	}
	var places [endColumns][rows]int // sums of nine cells
	var buf [endColumns * rows]int
	sorted := buf[:0]
	darkest, at, row := math.MinInt, 0, 0
	for i := 1; i < n; i++ {
		for k := 1; k < rows-1; k++ {
			sum := 0
			for _, c := range cells[i-1 : i+2] {
				sum += c[k-1] + c[k] + c[k+1]
			}
			places[i][k] = sum
			sorted = append(sorted, sum)
			if i <= dimFar && (f.column || k >= rows/2-1) && sum > darkest {
				darkest, at, row = sum, i, k
			}
		}
	}
	slices.Sort(sorted)
	paper := sorted[len(sorted)/2]
	grain := paper - sorted[len(sorted)/6] // on the side where no ink adds to it
	peak := float64(darkest - paper)
	if peak < max(dimShare*9*float64(t.contrast), dimGrain*float64(grain)) {
		return 0
	}
	top, bottom := row, row
	for i := 1; i < n; i++ {
		for k := 1; k < rows-1; k++ {
			if float64(places[i][k]-paper) < dimAlone*peak {
				continue
			}
			if i < at-dimAlong || i > at+dimAlong {
				return 0
			}
			top, bottom = min(top, k), max(bottom, k)
		}
	}
	if bottom-top > dimAcross {
		return 0
	}
	return (float64(at)+1)*step + dimPaper*f.height
}
