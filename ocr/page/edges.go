package page

import (
	"fmt"
	"math"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// edges are the dark margins that a scanner leaves around a page that is smaller than its glass, or lies askew on it. They
// are told from dark parts of the page by what they are made of: straight runs of dark from the very border inward,
// whose ends line up. Anything written in a dark band breaks that line, and the band is kept.
type edges struct {
	s     *survey
	depth [4][]int // of the top, bottom, left, right margin, in cells, at each cell along that border
	area  float64  // part of the page that they cover
}

const (
	edgeDark    = 0.45  // of the page's bright level, below which a cell may belong to an edge
	edgeDarkest = 110   // and never above this luma
	edgeReach   = 0.25  // of the page: a deeper margin is no scanner's
	edgeLength  = 0.3   // of the border that a margin must run along
	edgeRagged  = 1.5   // mean cells by which a margin's end may stray from a straight line
	edgeSoft    = 2     // cells of half-dark transition that are painted over as well
	edgeLeast   = 0.001 // of the page: what covers less is left alone
)

// findEdges looks for dark margins. It takes them out of the survey too, so that their straight lines tell nobody how the
// text lies.
func findEdges(s *survey) edges {
	e := edges{s: s}
	w, h := s.width, s.height
	counts := histogram(s.gray)
	bright := percentile(counts, 0.8)
	limit := byte(min(edgeDark*float64(bright), edgeDarkest))
	if percentile(counts, 0.5) < limit { // dark is what the page itself is
		limit = 0
	}
	at := [4]func(along, in int) byte{
		func(along, in int) byte { return s.gray[in*w+along] },
		func(along, in int) byte { return s.gray[(h-1-in)*w+along] },
		func(along, in int) byte { return s.gray[along*w+in] },
		func(along, in int) byte { return s.gray[along*w+w-1-in] },
	}
	cells := 0
	for side, lengths := range [4][2]int{{w, h}, {w, h}, {h, w}, {h, w}} {
		depth := make([]int, lengths[0])
		deepest := int(edgeReach * float64(lengths[1]))
		for i := range depth {
			n := 0
			for n <= deepest && n < lengths[1] && at[side](i, n) < limit {
				n++
			}
			if depth[i] = n; n > deepest {
				depth[i] = beyond
			}
		}
		keepStraight(depth, deepest)
		for i, n := range depth {
			if n > 0 {
				cells += n
				depth[i] = min(n+edgeSoft, lengths[1])
			}
		}
		e.depth[side] = depth
	}
	e.area = float64(cells) / float64(w*h)
	if e.needed() {
		for y := range h {
			left, right := e.span(y)
			row := s.gray[y*w:][:w]
			for x := range row {
				if x < left || x >= w-right || y < e.depth[0][x] || y >= h-e.depth[1][x] {
					row[x], s.red[y*w+x] = bright, 0
				}
			}
		}
	}
	return e
}

// beyond is the depth of a margin that no end was found of, as where it runs into the margin of another side.
const beyond = -1

// keepStraight sets to 0 the stretches that are too short, or whose end is no straight line. Where a stretch has no end of
// its own, the line says where it would be.
func keepStraight(depth []int, deepest int) {
	least := max(4, int(edgeLength*float64(len(depth))))
	for from := 0; from < len(depth); {
		to := from
		for to < len(depth) && depth[to] != 0 {
			to++
		}
		run := depth[from:to]
		dropStrays(run)
		if start, slope, n := fit(run); n >= least && ragged(run, start, slope) <= edgeRagged {
			for i, d := range run {
				if d == beyond {
					run[i] = min(max(int(start+slope*float64(i)+0.5), 0), deepest)
				}
			}
		} else {
			clear(run)
		}
		from = to + 1
	}
}

// dropStrays forgets the depths that are far from where most of them say the end is: where two margins meet, the one cuts
// the other short.
func dropStrays(run []int) {
	start, slope, n := fit(run)
	if n == 0 {
		return
	}
	for range 3 {
		off := 4 * (edgeRagged + ragged(run, start, slope))
		for i, d := range run {
			if d != beyond && math.Abs(float64(d)-start-slope*float64(i)) > off {
				run[i] = beyond
			}
		}
		start, slope, _ = fit(run)
	}
}

// fit returns the line start + slope*i that fits the n known numbers best in the sense of least squares.
func fit(run []int) (start, slope float64, n int) {
	var si, sd, sii, sid float64
	for i, d := range run {
		if d == beyond {
			continue
		}
		x, y := float64(i), float64(d)
		si, sd, sii, sid = si+x, sd+y, sii+x*x, sid+x*y
		n++
	}
	if n == 0 {
		return 0, 0, 0
	}
	if spread := sii*float64(n) - si*si; spread > 0 {
		slope = (sid*float64(n) - si*sd) / spread
	}
	return (sd - slope*si) / float64(n), slope, n
}

// ragged returns the mean distance of the known numbers from a line.
func ragged(run []int, start, slope float64) float64 {
	stray, n := 0.0, 0
	for i, d := range run {
		if d != beyond {
			stray += math.Abs(float64(d) - start - slope*float64(i))
			n++
		}
	}
	return stray / float64(max(n, 1))
}

// span returns how many cells of row y the left and right margins cover.
func (e edges) span(y int) (left, right int) { return e.depth[2][y], e.depth[3][y] }

func (e edges) needed() bool { return e.area >= edgeLeast }

func (e edges) String() string { return fmt.Sprintf("black edges %.1f %%", 100*e.area) }

// apply paints the margins with the colour of the page's paper.
func (e edges) apply(r *imaging.Raster, paper [3]byte) {
	f := e.s.factor
	paint := func(px []byte) {
		for i := 0; i+2 < len(px); i += 3 {
			copy(px[i:i+3], paper[:])
		}
	}
	for cy := range e.s.height {
		left, right := e.span(cy)
		for y := cy * f; y < min((cy+1)*f, r.Height); y++ {
			row := r.Row(y)
			paint(row[:3*min(left*f, r.Width)])
			if right > 0 {
				paint(row[3*max((e.s.width-right)*f, 0):])
			}
			for cx := range e.s.width {
				if cy < e.depth[0][cx] || cy >= e.s.height-e.depth[1][cx] {
					paint(row[3*cx*f : 3*min((cx+1)*f, r.Width)])
				}
			}
		}
	}
}

// paperColour returns the mean B, G, R of the page's bright half, or dark half where that is the ground, looked at sparsely.
func paperColour(r *imaging.Raster, inverted bool) [3]byte {
	stepX, stepY := max(1, r.Width/200), max(1, r.Height/200)
	var h [256]int
	for y := stepY / 2; y < r.Height; y += stepY {
		row := r.Row(y)
		for x := stepX / 2; x < r.Width; x += stepX {
			h[imaging.Luma(row[3*x], row[3*x+1], row[3*x+2])]++
		}
	}
	from, to := percentile(&h, 0.5), percentile(&h, 0.95)
	if inverted {
		from, to = percentile(&h, 0.05), percentile(&h, 0.5)
	}
	var sum [3]int
	n := 0
	for y := stepY / 2; y < r.Height; y += stepY {
		row := r.Row(y)
		for x := stepX / 2; x < r.Width; x += stepX {
			if v := imaging.Luma(row[3*x], row[3*x+1], row[3*x+2]); v >= from && v <= to {
				for c := range 3 {
					sum[c] += int(row[3*x+c])
				}
				n++
			}
		}
	}
	return [3]byte{byte(sum[0] / n), byte(sum[1] / n), byte(sum[2] / n)}
}
