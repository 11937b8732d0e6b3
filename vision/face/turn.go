package face

import "github.com/courtsense/courtsense/pipeline/imaging"

// quarterTurns are the ways of turning a picture before looking for upright faces in it, and back.
var quarterTurns = []quarterTurn{{6, 90}, {3, 180}, {8, 270}}

type quarterTurn struct {
	exif    imaging.Orientation // that turns the picture
	degrees int                 // clockwise
}

// back maps a face of the turned picture to the picture of the given size.
func (t quarterTurn) back(f Detection, width, height int) Detection {
	w, h := float32(width), float32(height)
	b := f.Box
	switch t.degrees {
	case 90:
		f.Box = Box{X: b.Y, Y: h - b.X - b.W, W: b.H, H: b.W}
	case 180:
		f.Box = Box{X: w - b.X - b.W, Y: h - b.Y - b.H, W: b.W, H: b.H}
	case 270:
		f.Box = Box{X: w - b.Y - b.H, Y: b.X, W: b.H, H: b.W}
	}
	for i, p := range f.Landmarks {
		switch t.degrees {
		case 90:
			f.Landmarks[i] = Point{p.Y, h - p.X}
		case 180:
			f.Landmarks[i] = Point{w - p.X, h - p.Y}
		case 270:
			f.Landmarks[i] = Point{w - p.Y, p.X}
		}
	}
	return f
}
