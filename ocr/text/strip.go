package text

import (
	"math"

	"github.com/courtsense/courtsense/ocr"
)

// strip is a line laid out flat: patches of the picture, one behind the other, each a quadrilateral that is brought to the
// strip's height. A straight line is one patch, a curved one several, a column of characters one for each character.
type strip struct {
	patches []patch
	width   float64 // strip pixels
	height  int
	holes   bool    // the patches leave parts of the strip free
	paper   float32 // brightness of these, 0..255
}

// patch shows the quadrilateral tl, tr, br, bl of the picture in x0..x1 and y0..y1 of the strip.
type patch struct {
	tl, tr, br, bl vec
	x0, x1, y0, y1 float64
}

// at maps the point (x, y) of the strip to the picture.
func (q patch) at(x, y float64) vec {
	u, v := (x-q.x0)/(q.x1-q.x0), (y-q.y0)/(q.y1-q.y0)
	return q.tl.between(q.tr, u).between(q.bl.between(q.br, u), v)
}

func toVec(p ocr.Point) vec { return vec{float64(p.X), float64(p.Y)} }

// minimum sizes of what can be read, picture pixels.
const minInk = 1.5

// straight lays out a rectangle whose first edge runs in reading direction, grown by margin times its height on all sides.
func straight(p ocr.Polygon, height int, margin float64) (strip, bool) {
	tl, tr, br, bl := toVec(p[0]), toVec(p[1]), toVec(p[2]), toVec(p[3])
	w := (norm(tr.minus(tl)) + norm(br.minus(bl))) / 2
	h := (norm(bl.minus(tl)) + norm(br.minus(tr))) / 2
	if !(w >= minInk && h >= minInk) || math.IsInf(w+h, 0) {
		return strip{}, false
	}
	m := margin * h
	along, down := tr.minus(tl).plus(br.minus(bl)), bl.minus(tl).plus(br.minus(tr))
	along, down = along.times(m/norm(along)), down.times(m/norm(down))
	q := patch{tl: tl.minus(along).minus(down), tr: tr.plus(along).minus(down), br: br.plus(along).plus(down), bl: bl.minus(along).plus(down)}
	q.x1, q.y1 = (w+2*m)*float64(height)/(h+2*m), float64(height)
	return strip{patches: []patch{q}, width: q.x1, height: height}, true
}

// bent lays out a curved line: the first half of the outline runs above the text, the second half back below it.
func bent(outline []ocr.Point, height int, margin float64) (strip, bool) {
	n := len(outline) / 2
	if n < 2 || len(outline)%2 != 0 {
		return strip{}, false
	}
	s := strip{height: height}
	for i := range n - 1 {
		q := patch{tl: toVec(outline[i]), tr: toVec(outline[i+1]), br: toVec(outline[2*n-2-i]), bl: toVec(outline[2*n-1-i])}
		left, right := q.bl.minus(q.tl).times(margin), q.br.minus(q.tr).times(margin)
		q.tl, q.bl, q.tr, q.br = q.tl.minus(left), q.bl.plus(left), q.tr.minus(right), q.br.plus(right)
		h := (norm(q.bl.minus(q.tl)) + norm(q.br.minus(q.tr))) / 2
		w := (norm(q.tr.minus(q.tl)) + norm(q.br.minus(q.bl))) / 2
		if !(h >= minInk) || math.IsInf(w+h, 0) || math.IsNaN(w) {
			return strip{}, false
		}
		q.x0 = s.width
		s.width += max(w*float64(height)/h, 0.01)
		q.x1, q.y1 = s.width, float64(height)
		s.patches = append(s.patches, q)
	}
	return s, s.width >= 1
}

// widened returns the strip drawn k times as wide.
func (s strip) widened(k float64) strip {
	patches := make([]patch, len(s.patches))
	for i, q := range s.patches {
		q.x0, q.x1 = k*q.x0, k*q.x1
		patches[i] = q
	}
	s.patches, s.width = patches, k*s.width
	return s
}

// part returns the stretch x0..x1 of the strip as a strip of its own.
func (s strip) part(x0, x1 float64) strip {
	out := strip{height: s.height, width: x1 - x0, holes: s.holes, paper: s.paper}
	for _, p := range s.patches {
		from, to := max(p.x0, x0), min(p.x1, x1)
		if from >= to {
			continue
		}
		out.patches = append(out.patches, patch{tl: p.at(from, p.y0), tr: p.at(to, p.y0), br: p.at(to, p.y1), bl: p.at(from, p.y1),
			x0: from - x0, x1: to - x0, y0: p.y0, y1: p.y1})
	}
	return out
}

// box maps a box of the strip to the upright box around it in the picture.
func (s strip) box(left, top, right, bottom float64) ocr.Box {
	lo, hi := vec{math.Inf(1), math.Inf(1)}, vec{math.Inf(-1), math.Inf(-1)}
	add := func(p patch, x float64) {
		for _, y := range [2]float64{top, bottom} {
			q := p.at(x, y)
			lo, hi = vec{min(lo.x, q.x), min(lo.y, q.y)}, vec{max(hi.x, q.x), max(hi.y, q.y)}
		}
	}
	middle := (left + right) / 2
	for i, p := range s.patches {
		first, last := i == 0, i == len(s.patches)-1
		holds := (middle >= p.x0 || first) && (middle < p.x1 || last)
		if holds {
			// Characters do not run on in the neighbouring patch of a column, and hardly in that of a curve.
			add(p, left)
			add(p, right)
			break
		}
	}
	return ocr.Box{X: float32(lo.x), Y: float32(lo.y), W: float32(hi.x - lo.x), H: float32(hi.y - lo.y)}
}

func norm(v vec) float64 { return math.Hypot(v.x, v.y) }
