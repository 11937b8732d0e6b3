package text

import (
	"math"
	"slices"

	"github.com/courtsense/courtsense/ocr"
)

// column lays out a line written from top to bottom as one written from left to right: the column is cut between its
// characters, and these are put side by side, upright. What vertical writing sets differently is put as in a horizontal
// line: commas and full stops come from the upper right of their square to its lower left, brackets are turned back. p is
// the column, upright.
func column(p ocr.Polygon, height int, margin float64, src plane, buf []float32) (strip, bool) {
	side, ok := straight(ocr.Polygon{p[1], p[2], p[3], p[0]}, height, margin)
	if !ok {
		return strip{}, false
	}
	width := int(math.Ceil(side.width))
	if width > len(buf)/(height*src.channels) {
		return strip{}, false
	}
	unit := pixelScale{channels: src.channels, from: [3]int{0, 1, 2}, gain: [3]float32{1, 1, 1}}
	side.sample(buf, width, src, unit)
	l := lying{pix: buf[:width*height], width: width, height: height}
	l.measure()
	l.narrow()
	q, h := side.patches[0], float64(height)
	low, high := float64(l.low), float64(l.high)
	larger := h / (high - low)
	out := strip{height: height, holes: true, paper: l.paper}
	for _, c := range characterCells(contrasts(l.pix[l.low*width:l.high*width], width, l.high-l.low), high-low) {
		set := patch{tl: q.at(c[0], high), tr: q.at(c[0], low), br: q.at(c[1], low), bl: q.at(c[1], high), x0: out.width, x1: out.width + h, y1: h}
		advance := h
		switch ink, kind := l.glyph(c); kind {
		case cornerMark:
			set.tl, set.tr, set.br, set.bl = q.at(ink.x0, ink.y1), q.at(ink.x0, ink.y0), q.at(ink.x1, ink.y0), q.at(ink.x1, ink.y1)
			set.x0 += 0.06 * h
			set.x1 = set.x0 + larger*(ink.y1-ink.y0)
			set.y0, set.y1 = 0.92*h-larger*(ink.x1-ink.x0), 0.92*h
			advance = 0.9 * h // with the rest of its square
		case turnedMark:
			set.tl, set.tr, set.br, set.bl = set.tr, set.br, set.bl, set.tl
		}
		out.patches = append(out.patches, set)
		out.width += advance
	}
	return out, len(out.patches) > 0
}

// lying is a column's picture on its side: x runs down the column, y from its right edge to its left.
type lying struct {
	pix           []float32
	width, height int
	paper, ink    float32 // usual brightness of the paper, and that below which a pixel is ink
	low, high     int     // rows from low to before high hold the characters, with some paper on either side
}

// measure finds the paper's and the ink's brightness.
func (l *lying) measure() {
	values := slices.Clone(l.pix)
	n := len(values)
	l.paper = ranked(values, n*3/4)
	l.ink = l.paper - 0.4*(l.paper-ranked(values[:n*3/4+1], n/50))
}

// Numbers of the fit across a column. Shares of ink are of a row's length, the others of the height.
const (
	fitRule   = 0.8  // from this share on a row is of a rule beside the column
	fitInk    = 0.05 // up to this share it holds specks at most
	fitAround = 0.3  // of the height, on either side: how far in rules are looked for
	fitPaper  = 0.08 // left on either side
	fitLeast  = 0.72 // a column is not made narrower than this
)

// narrow finds the rows that hold the characters: a column that was found with the rules on its sides, or much paper, would be read small, and its
// rules for strokes all along.
func (l *lying) narrow() {
	share := make([]float64, l.height)
	for y := range share {
		n := 0
		for _, v := range l.pix[y*l.width : (y+1)*l.width] {
			if v < l.ink {
				n++
			}
		}
		share[y] = float64(n) / float64(l.width)
	}
	l.low, l.high = 0, l.height
	around := int(fitAround * float64(l.height))
	from, to := 0, l.height
	for y := range around {
		if share[y] > fitRule {
			from = y + 1
		}
		if share[l.height-1-y] > fitRule {
			to = l.height - 1 - y
		}
	}
	low, high := from, to
	for low < high && share[low] <= fitInk {
		low++
	}
	for low < high && share[high-1] <= fitInk {
		high--
	}
	paper := int(math.Round(fitPaper * float64(high-low)))
	low, high = max(low-paper, from), min(high+paper, to)
	if float64(high-low) >= fitLeast*float64(l.height) {
		l.low, l.high = low, high
	}
}

// ranked returns the value that sorting would bring to place k, and moves those that are not greater before it (C. A. R. Hoare, Algorithm 65:
// Find, 1961).
func ranked(v []float32, k int) float32 {
	for from, to := 0, len(v)-1; from < to; {
		pivot := v[from+(to-from)/2]
		i, j := from, to
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for v[j] > pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			to = j
		case k >= i:
			from = i
		default:
			return v[k]
		}
	}
	return v[k]
}

// mark is how a character of a column differs from one of a line.
type mark int

const (
	plainGlyph mark = iota
	cornerMark      // a comma or full stop, in a corner of its square, by rights the upper right one
	turnedMark      // a bracket or the like, turned clockwise
)

// inkBounds are a glyph's bounds on the lying column.
type inkBounds struct{ x0, x1, y0, y1 float64 }

// glyph looks at what stands in a cell of the column.
func (l *lying) glyph(cell [2]float64) (inkBounds, mark) {
	x0, x1 := max(int(cell[0]), 0), min(int(math.Ceil(cell[1])), l.width)
	b := inkBounds{x0: math.Inf(1), y0: math.Inf(1)}
	var depth, count [3]float64 // sum of x and number of ink pixels in each third of the column's width
	for y := l.low; y < l.high; y++ {
		third := min(3*(y-l.low)/(l.high-l.low), 2)
		for x := x0; x < x1; x++ {
			if l.pix[y*l.width+x] >= l.ink {
				continue
			}
			b.x0, b.x1 = min(b.x0, float64(x)), max(b.x1, float64(x+1))
			b.y0, b.y1 = min(b.y0, float64(y)), max(b.y1, float64(y+1))
			depth[third] += float64(x)
			count[third]++
		}
	}
	if b.x1 == 0 {
		return b, plainGlyph
	}
	h := float64(l.high - l.low)
	long, wide, middle := b.x1-b.x0, b.y1-b.y0, (b.y0+b.y1)/2-float64(l.low)
	switch {
	case long < 0.45*h && wide < 0.45*h && math.Abs(middle-h/2) > 0.12*h:
		pad := 0.04 * h
		return inkBounds{b.x0 - pad, b.x1 + pad, b.y0 - pad, b.y1 + pad}, cornerMark
	case long < 0.5*h && wide > 0.5*h && min(count[0], count[1], count[2]) > 0:
		// The ends of a turned bracket lie lower than its middle, those of a closing one higher; a stroke's do not.
		ends := (depth[0]/count[0] + depth[2]/count[2]) / 2
		if math.Abs(ends-depth[1]/count[1]) > 0.06*h {
			return b, turnedMark
		}
	}
	return b, plainGlyph
}

// contrasts returns, for every column of pixels of a single-channel strip, the difference between its lightest and darkest.
func contrasts(pix []float32, width, height int) []float32 {
	lo, hi := make([]float32, width), make([]float32, width)
	copy(lo, pix[:width])
	copy(hi, pix[:width])
	for y := 1; y < height; y++ {
		for x, v := range pix[y*width : (y+1)*width] {
			lo[x], hi[x] = min(lo[x], v), max(hi[x], v)
		}
	}
	for x := range hi {
		hi[x] -= lo[x]
	}
	return hi
}

// inkShare is the part of a strip's largest contrast from which a column of pixels holds ink.
const inkShare = 0.3

// characterCells cuts a column of square characters, given the contrasts down the column, into cells of about size each:
// strokes are gathered as long as they make up no more than a character, and what is longer is divided evenly.
func characterCells(contrast []float32, size float64) [][2]float64 {
	largest := float32(0)
	for _, c := range contrast {
		largest = max(largest, c)
	}
	var ink [][2]float64
	for x := 0; x < len(contrast); x++ {
		if contrast[x] <= largest*inkShare {
			continue
		}
		from := x
		for ; x < len(contrast) && contrast[x] > largest*inkShare; x++ {
		}
		n := max(1, math.Round(float64(x-from)/size))
		for i := range int(n) {
			step := float64(x-from) / n
			a, b := float64(from)+float64(i)*step, float64(from)+float64(i+1)*step
			if last := len(ink) - 1; n == 1 && last >= 0 && b-ink[last][0] <= size {
				ink[last][1] = b
			} else {
				ink = append(ink, [2]float64{a, b})
			}
		}
	}
	ink = onGrid(ink, contrast, largest)
	cells := make([][2]float64, len(ink))
	for i, c := range ink {
		middle := (c[0] + c[1]) / 2
		lo, hi := min(middle-size/2, c[0]), max(middle+size/2, c[1])
		if i > 0 {
			lo = max(lo, (ink[i-1][1]+c[0])/2)
		}
		if i < len(ink)-1 {
			hi = min(hi, (c[1]+ink[i+1][0])/2)
		}
		cells[i] = [2]float64{max(lo, 0), min(hi, float64(len(contrast)))}
	}
	return cells
}

// Numbers of the cuts on a grid. A cut may be gridLoose of the characters' distance off; gridStretch weighs the square of how much, against a cut
// through ink, which costs 1.
const (
	gridLeast   = 6   // characters that tell their distance
	gridLoose   = 0.4 // of the distance
	gridStretch = 8.0
	gridInk     = 0.15 // share of the largest contrast from which a cut costs something
)

// onGrid cuts a column anew where its characters stand at the same distance nearly all along: a bracket and the numeral in it are both low, and
// gathered by their ink they are taken for one character; so are a character and the stop that hangs below it. ink are the characters as they were
// gathered.
func onGrid(ink [][2]float64, contrast []float32, largest float32) [][2]float64 {
	if len(ink) < gridLeast {
		return ink
	}
	steps := make([]float64, len(ink)-1)
	for i := range steps {
		steps[i] = (ink[i+1][0] + ink[i+1][1] - ink[i][0] - ink[i][1]) / 2
	}
	slices.Sort(steps)
	pitch := steps[len(steps)/2]
	least, most := int(math.Ceil((1-gridLoose)*pitch)), int((1+gridLoose)*pitch)
	if least < 2 {
		return ink
	}
	// cost[i] is that of the best cuts up to one at i-most, and before[i] the cut before. The first one lies before all ink, the last one behind.
	n := len(contrast) + 2*most + 1
	cost, before := make([]float64, n), make([]int, n)
	first, last := int(ink[0][0])+most, int(ink[len(ink)-1][1])+most
	through := func(i int) float64 {
		// A cut at i lies between the pixels i-1 and i.
		c := float32(0)
		for _, x := range [2]int{i - most - 1, i - most} {
			if x >= 0 && x < len(contrast) {
				c = max(c, contrast[x])
			}
		}
		return max(0, float64(c/largest)-gridInk)
	}
	end := -1
	for i := range n {
		before[i] = -1
		if i > first {
			cost[i] = math.Inf(1)
			for step := least; step <= min(most, i); step++ {
				off := (float64(step) - pitch) / pitch
				if c := cost[i-step] + gridStretch*off*off; c < cost[i] {
					cost[i], before[i] = c, i-step
				}
			}
		}
		cost[i] += through(i)
		if i >= last && i < last+most && (end < 0 || cost[i] < cost[end]) {
			end = i
		}
	}
	if end < 0 {
		return ink
	}
	var out [][2]float64
	for to := end; before[to] >= 0; to = before[to] {
		a, b := max(before[to]-most, 0), min(to-most, len(contrast))
		for a < b && contrast[a] <= largest*inkShare {
			a++
		}
		for a < b && contrast[b-1] <= largest*inkShare {
			b--
		}
		if a < b {
			out = append(out, [2]float64{float64(a), float64(b)})
		}
	}
	slices.Reverse(out)
	return out
}
