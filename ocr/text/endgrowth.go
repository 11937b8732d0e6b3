package text

import (
	"math"

	"github.com/courtsense/courtsense/ocr"
)

// Numbers of the growth of lines' ends; lengths are shares of the line's height.
const (
	endColumns = 16   // samples a height along the line
	endRows    = 24   // samples across, from endBeyond above the line to endBeyond below it
	endBeyond  = 0.25 // where ink shows that what stands at the end is a rule or a picture
	endInside  = 2.0  // of the line itself, from which its paper and its ink are known
	endGap     = 0.65 // empty paper that ends a line: as much as a full-width comma leaves behind its ink
	endPaper   = 0.06 // added behind the last ink
	endDensest = 0.6  // share of ink, above which it is no writing
	endFaint   = 0.2  // of the line's contrast, from which a place behind its end is ink: a small full stop is faint
	endGrain   = 3.0  // times the paper's grain, which ink must differ from it too
	endLeast   = 3    // samples of ink that are more than a speck
	endRun     = 3    // samples of ink beyond the line on either side that make a rule
	endMost    = 64   // samples along, at most
)

// grownEnds moves the ends of lines outwards over ink that no line holds, by up to reach heights: a detector is least sure
// where a line begins and ends, and what it leaves out there, a thin "一" or a full stop, is never read. A line grows over ink
// that goes on from it without a wide gap, but not over rules, and never into another line. Curved lines stay as they are.
func grownEnds(regions []Region, src plane, reach float64) {
	for i := range regions {
		if regions[i].Outline != nil {
			continue
		}
		for _, end := range [2]bool{false, true} {
			f, ok := frameOf(regions[i], end)
			if !ok {
				continue
			}
			free := f.room(src, reach*f.height)
			shared := false
			for k := range regions {
				if k == i || free <= 0 {
					continue
				}
				if d := f.distance(regions[k].Polygon); d < free {
					free, shared = d, true
				}
			}
			if free < 0.1*f.height {
				continue
			}
			if grow := f.inkReach(src, free, shared); grow > 0 {
				f.move(&regions[i].Polygon, grow)
			}
		}
	}
}

// endFrame is one end of a line: the middle of its edge there, the unit vectors out of the line and across it, the line's
// height across and its length. first and second are the indices of the edge's corners.
type endFrame struct {
	at, out, across vec
	height, length  float64
	first, second   int
	closing, column bool // the line's end, not its start; characters stand below each other
}

func frameOf(r Region, end bool) (endFrame, bool) {
	// Corners of the start's edge and, opposite, of the end's: the left and the right one, or of a column the upper and the lower one.
	edges := [2][2]int{{0, 3}, {1, 2}}
	if r.Vertical {
		edges = [2][2]int{{0, 1}, {3, 2}}
	}
	here, there := edges[0], edges[1]
	if end {
		here, there = there, here
	}
	a, b := toVec(r.Polygon[here[0]]), toVec(r.Polygon[here[1]])
	c, d := toVec(r.Polygon[there[0]]), toVec(r.Polygon[there[1]])
	f := endFrame{at: a.between(b, 0.5), first: here[0], second: here[1], closing: end, column: r.Vertical}
	inner := c.between(d, 0.5)
	f.height, f.length = norm(b.minus(a)), norm(f.at.minus(inner))
	if !(f.height >= 6 && f.length >= 0.8*f.height) || math.IsInf(f.length, 0) {
		return f, false
	}
	f.out = f.at.minus(inner).times(1 / f.length)
	f.across = vec{-f.out.y, f.out.x}
	return f, true
}

// room returns how far the end can move, at most limit, with the line's middle staying on the picture.
func (f endFrame) room(src plane, limit float64) float64 {
	for _, side := range [2]struct{ from, step, size float64 }{{f.at.x, f.out.x, float64(src.width)}, {f.at.y, f.out.y, float64(src.height)}} {
		switch {
		case side.step > 1e-9:
			limit = min(limit, (side.size-side.from)/side.step)
		case side.step < -1e-9:
			limit = min(limit, side.from/-side.step)
		}
	}
	return limit
}

// distance returns how far the middle half of the end can move before it meets a convex polygon; +Inf when it never does.
func (f endFrame) distance(p ocr.Polygon) float64 {
	var corners, kept [8]vec
	n := 0
	for _, c := range p {
		d := toVec(c).minus(f.at)
		corners[n] = vec{d.dot(f.out), d.dot(f.across)}
		n++
	}
	// The polygon's part between the two lines along which the middle half moves, and in front of the end.
	q := clipped(corners[:n], kept[:0], func(v vec) float64 { return v.y + f.height/4 })
	var other [8]vec
	q = clipped(q, other[:0], func(v vec) float64 { return f.height/4 - v.y })
	var last [8]vec
	q = clipped(q, last[:0], func(v vec) float64 { return v.x })
	nearest := math.Inf(1)
	for _, v := range q {
		nearest = min(nearest, v.x)
	}
	return nearest
}

// clipped appends to out the part of a convex polygon where inside is not negative (I. E. Sutherland, G. W. Hodgman, Reentrant
// polygon clipping, 1974).
func clipped(polygon, out []vec, inside func(vec) float64) []vec {
	for i, a := range polygon {
		b := polygon[(i+1)%len(polygon)]
		da, db := inside(a), inside(b)
		if da >= 0 {
			out = append(out, a)
		}
		if da > 0 && db < 0 || da < 0 && db > 0 {
			out = append(out, a.between(b, da/(da-db)))
		}
	}
	return out
}

// inkReach returns how far ink goes on behind the end, at most free pixels; 0 when none does. shared tells that what is
// beyond belongs to another line.
func (f endFrame) inkReach(src plane, free float64, shared bool) float64 {
	step := f.height / endColumns
	tone, ok := f.tone(src, step)
	if !ok {
		return 0
	}
	var ink [endMost]inkColumn
	n := min(int(free/step), endMost)
	f.readInk(ink[:n], src, step, tone, tone.need(inkContrast))
	last, whole, gap, dense, inked := 0, 0, 0, 0, 0 // whole: end of the last ink that is followed by paper
	for i, c := range ink[:n] {
		if c.outside {
			shared = true
			break
		}
		if c.rows == 0 {
			whole = last
			if gap++; float64(gap) > endGap*endColumns {
				break
			}
			continue
		}
		last, gap = i+1, 0
		dense += c.rows
		inked++
	}
	if gap == 0 && shared {
		last = whole
	}
	const within = endRows / (1 + 2*endBeyond)
	if inked > endColumns/3 && float64(dense) > endDensest*within*float64(inked) {
		return 0
	}
	if last == 0 || dense < endLeast {
		var faint [endMost]inkColumn
		f.readInk(faint[:n], src, step, tone, max(tone.need(endFaint), int(math.Round(endGrain*tone.grain))))
		if last = faintMark(faint[:n]); last == 0 {
			return min(f.dimReach(src, free, tone), free)
		}
	}
	return min(float64(last)*step+endPaper*f.height, free)
}

// faintMark returns the end of a small mark that stands alone behind a line: a full stop or comma, whose thin strokes are fainter
// than a character's. 0 when there is anything else or nothing.
func faintMark(ink []inkColumn) int {
	first, last, dense := 0, 0, 0
	top, bottom := endRows, 0
	for i, c := range ink {
		if c.rows == 0 {
			continue
		}
		if last == 0 {
			first = i
		}
		if c.outside || last > 0 && i-last > 1 {
			return 0
		}
		last = i + 1
		dense += c.rows
		top, bottom = min(top, c.first), max(bottom, c.last)
	}
	if last == 0 || float64(first) > endGap*endColumns || last-first < endLeast-1 || last-first > endColumns/2 || bottom-top > endRows/2 || dense < endLeast || len(ink)-last < endLeast {
		return 0
	}
	return last
}

// inkColumn is the ink at one distance behind an end: how many samples of the line's height, the first and the last of them, and
// whether it runs on above and below the line.
type inkColumn struct {
	rows        int
	first, last int
	outside     bool
}

// tone is a line's paper and ink: the paper's brightness, by how much ink differs from it at most, in which direction, and how
// much paper differs from paper.
type tone struct {
	paper, sign, contrast int
	grain                 float64
}

// need returns by how much ink differs from the paper that has a share of the contrast.
func (t tone) need(share float64) int { return int(math.Round(share * float64(t.contrast))) }

// tone learns the line's paper and ink from its end; false when the line has no contrast.
func (f endFrame) tone(src plane, step float64) (tone, bool) {
	var histogram [256]int
	for u := step / 2; u < min(endInside*f.height, f.length); u += step {
		for k := range endRows {
			v := (float64(k)+0.5)/endRows - 0.5
			p := f.at.minus(f.out.times(u)).plus(f.across.times(v * f.height))
			histogram[src.nearest(int(p.x), int(p.y))]++
		}
	}
	paper, dark, light := percentile(&histogram, 0.5), percentile(&histogram, 0.03), percentile(&histogram, 0.97)
	t := tone{paper: paper, sign: 1, contrast: paper - dark, grain: float64(percentile(&histogram, 0.9) - paper)}
	if light-paper > t.contrast {
		t = tone{paper: paper, sign: -1, contrast: light - paper, grain: float64(paper - percentile(&histogram, 0.1))}
	}
	return t, t.contrast >= 24
}

// readInk looks behind the line's end for what differs from its paper by need. Rules along the line's edges are no ink.
func (f endFrame) readInk(out []inkColumn, src plane, step float64, t tone, need int) {
	const span = 1 + 2*endBeyond
	const beyond = endRows * endBeyond / span // samples on each side of the line
	var cells [endMost][endRows]bool
	var along [endRows]int
	for i := range out {
		for k := range endRows {
			v := ((float64(k)+0.5)/endRows - 0.5) * span
			p := f.at.plus(f.out.times((float64(i) + 0.5) * step)).plus(f.across.times(v * f.height))
			if t.sign*(t.paper-int(src.nearest(int(p.x), int(p.y)))) >= need {
				cells[i][k] = true
				along[k]++
			}
		}
	}
	for i := range out {
		above, below := 0, 0
		for k, dark := range cells[i] {
			middle := k >= endRows/3 && k < endRows*2/3
			switch {
			case !dark || !middle && len(out) >= endColumns/2 && 10*along[k] >= 9*len(out):
			case k < beyond:
				above++
			case k >= endRows-beyond:
				below++
			default:
				if out[i].rows == 0 {
					out[i].first = k
				}
				out[i].rows++
				out[i].last = k
			}
		}
		out[i].outside = above >= endRun && below >= endRun && out[i].rows > endRows/2
	}
}

// move puts the end further out by d pixels.
func (f endFrame) move(p *ocr.Polygon, d float64) {
	for _, i := range [2]int{f.first, f.second} {
		q := toVec(p[i]).plus(f.out.times(d))
		p[i] = ocr.Point{X: float32(q.x), Y: float32(q.y)}
	}
}
