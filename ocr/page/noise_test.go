package page

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

func specked(r *imaging.Raster, rate float64) *imaging.Raster {
	rng := rand.New(rand.NewPCG(11, 12))
	return each(r, func(_, _ int, px []byte) {
		if rng.Float64() < rate {
			v := byte(255 * rng.IntN(2))
			px[0], px[1], px[2] = v, v, v
		}
	})
}

func grainy(r *imaging.Raster, sigma float64) *imaging.Raster {
	rng := rand.New(rand.NewPCG(13, 14))
	return each(r, func(_, _ int, px []byte) {
		g := rng.NormFloat64() * sigma
		for c := range px {
			px[c] = byte(min(max(float64(px[c])+g, 0), 255))
		}
	})
}

// difference is the mean absolute difference of the green channel.
func difference(a, b *imaging.Raster) float64 {
	sum := 0.0
	for i := 1; i < len(a.Pix); i += 3 {
		d := float64(a.Pix[i]) - float64(b.Pix[i])
		sum += max(d, -d)
	}
	return sum / float64(len(a.Pix)/3)
}

func TestRemovesSpecks(t *testing.T) {
	clean := newSheet(600, 800).draw()
	for _, rate := range []float64{0.01, 0.04} {
		r := specked(cloned(clean), rate)
		n := findNoise(r)
		require.True(t, n.specked(), "%+v", n)
		assert.InDelta(t, rate/2, n.specks, rate/3, "white specks do not show on white")
		before := difference(r, clean)
		n.apply(r)
		assert.Less(t, difference(r, clean), 0.25*before, "of %v", before)
	}
}

// Strokes of one pixel's width, crossings and ends come through.
func TestSpecksAreNotStrokes(t *testing.T) {
	r := even(200, 200, 250)
	fill(r, 20, 50, 180, 51, [3]byte{})
	fill(r, 90, 20, 91, 180, [3]byte{})
	for i := range 60 {
		copy(r.Row(100 + i)[3*(100+i):], []byte{0, 0, 0})
	}
	want := cloned(r)
	copy(r.Row(30)[3*30:], []byte{0, 0, 0}) // and one speck
	removeSpecks(r)
	ends := 0
	for i := range r.Pix {
		if r.Pix[i] != want.Pix[i] {
			ends++
		}
	}
	assert.LessOrEqual(t, ends, 3*6, "only the very ends of strokes may go")
	assert.Equal(t, byte(250), r.Row(30)[3*30])
}

func TestSmoothsGrain(t *testing.T) {
	clean := newSheet(600, 800).draw()
	for i, v := range clean.Pix {
		clean.Pix[i] = byte(30 + int(v)*3/4) // so that grain is not cut off
	}
	for _, sigma := range []float64{6, 12, 24} {
		r := grainy(cloned(clean), sigma)
		n := findNoise(r)
		assert.InDelta(t, sigma, n.sigma, 0.15*sigma+1)
		assert.Equal(t, sigma > grainSigma, n.grainy())
		if n.grainy() {
			before := difference(r, clean)
			n.apply(r)
			assert.Less(t, difference(r, clean), 0.7*before)
		}
	}
}

func TestNoNoiseOnCleanPages(t *testing.T) {
	for name, r := range map[string]*imaging.Raster{
		"text": newSheet(600, 800).draw(), "blank": even(600, 800, 250), "black": even(600, 800, 0), "clouds": clouds(600, 800),
		"one pixel": even(1, 1, 7), "two": even(2, 2, 7), "a hair": even(30000, 1, 7),
	} {
		n := findNoise(r)
		assert.False(t, n.needed(), "%s: %+v", name, n)
	}
}

func BenchmarkNoise(b *testing.B) {
	clean := newSheet(1240, 1754).draw()
	b.Run("measure", func(b *testing.B) {
		for b.Loop() {
			findNoise(clean)
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "ms/page")
	})
	for name, n := range map[string]noise{"specks": {specks: 1}, "grain": {sigma: 20}} {
		b.Run(name, func(b *testing.B) {
			r := cloned(clean)
			for b.Loop() {
				n.apply(r)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "ms/page")
		})
	}
}

// Specks are what differs from all eight neighbours, counted pixel by pixel.
func TestSpecksAreCountedPixelByPixel(t *testing.T) {
	r := static(61, 40, 5)
	at := func(x, y int) int { p := r.Row(y)[3*x:]; return int(imaging.Luma(p[0], p[1], p[2])) }
	specks, pixels := 0, 0
	for y := 1; y < r.Height-1; y += noiseRows {
		for x := 1; x < r.Width-1; x++ {
			lo, hi := 255, 0
			for _, d := range [8][2]int{{-1, -1}, {0, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}} {
				lo, hi = min(lo, at(x+d[0], y+d[1])), max(hi, at(x+d[0], y+d[1]))
			}
			pixels++
			if v := at(x, y); v >= hi+speckStep || v <= lo-speckStep {
				specks++
			}
		}
	}
	require.Positive(t, specks)
	assert.InDelta(t, float64(specks)/float64(pixels), findNoise(r).specks, 1e-12)
}
