package draw

import (
	"math"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Color is red, green, blue, 0 to 255.
type Color struct{ R, G, B uint8 }

// Colours that stay apart on skin and on paper.
var (
	Green  = Color{46, 204, 64}
	Red    = Color{230, 40, 50}
	Blue   = Color{0, 116, 217}
	Orange = Color{255, 133, 27}
	Black  = Color{0, 0, 0}
	White  = Color{255, 255, 255}
)

// Point is a place in pixels from the top left.
type Point struct{ X, Y float64 }

// Stroke returns a line width that shows on a picture of r's size: 2 px up to about 700 px, then 1/350 of the longer side.
func Stroke(r *imaging.Raster) float64 {
	return max(2, math.Round(float64(max(r.Width, r.Height))/350))
}

// Rect outlines a rectangle; the line lies around its edge.
func Rect(r *imaging.Raster, x, y, width, height float64, c Color, stroke float64) {
	Polygon(r, []Point{{x, y}, {x + width, y}, {x + width, y + height}, {x, y + height}}, c, stroke)
}

// Polygon outlines a closed polygon with round joints.
func Polygon(r *imaging.Raster, points []Point, c Color, stroke float64) {
	for i, p := range points {
		Line(r, p, points[(i+1)%len(points)], c, stroke)
	}
}

// Line draws a line with round ends.
func Line(r *imaging.Raster, a, b Point, c Color, stroke float64) {
	if !finite(a) || !finite(b) {
		return
	}
	half := max(stroke, 1) / 2
	dx, dy := b.X-a.X, b.Y-a.Y
	square := dx*dx + dy*dy
	shade(r, min(a.X, b.X)-half, min(a.Y, b.Y)-half, max(a.X, b.X)+half, max(a.Y, b.Y)+half, c, func(x, y float64) float64 {
		t := 0.0
		if square > 0 {
			t = min(max(((x-a.X)*dx+(y-a.Y)*dy)/square, 0), 1)
		}
		return half - math.Hypot(x-a.X-t*dx, y-a.Y-t*dy)
	})
}

// Dot draws a filled circle.
func Dot(r *imaging.Raster, p Point, c Color, radius float64) {
	if !finite(p) {
		return
	}
	shade(r, p.X-radius, p.Y-radius, p.X+radius, p.Y+radius, c, func(x, y float64) float64 {
		return radius - math.Hypot(x-p.X, y-p.Y)
	})
}

// Fill paints a rectangle.
func Fill(r *imaging.Raster, x, y, width, height int, c Color) {
	x0, y0, x1, y1 := max(x, 0), max(y, 0), min(x+width, r.Width), min(y+height, r.Height)
	for row := y0; row < y1; row++ {
		for col := x0; col < x1; col++ {
			blend(r.Row(row)[3*col:], c, 1)
		}
	}
}

// shade paints where inside, a signed distance in pixels, is positive; half a pixel around the edge is blended.
func shade(r *imaging.Raster, x0, y0, x1, y1 float64, c Color, inside func(x, y float64) float64) {
	left, right := int(clampTo(math.Floor(x0-1), r.Width)), int(clampTo(math.Ceil(x1+1), r.Width))
	top, bottom := int(clampTo(math.Floor(y0-1), r.Height)), int(clampTo(math.Ceil(y1+1), r.Height))
	for y := top; y < bottom; y++ {
		row := r.Row(y)
		for x := left; x < right; x++ {
			if cover := min(inside(float64(x)+0.5, float64(y)+0.5)+0.5, 1); cover > 0 {
				blend(row[3*x:], c, cover)
			}
		}
	}
}

func blend(px []byte, c Color, cover float64) {
	for i, v := range [3]uint8{c.B, c.G, c.R} {
		px[i] = uint8(float64(px[i])*(1-cover) + float64(v)*cover + 0.5)
	}
}

func clampTo(v float64, side int) float64 { return min(max(v, 0), float64(side)) }

func finite(p Point) bool { return !math.IsNaN(p.X+p.Y) && !math.IsInf(p.X+p.Y, 0) }
