package text

import (
	"context"
	"math"
	"slices"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Numbers of the second look for large letters.
const (
	largeCovered = 0.18 // of the picture; where lines cover more it is a page of text
	largeShare   = 0.6  // of a line's area that lies in another, by which it is the other's part
	largeLong    = 1.6  // lengths of its shorter side, from which a part is a line of its own, not a letter or a part of one
	largeFilled  = 0.2  // of the large line's area: with more lines of their own in it, it is a row or a block of them
	largeOwn     = 3    // such lines that make a block, however small they are
	// Pieces between usualLow and usualHigh of the height that is usual on a page of at least usualFrom lines are lines too, as numbers in the cells of
	// a table: usualOwn of them make a block.
	usualLow, usualHigh = 0.6, 1.5
	usualFrom           = 10
	usualOwn            = 2
)

// withLarge looks at the picture once more, at a smaller scale, where the lines found so far cover little of it: letters of a
// size that the network does not take in at once fall into pieces. Large lines take the place of their pieces.
func (d *Detector) withLarge(ctx context.Context, regions []Region, r *imaging.Raster, scale float64, db dbSettings, limit int) ([]Region, error) {
	covered := 0.0
	for _, g := range regions {
		w, h := sides(g.Polygon)
		covered += w * h
	}
	if covered > largeCovered*float64(r.Width)*float64(r.Height) {
		return regions, nil
	}
	smaller := min(float64(d.largeSide)/float64(max(r.Width, r.Height)), scale/2)
	c := d.plan.canvas(r.Width, r.Height, smaller)
	found, err := d.detect(ctx, r, c, db, limit)
	if err != nil {
		return nil, err
	}
	least := d.largeLine * float64(r.Height) / float64(c.height)
	var large []Region
	for _, g := range found {
		if w, h := sides(g.Polygon); min(w, h) >= least {
			large = append(large, g)
		}
	}
	return placed(regions, large), nil
}

// placed returns the lines with large ones put in the place of their pieces, in order of the first and then the second.
func placed(regions, large []Region) []Region {
	drop := make([]bool, len(regions))
	var added []Region
	usual := 0.0
	if len(regions) >= usualFrom {
		heights := make([]float64, len(regions))
		for i, p := range regions {
			w, h := sides(p.Polygon)
			heights[i] = min(w, h)
		}
		slices.Sort(heights)
		usual = heights[len(heights)/2]
	}
	for _, g := range large {
		width, height := sides(g.Polygon)
		area := width * height
		var pieces []int
		own, lines, entries, known := 0.0, 0, 0, false
		for i, p := range regions {
			w, h := sides(p.Polygon)
			common := commonArea(g.Polygon, p.Polygon)
			if common < largeShare*w*h {
				continue
			}
			pieces = append(pieces, i)
			known = known || common >= largeShare*area
			if max(w, h) > largeLong*min(w, h) {
				own += common
				lines++
			}
			if low := min(w, h); low >= usualLow*usual && low <= usualHigh*usual {
				entries++
			}
		}
		if known || lines >= largeOwn || entries >= usualOwn || own > largeFilled*area {
			continue
		}
		for _, i := range pieces {
			drop[i] = true
		}
		added = append(added, g)
	}
	if len(added) == 0 {
		return regions
	}
	out := regions[:0]
	for i, g := range regions {
		if !drop[i] {
			out = append(out, g)
		}
	}
	return append(out, added...)
}

// commonArea returns the area in which two convex polygons with corners in the same sense lie.
func commonArea(a, b ocr.Polygon) float64 {
	var buffers [2][12]vec
	part := buffers[0][:0]
	for _, c := range a {
		part = append(part, toVec(c))
	}
	for i := range b {
		from, to := toVec(b[i]), toVec(b[(i+1)%len(b)])
		edge := to.minus(from)
		part = clipped(part, buffers[(i+1)%2][:0], func(v vec) float64 { return edge.cross(v.minus(from)) })
	}
	sum := 0.0
	for i, v := range part {
		sum += v.cross(part[(i+1)%len(part)])
	}
	return math.Abs(sum) / 2
}
