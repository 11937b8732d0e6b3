package page

import (
	"encoding/binary"
	"math"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Straighten returns the picture turned counterclockwise by degrees about its centre, on a canvas that holds all of it, the
// corners filled with paper (B, G, R), and the transform from the new picture's positions to the old one's. Pixels are
// interpolated linearly.
func Straighten(r *imaging.Raster, degrees float64, paper [3]byte) (*imaging.Raster, ocr.Affine) {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	w, h := float64(r.Width), float64(r.Height)
	ow := max(1, int(math.Ceil(w*math.Abs(cos)+h*math.Abs(sin)-1e-6)))
	oh := max(1, int(math.Ceil(w*math.Abs(sin)+h*math.Abs(cos)-1e-6)))
	a := ocr.Affine{cos, -sin, 0, sin, cos, 0}
	a[2] = w/2 - a[0]*float64(ow)/2 - a[1]*float64(oh)/2
	a[5] = h/2 - a[3]*float64(ow)/2 - a[4]*float64(oh)/2
	out := imaging.NewRaster(ow, oh)
	t := newTurn(r, a, paper)
	for y := range oh {
		t.row(out.Row(y), y)
	}
	return out, a
}

const (
	turnBits = 16 // of a position's fraction in fixed point
	turnOne  = 1 << turnBits
)

// turn reads a picture along lines that lean.
type turn struct {
	r      *imaging.Raster
	a      ocr.Affine
	paper  [3]byte
	dx, dy int64
}

func newTurn(r *imaging.Raster, a ocr.Affine, paper [3]byte) *turn {
	return &turn{r: r, a: a, paper: paper, dx: int64(math.Round(a[0] * turnOne)), dy: int64(math.Round(a[3] * turnOne))}
}

// row fills one row of the new picture.
func (t *turn) row(dst []byte, y int) {
	// Positions of pixel centres in the old picture, from its first pixel's centre.
	sx := int64(math.Round((t.a[0]*0.5 + t.a[1]*(float64(y)+0.5) + t.a[2] - 0.5) * turnOne))
	sy := int64(math.Round((t.a[3]*0.5 + t.a[4]*(float64(y)+0.5) + t.a[5] - 0.5) * turnOne))
	n := len(dst) / 3
	// From..to is where all four neighbours are inside the picture.
	from, to := inside(sx, t.dx, n, int64(t.r.Width-1)*turnOne)
	f, u := inside(sy, t.dy, n, int64(t.r.Height-1)*turnOne)
	from, to = max(from, f), min(to, u)
	if from >= to {
		from, to = n, n
	}
	t.border(dst, 0, from, sx, sy)
	t.border(dst, to, n, sx, sy)
	px, stride := t.r.Pix, 3*t.r.Width
	x, yy := sx+int64(from)*t.dx, sy+int64(from)*t.dy
	for i := from; i < to; {
		// Only the picture's last pixels have fewer than four bytes from their own on.
		at := int(yy>>turnBits)*stride + 3*int(x>>turnBits)
		run := min(t.run(x, yy), to-i, (len(px)-at-stride-4)/3)
		if run < 1 {
			t.border(dst, i, i+1, sx, sy)
			run = 1
		} else {
			size := 3*run + 4
			t.mix(dst[3*i:3*(i+run)], px[at:at+size], px[at+stride:at+stride+size], x, yy)
		}
		i += run
		x += int64(run) * t.dx
		yy += int64(run) * t.dy
	}
}

// run returns for how many pixels, from the position (x, y) on, each lies in the same row as the one before and one column on.
func (t *turn) run(x, y int64) int {
	const part = turnOne - 1
	n := int64(math.MaxInt32)
	if lag := turnOne - t.dx; lag > 0 {
		n = (x&part)/lag + 1
	}
	switch {
	case t.dy > 0:
		n = min(n, (part-y&part)/t.dy+1)
	case t.dy < 0:
		n = min(n, y&part/-t.dy+1)
	}
	return int(n)
}

// mix fills a run of pixels from those at (x, y) on: above and below are the two rows' pixels, one more than the run has.
func (t *turn) mix(dst, above, below []byte, x, y int64) {
	// Three channels go side by side in 64 bits: weighted along the row they fit in 16 bits each, weighted by the rows in 32. What is
	// the right neighbour of one pixel is the left one of the next.
	const (
		half = 1<<47 | 1<<15
		wide = 1<<48 - 1<<32 | 1<<16 - 1
	)
	spread := func(px []byte) uint64 { // blue, red, green
		v := uint64(binary.LittleEndian.Uint32(px))
		return v&0xff00ff | v&0xff00<<24
	}
	a, b := spread(above), spread(below)
	dx, dy := t.dx, t.dy
	for i := 0; i+3 <= len(dst); i += 3 {
		right, rightBelow := spread(above[i+3:]), spread(below[i+3:])
		fx, fy := uint64(x>>(turnBits-8))&0xff, uint64(y>>(turnBits-8))&0xff
		// 256*p + (q-p)*f is p*(256-f) + q*f.
		upper, lower := a<<8+(right-a)*fx, b<<8+(rightBelow-b)*fx
		u, l := upper&wide, lower&wide
		bg := u<<8 + (l-u)*fy + half
		u, l = upper>>16&0xffff, lower>>16&0xffff
		red := u<<8 + (l-u)*fy + 1<<15
		out := dst[i : i+3 : i+3]
		out[0], out[1], out[2] = byte(bg>>16), byte(bg>>48), byte(red>>16)
		a, b = right, rightBelow
		x += dx
		y += dy
	}
}

// inside returns the range of steps i, within 0..n, for which 0 <= from + i*step < limit.
func inside(from, step int64, n int, limit int64) (first, last int) {
	if step == 0 {
		if from >= 0 && from < limit {
			return 0, n
		}
		return 0, 0
	}
	if step < 0 {
		// Seen from the other end: limit-1-from rises.
		from, step = limit-1-from, -step
	}
	first = int(min(max((-from+step-1)/step, 0), int64(n)))
	last = int(min(max((limit-1-from)/step+1, 0), int64(n)))
	if from >= limit {
		last = 0
	}
	return first, max(first, last)
}

// border fills the pixels first..last-1 where some or all neighbours are outside the picture, which counts as paper.
func (t *turn) border(dst []byte, first, last int, sx, sy int64) {
	for i := first; i < last; i++ {
		x, y := sx+int64(i)*t.dx, sy+int64(i)*t.dy
		out := dst[3*i : 3*i+3 : 3*i+3]
		copy(out, t.paper[:])
		ix, iy := int(x>>turnBits), int(y>>turnBits)
		if ix < -1 || iy < -1 || ix >= t.r.Width || iy >= t.r.Height {
			continue
		}
		fx, fy := uint32(x>>(turnBits-8))&0xff, uint32(y>>(turnBits-8))&0xff
		for c := range out {
			at := func(x, y int) uint32 {
				if x < 0 || y < 0 || x >= t.r.Width || y >= t.r.Height {
					return uint32(t.paper[c])
				}
				return uint32(t.r.Pix[3*(y*t.r.Width+x)+c])
			}
			above := at(ix, iy)*(256-fx) + at(ix+1, iy)*fx
			below := at(ix, iy+1)*(256-fx) + at(ix+1, iy+1)*fx
			out[c] = byte((above*(256-fy) + below*fy + 1<<15) >> 16)
		}
	}
}
