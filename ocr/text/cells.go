package text

import (
	"cmp"
	"math"
	"slices"

	"github.com/courtsense/courtsense/ocr"
)

// Numbers of the separation of cells that were found as one; lengths are shares of the column's width, or of the height of the lines beside it
// where it is cellsWide times as wide as they are high: it then holds entries of several characters.
const (
	cellsReach  = 12.0 // how far beside a column its rows are looked for
	cellsLevel  = 0.5  // rows nearer to each other than this are one
	cellsLoose  = 1.3  // the largest height of a line beside a column, and how near its ends the first and the last row are
	cellsPitch  = 0.8  // least distance of rows
	cellsWidest = 2.4  // largest one
	cellsWide   = 1.5
	cellsEnd    = 0.95 // share of the rows' distance within which an end is not a place more
)

// cellsApart parts columns of cells that were found as one vertical line: where lines of a row stand beside each place of it, what is
// below each other are the cells of a table, as the units in an invoice, and no vertical text.
func cellsApart(regions []Region) []Region {
	var parts []Region
	whole := make([]bool, len(regions))
	for i, g := range regions {
		whole[i] = true
		if !g.Vertical || g.Outline != nil {
			continue
		}
		if rows := rowsBeside(g, regions); len(rows) > 1 {
			whole[i] = false
			b := g.Polygon.Bounds()
			for _, r := range rows {
				parts = append(parts, Region{Polygon: ocr.Box{X: b.X, Y: r.Y, W: b.W, H: r.H}.Polygon(), Score: g.Score})
			}
		}
	}
	if parts == nil {
		return regions
	}
	out := regions[:0]
	for i, g := range regions {
		if whole[i] {
			out = append(out, g)
		}
	}
	return append(out, parts...)
}

// rowsBeside returns the rows of lines beside a column, from top to bottom, where there is one for each of its places; else nil.
func rowsBeside(column Region, regions []Region) []ocr.Box {
	b := column.Polygon.Bounds()
	if b.W <= 0 {
		return nil
	}
	type beside struct {
		box      ocr.Box
		distance float32
	}
	var found []beside
	var heights []float32
	for _, g := range regions {
		o := g.Polygon.Bounds()
		middle := o.Y + o.H/2
		distance := max(o.X-b.X-b.W, b.X-o.X-o.W)
		if g.Outline == nil && !g.Vertical && middle >= b.Y && middle <= b.Y+b.H && distance >= 0 && distance < cellsReach*b.W {
			found, heights = append(found, beside{o, distance}), append(heights, o.H)
		}
	}
	if len(found) < 2 {
		return nil
	}
	slices.Sort(heights)
	unit := b.W
	if usual := heights[len(heights)/2]; unit > cellsWide*usual {
		unit = usual
	}
	found = slices.DeleteFunc(found, func(f beside) bool { return f.box.H > cellsLoose*unit || f.box.H < unit/2 })
	slices.SortStableFunc(found, func(p, q beside) int { return cmp.Compare(p.box.Y+p.box.H/2, q.box.Y+q.box.H/2) })
	var rows []ocr.Box
	nearest := float32(math.Inf(1))
	last := float32(math.Inf(-1))
	for _, f := range found {
		middle := f.box.Y + f.box.H/2
		if len(rows) > 0 && middle-last < cellsLevel*unit {
			if f.distance < nearest { // on a slanted page the nearest one is at the cell's own height
				rows[len(rows)-1], nearest = f.box, f.distance
			}
			last = middle
			continue
		}
		rows, nearest, last = append(rows, f.box), f.distance, middle
	}
	if len(rows) < 2 {
		return nil
	}
	middle := func(i int) float32 { return rows[i].Y + rows[i].H/2 }
	for i := 1; i < len(rows); i++ {
		if d := middle(i) - middle(i-1); d < cellsPitch*unit || d > cellsWidest*unit {
			return nil
		}
	}
	end := max(cellsLoose*unit, cellsEnd*(middle(len(rows)-1)-middle(0))/float32(len(rows)-1))
	if middle(0)-b.Y > end || b.Y+b.H-middle(len(rows)-1) > end {
		return nil
	}
	return rows
}

// Numbers of the cut at rules; lengths are shares of the line's height.
const (
	ruleBeyond = 0.3  // above and below the line, where a rule goes on
	ruleFilled = 0.95 // share of a rule that is ink
	ruleWidest = 0.25
	ruleBeside = 0.5 // least length of a part
	ruleNear   = 1.2 // from a rule of a table, where the lines beside it begin or end
	ruleAround = 6.0 // above and below, where such lines are looked for
)

// cutAtRules cuts lines that were found across the rule between two cells of a table.
func cutAtRules(regions []Region, src plane) []Region {
	n := len(regions)
	for i := range n {
		g := regions[i]
		if g.Vertical || g.Outline != nil {
			continue
		}
		width, height := sides(g.Polygon)
		if height < 8 || width < 2*ruleBeside*height {
			continue
		}
		p, before := g.Polygon, 0.0
		at := func(edge int, x float64) ocr.Point {
			a, b := toVec(p[edge]), toVec(p[1])
			if edge == 3 {
				b = toVec(p[2])
			}
			v := a.between(b, x/width)
			return ocr.Point{X: float32(v.x), Y: float32(v.y)}
		}
		piece := func(from, to float64) Region {
			part := g
			part.Polygon = ocr.Polygon{at(0, from), at(0, to), at(3, to), at(3, from)}
			_, h := sides(part.Polygon)
			part.Vertical = h > verticalAspect*(to-from)
			return part
		}
		for _, r := range rulesAcross(p, width, height, src) {
			if r[0]-before < ruleBeside*height || width-r[1] < ruleBeside*height || !endsAt(at(0, r[0]), float32(height), i, regions[:n]) {
				continue
			}
			regions = append(regions, piece(before, r[0]))
			before = r[1]
		}
		if before > 0 {
			regions[i] = piece(before, width)
		}
	}
	return regions
}

// endsAt tells whether more lines begin or end at the rule through a point than cross it: a fold of the paper crosses them all.
func endsAt(at ocr.Point, height float32, own int, regions []Region) bool {
	ends, crossing := 0, 0
	for i, g := range regions {
		b := g.Polygon.Bounds()
		if i == own || b.Y > at.Y+ruleAround*height || b.Y+b.H < at.Y-ruleAround*height {
			continue
		}
		near := ruleNear * height
		switch {
		case b.X > at.X-near/4 && b.X < at.X+near, b.X+b.W < at.X+near/4 && b.X+b.W > at.X-near:
			ends++
		case b.X < at.X && b.X+b.W > at.X:
			crossing++
		}
	}
	return ends >= 2 && ends > crossing
}

// rulesAcross returns where thin rules cross a line from beyond its upper edge to beyond its lower one: from and to, pixels along it.
func rulesAcross(p ocr.Polygon, width, height float64, src plane) [][2]float64 {
	tl, tr, bl := toVec(p[0]), toVec(p[1]), toVec(p[3])
	along, across := tr.minus(tl).times(1/width), bl.minus(tl).times(1/height)
	rows, n := int(height*(1+2*ruleBeyond)), int(width)
	value := func(x, y int) byte {
		q := tl.plus(along.times(float64(x) + 0.5)).plus(across.times(float64(y) + 0.5 - ruleBeyond*height))
		return src.nearest(int(q.x), int(q.y))
	}
	var histogram [256]int
	for x := 0; x < n; x += 2 {
		for y := x / 2 % 3; y < rows; y += 3 {
			histogram[value(x, y)]++
		}
	}
	paper, dark := percentile(&histogram, 0.6), percentile(&histogram, 0.03)
	if paper-dark < 24 {
		return nil
	}
	limit := byte(paper - int(inkContrast*float64(paper-dark)))
	most := int((1 - ruleFilled) * float64(rows)) // gaps in a rule
	ruled := func(x int) bool {
		gaps := 0
		for y := 0; y < rows && gaps <= most; y++ {
			if value(x, y) > limit {
				gaps++
			}
		}
		return gaps <= most
	}
	var out [][2]float64
	from := -1
	for x := 0; x <= n; x++ {
		switch rule := x < n && ruled(x); {
		case rule && from < 0:
			from = x
		case !rule && from >= 0:
			if float64(x-from) <= ruleWidest*height {
				out = append(out, [2]float64{float64(from), float64(x)})
			}
			from = -1
		}
	}
	return out
}
