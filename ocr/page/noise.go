package page

import (
	"fmt"
	"slices"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// noise is what a page's picture has that its paper has not.
type noise struct {
	specks float64 // part of the pixels that differ from everything around them
	sigma  float64 // standard deviation of the grain on the paper, in grey levels
}

const (
	speckStep  = 60    // grey levels between a speck and all of its neighbours
	speckRate  = 0.002 // of the pixels; clean pages have a tenth of it in their full stops
	grainSigma = 18.0  // grey levels; readers and recognisers see through less
	noiseRows  = 21    // every how many rows noise is measured
	paperGrain = 48    // grey levels between the lightest and darkest of nine pixels that can still be paper
)

// findNoise looks at one row in noiseRows. Grain is measured with the mask of J. Immerkaer, "Fast noise variance estimation",
// Computer Vision and Image Understanding 64 (1996), on what is flat enough to be paper.
func findNoise(r *imaging.Raster) noise {
	var n noise
	if r.Width < 3 || r.Height < 3 {
		return n
	}
	var rows [3][]byte
	for i := range rows {
		rows[i] = make([]byte, r.Width)
	}
	specks, pixels := 0, 0
	var grain [1 << 10]int // histogram of the mask's absolute values
	flat := 0
	for y := 1; y < r.Height-1; y += noiseRows {
		for i := range rows {
			lumaRow(rows[i], r.Row(y-1+i))
		}
		a, b, c := rows[0], rows[1], rows[2]
		pixels += r.Width - 2
		// Least and greatest of the columns before, at and behind x: at x without the middle.
		low := func(x int) byte { return min(a[x], b[x], c[x]) }
		high := func(x int) byte { return max(a[x], b[x], c[x]) }
		loBefore, hiBefore, loHere, hiHere := low(0), high(0), low(1), high(1)
		for x := 1; x < r.Width-1; x++ {
			p, q, s := a[x-1:x+2:x+2], b[x-1:x+2:x+2], c[x-1:x+2:x+2]
			v := q[1]
			loBehind, hiBehind := min(p[2], q[2], s[2]), max(p[2], q[2], s[2])
			lo, hi := min(loBefore, loBehind, p[1], s[1]), max(hiBefore, hiBehind, p[1], s[1])
			loBefore, hiBefore, loHere, hiHere = loHere, hiHere, loBehind, hiBehind
			if v > hi && v-hi >= speckStep || v < lo && lo-v >= speckStep {
				specks++
				continue
			}
			if max(hi, v)-min(lo, v) > 2*paperGrain {
				continue
			}
			m := int(p[0]) + int(p[2]) + int(s[0]) + int(s[2]) + 4*int(v) - 2*(int(p[1])+int(q[0])+int(q[2])+int(s[1]))
			grain[min(max(m, -m), len(grain)-1)]++
			flat++
		}
	}
	n.specks = float64(specks) / float64(max(pixels, 1))
	// The median of |m| is 0.6745 * 6 sigma.
	if half := flat / 2; flat > pixels/10 {
		for v, k := range grain {
			if half -= k; half < 0 {
				n.sigma = float64(v) / (6 * 0.6745)
				break
			}
		}
	}
	return n
}

func lumaRow(dst, px []byte) {
	for x := range dst {
		p := px[3*x : 3*x+3 : 3*x+3]
		dst[x] = imaging.Luma(p[0], p[1], p[2])
	}
}

func (n noise) specked() bool { return n.specks >= speckRate }
func (n noise) grainy() bool  { return n.sigma >= grainSigma }
func (n noise) needed() bool  { return n.specked() || n.grainy() }

func (n noise) String() string {
	switch {
	case n.specked() && n.grainy():
		return fmt.Sprintf("denoise %.1f %% specks, grain %.0f", 100*n.specks, n.sigma)
	case n.specked():
		return fmt.Sprintf("denoise %.1f %% specks", 100*n.specks)
	}
	return fmt.Sprintf("denoise grain %.0f", n.sigma)
}

// apply removes what was measured, in place.
func (n noise) apply(r *imaging.Raster) {
	if n.specked() {
		removeSpecks(r)
	}
	if n.grainy() {
		smooth(r, 2*n.sigma)
	}
}

// window runs over a picture's inner pixels with the three rows around each, which stay as they were.
func window(r *imaging.Raster, each func(out []byte, above, here, below []byte)) {
	if r.Width < 3 || r.Height < 3 {
		return
	}
	above, here := slices.Clone(r.Row(0)), slices.Clone(r.Row(1))
	for y := 1; y < r.Height-1; y++ {
		each(r.Row(y), above, here, r.Row(y+1))
		above, here = here, above
		if y+1 < r.Height {
			copy(here, r.Row(y+1))
		}
	}
}

// removeSpecks gives each pixel that at most one of its neighbours resembles their median. Thin strokes resemble
// themselves: their pixels have two such neighbours or more.
func removeSpecks(r *imaging.Raster) {
	width := r.Width
	window(r, func(out, above, here, below []byte) {
		for x := 1; x < width-1; x++ {
			i := 3 * x
			v := int(here[i+1])
			near := [8]int{3*x - 3, i, 3*x + 3}
			alike := 0
			around := [8]int{int(above[near[0]+1]), int(above[i+1]), int(above[near[2]+1]), int(here[near[0]+1]),
				int(here[near[2]+1]), int(below[near[0]+1]), int(below[i+1]), int(below[near[2]+1])}
			for _, u := range around {
				if d := u - v; d < speckStep && d > -speckStep {
					alike++
				}
			}
			if alike > 1 {
				continue
			}
			for c := range 3 {
				values := [8]byte{above[i-3+c], above[i+c], above[i+3+c], here[i-3+c], here[i+3+c], below[i-3+c], below[i+c], below[i+3+c]}
				slices.Sort(values[:])
				out[i+c] = byte((int(values[3]) + int(values[4])) / 2)
			}
		}
	})
}

// smooth averages each sample with those of its neighbours that are within reach of it, so that edges stay (the sigma
// filter: J.-S. Lee, "Digital image smoothing and the sigma filter", 1983).
func smooth(r *imaging.Raster, reach float64) {
	limit := int32(reach)
	width := r.Width
	window(r, func(out, above, here, below []byte) {
		for i := 3; i < 3*(width-1); i++ {
			v := int32(here[i])
			sum, n := 2*v, int32(2)
			for _, u := range [8]byte{above[i-3], above[i], above[i+3], here[i-3], here[i+3], below[i-3], below[i], below[i+3]} {
				if d := int32(u) - v; d <= limit && d >= -limit {
					sum += int32(u)
					n++
				}
			}
			out[i] = byte((sum + n/2) / n)
		}
	})
}
