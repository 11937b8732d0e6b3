package face

import (
	"cmp"
	"slices"
)

// Point is a place in pixels from the picture's top left corner.
type Point struct{ X, Y float32 }

// Box is an upright rectangle in pixels; X and Y are its top left corner.
type Box struct{ X, Y, W, H float32 }

// Area returns the box's area in square pixels.
func (b Box) Area() float32 { return b.W * b.H }

// Center returns the middle of the box.
func (b Box) Center() Point { return Point{b.X + b.W/2, b.Y + b.H/2} }

// IoU returns the intersection over the union of two boxes, 0 to 1.
func (b Box) IoU(o Box) float32 {
	w := min(b.X+b.W, o.X+o.W) - max(b.X, o.X)
	h := min(b.Y+b.H, o.Y+o.H) - max(b.Y, o.Y)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / (b.Area() + o.Area() - w*h)
}

// clip returns the part of b inside a picture.
func (b Box) clip(width, height int) Box {
	x0, y0 := max(b.X, 0), max(b.Y, 0)
	x1, y1 := min(b.X+b.W, float32(width)), min(b.Y+b.H, float32(height))
	return Box{X: x0, Y: y0, W: x1 - x0, H: y1 - y0}
}

// The places in [Detection.Landmarks]; right and left are the person's own.
const (
	RightEye = iota
	LeftEye
	Nose
	RightMouthCorner
	LeftMouthCorner
)

// Detection is one face.
type Detection struct {
	Box   Box     // clipped to the picture
	Score float32 // 0..1, the model's; not a calibrated probability
	// Landmarks of a face that is cut off by the picture's edge may lie outside the picture.
	Landmarks [5]Point
}

// order is the order of results: by score, then by area, the rest only to be deterministic.
func order(a, b Detection) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Box.Area(), a.Box.Area()),
		cmp.Compare(a.Box.Y, b.Box.Y), cmp.Compare(a.Box.X, b.Box.X))
}

// suppress keeps, best first, the faces that overlap no better one by more than iou: greedy non-maximum suppression.
// It sorts its argument and returns a part of it.
func suppress(all []Detection, iou float32) []Detection {
	slices.SortStableFunc(all, order)
	kept := all[:0]
	for _, d := range all {
		if !slices.ContainsFunc(kept, func(k Detection) bool { return k.Box.IoU(d.Box) > iou }) {
			kept = append(kept, d)
		}
	}
	return kept
}
