package liveness

import (
	"cmp"
	"maps"
	"slices"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// What a frame must be for the models to have anything to judge. These are choices, not measured optima: at the smallest
// face the crop of scale 2.7 still has more pixels than the published models' input of 80.
const (
	minFace = 48  // pixels, shorter side of the box
	minLuma = 35  // of 255, mean over the face: a face lit by nothing but the screen's rest light is below
	maxLuma = 240 // of 255: hardly a pixel of the skin shows structure
)

// unusable says why a frame can't be judged, or nothing.
func unusable(f Frame) string {
	b := f.Face.Box
	if !(b.W > 0 && b.H > 0) {
		return "no face was found"
	}
	if min(b.W, b.H) < minFace {
		return "the face is too small: come closer"
	}
	// Boxes are clipped to the picture, so that one that touches an edge goes on beyond it.
	const touch = 0.5
	if b.X < touch || b.Y < touch || b.X+b.W > float32(f.Raster.Width)-touch || b.Y+b.H > float32(f.Raster.Height)-touch {
		return "the face is cut by the picture's edge: bring the whole head into the picture"
	}
	for _, p := range f.Face.Landmarks {
		if !(p.X >= 0 && p.Y >= 0 && p.X <= float32(f.Raster.Width) && p.Y <= float32(f.Raster.Height)) {
			return "the face is cut by the picture's edge: bring the whole head into the picture"
		}
	}
	switch luma := meanLuma(f.Raster.Crop(int(b.X), int(b.Y), int(b.W), int(b.H))); {
	case luma < minLuma:
		return "the face is too dark: find more light"
	case luma > maxLuma:
		return "the face is overexposed: find less light"
	}
	return ""
}

// meanLuma is 0..255.
func meanLuma(r *imaging.Raster) float64 {
	var sum int
	for i := 0; i+2 < len(r.Pix); i += 3 {
		sum += int(imaging.Luma(r.Pix[i], r.Pix[i+1], r.Pix[i+2]))
	}
	return float64(sum) / float64(r.Width*r.Height)
}

// commonest is the most frequent problem, the first in the alphabet among equals.
func commonest(problems map[string]int) string {
	names := slices.Sorted(maps.Keys(problems))
	if len(names) == 0 {
		return ""
	}
	return slices.MaxFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(problems[a], problems[b]), cmp.Compare(b, a))
	})
}
