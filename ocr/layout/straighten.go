package layout

import (
	"cmp"
	"math"
	"slices"

	"github.com/courtsense/courtsense/ocr"
)

// projection is a projective transform of the plane about a centre: with x and y measured from it, a point goes to
// (x - lean·y, y - slope·x) / (1 + p·x + q·y), measured from it too.
type projection struct {
	x, y        float64 // the centre
	slope, lean float64
	p, q        float64
}

// apply takes a point along.
func (t projection) apply(a ocr.Point) ocr.Point {
	x, y := float64(a.X)-t.x, float64(a.Y)-t.y
	w := 1 + t.p*x + t.q*y
	return ocr.Point{X: float32(t.x + (x-t.lean*y)/w), Y: float32(t.y + (y-t.slope*x)/w)}
}

// back is the inverse of apply.
func (t projection) back(a ocr.Point) ocr.Point {
	u, v := float64(a.X)-t.x, float64(a.Y)-t.y
	// (1 - u·p)·x - (lean + u·q)·y = u and -(slope + v·p)·x + (1 - v·q)·y = v
	a11, a12, a21, a22 := 1-u*t.p, -(t.lean + u*t.q), -(t.slope + v*t.p), 1-v*t.q
	det := a11*a22 - a12*a21
	return ocr.Point{X: float32(t.x + (u*a22-v*a12)/det), Y: float32(t.y + (v*a11-u*a21)/det)}
}

func (t projection) polygon(p ocr.Polygon) ocr.Polygon {
	for i := range p {
		p[i] = t.apply(p[i])
	}
	return p
}

// What is measured of a page's directions: less than leastTilt does not matter, and more is no page that was turned upright.
const (
	leastTilt  = 0.2 * math.Pi / 180
	mostSlope  = 20 * math.Pi / 180
	mostLean   = 8 * math.Pi / 180
	mostSpread = 8 * math.Pi / 180 // between the page's middle and its edge
	sampled    = 200               // bearings, which bounds the time

	fewestBearings = 12 // from which a change over the page, or the lean of margins, is told
)

// bearing is a direction at a place: of a line by its height on the page, or of a margin by how far to the right it is.
type bearing struct{ at, value float64 }

// straighten finds what makes lines level and margins plumb. A page that was photographed from the side has neither: its lines
// run to one vanishing point, and its margins to another.
func (s *sheet) straighten() projection {
	t := projection{x: s.width / 2, y: s.height / 2}
	var slopeChange, leanChange float64
	t.slope, slopeChange = fitBearings(s.lineBearings(t), s.height, mostSlope)
	t.lean = -t.slope // as on a page that was only turned
	if margins := s.marginBearings(t); len(margins) >= fewestBearings {
		var more float64
		more, leanChange = fitBearings(margins, s.width, mostLean)
		t.lean += more
	}
	// The horizon goes through both vanishing points: slope = slope₀ + slopeChange·y is that of lines through the point
	// (-1, -slope₀)/slopeChange, lean = lean₀ + leanChange·x that of margins through (-lean₀, -1)/leanChange.
	det := 1 - t.slope*t.lean
	t.p, t.q = (slopeChange-t.slope*leanChange)/det, (leanChange-t.lean*slopeChange)/det
	// No part of the page may lie near the horizon.
	if math.Abs(t.p)*s.width/2+math.Abs(t.q)*s.height/2 > 0.4 {
		t.p, t.q = 0, 0
	}
	return t
}

// lineBearings are the slopes of the longer lines that run across.
func (s *sheet) lineBearings(t projection) []bearing {
	var out []bearing
	for i, l := range s.page.Lines {
		dx, dy := float64(l.Polygon[1].X-l.Polygon[0].X), float64(l.Polygon[1].Y-l.Polygon[0].Y)
		if !l.Vertical && s.finite(i) && dx > 5*s.em {
			x, y := middle(s.upright[i])
			slope := dy / dx
			// At the page's middle, as the lines through the same vanishing point have it there.
			out = append(out, bearing{y - t.y - slope*(x-t.x), slope})
		}
	}
	return out
}

// marginBearings are how far line starts, and ends, that stand below each other run to the right for each pixel downwards, more
// than t.lean.
func (s *sheet) marginBearings(t projection) []bearing {
	const (
		near, far = 6, 15 // characters between two lines: nearer, the ink of their first characters decides; farther, bent paper does
		looks     = 64    // at lines further down
	)
	var out []bearing
	for _, side := range [2]int{0, 1} {
		var margin []ocr.Point
		for i, l := range s.page.Lines {
			if dx := float64(l.Polygon[1].X - l.Polygon[0].X); !l.Vertical && s.finite(i) && dx > 5*s.em {
				a, b := l.Polygon[side], l.Polygon[3-side]
				margin = append(margin, ocr.Point{X: (a.X + b.X) / 2, Y: (a.Y + b.Y) / 2})
			}
		}
		slices.SortFunc(margin, func(a, b ocr.Point) int { return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X)) })
		for i, a := range margin {
			for _, b := range margin[i+1 : min(i+1+looks, len(margin))] {
				dx, dy := float64(b.X-a.X), float64(b.Y-a.Y)
				if dy >= near*s.em && dy <= far*s.em && math.Abs(dx-t.lean*dy) < s.em {
					lean := dx / dy
					x, y := float64(a.X+b.X)/2-t.x, float64(a.Y+b.Y)/2-t.y
					out = append(out, bearing{x - lean*y, lean - t.lean})
				}
			}
		}
	}
	return out
}

// fitBearings returns the bearing at the page's middle, and by how much it changes with each pixel. Both are 0 where there are too
// few to tell, or where they are too small to matter.
func fitBearings(all []bearing, size, most float64) (middle, change float64) {
	const apart = 0.2 // of the page, between two that tell a change
	values := make([]float64, len(all))
	for i, t := range all {
		values[i] = t.value
	}
	usual := median(values)
	if math.Abs(usual) > most {
		return 0, 0
	}
	if len(all) >= fewestBearings {
		slices.SortFunc(all, func(a, b bearing) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.value, b.value)) })
		some := all
		if step := len(all) / sampled; step > 1 {
			some = nil
			for i := 0; i < len(all); i += step {
				some = append(some, all[i])
			}
		}
		// The median of the changes between any two (H. Theil, A rank-invariant method of linear regression, 1950; P. K. Sen, 1968).
		var changes []float64
		for i, a := range some {
			for _, b := range some[i+1:] {
				if b.at-a.at > apart*size {
					changes = append(changes, (b.value-a.value)/(b.at-a.at))
				}
			}
		}
		if len(changes) >= fewestBearings {
			change = median(changes)
		}
		if v := math.Abs(change) * size / 2; v < leastTilt || v > mostSpread {
			change = 0
		}
	}
	for i, t := range all {
		values[i] = t.value - change*t.at
	}
	middle = median(values)
	if math.Abs(middle) < leastTilt {
		middle = 0
	}
	return middle, change
}
