package page

import (
	"fmt"
	"math"
	"slices"
)

// skew is by how much the writing leans. It comes from projection profiles (W. Postl, "Detection of linear oblique
// structures and skew scan in digitized documents", ICPR 1986): counted along the direction of the lines, ink comes in
// bursts, line after line; in any other direction it smears. Rows and columns are both counted, so that vertical writing,
// tables and pages that lie on their side tell their lean as well as others.
type skew struct {
	degrees float64 // clockwise; 0 where nothing certain was found
	clear   float64 // how far the profile at that angle stands out, 1 for not at all
	across  bool    // the lines run along the columns
}

const (
	skewMost     = 15.0 // degrees; a page that leans more was laid down so
	skewLeast    = 0.3  // degrees that are worth the blur of turning
	skewClear    = 1.25 // by how much the profile must stand out against its surroundings
	skewGain     = 1.04 // and against the page as it is
	skewAround   = 2.5  // degrees to each side that are the surroundings
	coarseStep   = 0.25 // degrees
	coarsePoints = 8_000
	fineStep     = 0.05
	finePoints   = 40_000
	leastPoints  = 300
)

// findSkew measures the lean of the ink.
func findSkew(s *survey) skew {
	points := inkPoints(s)
	if len(points) < leastPoints {
		return skew{}
	}
	const reach = skewMost + skewAround
	n := int(math.Round(reach / coarseStep))
	p := newProfile(s)
	few := thinned(points, coarsePoints)
	rows, columns := make([]float64, 2*n+1), make([]float64, 2*n+1)
	for i := range rows {
		rows[i], columns[i] = p.bursts(few, float64(i-n)*coarseStep)
	}
	level := func(v []float64) float64 {
		sorted := slices.Sorted(slices.Values(v))
		return max(sorted[len(sorted)/2], 1)
	}
	rowLevel, columnLevel := level(rows), level(columns)
	best := 0
	total := func(i int) float64 { return rows[i]/rowLevel + columns[i]/columnLevel }
	for i := range rows {
		if total(i) > total(best) || total(i) == total(best) && max(i-n, n-i) < max(best-n, n-best) {
			best = i
		}
	}
	// Fine steps around the best coarse one, on more of the ink.
	many := thinned(points, finePoints)
	fine := func(a float64) float64 {
		r, c := p.bursts(many, a)
		return r/rowLevel + c/columnLevel
	}
	centre := float64(best-n) * coarseStep
	const around = 7
	var v [2*around + 1]float64
	top := 0
	for i := range v {
		if v[i] = fine(centre + float64(i-around)*fineStep); v[i] > v[top] {
			top = i
		}
	}
	angle := centre + float64(top-around)*fineStep
	if top > 0 && top < 2*around {
		l, m, r := v[top-1], v[top], v[top+1]
		if curve := l - 2*m + r; curve < 0 {
			angle += fineStep * 0.5 * (l - r) / curve
		}
	}
	away := int(skewAround / coarseStep)
	stands := func(v []float64) float64 {
		lo, hi := v[max(best-away, 0)], v[min(best+away, 2*n)]
		return v[best] / max((lo+hi)/2, 1)
	}
	k := skew{degrees: angle, clear: max(stands(rows), stands(columns)), across: stands(columns) > stands(rows)}
	if math.Abs(angle) > skewMost || k.clear < skewClear || v[top] < skewGain*fine(0) && math.Abs(angle) > fineStep {
		k.degrees = 0
	}
	return k
}

func (k skew) needed() bool { return math.Abs(k.degrees) >= skewLeast }

func (k skew) String() string { return fmt.Sprintf("deskew %.1f degrees", k.degrees) }

// inkPoint is the place of an inked cell, in 1/256 of a cell and moved within it at random: a lattice has bursts of its own
// at angle 0.
type inkPoint struct{ x, y int32 }

// inkPoints lists the ink, without dark fields and the picture's outermost cells: their edges are not the writing's, but the
// picture's.
func inkPoints(s *survey) []inkPoint {
	const outer = 12 // cells
	x0, x1, y0, y1 := 0, s.width, 0, s.height
	if min(s.width, s.height) > 20*outer {
		x0, x1, y0, y1 = outer, s.width-outer, outer, s.height-outer
	}
	points := make([]inkPoint, 0, s.inked)
	noise := uint32(1)
	for y := y0; y < y1; y++ {
		for x, v := range s.ink[y*s.width+x0 : y*s.width+x1] {
			if v == 0 || v&inkThick == inkThick {
				continue
			}
			noise = noise*1664525 + 1013904223
			points = append(points, inkPoint{int32(x+x0)<<8 | int32(noise>>24), int32(y)<<8 | int32(noise>>16&0xff)})
		}
	}
	return points
}

// thinned returns at most so many of the points, one of each stretch of them at random: evenly spaced ones would be a
// pattern with a direction of its own.
func thinned(points []inkPoint, most int) []inkPoint {
	if len(points) <= most {
		return points
	}
	out := make([]inkPoint, 0, most)
	step := float64(len(points)) / float64(most)
	noise := uint32(7)
	for i := range most {
		noise = noise*1664525 + 1013904223
		out = append(out, points[int((float64(i)+float64(noise>>8)/(1<<24))*step)])
	}
	return out
}

// profile counts ink along slanted rows and columns.
type profile struct {
	width, height int
	rows, columns []int32
	slackX        int32 // cells by which a slanted column can leave the page
	slackY        int32
}

func newProfile(s *survey) *profile {
	t := math.Tan((skewMost + skewAround + 1) * math.Pi / 180)
	p := &profile{width: s.width, height: s.height,
		slackY: int32(math.Ceil(float64(s.width)*t)) + 1, slackX: int32(math.Ceil(float64(s.height)*t)) + 1}
	p.rows = make([]int32, s.height+2*int(p.slackY))
	p.columns = make([]int32, s.width+2*int(p.slackX))
	return p
}

// bursts returns how unevenly the ink lies across lines that lean by degrees: the sums of the squared differences between
// neighbouring rows, and columns.
func (p *profile) bursts(points []inkPoint, degrees float64) (rows, columns float64) {
	t := int64(math.Round(math.Tan(degrees*math.Pi/180) * 65536))
	clear(p.rows)
	clear(p.columns)
	dy, dx := int64(p.slackY)<<8, int64(p.slackX)<<8
	for _, q := range points {
		x, y := int64(q.x), int64(q.y)
		p.rows[(y+dy-x*t>>16)>>8]++
		p.columns[(x+dx+y*t>>16)>>8]++
	}
	return changes(p.rows), changes(p.columns)
}

func changes(v []int32) float64 {
	var sum int64
	last := int32(0)
	for _, n := range v {
		d := int64(n - last)
		sum += d * d
		last = n
	}
	return float64(sum)
}
