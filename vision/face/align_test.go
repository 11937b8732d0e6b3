package face

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

func mapped(s Similarity2D, points [5]Point) [5]Point {
	for i, p := range points {
		x, y := s.Apply(float64(p.X), float64(p.Y))
		points[i] = Point{float32(x), float32(y)}
	}
	return points
}

func squaredError(s Similarity2D, from, to [5]Point) float64 {
	var sum float64
	for i, p := range from {
		x, y := s.Apply(float64(p.X), float64(p.Y))
		sum += (x-float64(to[i].X))*(x-float64(to[i].X)) + (y-float64(to[i].Y))*(y-float64(to[i].Y))
	}
	return sum
}

func TestFitRecoversAKnownSimilarity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		angle := rapid.Float64Range(-math.Pi, math.Pi).Draw(t, "angle")
		scale := rapid.Float64Range(0.05, 20).Draw(t, "scale")
		want := Similarity2D{scale * math.Cos(angle), scale * math.Sin(angle),
			rapid.Float64Range(-2000, 2000).Draw(t, "x"), rapid.Float64Range(-2000, 2000).Draw(t, "y")}
		got, err := FitSimilarity(ArcFaceTemplate, mapped(want, ArcFaceTemplate))
		require.NoError(t, err)
		// float32 landmarks carry about 1e-4 px at 2000 px.
		assert.InDelta(t, want.A, got.A, 1e-4)
		assert.InDelta(t, want.B, got.B, 1e-4)
		assert.InDelta(t, want.X, got.X, 1e-2)
		assert.InDelta(t, want.Y, got.Y, 1e-2)
		x, y := got.Inverse().Apply(got.Apply(7, -3))
		assert.InDelta(t, 7, x, 1e-6)
		assert.InDelta(t, -3, y, 1e-6)
	})
}

// No similarity near the fitted one is better: the definition of least squares, also for points that none fits exactly.
func TestFitIsALeastSquaresSolution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var from [5]Point
		coordinate := rapid.Float32Range(0, 300)
		for i := range from {
			from[i] = Point{coordinate.Draw(t, "x"), coordinate.Draw(t, "y")}
		}
		s, err := FitSimilarity(from, ArcFaceTemplate)
		if err != nil {
			require.ErrorIs(t, err, ErrDegenerate)
			return
		}
		least := squaredError(s, from, ArcFaceTemplate)
		for _, step := range []float64{1e-3, -1e-3} {
			for _, near := range []Similarity2D{{s.A + step, s.B, s.X, s.Y}, {s.A, s.B + step, s.X, s.Y}, {s.A, s.B, s.X + step, s.Y}, {s.A, s.B, s.X, s.Y + step}} {
				assert.GreaterOrEqual(t, squaredError(near, from, ArcFaceTemplate), least-1e-9)
			}
		}
	})
}

func TestFitRefusesWhatIsNoFace(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, from := range map[string][5]Point{
		"one place": {{3, 4}, {3, 4}, {3, 4}, {3, 4}, {3, 4}},
		"NaN":       {{nan, 1}, {2, 3}, {4, 5}, {6, 7}, {8, 9}},
		"infinite":  {{1, 1}, {2, inf}, {4, 5}, {6, 7}, {8, 9}},
		"huge":      {{-3e38, 1}, {3e38, 3}, {4, 3e38}, {6, -3e38}, {8, 9}},
	} {
		_, err := FitSimilarity(from, ArcFaceTemplate)
		require.ErrorIs(t, err, ErrDegenerate, name)
		_, err = Align(imaging.NewRaster(8, 8), from, 112)
		require.ErrorIs(t, err, ErrDegenerate, name)
	}
}

// ramp shows x in blue and y in green, so that every result pixel tells where it was taken from.
func ramp(width, height int) *imaging.Raster {
	r := imaging.NewRaster(width, height)
	for y := range height {
		for x := range width {
			r.Row(y)[3*x], r.Row(y)[3*x+1] = byte(x), byte(y)
		}
	}
	return r
}

func TestAlignTakesEachPixelFromItsPlace(t *testing.T) {
	r := ramp(250, 250)
	for name, back := range map[string]Similarity2D{
		"copied":  {1, 0, 60, 70},
		"turned":  {0.9 * math.Cos(0.4), 0.9 * math.Sin(0.4), 90, 40},
		"shrunk":  {2.1 * math.Cos(-0.1), 2.1 * math.Sin(-0.1), 5, 25},
		"grown":   {0.3, 0, 100, 100},
		"a third": {1.4 * math.Cos(0.2), 1.4 * math.Sin(0.2), 45, 10},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := Align(r, mapped(back, ArcFaceTemplate), 112)
			require.NoError(t, err)
			for y := 0; y < 112; y += 3 {
				for x := 0; x < 112; x += 3 {
					sx, sy := back.Apply(float64(x), float64(y))
					if sx < 2 || sy < 2 || sx > 247 || sy > 247 {
						continue
					}
					assert.InDelta(t, sx, out.Row(y)[3*x], 1)
					assert.InDelta(t, sy, out.Row(y)[3*x+1], 1)
				}
			}
		})
	}
}

func TestAlignIsBlackOutsideThePicture(t *testing.T) {
	r := imaging.NewRaster(40, 40)
	for i := range r.Pix {
		r.Pix[i] = 255
	}
	out, err := Align(r, mapped(Similarity2D{1, 0, -56, 0}, ArcFaceTemplate), 112)
	require.NoError(t, err)
	assert.Equal(t, byte(0), out.Row(20)[3*50], "left of the picture")
	assert.Equal(t, byte(255), out.Row(20)[3*60], "inside")
	assert.Equal(t, byte(0), out.Row(80)[3*60], "below it")
}

// A chequered face 8 times as large as the result is grey there, not a pattern that is not in the picture.
func TestAlignDoesNotAlias(t *testing.T) {
	r := imaging.NewRaster(1000, 1000)
	for y := range 1000 {
		for x := range 1000 {
			if (x+y)%2 == 0 {
				r.Row(y)[3*x] = 255
			}
		}
	}
	out, err := Align(r, mapped(Similarity2D{8, 0.3, 70, 20}, ArcFaceTemplate), 112)
	require.NoError(t, err)
	for y := range 112 {
		for x := range 112 {
			require.InDelta(t, 127.5, out.Row(y)[3*x], 2)
		}
	}
}

func BenchmarkAlign(b *testing.B) {
	for name, scale := range map[string]float64{"lfw": 1, "portrait-500px": 5} {
		b.Run(name, func(b *testing.B) {
			r := ramp(1280, 720)
			points := mapped(Similarity2D{scale, 0.1, 100, 50}, ArcFaceTemplate)
			for b.Loop() {
				if _, err := Align(r, points, 112); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
