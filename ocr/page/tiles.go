package page

import (
	"cmp"
	"math"
	"slices"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// levels is a picture of grey levels, rows from top to bottom without padding.
type levels struct {
	pix           []byte
	width, height int
}

// tiling says which parts of a page the orientation network looks at: the busiest ones, at one scale of the whole page. The
// numbers come with the network, from its catalogue entry's parameters of the same names.
type tiling struct {
	tile   int     // pixels, a side
	cell   int     // pixels, a side, of the cells whose contrast is measured; divides tile
	stride int     // cells between the places where a tile may stand
	apart  int     // cells: two tiles are so far apart across or down, at least
	size   int     // the picture is reduced until the square root of its area is this
	least  int     // a JPEG may be decoded reduced as long as the root of its area stays at or above this
	noise  int     // a pixel's contrast counts above this
	bright int     // up to this much more
	cap    float64 // a cell's mean contrast counts up to this
	floor  float64 // a tile with less contrast in sum is empty
	first  int     // tiles looked at first
	more   int     // further ones, when the first leave a doubt
	half   int     // and ones at half the scale
}

// divisor returns the largest of 8, 4, 2 and 1 by which a JPEG may be decoded reduced.
func (t tiling) divisor(width, height int) int {
	root := math.Sqrt(float64(width) * float64(height))
	k := 8
	for k > 1 && root/float64(k) < float64(t.least) {
		k /= 2
	}
	return k
}

// tiles returns the parts to look at first, and those to look at in doubt.
func (t tiling) tiles(r *imaging.Raster) (first, more []levels) {
	g := t.reduced(r)
	places := t.places(t.contrast(g), t.first+t.more)
	for i, at := range places {
		if i < t.first {
			first = append(first, g.part(at, t.tile))
		} else {
			more = append(more, g.part(at, t.tile))
		}
	}
	if w, h := g.width&^1, g.height&^1; min(w, h) >= 2*t.tile {
		small := g.halved()
		for _, at := range t.places(t.contrast(small), t.half) {
			more = append(more, small.part(at, t.tile))
		}
	}
	return first, more
}

// part returns the square with its corner at a place.
func (g levels) part(at [2]int, side int) levels {
	return levels{pix: g.pix[at[1]*g.width+at[0]:], width: g.width, height: side}
}

// copyTo writes a part's rows, side pixels each, as network input.
func (g levels) copyTo(dst []float32, side int) {
	for y := range side {
		for x, v := range g.pix[y*g.width:][:side] {
			dst[y*side+x] = float32(v)
		}
	}
}

// reduced returns the picture's luma at the network's scale, never enlarged, its last column and row repeated where it
// would be smaller than a tile.
func (t tiling) reduced(r *imaging.Raster) levels {
	scale := float64(t.size) / math.Sqrt(float64(r.Width)*float64(r.Height))
	w, h := r.Width, r.Height
	if scale < 1 {
		w = max(1, int(float64(w)*scale+0.5))
		h = max(1, int(float64(h)*scale+0.5))
	}
	out := levels{width: max(w, t.tile), height: max(h, t.tile)}
	out.pix = make([]byte, out.width*out.height)
	average(out, r, w, h)
	for y := range h {
		row := out.pix[y*out.width:][:out.width]
		for x := w; x < out.width; x++ {
			row[x] = row[w-1]
		}
	}
	for y := h; y < out.height; y++ {
		copy(out.pix[y*out.width:][:out.width], out.pix[(h-1)*out.width:])
	}
	return out
}

// average writes the luma of r, averaged over areas, into the top left w x h pixels of out.
func average(out levels, r *imaging.Raster, w, h int) {
	line := make([]byte, r.Width+2) // two pixels more, which weigh nothing
	if w == r.Width && h == r.Height {
		for y := range h {
			lumaRow(line[:w], r.Row(y))
			copy(out.pix[y*out.width:], line[:w])
		}
		return
	}
	ratioX, ratioY := float64(r.Width)/float64(w), float64(r.Height)/float64(h)
	spans := newSpans(r.Width, w)
	sums := make([]float32, w)
	across := make([]float32, w) // the source row that is held, summed along its width
	held := -1
	for y := range h {
		clear(sums)
		lo, hi := float64(y)*ratioY, min(float64(y+1)*ratioY, float64(r.Height))
		for row := int(lo); float64(row) < hi-1e-9; row++ {
			if row != held {
				lumaRow(line[:r.Width], r.Row(row))
				sumSpans(across, line, spans)
				held = row
			}
			weight := float32(min(float64(row+1), hi) - max(float64(row), lo))
			for x, v := range across {
				sums[x] += v * weight
			}
		}
		area := float32(1 / (ratioX * ratioY))
		dst := out.pix[y*out.width:][:w]
		for x, v := range sums {
			dst[x] = byte(min(v*area+0.5, 255))
		}
	}
}

// span is the run of pixels that one pixel of a smaller row covers.
type span struct {
	from   int
	weight [3]float32 // by which the first, the second and the third count, 0 where the run is shorter
	inner  int        // pixels between the third and the last of a longer run, all of weight 1
	last   float32    // by which the last of a longer run counts
}

func newSpans(in, out int) []span {
	ratio := float64(in) / float64(out)
	spans := make([]span, out)
	for x := range spans {
		lo, hi := float64(x)*ratio, min(float64(x+1)*ratio, float64(in))
		s := span{from: int(lo)}
		to := min(int(math.Ceil(hi-1e-9)), in)
		covers := func(i int) float32 { return float32(max(min(float64(i+1), hi)-max(float64(i), lo), 0)) }
		for k := range min(to-s.from, 3) {
			s.weight[k] = covers(s.from + k)
		}
		if to-s.from > 3 {
			s.inner, s.last = to-s.from-4, covers(to-1)
		}
		spans[x] = s
	}
	return spans
}

// sumSpans writes the weighted sums of a line, which has two pixels more than there are in the spans.
func sumSpans(dst []float32, line []byte, spans []span) {
	for x := range spans {
		s := &spans[x]
		p := line[s.from : s.from+3 : s.from+3]
		v := float32(p[0])*s.weight[0] + float32(p[1])*s.weight[1] + float32(p[2])*s.weight[2]
		if s.last > 0 {
			rest := line[s.from+3:][:s.inner+1]
			sum := 0
			for _, b := range rest[:s.inner] {
				sum += int(b)
			}
			v += float32(sum) + float32(rest[s.inner])*s.last
		}
		dst[x] = v
	}
}

// halved returns the mean of each two by two pixels; an odd last column or row is dropped.
func (g levels) halved() levels {
	out := levels{width: g.width / 2, height: g.height / 2}
	out.pix = make([]byte, out.width*out.height)
	for y := range out.height {
		a, b := g.pix[2*y*g.width:][:g.width], g.pix[(2*y+1)*g.width:][:g.width]
		for x := range out.width {
			out.pix[y*out.width+x] = byte((uint32(a[2*x]) + uint32(a[2*x+1]) + uint32(b[2*x]) + uint32(b[2*x+1]) + 2) / 4)
		}
	}
	return out
}

// contrasts are the cells' mean contrasts, 0..cap.
type contrasts struct {
	mean          []float64
	columns, rows int
}

// contrast measures by how much pixels differ from those right of and below them, in whole cells only.
func (t tiling) contrast(g levels) contrasts {
	c := contrasts{columns: g.width / t.cell, rows: g.height / t.cell}
	sums := make([]int, c.columns*c.rows)
	right := min(c.columns*t.cell, g.width-1)
	for y := range min(c.rows*t.cell, g.height-1) {
		here, below := g.pix[y*g.width:][:g.width], g.pix[(y+1)*g.width:][:g.width]
		row := sums[y/t.cell*c.columns:][:c.columns]
		for cx := range row {
			from, to := cx*t.cell, min((cx+1)*t.cell, right)
			sum := 0
			for x := from; x < to; x++ {
				v := int(here[x])
				a, b := int(here[x+1])-v, int(below[x])-v
				sum += min(max(max(a, -a)+max(b, -b)-t.noise, 0), t.bright)
			}
			row[cx] += sum
		}
	}
	c.mean = make([]float64, len(sums))
	for i, s := range sums {
		c.mean[i] = min(float64(s)/float64(t.cell*t.cell), t.cap)
	}
	return c
}

// places returns at most count corners of tiles (x, y in pixels), the busiest first, at least one.
func (t tiling) places(c contrasts, count int) [][2]int {
	side := t.tile / t.cell
	steps := func(n int) (at []int) {
		for i := 0; i+side <= n; i += t.stride {
			at = append(at, i)
		}
		if last := n - side; at[len(at)-1] != last {
			at = append(at, last)
		}
		return at
	}
	type place struct {
		x, y  int
		score float64
	}
	var ranked []place
	for _, y := range steps(c.rows) {
		for _, x := range steps(c.columns) {
			p := place{x: x, y: y}
			for row := y; row < y+side; row++ {
				for _, v := range c.mean[row*c.columns+x:][:side] {
					p.score += v
				}
			}
			ranked = append(ranked, p)
		}
	}
	slices.SortStableFunc(ranked, func(a, b place) int { return cmp.Compare(b.score, a.score) }) // ties stay in order of y, x
	var chosen []place
	for _, p := range ranked {
		if len(chosen) == count || len(chosen) > 0 && p.score < t.floor {
			break
		}
		near := func(q place) bool { return max(p.x-q.x, q.x-p.x) < t.apart && max(p.y-q.y, q.y-p.y) < t.apart }
		if !slices.ContainsFunc(chosen, near) {
			chosen = append(chosen, p)
		}
	}
	out := make([][2]int, len(chosen))
	for i, p := range chosen {
		out[i] = [2]int{p.x * t.cell, p.y * t.cell}
	}
	return out
}
