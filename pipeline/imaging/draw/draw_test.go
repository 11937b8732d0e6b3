package draw

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

func at(r *imaging.Raster, x, y int) Color {
	p := r.Row(y)[3*x:]
	return Color{p[2], p[1], p[0]}
}

// painted counts pixels that are no longer black, and whether all lie inside the given rectangle.
func painted(r *imaging.Raster, x0, y0, x1, y1 int) (n int, within bool) {
	within = true
	for y := range r.Height {
		for x := range r.Width {
			if at(r, x, y) != Black {
				n++
				within = within && x >= x0 && x < x1 && y >= y0 && y < y1
			}
		}
	}
	return n, within
}

func TestRectOutlines(t *testing.T) {
	r := imaging.NewRaster(60, 40)
	Rect(r, 10, 8, 30, 20, Green, 2)
	for _, p := range [][2]int{{10, 8}, {25, 8}, {40, 18}, {39, 27}, {10, 20}} {
		assert.Equal(t, Green, at(r, p[0], p[1]), "%v", p)
	}
	assert.Equal(t, Black, at(r, 25, 18), "inside stays")
	n, within := painted(r, 8, 6, 42, 30)
	assert.True(t, within)
	assert.InDelta(t, 2*2*(30+20), n, 120)
}

func TestDotIsRound(t *testing.T) {
	r := imaging.NewRaster(41, 41)
	Dot(r, Point{20.5, 20.5}, Red, 10)
	assert.Equal(t, Red, at(r, 20, 20))
	assert.Equal(t, Red, at(r, 20, 11))
	assert.Equal(t, Black, at(r, 12, 12))
	n, _ := painted(r, 0, 0, 41, 41)
	assert.InDelta(t, math.Pi*100, n, 50)
}

func TestLabelHasAGroundAndInk(t *testing.T) {
	for _, c := range []Color{Green, Blue} {
		r := imaging.NewRaster(120, 60)
		require.NoError(t, Label(r, 10, 50, "face 0.98", c, 14))
		ground, ink := 0, 0
		for y := range r.Height {
			for x := range r.Width {
				switch at(r, x, y) {
				case c:
					ground++
				case White:
					ink++
				}
			}
		}
		assert.Greater(t, ground, 300)
		if c == Blue {
			assert.Greater(t, ink, 20, "white ink on a dark ground")
		}
	}
}

func TestLabelStaysInThePicture(t *testing.T) {
	r := imaging.NewRaster(200, 60)
	require.NoError(t, Label(r, 190, 2, "法院 x", Red, 14))
	n, _ := painted(r, 0, 0, 200, 60)
	assert.Greater(t, n, 200)
	assert.Equal(t, Red, at(r, 199, 3), "moved left and below the top")
}

// TestNothingOutsideIsTouched holds that any numbers leave the picture whole: no panic, no endless loop.
func TestNothingOutsideIsTouched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := imaging.NewRaster(rapid.IntRange(1, 20).Draw(t, "w"), rapid.IntRange(1, 20).Draw(t, "h"))
		v := rapid.OneOf(rapid.Float64Range(-50, 50), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e300}))
		a, b := Point{v.Draw(t, "ax"), v.Draw(t, "ay")}, Point{v.Draw(t, "bx"), v.Draw(t, "by")}
		stroke := rapid.Float64Range(-1, 30).Draw(t, "stroke")
		Line(r, a, b, Red, stroke)
		Dot(r, a, Green, stroke)
		Rect(r, a.X, a.Y, b.X, b.Y, Blue, stroke)
		if err := Label(r, a.X, a.Y, "label", Orange, 12); err != nil {
			t.Fatal(err)
		}
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
	})
}
