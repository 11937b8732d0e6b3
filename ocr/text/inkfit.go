package text

import (
	"math"
	"math/bits"

	"github.com/courtsense/courtsense/ocr"
)

// The profile of a line looks beyond its box by beyond of its height above and below, in fitRows rows a height, at up to
// fitColumns places along the line.
const (
	fitRows    = 32
	beyond     = 12 // rows
	profile    = fitRows + 2*beyond
	fitColumns = 320
)

// Numbers of the fit, shares of a row's places or of the box's height.
const (
	inkContrast = 0.4   // of the line's darkest strokes, from which a place is ink
	emptyShare  = 0.02  // of the fullest row's ink, up to which a row is empty
	ruleShare   = 0.75  // of the places, from which a row is a rule, not text
	gapRows     = 3     // empty rows that end a line
	tailRows    = 5     // of little ink, that belong to a line if a row without any follows
	leastBand   = 0.48  // of the box, below which what was found is a part of a line: detectors are never that far off
	spreadShare = 0.2   // of the line's length, up to which a row is empty but for what crosses it, such as a seal
	grainShare  = 0.005 // of all places, from which ink that stands alone is grain
	outside     = 5     // rows beyond the box within which a line ends
	valleyShare = 0.35  // of the fullest row's ink, below which a row can part lines that touch
	valleyFrom  = 9     // rows from the box's middle; nearer, a valley parts the strokes of characters
	// By how much further the lightest is from the usual brightness than the darkest, where the writing is light.
	inverseShare = 1.5
	steepest     = 0.05 // slope that a rectangle may be off by: a detector's boxes of long lines are less than that
	leastGain    = 1.03 // by which another slope must make the profile sharper
)

// fitted moves the upper and lower edge of a rectangle to the ink of its line, and turns them into its direction. Detectors
// differ in how much paper they leave around a line, and recognisers in what they were trained on; the ink is the same for
// all. Where no band of ink can be told the rectangle stays as it is.
func fitted(p ocr.Polygon, src plane) ocr.Polygon {
	if known, ok := src.fits[p]; ok {
		return known
	}
	found := toInk(p, src)
	if src.fits != nil {
		src.fits[p] = found
	}
	return found
}

func toInk(p ocr.Polygon, src plane) ocr.Polygon {
	tl, tr, br, bl := toVec(p[0]), toVec(p[1]), toVec(p[2]), toVec(p[3])
	w, h := (norm(tr.minus(tl))+norm(br.minus(bl)))/2, (norm(bl.minus(tl))+norm(br.minus(tr)))/2
	if !(w >= 1.2*h && h >= 6) || math.IsInf(w, 0) {
		return p // in a single character strokes and gaps look like lines and gaps
	}
	g := inkGrid{places: min(int(w), fitColumns)}
	if !g.sample(tl, tr, br, bl, src) {
		return p
	}
	drop := 0
	if w >= 4*h {
		drop = g.drop(min(int(steepest*w/h*fitRows), beyond))
	}
	rows := g.rows(drop)
	spread := g.spread(drop, w/h)
	top, bottom, ok := textBand(&rows, &spread, float64(g.places))
	if !ok {
		return p
	}
	edge := func(a, b vec, row float64) ocr.Point {
		q := a.between(b, (row-beyond)/fitRows)
		return ocr.Point{X: float32(q.x), Y: float32(q.y)}
	}
	up, down := float64(top), float64(bottom)
	half := float64(drop) / 2
	return ocr.Polygon{edge(tl, bl, up-half), edge(tr, br, up+half), edge(tr, br, down+half), edge(tl, bl, down-half)}
}

// inkGrid tells where around a line there is ink: at places along it, a bit for each row.
type inkGrid struct {
	places int
	ink    [fitColumns]uint64
}

// sample looks at the picture, in which ink may be darker or lighter than the paper. The paper's brightness is taken place by
// place, since light falls off along a line; false when there is no contrast.
func (g *inkGrid) sample(tl, tr, br, bl vec, src plane) bool {
	var values [fitColumns][profile]byte
	var histogram [256]int
	var paper [fitColumns]byte
	for i := range g.places {
		u := (float64(i) + 0.5) / float64(g.places)
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
	if middle, lightest := percentile(&histogram, 0.5), percentile(&histogram, 0.98); float64(lightest-middle) > inverseShare*float64(middle-dark) {
		light, dark = 255-percentile(&histogram, 0.1), 255-lightest
		for i := range g.places {
			paper[i] = 0
			for y, v := range values[i] {
				values[i][y] = 255 - v
				paper[i] = max(paper[i], 255-v)
			}
		}
	}
	if light-dark < 24 {
		return false
	}
	need := int(inkContrast * float64(light-dark))
	for i := range g.places {
		limit := int(paper[i]) - need
		for y, v := range values[i][:] {
			if int(v) < limit {
				g.ink[i] |= 1 << y
			}
		}
	}
	g.withoutGrain()
	return true
}

// rows counts the ink in each row of a line that drops by so many rows from its start to its end.
func (g *inkGrid) rows(drop int) [profile]float64 {
	// Counters of all rows side by side: bit y of planes[k] is bit k of row y's. Eight places are added up before they are carried on.
	var planes [16]uint64
	t := g.tilted(drop)
	for i := 0; i < g.places; i += 8 {
		var ink [8]uint64
		for k := range min(8, g.places-i) {
			ink[k] = g.level(&t, i+k)
		}
		ones, a := added(planes[0], ink[0], ink[1])
		ones, b := added(ones, ink[2], ink[3])
		twos, e := added(planes[1], a, b)
		ones, a = added(ones, ink[4], ink[5])
		ones, b = added(ones, ink[6], ink[7])
		twos, f := added(twos, a, b)
		fours, carry := added(planes[2], e, f)
		planes[0], planes[1], planes[2] = ones, twos, fours
		for k := 3; carry != 0; k++ {
			planes[k], carry = planes[k]^carry, planes[k]&carry
		}
	}
	var out [profile]float64
	for y := range out {
		n := uint64(0)
		for k := range bits.Len(uint(g.places)) {
			n |= planes[k] >> y & 1 << k
		}
		out[y] = float64(n)
	}
	return out
}

// added returns the lower and the upper bit of the sum of three bits, 64 times side by side.
func added(a, b, c uint64) (sum, carry uint64) {
	u := a ^ b
	return u ^ c, a&b | u&c
}

// withoutGrain takes away ink that stands alone, where there is so much of it that some is in every row, paper or not. On a clean
// page what stands alone is the tail of a comma.
func (g *inkGrid) withoutGrain() {
	var kept [fitColumns]uint64
	alone, before := 0, uint64(0)
	for i := range g.places {
		ink, after := g.ink[i], uint64(0)
		if i+1 < g.places {
			after = g.ink[i+1]
		}
		kept[i] = ink & (ink<<1 | ink>>1 | before | after)
		alone += bits.OnesCount64(ink &^ kept[i])
		before = ink
	}
	if float64(alone) > grainShare*float64(profile*g.places) {
		g.ink = kept
	}
}

// spread tells over which share of the line's stretches, as long as the line is high, there is ink in each row.
func (g *inkGrid) spread(drop int, aspect float64) [profile]float64 {
	var out [profile]float64
	n := max(1, min(int(aspect+0.5), g.places))
	inked := 0.0
	t := g.tilted(drop)
	for k := range n {
		var ink uint64
		for i := k * g.places / n; i < (k+1)*g.places/n; i++ {
			ink |= g.level(&t, i)
		}
		if ink>>beyond&(1<<fitRows-1) != 0 {
			inked++
		}
		for ink != 0 {
			out[bits.TrailingZeros64(ink)]++
			ink &= ink - 1
		}
	}
	for y := range out {
		out[y] /= max(inked, 1)
	}
	return out
}

// tilt is by how many rows the ink at each place is moved for a line that drops to be level.
type tilt [fitColumns]int8

// tilted returns by how much places are moved where a line drops by so many rows from its start to its end.
func (g *inkGrid) tilted(drop int) (t tilt) {
	if drop == 0 {
		return t
	}
	sign, most := int8(1), float64(drop)
	if drop < 0 {
		sign, most = -1, -most
	}
	offset, next := int8(0), math.Inf(-1)
	for i := range g.places {
		if at := most * ((float64(i)+0.5)/float64(g.places) - 0.5); at >= next {
			offset = int8(math.Round(at))
			next = float64(offset) + 0.5
		}
		t[i] = sign * offset
	}
	return t
}

// level returns the ink at a place, moved.
func (g *inkGrid) level(t *tilt, i int) uint64 {
	if t[i] >= 0 {
		return g.ink[i] >> uint8(t[i])
	}
	return g.ink[i] << uint8(-t[i]) & (1<<profile - 1)
}

// drop returns by how many rows the line drops from its start to its end, at most most: that at which the rows differ most
// in their ink (as a page's skew is found; W. Postl, Detection of linear oblique structures, 1986).
func (g *inkGrid) drop(most int) int {
	sharpness := func(drop int) float64 {
		rows := g.rows(drop)
		sum := 0.0
		for y := 1; y < profile; y++ {
			d := rows[y] - rows[y-1]
			sum += d * d
		}
		return sum
	}
	best, sharpest := 0, leastGain*sharpness(0)
	for d := 1; d <= most; d++ {
		for _, drop := range [2]int{d, -d} {
			if s := sharpness(drop); s > sharpest {
				best, sharpest = drop, s
			}
		}
	}
	return best
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
// middle of the box, up to gaps and rules. Where there is no gap the line ends at rows that only little of it crosses, or at
// the emptiest row before the next line.
func textBand(rows, spread *[profile]float64, places float64) (top, bottom int, ok bool) {
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
	// reach returns the last row in the direction of step before a gap or a rule, and whether there is one near the box.
	reach := func(step int, empty func(y int) bool) (int, bool) {
		last, gap := fullest, 0
		for y := fullest + step; y >= beyond-outside-gapRows && y < beyond+fitRows+outside+gapRows; y += step {
			if rows[y] >= ruleShare*places {
				return last, true
			}
			if !empty(y) {
				last, gap = y, 0
			} else if gap++; gap >= gapRows {
				return last, true
			}
		}
		return last, false
	}
	valley := func(step int) (int, bool) {
		found := -1
		for y := beyond + fitRows/2 + step*valleyFrom; y >= 0 && y < profile; y += step {
			if rows[y] < valleyShare*most && (found < 0 || rows[y] < rows[found]) {
				found = y
			}
			if found >= 0 && rows[y] > max(2*rows[found], valleyShare*most) {
				break
			}
		}
		return found, found >= 0
	}
	// tail moves an end over what little ink follows: the tails of a few commas are less than what makes a row count.
	tail := func(last, step int) int {
		for y := last + step; y >= 0 && y < profile && (y-last)*step <= tailRows+1; y += step {
			if rows[y] < 0.6 {
				return y - step
			}
		}
		return last
	}
	end := func(step int) int {
		last, ok := reach(step, func(y int) bool { return rows[y] <= max(emptyShare*most, 0.6) })
		if ok {
			return tail(last, step)
		}
		if last, ok := reach(step, func(y int) bool { return spread[y] <= spreadShare }); ok {
			return last
		}
		if last, ok := valley(step); ok {
			return last
		}
		return last
	}
	top, bottom = end(-1), end(1)+1
	if float64(bottom-top) < leastBand*fitRows || top <= beyond-outside && bottom >= beyond+fitRows+outside {
		return 0, 0, false
	}
	return top, bottom, true
}
