package ocr

import (
	"fmt"
	"strconv"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/draw"
)

// Confidences from which a line is drawn as sure or as doubtful. They only choose a colour.
const (
	sure     = 0.9
	doubtful = 0.7
)

// Annotate draws each line's outline on the picture that the page was read from, in place, with its place in the reading
// order: green for confidences from 0.9, orange from 0.7, else red. Characters that were corrected have a blue box. It fails
// when the picture has another size.
func Annotate(r *imaging.Raster, p Page) error {
	if r.Width != p.Width || r.Height != p.Height {
		return fmt.Errorf("annotate page %d: the picture has %dx%d px, the page %dx%d", p.Number, r.Width, r.Height, p.Width, p.Height)
	}
	stroke := draw.Stroke(r)
	for i, l := range p.Lines {
		corners := l.Outline
		if len(corners) == 0 {
			corners = l.Polygon[:]
		}
		outline := make([]draw.Point, len(corners))
		for k, q := range corners {
			outline[k] = draw.Point{X: float64(q.X), Y: float64(q.Y)}
		}
		c := confidenceColor(l.Confidence)
		draw.Polygon(r, outline, c, stroke)
		// The label stands in the margin left of the line, no higher than the line: above it, it would hide the line before.
		order, b := strconv.Itoa(i+1), l.Polygon.Bounds()
		size := min(max(0.6*float64(b.H), 9), draw.LabelSize(r))
		x := float64(b.X) - stroke - size*(0.6*float64(len(order))+0.4)
		if err := draw.Label(r, x, float64(b.Y)+float64(b.H)/2+0.7*size, order, c, size); err != nil {
			return fmt.Errorf("annotate page %d: %w", p.Number, err)
		}
	}
	for _, c := range p.Corrections {
		if c.Line < 0 || c.Line >= len(p.Lines) {
			continue
		}
		if symbols := p.Lines[c.Line].Symbols(); c.Symbol >= 0 && c.Symbol < len(symbols) {
			b := symbols[c.Symbol].Box
			draw.Rect(r, float64(b.X), float64(b.Y), float64(b.W), float64(b.H), draw.Blue, stroke)
		}
	}
	return nil
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
