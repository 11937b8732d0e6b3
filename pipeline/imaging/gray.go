package imaging

// Weights of B, G and R in luma, in 1/65536: ITU-R BT.601, as JPEG's Y.
const (
	lumaB = 7471
	lumaG = 38470
	lumaR = 19595
)

// Luma returns the grey level of a pixel.
func Luma(b, g, r byte) byte {
	return byte((uint32(b)*lumaB + uint32(g)*lumaG + uint32(r)*lumaR + 1<<15) >> 16)
}

// Luma256 is [Luma] of a pixel whose channels are given times 256, up to 255 times 256, and its answer is times 256 too.
func Luma256(b, g, r uint16) uint16 {
	return uint16((uint32(b)*lumaB + uint32(g)*lumaG + uint32(r)*lumaR + 1<<15) >> 16)
}

// ToGray sets the three channels of every pixel to its luma, in place.
func ToGray(r *Raster) {
	for i := 0; i+2 < len(r.Pix); i += 3 {
		px := r.Pix[i : i+3 : i+3]
		v := Luma(px[0], px[1], px[2])
		px[0], px[1], px[2] = v, v, v
	}
}
