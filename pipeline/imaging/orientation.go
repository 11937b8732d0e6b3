package imaging

import "encoding/binary"

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
	// Where columns become rows, blocks keep the source's cache lines alive. They are wide, because a processor fetches ahead of what is written in
	// one run.
	const wide, high = 256, 32
	src, dst := r.Pix, out.Pix
	for by := 0; by < h; by += high {
		for bx := 0; bx < w; bx += wide {
			n := min(wide, w-bx)
			for y := by; y < min(by+high, h); y++ {
				turned(dst[3*(y*w+bx):][:3*n], src, 3*(start+bx*dx+y*dy), 3*dx)
			}
		}
	}
	return out
}

// turned fills dst with the pixels that lie step bytes apart from position at of src on.
func turned(dst, src []byte, at, step int) {
	// Four pixels at a time, each read as four bytes: only the picture's very last one has none behind it.
	for ; len(dst) >= 12 && max(at, at+3*step) <= len(src)-4; dst = dst[12:] {
		const bgr = 1<<24 - 1
		p, q := binary.LittleEndian.Uint32(src[at:])&bgr, binary.LittleEndian.Uint32(src[at+step:])&bgr
		u, v := binary.LittleEndian.Uint32(src[at+2*step:])&bgr, binary.LittleEndian.Uint32(src[at+3*step:])
		binary.LittleEndian.PutUint64(dst, uint64(p)|uint64(q)<<24|uint64(u)<<48)
		binary.LittleEndian.PutUint32(dst[8:], u>>16|v<<8)
		at += 4 * step
	}
	for ; len(dst) >= 3; dst = dst[3:] {
		dst[0], dst[1], dst[2] = src[at], src[at+1], src[at+2]
		at += step
	}
}
