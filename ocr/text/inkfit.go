package text

import (
	"math"

	"github.com/courtsense/courtsense/ocr"
)

// The profile of a line looks beyond its box by beyond of its height above and below, in fitRows rows a height, at up to
// fitColumns places along the line.
const (
	fitRows    = 32
	beyond     = 8 // rows
	profile    = fitRows + 2*beyond
	fitColumns = 320
)

// Numbers of the fit, shares of a row's places or of the box's height.
const (
	inkContrast = 0.4  // of the line's darkest strokes, from which a place is ink
	emptyShare  = 0.02 // of the fullest row's ink, up to which a row is empty
	ruleShare   = 0.75 // of the places, from which a row is a rule, not text
	gapRows     = 3    // empty rows that end a line
	leastBand   = 0.3  // of the box, below which what was found is no line of text
)

// fitted moves the upper and lower edge of a rectangle to the ink of its line. Detectors differ in how much paper they leave
// around a line, and recognisers in what they were trained on; the ink is the same for all. Where no band of ink can be told
// the rectangle stays as it is.
func fitted(p ocr.Polygon, src plane) ocr.Polygon {
	tl, tr, br, bl := toVec(p[0]), toVec(p[1]), toVec(p[2]), toVec(p[3])
	w, h := (norm(tr.minus(tl))+norm(br.minus(bl)))/2, (norm(bl.minus(tl))+norm(br.minus(tr)))/2
	if !(w >= 1.2*h && h >= 6) || math.IsInf(w, 0) {
		return p // in a single character strokes and gaps look like lines and gaps
	}
	var rows [profile]float64
	n := min(int(w), fitColumns)
	if !inkProfile(&rows, tl, tr, br, bl, n, src) {
		return p
	}
	top, bottom, ok := textBand(&rows, float64(n))
	if !ok {
		return p
	}
	edge := func(a, b vec, row int) ocr.Point {
		q := a.between(b, float64(row-beyond)/fitRows)
		return ocr.Point{X: float32(q.x), Y: float32(q.y)}
	}
	return ocr.Polygon{edge(tl, bl, top), edge(tr, br, top), edge(tr, br, bottom), edge(tl, bl, bottom)}
}

// inkProfile counts the ink in each row around a line at n places along it. The paper's brightness is taken place by place,
// since light falls off along a line; false when there is no contrast.
func inkProfile(rows *[profile]float64, tl, tr, br, bl vec, n int, src plane) bool {
	var values [fitColumns][profile]byte
	var histogram [256]int
	var paper [fitColumns]byte
	for i := range n {
		u := (float64(i) + 0.5) / float64(n)
		a, b := tl.between(tr, u), bl.between(br, u)
		step := b.minus(a).times(1.0 / fitRows)
		at := a.plus(step.times(0.5 - beyond))
		for y := range profile {
			v := src.nearest(int(at.x), int(at.y))
			values[i][y] = v
			histogram[v]++
			paper[i] = max(paper[i], v)
			at = at.plus(step)
		}
	}
	light, dark := percentile(&histogram, 0.9), percentile(&histogram, 0.02)
	if light-dark < 24 {
		return false
	}
	need := int(inkContrast * float64(light-dark))
	for i := range n {
		limit := int(paper[i]) - need
		for y, v := range values[i][:] {
			if int(v) < limit {
				rows[y]++
			}
		}
	}
	return true
}

// nearest returns a pixel's brightness, of the nearest one for those outside.
func (p plane) nearest(x, y int) byte {
	x, y = min(max(x, 0), p.width-1), min(max(y, 0), p.height-1)
	if p.channels == 1 {
		return p.pix[y*p.width+x]
	}
	i := 3 * (y*p.width + x)
	return byte((int(p.pix[i]) + 2*int(p.pix[i+1]) + int(p.pix[i+2])) / 4)
}

func percentile(histogram *[256]int, share float64) int {
	total := 0
	for _, n := range histogram {
		total += n
	}
	left := int(share * float64(total))
	for v, n := range histogram {
		if left -= n; left < 0 {
			return v
		}
	}
	return 255
}

// textBand returns the first row of the line's ink and the one behind its last: the rows around the fullest one in the
// middle of the box, up to gaps and rules.
func textBand(rows *[profile]float64, places float64) (top, bottom int, ok bool) {
	fullest := beyond + fitRows/4
	for y := fullest; y < beyond+fitRows*3/4; y++ {
		if rows[y] > rows[fullest] && rows[y] < ruleShare*places {
			fullest = y
		}
	}
	most := rows[fullest]
	if most < 2 || most >= ruleShare*places {
		return 0, 0, false
	}
	empty := max(emptyShare*most, 0.6)
	// reach returns the last row in the direction of step that belongs to the line.
	reach := func(step int) int {
		last, gap := fullest, 0
		for y := fullest + step; y >= 0 && y < profile; y += step {
			if rows[y] >= ruleShare*places {
				break
			}
			if rows[y] <= empty {
				if gap++; gap >= gapRows {
					break
				}
				continue
			}
			last, gap = y, 0
		}
		return last
	}
	top, bottom = reach(-1), reach(1)+1
	if float64(bottom-top) < leastBand*fitRows || top == 0 && bottom == profile {
		return 0, 0, false
	}
	return top, bottom, true
}
