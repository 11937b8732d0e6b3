package imaging

// Orientation is the EXIF orientation tag (0x0112): how stored rows and columns relate to the upright picture.
// 1 is upright; 2 mirrored; 3 turned by 180 degrees; 4 flipped; 5 transposed; 6 to be turned 90 degrees clockwise;
// 7 transversed; 8 to be turned 270 degrees clockwise.
type Orientation int

// Upright is the orientation of a picture that needs no turning.
const Upright Orientation = 1

// Swaps tells whether the upright picture has the stored width as its height.
func (o Orientation) Swaps() bool { return o >= 5 && o <= 8 }

// normalise maps values outside 1..8, which the EXIF standard reserves, to Upright, as viewers do.
func (o Orientation) normalise() Orientation {
	if o < 1 || o > 8 {
		return Upright
	}
	return o
}

// Orient returns the upright picture of stored rows r; for Upright that is r itself.
func Orient(r *Raster, o Orientation) *Raster {
	o = o.normalise()
	if o == Upright {
		return r
	}
	w, h := r.Width, r.Height
	if o.Swaps() {
		w, h = h, w
	}
	out := NewRaster(w, h)
	// Output pixel (x, y) is read at start + x*dx + y*dy, in source pixels.
	sw, sh := r.Width, r.Height
	var start, dx, dy int
	switch o {
	case 2:
		start, dx, dy = sw-1, -1, sw
	case 3:
		start, dx, dy = sw*sh-1, -1, -sw
	case 4:
		start, dx, dy = sw*(sh-1), 1, -sw
	case 5:
		start, dx, dy = 0, sw, 1
	case 6:
		start, dx, dy = sw*(sh-1), -sw, 1
	case 7:
		start, dx, dy = sw*sh-1, -sw, -1
	case 8:
		start, dx, dy = sw-1, sw, -1
	}
	// Square blocks keep the source's cache lines alive when its columns become rows.
	const block = 32
	for by := 0; by < h; by += block {
		for bx := 0; bx < w; bx += block {
			for y := by; y < min(by+block, h); y++ {
				s := 3 * (start + bx*dx + y*dy)
				d := 3 * (y*w + bx)
				for x := bx; x < min(bx+block, w); x++ {
					out.Pix[d], out.Pix[d+1], out.Pix[d+2] = r.Pix[s], r.Pix[s+1], r.Pix[s+2]
					d += 3
					s += 3 * dx
				}
			}
		}
	}
	return out
}
