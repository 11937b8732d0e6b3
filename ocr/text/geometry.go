package text

import (
	"cmp"
	"math"
	"slices"
)

// vec is a point or a direction in map cells.
type vec struct{ x, y float64 }

func (a vec) plus(b vec) vec               { return vec{a.x + b.x, a.y + b.y} }
func (a vec) minus(b vec) vec              { return vec{a.x - b.x, a.y - b.y} }
func (a vec) times(k float64) vec          { return vec{a.x * k, a.y * k} }
func (a vec) dot(b vec) float64            { return a.x*b.x + a.y*b.y }
func (a vec) cross(b vec) float64          { return a.x*b.y - a.y*b.x }
func (a vec) towards(b vec) vec            { d := b.minus(a); return d.times(1 / math.Hypot(d.x, d.y)) }
func (a vec) between(b vec, t float64) vec { return vec{a.x + t*(b.x-a.x), a.y + t*(b.y-a.y)} }

// rect is a rectangle: its centre, the unit vector along its width, and its sides.
type rect struct {
	centre, along vec
	width, height float64
}

func (r rect) across() vec { return vec{-r.along.y, r.along.x} }

// corners returns the rectangle's corners, clockwise on a screen from the one before the start of along and across.
func (r rect) corners() [4]vec {
	a, b := r.along.times(r.width/2), r.across().times(r.height/2)
	return [4]vec{r.centre.minus(a).minus(b), r.centre.plus(a).minus(b), r.centre.plus(a).plus(b), r.centre.minus(a).plus(b)}
}

// grown returns the rectangle with every side moved outwards by d.
func (r rect) grown(d float64) rect {
	r.width, r.height = r.width+2*d, r.height+2*d
	return r
}

// hull returns the convex hull of points, counter-clockwise in a frame with y up, without points on its edges (A. M.
// Andrew, Another efficient algorithm for convex hulls in two dimensions, 1979). It sorts points and returns a part of out.
func hull(points, out []vec) []vec {
	slices.SortFunc(points, func(a, b vec) int {
		if c := cmp.Compare(a.y, b.y); c != 0 {
			return c
		}
		return cmp.Compare(a.x, b.x)
	})
	points = slices.Compact(points)
	if len(points) < 3 {
		return append(out[:0], points...)
	}
	out = out[:0]
	add := func(p vec, floor int) {
		for len(out) > floor+1 && out[len(out)-1].minus(out[len(out)-2]).cross(p.minus(out[len(out)-1])) <= 0 {
			out = out[:len(out)-1]
		}
		out = append(out, p)
	}
	for _, p := range points {
		add(p, 0)
	}
	floor := len(out) - 1
	for _, p := range slices.Backward(points[:len(points)-1]) {
		add(p, floor)
	}
	return out[:len(out)-1]
}

// upright is how much larger than the smallest rectangle the upright one may be to be preferred: specks and single
// characters have no direction of their own, and lines of scans have been straightened.
const upright = 1.08

// smallestRect returns the rectangle of least area around a convex polygon: it shares an edge with it (H. Freeman, R.
// Shapira, Determining the minimum-area encasing rectangle for an arbitrary closed curve, 1975). The width runs as nearly
// along x as it can.
func smallestRect(polygon []vec) rect {
	best := along(polygon, vec{1, 0})
	limit := best.width * best.height / upright
	for i, p := range polygon {
		q := polygon[(i+1)%len(polygon)]
		if p == q {
			continue
		}
		d := p.towards(q)
		// Of the four directions of a rectangle the one within 45 degrees of x.
		switch {
		case math.Abs(d.y) > math.Abs(d.x) && d.y > 0:
			d = vec{d.y, -d.x}
		case math.Abs(d.y) > math.Abs(d.x):
			d = vec{-d.y, d.x}
		case d.x < 0:
			d = vec{-d.x, -d.y}
		}
		if r := along(polygon, d); r.width*r.height < limit {
			best, limit = r, r.width*r.height
		}
	}
	return best
}

// along returns the smallest rectangle around points whose width runs along d.
func along(points []vec, d vec) rect {
	n := vec{-d.y, d.x}
	lo, hi := vec{math.Inf(1), math.Inf(1)}, vec{math.Inf(-1), math.Inf(-1)}
	for _, p := range points {
		u, v := p.dot(d), p.dot(n)
		lo, hi = vec{min(lo.x, u), min(lo.y, v)}, vec{max(hi.x, u), max(hi.y, v)}
	}
	u, v := (lo.x+hi.x)/2, (lo.y+hi.y)/2
	return rect{centre: d.times(u).plus(n.times(v)), along: d, width: hi.x - lo.x, height: hi.y - lo.y}
}

// unclip returns how far the sides of a shrunk rectangle of the given size are to be moved outwards.
//
// With a ratio it is area x ratio / perimeter of the shrunk rectangle, as PaddleOCR's models are used. Without, it inverts
// the shrinking that the training used, by area x (1 - shrink²) / perimeter of the whole rectangle (B. R. Vatti's clipping
// in Liao et al. 2020, section 3.4), exactly: with D the distance and w, h the shrunk sides, D is the positive root of
// (8-4c)D² + (2-2c)(w+h)D - cwh = 0, c = 1 - shrink².
func unclip(width, height, ratio, shrink float64) float64 {
	if ratio > 0 {
		return width * height * ratio / (2 * (width + height))
	}
	c := 1 - shrink*shrink
	a, b, k := 8-4*c, (2-2*c)*(width+height), -c*width*height
	return (-b + math.Sqrt(b*b-4*a*k)) / (2 * a)
}

// shrunk returns how far the sides of a rectangle are moved inwards in training; unclip undoes it.
func shrunk(width, height, shrink float64) float64 {
	return width * height * (1 - shrink*shrink) / (2 * (width + height))
}
