package text

import (
	"cmp"
	"slices"

	"github.com/courtsense/courtsense/ocr"
)

// Numbers of the search for entries; lengths are shares of the column's usual height of an entry.
const (
	entryWidest   = 2.2  // of an entry, such as 12 or 10-15
	entryOff      = 0.45 // by how much the middles of entries may differ
	entryHeights  = 1.4  // and their heights
	entryBeyond   = 2.5  // distances of entries, in which one is looked for above the first and below the last
	entryLeast    = 0.4  // height of an entry's ink
	entryMost     = 1.2
	entryThin     = 0.08 // least width of it
	entryAlone    = 0.2  // empty paper above and below it
	entryMargin   = 0.12 // paper around it that is taken along
	entryRule     = 0.8  // share of a row of pixels that is ink, from which it is a rule
	entryMostBits = 2    // pieces of ink between two entries; more are something else
)

// withEntries adds what a detector left out of a column of short entries: a lone 1 in a table looks like a piece of a rule. Between
// entries that stand below each other, and above and below them, ink that stands alone and is as high as an entry is one; reading shows
// whether it is.
func withEntries(regions []Region, src plane) []Region {
	var short []ocr.Box
	for _, g := range regions {
		if b := g.Polygon.Bounds(); g.Outline == nil && b.H >= 8 && b.W <= entryWidest*b.H && b.H <= verticalAspect*2*b.W {
			short = append(short, b)
		}
	}
	slices.SortStableFunc(short, func(a, b ocr.Box) int { return cmp.Compare(a.Y, b.Y) })
	used := make([]bool, len(short))
	n := len(regions)
	for i, first := range short {
		if used[i] {
			continue
		}
		column := []ocr.Box{first}
		for k := i + 1; k < len(short); k++ {
			last, b := column[len(column)-1], short[k]
			h := min(last.H, b.H)
			off := (b.X + b.W/2) - (last.X + last.W/2)
			if !used[k] && off <= entryOff*h && off >= -entryOff*h && max(last.H, b.H) <= entryHeights*h && b.Y >= last.Y+last.H {
				column = append(column, b)
				used[k] = true
			}
		}
		if len(column) >= 2 {
			regions = entriesOf(column, regions, n, src)
		}
	}
	return regions
}

// entriesOf adds the entries that are missing in a column; known is how many of the regions were found by the detector.
func entriesOf(column []ocr.Box, regions []Region, known int, src plane) []Region {
	heights, widest, pitch := []float32{}, float32(0), float32(0)
	for i, b := range column {
		heights = append(heights, b.H)
		widest = max(widest, b.W)
		if i > 0 {
			pitch = max(pitch, b.Y-column[i-1].Y)
		}
	}
	slices.Sort(heights)
	h := heights[len(heights)/2]
	first, last := column[0], column[len(column)-1]
	slope := (last.X + last.W/2 - first.X - first.W/2) / (last.Y - first.Y)
	// search looks between two heights around a line that runs through the entry's middle.
	search := func(from, to float32, through ocr.Box) {
		half := max(widest, 1.2*h)/2 + 0.1*h
		from, to = max(from, 0), min(to, float32(src.height))
		if to-from < h {
			return
		}
		at := through.X + through.W/2 + slope*((from+to)/2-through.Y-through.H/2)
		area := ocr.Box{X: at - half, Y: from, W: 2 * half, H: to - from}
		for _, g := range regions[:known] {
			b := g.Polygon.Bounds()
			if b.X >= area.X+area.W || b.X+b.W <= area.X || b.Y >= area.Y+area.H || b.Y+b.H <= area.Y {
				continue
			}
			// What is known parts the area; only the part beside the entry is looked at.
			if b.Y+b.H/2 < through.Y+through.H/2 {
				area.H -= max(b.Y+b.H-area.Y, 0)
				area.Y = max(area.Y, b.Y+b.H)
			} else {
				area.H = min(area.H, b.Y-area.Y)
			}
		}
		if area.H < h || area.X < 0 || area.X+area.W > float32(src.width) {
			return
		}
		for _, b := range loneInk(area, h, through, src) {
			regions = append(regions, Region{Polygon: b.Polygon()})
		}
	}
	for i, b := range column[1:] {
		search(column[i].Y+column[i].H, b.Y, b)
	}
	search(first.Y-entryBeyond*pitch, first.Y, first)
	search(last.Y+last.H, last.Y+last.H+entryBeyond*pitch, last)
	return regions
}

// loneInk returns the pieces of ink in an area that stand alone and have the height of an entry; like is one that shows how dark ink is.
func loneInk(area ocr.Box, h float32, like ocr.Box, src plane) []ocr.Box {
	var histogram [256]int
	for y := int(like.Y); y < int(like.Y+like.H); y++ {
		for x := int(like.X); x < int(like.X+like.W); x++ {
			histogram[src.nearest(x, y)]++
		}
	}
	dark := percentile(&histogram, 0.05)
	clear(histogram[:])
	x0, x1, y0, y1 := int(area.X), int(area.X+area.W), int(area.Y), int(area.Y+area.H)
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			histogram[src.nearest(x, y)]++
		}
	}
	paper := percentile(&histogram, 0.5)
	if paper-dark < 24 {
		return nil
	}
	limit := byte(paper - int(0.5*float64(paper-dark)))
	var out []ocr.Box
	from, left, right, pieces := -1, 0, 0, 0
	empty := 0 // rows since the last ink
	gap := func(y int) bool { return empty > max(1, int(0.08*h)) || y == y1 }
	before := int(entryAlone*h) + 1 // empty rows before the piece
	for y := y0; y <= y1; y++ {
		n, l, r := 0, x1, x0
		for x := x0; x < x1 && y < y1; x++ {
			if src.nearest(x, y) <= limit {
				n, l, r = n+1, min(l, x), max(r, x+1)
			}
		}
		if float32(n) >= entryRule*area.W { // a rule ends what is above it, and is no ink itself
			n = 0
		}
		if n > 0 {
			if from < 0 {
				from, left, right, before = y, l, r, empty
			}
			left, right, empty = min(left, l), max(right, r), 0
			continue
		}
		empty++
		if from < 0 || !gap(y) {
			continue
		}
		b := ocr.Box{X: float32(left), Y: float32(from), W: float32(right - left), H: float32(y + 1 - empty - from)}
		from = -1
		if b.H < 3 && b.W < 3 {
			continue // a speck
		}
		pieces++
		if b.H >= entryLeast*h && b.H <= entryMost*h && b.W >= entryThin*h && left > x0 && right < x1 && float32(before) >= entryAlone*h {
			m := entryMargin * h
			out = append(out, ocr.Box{X: b.X - m, Y: b.Y - m, W: b.W + 2*m, H: b.H + 2*m})
		}
	}
	if pieces > entryMostBits {
		return nil
	}
	return out
}
