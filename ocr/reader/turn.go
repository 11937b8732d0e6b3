package reader

import (
	"fmt"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// turn is what brings a picture upright, and the transform that takes the upright one's pixels back.
type turn struct {
	upright imaging.Orientation
	back    ocr.Affine
}

// turnFor returns the turn for a picture of the given size whose content is turned clockwise by degrees.
func turnFor(degrees, width, height int) (turn, error) {
	w, h := float64(width), float64(height)
	switch degrees {
	case 0:
		return turn{imaging.Upright, ocr.Identity}, nil
	case 90:
		return turn{8, ocr.Affine{0, -1, w, 1, 0, 0}}, nil
	case 180:
		return turn{3, ocr.Affine{-1, 0, w, 0, -1, h}}, nil
	case 270:
		return turn{6, ocr.Affine{0, 1, 0, -1, 0, h}}, nil
	}
	return turn{}, fmt.Errorf("%d degrees is not 0, 90, 180 or 270", degrees)
}
