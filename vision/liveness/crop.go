package liveness

import (
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
)

// crop cuts out what a model of the given scale looks at: the face's box grown scale times about its centre, less where the
// picture is smaller than that, and moved inside the picture where it would reach over an edge. Sides keep the box's
// proportions, so that the model's square input shows the face stretched alike at every scale. This is how the published
// MiniFASNets were trained (minivision-ai, Silent-Face-Anti-Spoofing), whole pixels included.
func crop(r *imaging.Raster, box face.Box, scale float64) *imaging.Raster {
	// Whole pixels as in the publisher's detector output.
	x, y, w, h := float64(int(box.X)), float64(int(box.Y)), float64(max(int(box.W), 1)), float64(max(int(box.H), 1))
	scale = min(scale, float64(r.Width-1)/w, float64(r.Height-1)/h)
	x0, x1 := span(x+w/2, w*scale, r.Width)
	y0, y1 := span(y+h/2, h*scale, r.Height)
	return r.Crop(x0, y0, x1-x0+1, y1-y0+1)
}

// span returns the first and the last pixel of a stretch around centre, moved into 0..size-1.
func span(centre, length float64, size int) (first, last int) {
	lo, hi := centre-length/2, centre+length/2
	end := float64(size - 1)
	if lo < 0 {
		lo, hi = 0, hi-lo
	}
	if hi > end {
		lo, hi = lo-(hi-end), end
	}
	return max(int(lo), 0), min(int(hi), size-1)
}
