package page

import "github.com/courtsense/courtsense/pipeline/imaging"

// surveySide is the longest side that is measured on, in pixels. At it, 10.5 point text of an A4 page is 9 px high or more,
// which is enough to tell its lines; 20 MB of pixels more would tell nothing more.
const surveySide = 1200

// survey is the page at 1/factor of its size, on which every step first measures whether it is needed.
type survey struct {
	factor        int
	width, height int    // cells; the last column and row may cover less than factor pixels
	gray          []byte // mean luma of each cell
	red           []byte // how much more red than green and blue: max(R - max(G, B), 0) of the cell's mean
	inverted      bool   // light text on a dark ground; gray is then turned around
	paper         byte   // luma that most of the page's ground has, 0..255
	ground        ground
	ink           []byte // per cell: 0, or inkStroke where it is darker than the ground around it, and what else is known of it
	inked         int    // number of such cells
	even          int    // number of cells that are hardly darker than the ground
}

// newSurvey measures the colours. Ink is known after look.
func newSurvey(r *imaging.Raster) *survey {
	f := max(1, (max(r.Width, r.Height)+surveySide-1)/surveySide)
	s := &survey{factor: f, width: (r.Width + f - 1) / f, height: (r.Height + f - 1) / f}
	s.gray, s.red = make([]byte, s.width*s.height), make([]byte, s.width*s.height)
	sums := make([]uint32, 3*s.width)
	for y := range s.height {
		from, to := y*f, min((y+1)*f, r.Height)
		clear(sums)
		for row := from; row < to; row++ {
			addCells(sums, r.Row(row), f)
		}
		s.fill(y, sums, uint32(to-from), r.Width)
	}
	return s
}

// addCells adds the pixels of a row to the sums of their cells, f pixels each.
func addCells(sums []uint32, px []byte, f int) {
	switch f {
	case 1:
		for i, v := range px {
			sums[i] += uint32(v)
		}
		return
	case 2:
		for ; len(px) >= 6 && len(sums) >= 3; px, sums = px[6:], sums[3:] {
			p, s := px[:6:6], sums[:3:3]
			s[0] += uint32(p[0]) + uint32(p[3])
			s[1] += uint32(p[1]) + uint32(p[4])
			s[2] += uint32(p[2]) + uint32(p[5])
		}
	}
	for len(px) > 0 {
		n := min(3*f, len(px))
		var b, g, r uint32
		for in := px[:n]; len(in) >= 3; in = in[3:] {
			b += uint32(in[0])
			g += uint32(in[1])
			r += uint32(in[2])
		}
		sums[0] += b
		sums[1] += g
		sums[2] += r
		px, sums = px[n:], sums[3:]
	}
}

// fill turns the sums of a row of cells, rows pixels high, into grey levels and redness.
func (s *survey) fill(y int, sums []uint32, rows uint32, width int) {
	gray, red := s.gray[y*s.width:][:s.width], s.red[y*s.width:][:s.width]
	scale := 65536 / (uint32(s.factor) * rows)
	for x := range gray {
		if x == s.width-1 {
			scale = 65536 / (uint32(width-x*s.factor) * rows)
		}
		p := sums[3*x : 3*x+3 : 3*x+3]
		b, g, r := (p[0]*scale+1<<15)>>16, (p[1]*scale+1<<15)>>16, (p[2]*scale+1<<15)>>16
		gray[x] = imaging.Luma(byte(b), byte(g), byte(r))
		if m := max(b, g); r > m {
			red[x] = byte(r - m)
		}
	}
}

// look finds the ground and what is written on it. It is called once the edges are known and painted over.
func (s *survey) look() {
	h := histogram(s.gray)
	s.paper = percentile(h, 0.7)
	// The ground is what there is most of; the writing is on the side to which the levels reach far.
	median := percentile(h, 0.5)
	if median < darkGround && int(percentile(h, 0.98))-int(median) > int(median)-int(percentile(h, 0.02)) {
		s.inverted = true
		for i, v := range s.gray {
			s.gray[i] = 255 - v
		}
		s.paper = 255 - median
	}
	s.ground = newGround(s)
	s.ink = make([]byte, len(s.gray))
	var line []byte
	for y := range s.height {
		line = s.ground.row(line, y)
		gray, ink := s.gray[y*s.width:][:s.width], s.ink[y*s.width:][:s.width]
		for x, g := range gray {
			if int(g)*inkOf < int(line[x])*inkPart {
				ink[x] = inkStroke
				s.inked++
			} else if int(g)*evenOf >= int(line[x])*evenPart {
				s.even++
			}
		}
	}
	s.markRuns()
}

// What an inked cell belongs to.
const (
	inkStroke = 1 << iota // something written
	inkWide               // a run along its row of thickRun cells or more
	inkTall               // and along its column
	inkRule               // a run of ruleRun cells or more either way: the line of a table, if it is not thick
)

// thick is a field or the world outside of the page: nothing that is written spreads both ways so far.
const inkThick = inkWide | inkTall

const (
	thickRun = 9
	ruleRun  = 48
)

// markRuns finds long runs of ink.
func (s *survey) markRuns() {
	mark := func(from, to, step int, long byte) {
		n := (to - from) / step
		if n < thickRun {
			return
		}
		if n >= ruleRun {
			long |= inkRule
		}
		for i := from; i < to; i += step {
			s.ink[i] |= long
		}
	}
	for y := range s.height {
		from := -1
		for i := y * s.width; i < (y+1)*s.width; i++ {
			if s.ink[i] == 0 {
				if from >= 0 {
					mark(from, i, 1, inkWide)
				}
				from = -1
			} else if from < 0 {
				from = i
			}
		}
		if from >= 0 {
			mark(from, (y+1)*s.width, 1, inkWide)
		}
	}
	runs := make([]int, s.width)
	for y := range s.height {
		for x, v := range s.ink[y*s.width:][:s.width] {
			if v != 0 {
				runs[x]++
				continue
			}
			if runs[x] > 0 {
				mark((y-runs[x])*s.width+x, y*s.width+x, s.width, inkTall)
				runs[x] = 0
			}
		}
	}
	for x, n := range runs {
		if n > 0 {
			mark((s.height-n)*s.width+x, s.height*s.width+x, s.width, inkTall)
		}
	}
}

const (
	darkGround = 110       // a page whose median luma is below may be written light on dark
	inkPart    = 4         // ink is darker than
	inkOf      = 5         // 4/5 of the ground around it
	evenPart   = 9         // what is lighter than
	evenOf     = 10        // 9/10 of the ground belongs to it
	sheetEven  = 0.6       // of the cells of a page; half of a photograph's or more are neither ink nor ground
	groundCell = 16        // survey cells along a side of a cell of the ground
	groundRank = 0.85      // of the luma in it that counts as ground: text covers less than the rest
	groundGone = 0.6       // of its neighbourhood's luma below which a cell of the ground is covered by a picture
	noGround   = byte(255) // of a page without a single cell; never seen
)

// sheet reports whether the picture is even enough to be a page, for which a share of ground counts.
func (s *survey) sheet() bool { return float64(s.even) >= sheetEven*float64(len(s.gray)) }

func histogram(gray []byte) *[256]int {
	h := new([256]int)
	for _, v := range gray {
		h[v]++
	}
	return h
}

// percentile returns the level below or at which the part p of the counts lies.
func percentile(h *[256]int, p float64) byte {
	n := 0
	for _, c := range h {
		n += c
	}
	want := int(p * float64(n))
	for v, c := range h {
		if want -= c; want < 0 {
			return byte(v)
		}
	}
	return noGround
}
