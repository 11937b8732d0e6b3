package layout

import (
	"cmp"
	"math"
	"slices"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// ruling is a drawn line: where it runs (from < to), and how far across it lies at both ends. A horizontal one runs along x.
type ruling struct{ from, to, atFrom, atTo float64 }

// at is how far across the ruling lies at a place along it.
func (r ruling) at(along float64) float64 {
	if r.to == r.from {
		return r.atFrom
	}
	t := (along - r.from) / (r.to - r.from)
	return r.atFrom + (r.atTo-r.atFrom)*min(max(t, 0), 1)
}

func (r ruling) middle() float64 { return (r.atFrom + r.atTo) / 2 }

// step is how many pixels along a line are looked at together. Averaged over them, a thin line stays as dark as it is, and
// noise and the strokes of characters do not.
const step = 8

// mostRulings bounds the work on a picture that is all lines.
const mostRulings = 1000

// rulingsOf finds a picture's horizontal and vertical lines, for text of em pixels. They may be slanted by some degrees.
// Only green is looked at: black and the red of printed forms are both dark in it.
func rulingsOf(r *imaging.Raster, em float64) (horizontal, vertical []ruling) {
	cols, bands := r.Width/step, r.Height/step
	across := newPlane(cols, r.Height)
	down := newPlane(bands, r.Width) // turned: a picture's column is a row here
	if cols == 0 || bands == 0 {
		return nil, nil
	}
	sums := make([]uint16, r.Width)
	for y := range r.Height {
		px := r.Row(y)
		row := across.row(y)
		for c := range row {
			in, out := (*[3 * step]byte)(px[3*step*c:]), (*[step]uint16)(sums[step*c:])
			sum := uint16(0)
			for k := range out {
				v := uint16(in[3*k+1])
				sum += v
				out[k] += v
			}
			row[c] = sum
		}
		for x := step * cols; x < r.Width; x++ {
			sums[x] += uint16(px[3*x+1])
		}
		if y%step == step-1 {
			for x, v := range sums {
				down.row(x)[y/step] = v
			}
			clear(sums)
		}
	}
	return across.rulings(em, 3*em), down.rulings(em, 2*em)
}

// plane holds sums of step pixels along a direction: a row for each pixel across it.
type plane struct {
	width, height int
	sums          []uint16
}

func newPlane(width, height int) plane {
	return plane{width, height, make([]uint16, width*height)}
}

func (p plane) row(y int) []uint16 { return p.sums[y*p.width : (y+1)*p.width] }

// contrast is how much darker a line is than what lies on both sides of it, in grey levels.
const contrast = 24

// spot is where a column of a plane is dark.
type spot struct {
	at       int
	contrast uint16 // how dark it is together: the same wherever a thin line falls between pixels
}

// chain is a line while it is followed.
type chain struct {
	first, last int    // columns
	at          int    // in the last column
	spots       []spot // from the first column on; without contrast where there is a hole
}

// trim drops what a rule has picked up at its ends, such as strokes of characters in line with it: a rule begins where it is
// dark for some columns in a row.
func (c *chain) trim(columns int) {
	dark := uint16(evenness * float64(c.usual()))
	begins := func(from, step int) int {
		run := 0
		for k := from; k >= 0 && k < len(c.spots); k += step {
			if c.spots[k].contrast < max(dark, 1) {
				run = 0
				continue
			}
			if run++; run == columns {
				return k - step*(columns-1)
			}
		}
		return -1
	}
	from, to := begins(0, 1), begins(len(c.spots)-1, -1)
	if from < 0 || to < from {
		c.spots = nil
		return
	}
	c.last = c.first + to
	c.first += from
	c.spots = c.spots[from : to+1]
}

// usual is the median contrast.
func (c *chain) usual() uint16 { return c.quantile(0.5) }

func (c *chain) quantile(q float64) uint16 {
	all := make([]uint16, len(c.spots))
	for i, s := range c.spots {
		all[i] = s.contrast
	}
	slices.Sort(all)
	return all[int(q*float64(len(all)-1))]
}

// solid tells a drawn line, which is straight and dark all along, from strokes of characters that happen to stand in one
// line: between them it is brighter.
func (c *chain) solid() bool {
	if q := float64(c.quantile(0.125)); q == 0 || q < evenness*float64(c.usual()) {
		return false
	}
	n := len(c.spots) - 1
	first, last := c.spots[0].at, c.spots[n].at
	bend := max(2, step*n/100) // paper bends
	for i, s := range c.spots {
		if abs(s.at-first-(last-first)*i/max(n, 1)) > bend {
			return false
		}
	}
	return true
}

// evenness is the share of its usual darkness that a drawn line keeps.
const evenness = 0.6

// rulings follows dark spots from column to column.
func (p plane) rulings(em, shortest float64) []ruling {
	side := int(min(max(em/5, 3), 16))
	spots := p.spots(side)
	const (
		slope = 1 // pixels that a line may move across in one step: 7 degrees
		holes = 1 // steps that may be missing
	)
	var open, done []chain
	for c, at := range spots {
		next := open[:0:0]
		k := 0
		used := make([]bool, len(at))
		for _, ch := range open {
			for k < len(at) && at[k].at < ch.at-slope {
				k++
			}
			best := -1
			for n := k; n < len(at) && at[n].at <= ch.at+slope; n++ {
				if !used[n] && (best < 0 || abs(at[n].at-ch.at) < abs(at[best].at-ch.at)) {
					best = n
				}
			}
			switch {
			case best >= 0:
				used[best] = true
				for len(ch.spots) < c-ch.first {
					ch.spots = append(ch.spots, spot{at: ch.at})
				}
				ch.at, ch.last = at[best].at, c
				ch.spots = append(ch.spots, at[best])
				next = append(next, ch)
			case c-ch.last <= holes:
				next = append(next, ch)
			default:
				done = append(done, ch)
			}
		}
		for n, y := range at {
			if !used[n] {
				next = append(next, chain{first: c, last: c, at: y.at, spots: []spot{y}})
			}
		}
		slices.SortStableFunc(next, func(a, b chain) int { return cmp.Compare(a.at, b.at) })
		open = next
	}
	done = append(done, open...)
	var out []ruling
	// Where rules cross, a chain may end or be less dark: the side of a narrow cell is a piece of its own, which only the rest
	// makes long enough. Strokes of a character are shorter than that.
	least := max(int(shortest/step), 2)
	piece := max(min(int(1.5*em/step), least), 2)
	for _, ch := range done {
		if ch.last-ch.first+1 < piece {
			continue
		}
		ch.trim(piece)
		if len(ch.spots) < piece || !ch.solid() {
			continue
		}
		out = append(out, ruling{
			from: float64(step * ch.first), to: float64(step * (ch.last + 1)),
			atFrom: float64(ch.spots[0].at) + 0.5, atTo: float64(ch.spots[len(ch.spots)-1].at) + 0.5,
		})
	}
	out = joined(out, em)
	return slices.DeleteFunc(out, func(r ruling) bool { return r.to-r.from < step*float64(least) })
}

// spots lists, for each column, where it is darker than on both sides; of a thick line the middle.
func (p plane) spots(side int) [][]spot {
	spots := make([][]spot, p.width)
	begun := make([]int, p.width) // first row of the dark run in each column, 0 for none
	dark := make([]uint16, p.width)
	for y := side; y+side < p.height; y++ {
		row := p.row(y)
		above, below := p.row(y - side)[:len(row)], p.row(y + side)[:len(row)]
		for c, v := range row {
			light := min(above[c], below[c])
			if v+contrast*step <= light {
				if begun[c] == 0 {
					begun[c], dark[c] = y, 0
				}
				dark[c] += light - v
				continue
			}
			if begun[c] > 0 {
				if y-begun[c] <= side {
					spots[c] = append(spots[c], spot{(begun[c] + y - 1) / 2, dark[c]})
				}
				begun[c] = 0
			}
		}
	}
	return spots
}

// joined puts pieces of one line together, which writing or a stamp has cut, and keeps the longest ones.
func joined(all []ruling, em float64) []ruling {
	slices.SortStableFunc(all, func(a, b ruling) int { return cmp.Compare(b.to-b.from, a.to-a.from) })
	all = all[:min(len(all), 2*mostRulings)]
	slices.SortStableFunc(all, func(a, b ruling) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.atFrom, b.atFrom)) })
	var out []ruling
	for _, r := range all {
		best := -1
		for k, o := range out {
			if r.from-o.to > 2*em || r.to <= o.to || r.from < o.to-em {
				continue
			}
			if d := math.Abs(r.atFrom - o.atTo); d <= max(3, em/8) && (best < 0 || d < math.Abs(r.atFrom-out[best].atTo)) {
				best = k
			}
		}
		if best >= 0 {
			out[best].to, out[best].atTo = r.to, r.atTo
			continue
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b ruling) int { return cmp.Compare(b.to-b.from, a.to-a.from) })
	out = out[:min(len(out), mostRulings)]
	slices.SortStableFunc(out, func(a, b ruling) int { return cmp.Or(cmp.Compare(a.middle(), b.middle()), cmp.Compare(a.from, b.from)) })
	return out
}

func abs(v int) int { return max(v, -v) }
