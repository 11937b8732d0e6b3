package text

import (
	"math"

	"github.com/courtsense/courtsense/ocr"
)

// Region is where a line of text is. Coordinates are pixels of the picture.
type Region struct {
	// Polygon is a rectangle, not necessarily upright: the corner first at which reading starts, then clockwise. The first
	// edge runs in the direction of the writing; of a vertical line it is the short edge on top.
	Polygon ocr.Polygon
	// Outline follows a curved line: first the points above the text in reading direction, then as many below it on the
	// way back. Nil for a straight line.
	Outline []ocr.Point
	// Vertical lines are higher than wide and taken to be written from top to bottom.
	Vertical bool
	Score    float32 // mean probability of the text's core, 0..1
}

// verticalAspect is how many times higher than wide a region is that is taken for a column of several characters.
const verticalAspect = 1.5

// Turned returns the region as it is read when its content is turned clockwise from upright by the given degrees (0, 90,
// 180 or 270): the corner comes first that is the content's top left. The region itself stays where it is.
func (r Region) Turned(degrees int) Region {
	k := ((degrees/90)%4 + 4) % 4
	p := r.Polygon
	for i := range p {
		r.Polygon[i] = p[(i+k)%4]
	}
	if k == 2 && r.Outline != nil {
		n := len(r.Outline) / 2
		r.Outline = append(append([]ocr.Point{}, r.Outline[n:]...), r.Outline[:n]...)
	} else if k != 0 {
		r.Outline = nil
	}
	width, height := sides(r.Polygon)
	r.Vertical = height > verticalAspect*width
	return r
}

// sides returns the lengths of a rectangle's first and second edge.
func sides(p ocr.Polygon) (width, height float64) {
	return distance(p[0], p[1]), distance(p[1], p[2])
}

func distance(a, b ocr.Point) float64 { return math.Hypot(float64(b.X-a.X), float64(b.Y-a.Y)) }
