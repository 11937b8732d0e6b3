package liveness

import (
	"math"
	"slices"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// GreyBelow is the [ColourSpread] below which a picture of a document is taken for a black-and-white copy: a drawn card with
// a portrait is above 19 in four kinds of light, its copy below 3 (TestCopiesAreGrey).
const GreyBelow = 5.0

// ColourSpread tells how much the colours of a picture differ among each other: the 95th percentile of the distance of its
// pixels' chroma (Cb and Cr of ITU-T T.871, levels of 255) from the picture's median. The tint of a lamp, which is the same
// everywhere, does not count, so that a black-and-white copy in warm light is 0 but for noise.
func ColourSpread(r *imaging.Raster) float64 {
	// A copy's noise averages out.
	const side = 128
	if long := max(r.Width, r.Height); long > side {
		r = imaging.Resize(r, max(r.Width*side/long, 1), max(r.Height*side/long, 1))
	}
	n := r.Width * r.Height
	cb, cr := make([]float64, n), make([]float64, n)
	for i := range n {
		b, g, red := float64(r.Pix[3*i]), float64(r.Pix[3*i+1]), float64(r.Pix[3*i+2])
		// A tint is a factor on each channel, so it weighs less where it is dark: chroma is taken of what is left at full light.
		scale := 255 / max(b, g, red, 64)
		b, g, red = b*scale, g*scale, red*scale
		cb[i] = -0.168736*red - 0.331264*g + 0.5*b
		cr[i] = 0.5*red - 0.418688*g - 0.081312*b
	}
	mb, mr := medianOf(cb), medianOf(cr)
	away := make([]float64, n)
	for i := range away {
		away[i] = math.Hypot(cb[i]-mb, cr[i]-mr)
	}
	slices.Sort(away)
	return away[n*95/100]
}

func medianOf(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
