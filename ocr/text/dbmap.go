package text

import (
	"errors"
	"math"

	"github.com/courtsense/courtsense/ocr"
)

// found is a text line in map cells.
type found struct {
	box     rect  // grown to the line's full size
	outline []vec // of a curved line, as in [Region]; else nil
	score   float32
}

// dbSettings are a dbnet entry's numbers.
type dbSettings struct {
	pixel, score  float32
	ratio, shrink float64 // see unclip
	minSide       float64 // of the shrunk box, map cells
}

// dbWorkspace decodes probability maps; its memory is reused from map to map.
type dbWorkspace struct {
	components
	prob         []float32 // the map that is decoded
	width        int
	usual        float64 // thickness of a long core
	points, hull []vec
	middle       []vec
	thickness    []float64
	across       []int  // cells at each distance across a core
	sides        []byte // of each place along a core: on which sides of a cut there are cells
}

var errNotANumber = errors.New("the map holds values that are no numbers")

// decode returns the lines of a map (Liao et al., Real-time scene text detection with differentiable binarization, 2020):
// what is above the threshold and connected is a line's core, which is grown by what the training had shrunk it.
func (w *dbWorkspace) decode(prob []float32, width, height int, s dbSettings) ([]found, error) {
	if !w.find(prob, width, height, s.pixel) {
		return nil, errNotANumber
	}
	w.prob, w.width = prob, width
	w.usual = w.usualCore(s)
	var out []found
	for i := range w.count() {
		out = w.lines(out, w.component(i), s)
	}
	w.prob = nil
	return out, nil
}

// lines appends the line whose core is a component, or the lines, where several have grown together.
func (w *dbWorkspace) lines(out []found, runs []int32, s dbSettings) []found {
	core := smallestRect(w.outlineHull(runs))
	if min(core.width, core.height) < s.minSide {
		return out
	}
	score := w.mean(runs)
	if !(score >= s.score) {
		return out
	}
	if one, other, ok := w.parted(runs, core, s); ok {
		return w.lines(w.lines(out, one, s), other, s)
	}
	if kept, ok := w.slimmed(runs, core, s); ok {
		return w.lines(out, kept, s)
	}
	if entries := w.stacked(runs, s); entries != nil {
		for _, e := range entries {
			core := smallestRect(w.outlineHull(e))
			out = append(out, w.grow(e, core, w.mean(e), s))
		}
		return out
	}
	return append(out, w.grow(runs, core, score, s))
}

// outlineHull returns the convex hull of a component's cells, which are unit squares.
func (w *dbWorkspace) outlineHull(runs []int32) []vec {
	w.points = w.points[:0]
	for i := 0; i < len(runs); {
		first := w.runs[runs[i]]
		lo, hi := first.from, first.to
		for ; i < len(runs) && w.runs[runs[i]].y == first.y; i++ {
			lo, hi = min(lo, w.runs[runs[i]].from), max(hi, w.runs[runs[i]].to)
		}
		y, x0, x1 := float64(first.y), float64(lo), float64(hi)
		w.points = append(w.points, vec{x0, y}, vec{x1, y}, vec{x0, y + 1}, vec{x1, y + 1})
	}
	w.hull = hull(w.points, w.hull)
	return w.hull
}

// mean returns the mean probability of a component's cells.
func (w *dbWorkspace) mean(runs []int32) float32 {
	sum, n := 0.0, 0
	for _, i := range runs {
		r := w.runs[i]
		for _, v := range w.prob[int(r.y)*w.width+int(r.from) : int(r.y)*w.width+int(r.to)] {
			sum += float64(v)
		}
		n += int(r.to - r.from)
	}
	return float32(sum / float64(n))
}

// grow turns a core into a line.
func (w *dbWorkspace) grow(runs []int32, core rect, score float32, s dbSettings) found {
	if line, ok := w.curved(runs, core, s); ok {
		line.score = score
		return line
	}
	return found{box: core.grown(unclip(core.width, core.height, s.ratio, s.shrink)), score: score}
}

// A line counts as curved when its middle strays from straight by more than curvature of its core's thickness, and its core
// is at least curvedAspect times as long as thick.
const (
	curvature    = 0.75
	curvedAspect = 6
	curvedPoints = 9 // above and below each
)

// curved follows a long core's middle from end to end.
func (w *dbWorkspace) curved(runs []int32, core rect, s dbSettings) (found, bool) {
	long, short := core.width, core.height
	along, across := core.along, core.across()
	if short > long {
		long, short = short, long
		along, across = across, along.times(-1)
	}
	if long < 24 || short < 4 {
		return found{}, false
	}
	n := int(long)
	w.middle, w.thickness = w.middle[:0], w.thickness[:0]
	for range n {
		w.middle, w.thickness = append(w.middle, vec{}), append(w.thickness, 0)
	}
	// Moments of the cells, column by column along the core: x holds the sum of offsets across.
	start := core.centre.minus(along.times(long / 2))
	for _, i := range runs {
		r := w.runs[i]
		for x := r.from; x < r.to; x++ {
			d := vec{float64(x) + 0.5, float64(r.y) + 0.5}.minus(start)
			column := min(max(int(d.dot(along)), 0), n-1)
			w.middle[column].x += d.dot(across)
			w.thickness[column]++
		}
	}
	area := 0.0
	for _, t := range w.thickness {
		area += t
	}
	thick := area / long
	if long < curvedAspect*thick {
		return found{}, false
	}
	knots, ok := w.knots(n)
	if !ok {
		return found{}, false
	}
	// The largest distance from the straight line through the ends.
	stray := 0.0
	for i, v := range knots {
		t := float64(i) / float64(len(knots)-1)
		stray = max(stray, math.Abs(v-(knots[0]+t*(knots[len(knots)-1]-knots[0]))))
	}
	if stray < curvature*thick {
		return found{}, false
	}
	d := unclip(long, thick, s.ratio, s.shrink)
	return found{outline: ribbon(start, along, across, long, knots, thick/2+d, d), box: core.grown(d)}, true
}

// knots returns the middle of the core at curvedPoints places from end to end, each the mean over its share of columns.
func (w *dbWorkspace) knots(n int) ([]float64, bool) {
	knots := make([]float64, curvedPoints)
	share := float64(n) / curvedPoints
	for i := range knots {
		sum, weight := 0.0, 0.0
		for c := int(float64(i) * share); c < min(int(float64(i+1)*share)+1, n); c++ {
			sum += w.middle[c].x
			weight += w.thickness[c]
		}
		if weight == 0 {
			return nil, false
		}
		knots[i] = sum / weight
	}
	return knots, true
}

// ribbon returns the outline around a middle line given by its offsets across at the centres of equal shares of its length.
func ribbon(start, along, across vec, long float64, knots []float64, half, beyond float64) []vec {
	n := len(knots)
	share := long / float64(n)
	at := func(i int) vec {
		return start.plus(along.times((float64(i) + 0.5) * share)).plus(across.times(knots[i]))
	}
	middle := make([]vec, 0, n+2)
	end := func(inner, outer vec) vec { return outer.plus(inner.towards(outer).times(share/2 + beyond)) }
	middle = append(middle, end(at(1), at(0)))
	for i := range n {
		middle = append(middle, at(i))
	}
	middle = append(middle, end(at(n-2), at(n-1)))
	out := make([]vec, 2*len(middle))
	for i, p := range middle {
		before, after := middle[max(i-1, 0)], middle[min(i+1, len(middle)-1)]
		d := before.towards(after)
		normal := vec{-d.y, d.x}
		out[i] = p.minus(normal.times(half))
		out[len(out)-1-i] = p.plus(normal.times(half))
	}
	return out
}

// region maps a line to the picture, whose pixels are cells times (sx, sy), and finds where its reading starts.
func (f found) region(sx, sy float64, width, height int) Region {
	r := Region{Score: f.score}
	for i, c := range f.box.corners() {
		r.Polygon[i] = onPicture(c, sx, sy, width, height)
	}
	w, h := sides(r.Polygon)
	r.Vertical = h > verticalAspect*w
	if f.outline == nil {
		return r
	}
	r.Outline = make([]ocr.Point, len(f.outline))
	for i, p := range f.outline {
		r.Outline[i] = onPicture(p, sx, sy, width, height)
	}
	if r.Vertical {
		// A curve that runs up and down is read as one only when it is written sideways; which way, its reading shows.
		r.Outline = nil
	}
	return r
}

func onPicture(p vec, sx, sy float64, width, height int) ocr.Point {
	return ocr.Point{X: float32(min(max(p.x*sx, 0), float64(width))), Y: float32(min(max(p.y*sy, 0), float64(height)))}
}
