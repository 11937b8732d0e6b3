package imaging

import "fmt"

// Raster is a decoded picture: 8 bits a channel, interleaved B, G, R, rows from top to bottom without padding, EXIF
// orientation already applied. It lives in Go memory, so that nobody has to close it.
type Raster struct {
	Pix           []byte // len == 3*Width*Height
	Width, Height int    // pixels, >= 1
}

// NewRaster returns a black picture. It panics when a side is below 1, as make does.
func NewRaster(width, height int) *Raster {
	if width < 1 || height < 1 {
		panic(fmt.Sprintf("imaging: raster of %dx%d px", width, height))
	}
	return &Raster{Pix: make([]byte, 3*width*height), Width: width, Height: height}
}

// Row returns the 3*Width bytes of row y.
func (r *Raster) Row(y int) []byte {
	return r.Pix[3*r.Width*y : 3*r.Width*(y+1)]
}

// Validate reports a picture whose size disagrees with its pixels.
func (r *Raster) Validate() error {
	if r == nil || r.Width < 1 || r.Height < 1 {
		return fmt.Errorf("raster has no pixels")
	}
	if want := 3 * r.Width * r.Height; len(r.Pix) != want {
		return fmt.Errorf("raster of %dx%d px needs %d bytes, has %d", r.Width, r.Height, want, len(r.Pix))
	}
	return nil
}

// Crop returns a copy of the part of r inside the given rectangle, clipped to the picture; nil when nothing is inside.
func (r *Raster) Crop(x, y, width, height int) *Raster {
	x0, y0 := max(x, 0), max(y, 0)
	x1, y1 := min(x+width, r.Width), min(y+height, r.Height)
	if x0 >= x1 || y0 >= y1 {
		return nil
	}
	out := NewRaster(x1-x0, y1-y0)
	for row := y0; row < y1; row++ {
		copy(out.Row(row-y0), r.Row(row)[3*x0:3*x1])
	}
	return out
}
