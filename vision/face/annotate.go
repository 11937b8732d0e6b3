package face

import (
	"fmt"
	"math"
	"slices"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/draw"
)

// Annotate returns a copy of r with every face's box, score and landmarks drawn: eyes blue, nose orange, mouth red.
func Annotate(r *imaging.Raster, faces []Detection) (*imaging.Raster, error) {
	out := &imaging.Raster{Pix: slices.Clone(r.Pix), Width: r.Width, Height: r.Height}
	inks := [5]draw.Color{draw.Blue, draw.Blue, draw.Orange, draw.Red, draw.Red}
	for _, f := range faces {
		// Lines on small faces stay thinner than what they mark.
		stroke := min(draw.Stroke(r), max(1, math.Round(float64(f.Box.W)/20)))
		draw.Rect(out, float64(f.Box.X), float64(f.Box.Y), float64(f.Box.W), float64(f.Box.H), draw.Green, stroke)
		for i, p := range f.Landmarks {
			draw.Dot(out, draw.Point{X: float64(p.X), Y: float64(p.Y)}, inks[i], max(1.5, stroke))
		}
	}
	for _, f := range faces {
		if err := draw.Label(out, float64(f.Box.X), float64(f.Box.Y), fmt.Sprintf("%.2f", f.Score), draw.Green, draw.LabelSize(r)); err != nil {
			return nil, fmt.Errorf("annotate faces: %w", err)
		}
	}
	return out, nil
}

// AnnotateMesh returns a copy of r with the dense landmarks of faces drawn: the jaw line green, eyes blue, the rest orange.
func AnnotateMesh(r *imaging.Raster, meshes []Mesh) *imaging.Raster {
	out := &imaging.Raster{Pix: slices.Clone(r.Pix), Width: r.Width, Height: r.Height}
	for _, m := range meshes {
		eyes := m.Landmarks()
		radius := min(max(float64(distance(eyes[RightEye], eyes[LeftEye]))/40, 0.8), 4)
		for i, p := range m.Points {
			ink := draw.Orange
			if i >= wflw.contour[0] && i <= wflw.contour[1] {
				ink = draw.Green
			} else if slices.Contains(wflw.eyes[0][:], i) || slices.Contains(wflw.eyes[1][:], i) {
				ink = draw.Blue
			}
			draw.Dot(out, draw.Point{X: float64(p.X), Y: float64(p.Y)}, ink, radius)
		}
	}
	return out
}
