package text

import "slices"

// run is a row's stretch of cells above the threshold: columns from..to-1 of row y.
type run struct{ y, from, to int32 }

// components finds the 8-connected components of map cells above the threshold. It works on runs, of which a page of text
// has a few thousand, not on cells; all slices are kept from call to call.
type components struct {
	runs   []run
	parent []int32 // union-find over runs
	order  []int32 // runs sorted by component, in each by row
	starts []int32 // of each component in order; one more than there are components
}

// find fills c. It returns false when the map holds a value that is no number.
func (c *components) find(prob []float32, width, height int, threshold float32) bool {
	c.runs, c.parent = c.runs[:0], c.parent[:0]
	previous := 0 // first run of the row above
	sound := true
	for y := range height {
		row := prob[y*width : (y+1)*width]
		first := len(c.runs)
		for x := 0; x < len(row); x++ {
			if x+8 <= len(row) {
				// Most of a page is empty: eight cells at a time.
				if w := row[x : x+8 : x+8]; w[0] <= threshold && w[1] <= threshold && w[2] <= threshold && w[3] <= threshold &&
					w[4] <= threshold && w[5] <= threshold && w[6] <= threshold && w[7] <= threshold {
					x += 7
					continue
				}
			}
			v := row[x]
			if v <= threshold {
				continue
			}
			if v != v {
				sound = false
				continue
			}
			from := x
			for x++; x < len(row) && row[x] > threshold; x++ {
			}
			c.runs = append(c.runs, run{int32(y), int32(from), int32(x)})
			c.parent = append(c.parent, int32(len(c.parent)))
			x-- // what ended the run may be no number
		}
		c.join(previous, first)
		previous = first
	}
	c.group()
	return sound
}

// join connects the runs of the last row, from first on, with those of the row above, from previous on.
func (c *components) join(previous, first int) {
	above := previous
	for i := first; i < len(c.runs); i++ {
		r := c.runs[i]
		for above < first && c.runs[above].to < r.from {
			above++
		}
		for k := above; k < first && c.runs[k].from <= r.to; k++ {
			a, b := c.root(int32(k)), c.root(int32(i))
			c.parent[max(a, b)] = min(a, b)
		}
	}
}

func (c *components) root(i int32) int32 {
	for c.parent[i] != i {
		c.parent[i] = c.parent[c.parent[i]]
		i = c.parent[i]
	}
	return i
}

// group sorts the runs by component.
func (c *components) group() {
	c.starts = c.starts[:0]
	// A root comes before its other runs, so that one pass numbers the components.
	number := slices.Grow(c.order[:0], len(c.runs))[:len(c.runs)]
	for i := range c.runs {
		if r := c.root(int32(i)); int(r) == i {
			number[i] = int32(len(c.starts))
			c.starts = append(c.starts, 0)
		} else {
			number[i] = number[r]
		}
	}
	c.starts = append(c.starts, 0)
	for _, n := range number {
		c.starts[n+1]++
	}
	for i := 1; i < len(c.starts); i++ {
		c.starts[i] += c.starts[i-1]
	}
	order := slices.Grow(c.parent[:0], len(c.runs))[:len(c.runs)]
	at := slices.Clone(c.starts)
	for i, n := range number {
		order[at[n]] = int32(i)
		at[n]++
	}
	c.order, c.parent = order, number
}

// count returns how many components there are.
func (c *components) count() int { return max(len(c.starts)-1, 0) }

// component returns the indices of component i's runs, by row.
func (c *components) component(i int) []int32 { return c.order[c.starts[i]:c.starts[i+1]] }
