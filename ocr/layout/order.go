package layout

import (
	"cmp"
	"math"
	"slices"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Orderer orders pages. The zero value is ready, keeps nothing and is safe for concurrent use.
type Orderer struct{}

// Order sorts p.Lines into reading order: headers, then the body from top to bottom (columns one after the other, tables row
// by row, vertical text from right to left), then the writing of stamps, then footers. It sets each line's Paragraph,
// replaces regions of the kinds table, cell and margin by those it finds, and renumbers the lines that corrections and
// other regions refer to.
//
// The picture, in the same coordinates as the lines, shows where a table's rules are; with nil, tables are found by the
// alignment of their columns only. Lines whose coordinates are not finite come last, as they were. The outcome depends on
// nothing but the input; time grows as n log n with the lines, and linearly with the picture.
func (Orderer) Order(p *ocr.Page, picture *imaging.Raster) {
	s := newSheet(p, picture)
	p.Regions = slices.DeleteFunc(p.Regions, func(r ocr.Region) bool {
		return r.Kind == ocr.RegionTable || r.Kind == ocr.RegionCell || r.Kind == ocr.RegionMargin
	})
	s.read(picture)
	s.apply()
}

// box is an upright rectangle.
type box struct{ x0, y0, x1, y1 float64 }

func (b box) width() float64  { return b.x1 - b.x0 }
func (b box) height() float64 { return b.y1 - b.y0 }

func (b box) union(o box) box {
	return box{min(b.x0, o.x0), min(b.y0, o.y0), max(b.x1, o.x1), max(b.y1, o.y1)}
}

// outline is the box's corners, clockwise.
func (b box) outline() []ocr.Point {
	p := ocr.Box{X: float32(b.x0), Y: float32(b.y0), W: float32(b.width()), H: float32(b.height())}.Polygon()
	return p[:]
}

// sheet is a page while its order is being found.
type sheet struct {
	page          *ocr.Page
	width, height float64
	em            float64    // a character's usual size: the median of the lines' heights
	vertical      bool       // most of the text runs from top to bottom
	upright       []box      // each line's box on the page
	plumb         projection // takes skew and perspective out
	straight      []box      // each line's box without them
	boxes         []box      // the same as read: turned so that lines run to the right and follow each other downwards

	groups  []group
	regions []ocr.Region // found here; their lines are numbered as before
}

// group is a part of the page that is read on its own, such as a column or a cell. Its rows are lists of lines from left to
// right.
type group struct {
	rows [][]int
	cell bool
}

func newSheet(p *ocr.Page, picture *imaging.Raster) *sheet {
	s := &sheet{page: p, width: float64(p.Width), height: float64(p.Height)}
	if picture != nil {
		s.width, s.height = float64(picture.Width), float64(picture.Height)
	}
	s.upright = make([]box, len(p.Lines))
	var heights []float64
	across, down := 0, 0
	for i, l := range p.Lines {
		s.upright[i] = boundsOf(l.Polygon)
		if !s.finite(i) {
			continue
		}
		// A line's height, and a column's width, is the shorter side; of the outline itself, since a skewed line's box is higher.
		side := math.Hypot(float64(l.Polygon[3].X-l.Polygon[0].X), float64(l.Polygon[3].Y-l.Polygon[0].Y))
		if l.Vertical {
			side = min(side, math.Hypot(float64(l.Polygon[1].X-l.Polygon[0].X), float64(l.Polygon[1].Y-l.Polygon[0].Y)))
			down += 1 + len(l.Text)
		} else {
			across += 1 + len(l.Text)
		}
		heights = append(heights, side)
	}
	s.vertical = down > across
	s.em = max(median(heights), 1)
	s.boxes = make([]box, len(p.Lines))
	s.straight = make([]box, len(p.Lines))
	s.plumb = s.straighten()
	for i, l := range p.Lines {
		b := boundsOf(s.plumb.polygon(l.Polygon))
		s.straight[i] = b
		if s.vertical {
			b = box{b.y0, -b.x1, b.y1, -b.x0}
		}
		s.boxes[i] = b
	}
	return s
}

// boundsOf is the box around the polygon's corners.
func boundsOf(p ocr.Polygon) box {
	out := nowhere
	for _, q := range p {
		x, y := float64(q.X), float64(q.Y)
		out = out.union(box{x, y, x, y})
	}
	return out
}

// nowhere is neutral in unions.
var nowhere = box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}

// farthest is the largest coordinate that is taken for a place on a page.
const farthest = 1e7

func (s *sheet) finite(i int) bool {
	b := s.upright[i]
	return b.x0 > -farthest && b.y0 > -farthest && b.x1 < farthest && b.y1 < farthest
}

// median is 0 of nothing.
func median(v []float64) float64 { return quantile(v, 0.5) }

// quantile sorts v.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[int(q*float64(len(v)-1)+0.5)]
}

// read finds the groups in their order.
func (s *sheet) read(picture *imaging.Raster) {
	var body, stamps, lost []int
	for i := range s.page.Lines {
		switch {
		case !s.finite(i):
			lost = append(lost, i)
		case s.onStamp(i):
			stamps = append(stamps, i)
		default:
			body = append(body, i)
		}
	}
	head, body, foot := s.margins(body)
	s.margin(head)
	items, body := s.ruledTables(picture, body)
	var first, last []int
	if s.vertical {
		first, body, last = s.acrossVertical(body)
	}
	s.plain(first)
	s.flow(append(items, s.items(body)...))
	s.plain(last)
	s.plain(stamps)
	s.margin(foot)
	for _, i := range lost {
		s.groups = append(s.groups, group{rows: [][]int{{i}}})
	}
}

// plain reads lines row by row.
func (s *sheet) plain(lines []int) {
	if len(lines) > 0 {
		s.groups = append(s.groups, group{rows: s.lineRows(lines)})
	}
}

// lineRows are the rows of single lines.
func (s *sheet) lineRows(lines []int) [][]int {
	items := make([]item, len(lines))
	for k, i := range lines {
		items[k] = item{box: s.boxes[i], lines: []int{i}}
	}
	var out [][]int
	for _, row := range rowsOf(items, s.em) {
		var r []int
		for _, it := range row.items {
			r = append(r, it.lines...)
		}
		out = append(out, r)
	}
	return out
}

// onStamp tells the curved writing of a seal from what is printed below the seal.
func (s *sheet) onStamp(i int) bool {
	l := s.page.Lines[i]
	if len(l.Outline) <= 4 {
		return false
	}
	b := s.upright[i]
	x, y := (b.x0+b.x1)/2, (b.y0+b.y1)/2
	for _, r := range s.page.Regions {
		if r.Kind != ocr.RegionSeal || len(r.Outline) == 0 {
			continue
		}
		around := nowhere
		for _, q := range r.Outline {
			around = around.union(box{float64(q.X), float64(q.Y), float64(q.X), float64(q.Y)})
		}
		if x > around.x0 && x < around.x1 && y > around.y0 && y < around.y1 {
			return true
		}
	}
	return false
}

// apply sorts the lines, and renumbers what refers to them.
func (s *sheet) apply() {
	p := s.page
	old := p.Lines
	lines := make([]ocr.Line, 0, len(old))
	place := make([]int, len(old))
	paragraph := -1
	for _, g := range s.groups {
		starts := s.paragraphs(g)
		for k, row := range g.rows {
			if starts[k] {
				paragraph++
			}
			for _, i := range row {
				l := old[i]
				l.Paragraph = paragraph
				place[i] = len(lines)
				lines = append(lines, l)
			}
		}
	}
	p.Lines = lines
	renumber := func(all []int) []int {
		out := make([]int, 0, len(all))
		for _, i := range all {
			if i >= 0 && i < len(place) {
				out = append(out, place[i])
			}
		}
		slices.Sort(out)
		return out
	}
	for k := range p.Regions {
		if p.Regions[k].Lines != nil {
			p.Regions[k].Lines = renumber(p.Regions[k].Lines)
		}
	}
	for k := range s.regions {
		s.regions[k].Lines = renumber(s.regions[k].Lines)
	}
	p.Regions = append(p.Regions, s.regions...)
	for k := range p.Corrections {
		if i := p.Corrections[k].Line; i >= 0 && i < len(place) {
			p.Corrections[k].Line = place[i]
		}
	}
	slices.SortStableFunc(p.Corrections, func(a, b ocr.Correction) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Symbol, b.Symbol))
	})
}
