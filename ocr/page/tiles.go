package page

import (
	"cmp"
	"encoding/binary"
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
	if w == r.Width && h == r.Height {
		for y := range h {
			lumaRow(out.pix[y*out.width:][:w], r.Row(y))
		}
		return
	}
	ratioX, ratioY := float64(r.Width)/float64(w), float64(r.Height)/float64(h)
	spans := newSpans(r.Width, w)
	mean := make([]uint16, r.Width+2) // two pixels more, which weigh nothing
	var rows weighted
	for y := range h {
		rows.set(r, float64(y)*ratioY, min(float64(y+1)*ratioY, float64(r.Height)))
		rows.luma(mean[:r.Width])
		sumSpans(out.pix[y*out.width:][:w], mean, spans, float32(1/(256*ratioX)))
	}
}

// weighted are the rows that one row of a smaller picture covers, and by how much each counts; that is 256 for all together.
type weighted struct {
	rows    [][]byte
	weights []uint64
}

// set takes the rows from lo to hi.
func (w *weighted) set(r *imaging.Raster, lo, hi float64) {
	w.rows, w.weights = w.rows[:0], w.weights[:0]
	before := 0.0
	for row := int(lo); float64(row) < hi-1e-9; row++ {
		// What rounding takes from one row the next ones get.
		upto := math.Round(256 * (min(float64(row+1), hi) - lo) / (hi - lo))
		w.rows, w.weights = append(w.rows, r.Row(row)), append(w.weights, uint64(upto-before))
		before = upto
	}
}

// luma writes the rows' mean luma, times 256. Eight bytes are weighted at a time: the sums of 255 times 256 fit in 16 bits each.
func (w *weighted) luma(dst []uint16) {
	const lanes = 0x00ff00ff00ff00ff
	gray := func(b, g, r uint64) uint16 { return imaging.Luma256(uint16(b), uint16(g), uint16(r)) }
	x := 0
	for ; x+8 <= len(dst); x += 8 {
		var e0, o0, e1, o1, e2, o2 uint64 // of each eight bytes the even and the odd ones
		for i, row := range w.rows {
			px, weight := row[3*x:3*x+24:3*x+24], w.weights[i]
			v0, v1, v2 := binary.LittleEndian.Uint64(px), binary.LittleEndian.Uint64(px[8:]), binary.LittleEndian.Uint64(px[16:])
			e0 += v0 & lanes * weight
			o0 += v0 >> 8 & lanes * weight
			e1 += v1 & lanes * weight
			o1 += v1 >> 8 & lanes * weight
			e2 += v2 & lanes * weight
			o2 += v2 >> 8 & lanes * weight
		}
		out := dst[x : x+8 : x+8]
		out[0], out[1] = gray(e0, o0, e0>>16), gray(o0>>16, e0>>32, o0>>32)
		out[2], out[3] = gray(e0>>48, o0>>48, e1), gray(o1, e1>>16, o1>>16)
		out[4], out[5] = gray(e1>>32, o1>>32, e1>>48), gray(o1>>48, e2, o2)
		out[6], out[7] = gray(e2>>16, o2>>16, e2>>32), gray(o2>>32, e2>>48, o2>>48)
	}
	for ; x < len(dst); x++ {
		var b, g, r uint64
		for i, row := range w.rows {
			px, weight := row[3*x:3*x+3:3*x+3], w.weights[i]
			b += uint64(px[0]) * weight
			g += uint64(px[1]) * weight
			r += uint64(px[2]) * weight
		}
		dst[x] = gray(b, g, r)
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

// sumSpans writes the weighted sums of a line, which has two pixels more than there are in the spans, times scale.
func sumSpans(dst []byte, line []uint16, spans []span, scale float32) {
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
		dst[x] = byte(min(v*scale+0.5, 255))
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
