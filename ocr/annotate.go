package ocr

import (
	"fmt"
	"math"
	"strconv"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/draw"
)

// Confidences from which a line is drawn as sure or as doubtful. They only choose a colour.
const (
	sure     = 0.9
	doubtful = 0.7
)

// violet marks what was changed or disputed: no confidence has this colour.
var violet = draw.Color{R: 177, G: 13, B: 201}

// Annotate draws what was read on the picture that the page was read from, in place: each line's outline with its place in
// the reading order (green for confidences from 0.9, orange from 0.7, else red), an arrow wherever reading goes on elsewhere
// than beside or below, tables and what stands in the margins in blue, seals in red, and in violet the characters that the
// language model changed and the places that a second engine read differently. It fails when the picture has another size.
func Annotate(r *imaging.Raster, p Page) error {
	if r.Width != p.Width || r.Height != p.Height {
		return fmt.Errorf("annotate page %d: the picture has %dx%d px, the page %dx%d", p.Number, r.Width, r.Height, p.Width, p.Height)
	}
	a := annotator{raster: r, stroke: draw.Stroke(r), page: p}
	for _, step := range []func() error{a.regions, a.jumps, a.lines, a.changes} {
		if err := step(); err != nil {
			return fmt.Errorf("annotate page %d: %w", p.Number, err)
		}
	}
	return nil
}

type annotator struct {
	raster *imaging.Raster
	stroke float64
	page   Page
}

// regionNames are the labels of regions; the ones without are drawn without.
var regionNames = map[RegionKind]string{
	RegionSeal: "seal", RegionTable: "table", RegionPicture: "picture", RegionSignature: "signature", RegionMargin: "margin",
}

func (a *annotator) regions() error {
	for _, g := range a.page.Regions {
		outline := points(g.Outline)
		if len(outline) == 0 {
			continue
		}
		color, stroke := draw.Blue, a.stroke
		switch g.Kind {
		case RegionSeal, RegionSignature:
			color = draw.Red
		case RegionCell:
			stroke = max(1, a.stroke/2)
		}
		draw.Polygon(a.raster, outline, color, stroke)
		if name := regionNames[g.Kind]; name != "" {
			top := outline[0]
			for _, q := range outline {
				if q.Y < top.Y || q.Y == top.Y && q.X < top.X {
					top = q
				}
			}
			if err := draw.Label(a.raster, top.X, top.Y, name, color, 0.7*draw.LabelSize(a.raster)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *annotator) lines() error {
	for i, l := range a.page.Lines {
		outline := l.Outline
		if len(outline) < 3 {
			outline = l.Polygon[:]
		}
		c := confidenceColor(l.Confidence)
		draw.Polygon(a.raster, points(outline), c, a.stroke)
		// The label stands before the line's start, no higher than the line: elsewhere, it would hide text.
		s := startOf(l)
		order := strconv.Itoa(i + 1)
		size := min(max(0.6*s.height, 9), draw.LabelSize(a.raster))
		width := size * (0.6*float64(len(order)) + 0.4)
		away := a.stroke + math.Abs(s.ux)*width/2 + math.Abs(s.uy)*size
		if err := draw.Label(a.raster, s.x-away*s.ux-width/2, s.y-away*s.uy+0.7*size, order, c, size); err != nil {
			return err
		}
	}
	return nil
}

// jumps draws arrows from the end of a line to the start of the next one where that stands neither beside nor below it.
func (a *annotator) jumps() error {
	for i := 1; i < len(a.page.Lines); i++ {
		last, next := startOf(a.page.Lines[i-1]), startOf(a.page.Lines[i])
		across := -(next.x-last.x)*last.uy + (next.y-last.y)*last.ux
		if last.vertical {
			across = -across
		}
		if across > -last.height/2 && across < 6*last.height {
			continue
		}
		from, to := draw.Point{X: last.x + last.length*last.ux, Y: last.y + last.length*last.uy}, draw.Point{X: next.x, Y: next.y}
		draw.Line(a.raster, from, to, draw.Blue, max(1, a.stroke/2))
		angle := math.Atan2(to.Y-from.Y, to.X-from.X)
		for _, side := range []float64{-0.4, 0.4} {
			sin, cos := math.Sincos(angle + side)
			draw.Line(a.raster, to, draw.Point{X: to.X - 6*a.stroke*cos, Y: to.Y - 6*a.stroke*sin}, draw.Blue, max(1, a.stroke/2))
		}
	}
	return nil
}

func (a *annotator) changes() error {
	for _, c := range a.page.Corrections {
		if c.Line < 0 || c.Line >= len(a.page.Lines) {
			continue
		}
		symbols := a.page.Lines[c.Line].Symbols()
		if c.Symbol >= 0 && c.Symbol < len(symbols) {
			b := symbols[c.Symbol].Box
			draw.Rect(a.raster, float64(b.X), float64(b.Y), float64(b.W), float64(b.H), violet, 1.5*a.stroke)
		}
	}
	for _, d := range a.page.Differences {
		draw.Rect(a.raster, float64(d.Box.X), float64(d.Box.Y), float64(d.Box.W), float64(d.Box.H), violet, a.stroke)
	}
	return nil
}

func points(outline []Point) []draw.Point {
	out := make([]draw.Point, len(outline))
	for i, q := range outline {
		out[i] = draw.Point{X: float64(q.X), Y: float64(q.Y)}
	}
	return out
}

// start is the middle of the edge at which a line begins, and where it goes from there.
type start struct {
	x, y           float64
	ux, uy         float64 // unit vector in reading direction
	length, height float64
	vertical       bool
}

func startOf(l Line) start {
	first := 0
	p := points(l.Polygon[:])
	length := func(i int) float64 { return math.Hypot(p[(i+1)%4].X-p[i%4].X, p[(i+1)%4].Y-p[i%4].Y) }
	if l.Vertical && length(1) > length(0) {
		first = 1 // the polygon begins at the top left, the column at its top edge
	}
	a, b, far := p[first], p[(first+1)%4], p[(first+3)%4]
	s := start{x: (a.X + far.X) / 2, y: (a.Y + far.Y) / 2, ux: 1, length: length(first), height: length(first + 3), vertical: l.Vertical}
	if s.length > 0 {
		s.ux, s.uy = (b.X-a.X)/s.length, (b.Y-a.Y)/s.length
	}
	return s
}

func confidenceColor(confidence float32) draw.Color {
	switch {
	case confidence >= sure:
		return draw.Green
	case confidence >= doubtful:
		return draw.Orange
	default:
		return draw.Red
	}
}
