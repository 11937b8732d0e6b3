package liveness

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// lit is a picture under a coloured lamp, taken by a noisy camera.
func lit(r *imaging.Raster, tint [3]float64) *imaging.Raster {
	out := imaging.NewRaster(r.Width, r.Height)
	rng := rand.New(rand.NewPCG(1, 1))
	for i, v := range r.Pix {
		out.Pix[i] = byte(min(max(float64(v)*tint[i%3]+4*rng.NormFloat64(), 0), 255))
	}
	return out
}

func TestCopiesAreGrey(t *testing.T) {
	b, err := os.ReadFile(testinput.Testdata(t, "documents", "idcard-specimen.jpg"))
	require.NoError(t, err)
	card, _, err := codec.Decode(t.Context(), b, imaging.DefaultLimits())
	require.NoError(t, err)
	b, err = os.ReadFile(testinput.Testdata(t, "faces", "astronaut.jpg"))
	require.NoError(t, err)
	portrait, _, err := codec.Decode(t.Context(), b, imaging.DefaultLimits())
	require.NoError(t, err)
	small := imaging.Resize(portrait.Crop(128, 20, 200, 277), 204, 283)
	for y := range small.Height {
		copy(card.Row(114 + y)[3*724:], small.Row(y))
	}
	grey := card.Crop(0, 0, card.Width, card.Height)
	imaging.ToGray(grey)
	for name, tint := range map[string][3]float64{"daylight": {1, 1, 1}, "bulb": {0.7, 0.88, 1}, "shade": {1, 0.95, 0.85}, "dim": {0.4, 0.45, 0.5}} {
		colour, copied := ColourSpread(lit(card, tint)), ColourSpread(lit(grey, tint))
		t.Logf("%s: %.1f, copied %.1f", name, colour, copied)
		require.Greater(t, colour, GreyBelow, name)
		require.Less(t, copied, GreyBelow, name)
	}
	require.Zero(t, ColourSpread(imaging.NewRaster(1, 1)))
}
