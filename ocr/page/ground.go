package page

import "slices"

// ground is the brightness of what a page is written on, without the writing, on a coarse grid.
type ground struct {
	columns, rows int
	level         []byte // 1..255
}

// newGround takes a high percentile of the luma of each cell, so that ink does not count, and bridges the cells that
// something dark covers altogether.
func newGround(s *survey) ground {
	g := ground{columns: (s.width + groundCell - 1) / groundCell, rows: (s.height + groundCell - 1) / groundCell}
	raw := make([]byte, g.columns*g.rows)
	var h [256]int
	for cy := range g.rows {
		for cx := range g.columns {
			clear(h[:])
			x0, x1 := cx*groundCell, min((cx+1)*groundCell, s.width)
			for y := cy * groundCell; y < min((cy+1)*groundCell, s.height); y++ {
				for _, v := range s.gray[y*s.width+x0 : y*s.width+x1] {
					h[v]++
				}
			}
			raw[cy*g.columns+cx] = max(percentile(&h, groundRank), 1)
		}
	}
	g.level = g.bridged(raw)
	g.level = g.smoothed(g.level)
	return g
}

// bridged replaces each cell that is much darker than its neighbourhood's median by that.
func (g ground) bridged(raw []byte) []byte {
	const reach = 3
	out := slices.Clone(raw)
	near := make([]byte, 0, (2*reach+1)*(2*reach+1))
	for y := range g.rows {
		for x := range g.columns {
			near = near[:0]
			for ny := max(y-reach, 0); ny <= min(y+reach, g.rows-1); ny++ {
				near = append(near, raw[ny*g.columns+max(x-reach, 0):ny*g.columns+min(x+reach, g.columns-1)+1]...)
			}
			if float64(raw[y*g.columns+x]) >= groundGone*float64(slices.Max(near)) {
				continue // most cells, and they need not be sorted for it
			}
			slices.Sort(near)
			if m := near[len(near)*3/4]; float64(raw[y*g.columns+x]) < groundGone*float64(m) {
				out[y*g.columns+x] = m
			}
		}
	}
	return out
}

// smoothed returns the mean of each cell and its eight neighbours.
func (g ground) smoothed(in []byte) []byte {
	out := make([]byte, len(in))
	for y := range g.rows {
		for x := range g.columns {
			sum, n := 0, 0
			for ny := max(y-1, 0); ny <= min(y+1, g.rows-1); ny++ {
				for nx := max(x-1, 0); nx <= min(x+1, g.columns-1); nx++ {
					sum += int(in[ny*g.columns+nx])
					n++
				}
			}
			out[y*g.columns+x] = byte((sum + n/2) / n)
		}
	}
	return out
}

// row returns the ground below row y of the survey, interpolated between the cells' centres, into line where that is long
// enough. A line is as long as the grid is wide, which is the survey's width or a little more.
func (g ground) row(line []byte, y int) []byte {
	n := g.columns * groundCell
	if cap(line) < n {
		line = make([]byte, n)
	}
	line = line[:n]
	below, fy := split(y, g.rows)
	above := max(below-1, 0)
	below = min(below, g.rows-1)
	level := func(x int) int {
		return int(g.level[above*g.columns+x])*(2*groundCell-fy) + int(g.level[below*g.columns+x])*fy
	}
	at := 0
	left := level(0)
	for x := 0; x <= g.columns; x++ {
		right := left
		if x < g.columns {
			right = level(x)
		}
		// Between the centres of cells x-1 and x, or half a cell at the ends.
		steps, fx := groundCell, 1
		if x == 0 || x == g.columns {
			steps = groundCell / 2
		}
		for range steps {
			line[at] = byte((left*(2*groundCell-fx) + right*fx) / (4 * groundCell * groundCell))
			fx += 2
			at++
		}
		left = right
	}
	return line
}

// split returns the cell whose centre lies below position i, and how far i lies between the centre above and it, in
// 1/(2*groundCell).
func split(i, cells int) (below, part int) {
	at := 2*i + 1 + groundCell // from the centre of the cell before the first, in half positions
	return min(at/(2*groundCell), cells), at % (2 * groundCell)
}
