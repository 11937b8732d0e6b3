package page

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// spoiled is a page with everything wrong at once.
func spoiled() *imaging.Raster {
	r := press(newSheet(800, 1100).leaning(2.2).draw(), stamp{x: 500, y: 600, rx: 90, ry: 90}.covers)
	shaded(r, func(x, _ float64) float64 { return 1 - 0.6*x/800 })
	specked(r, 0.02)
	fill(r, 0, 0, 35, 1100, [3]byte{9, 9, 9})
	return r
}

func enhance(tb testing.TB, c EnhancerConfig, r *imaging.Raster, o ocr.EnhanceOptions) ocr.Enhanced {
	tb.Helper()
	e, err := NewEnhancer(c).Enhance(context.Background(), r, o)
	require.NoError(tb, err)
	return e
}

var stepNames = []string{"black edges", "separate", "denoise", "illumination", "deskew"}

func steps(e ocr.Enhanced) []string {
	var out []string
	for _, s := range e.Steps {
		for _, name := range stepNames {
			if strings.HasPrefix(s, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

func TestEnhanceDoesEveryStepThatIsNeeded(t *testing.T) {
	r := spoiled()
	before := cloned(r)
	e := enhance(t, EnhancerConfig{}, r, ocr.EnhanceOptions{})
	assert.Equal(t, before.Pix, r.Pix, "the original is never changed")
	assert.Equal(t, stepNames, steps(e), "%v", e.Steps)
	assert.Contains(t, e.Steps, "deskew 2.2 degrees")
	assert.InDelta(t, 2.2, e.Skew, 0.1)
	require.Len(t, e.Regions, 1)
	assert.Equal(t, ocr.RegionSeal, e.Regions[0].Kind)
	b := boundsOf(e.Regions[0].Outline)
	assert.InDelta(t, 500, b.X+b.W/2, 6)
	assert.InDelta(t, 600, b.Y+b.H/2, 6)
	// What was done needs no doing again.
	again := enhance(t, EnhancerConfig{}, e.Picture, ocr.EnhanceOptions{})
	assert.Empty(t, steps(again), "%v", again.Steps)
}

func TestEnhanceLeavesGoodPagesAsTheyAre(t *testing.T) {
	for _, r := range []*imaging.Raster{newSheet(800, 1100).draw(), newSheet(800, 1100).leaning(0.2).draw(), even(800, 1100, 255)} {
		e := enhance(t, EnhancerConfig{}, r, ocr.EnhanceOptions{})
		assert.Empty(t, e.Steps)
		assert.Same(t, r, e.Picture)
		assert.Equal(t, ocr.Identity, e.ToOriginal)
	}
}

func TestEachStepCanBeSwitchedOff(t *testing.T) {
	r := spoiled()
	for i, c := range []struct {
		config  EnhancerConfig
		options ocr.EnhanceOptions
	}{
		{EnhancerConfig{KeepEdges: true}, ocr.EnhanceOptions{KeepEdges: true}},
		{EnhancerConfig{KeepSeals: true}, ocr.EnhanceOptions{}},
		{EnhancerConfig{KeepNoise: true}, ocr.EnhanceOptions{KeepNoise: true}},
		{EnhancerConfig{KeepIllumination: true}, ocr.EnhanceOptions{KeepIllumination: true}},
		{EnhancerConfig{KeepSkew: true}, ocr.EnhanceOptions{KeepSkew: true}},
	} {
		var want []string
		for k, name := range stepNames {
			if k != i {
				want = append(want, name)
			}
		}
		byConfig := enhance(t, c.config, r, ocr.EnhanceOptions{})
		assert.Equal(t, want, steps(byConfig))
		assert.InDelta(t, 2.2, byConfig.Skew, 0.1, "it is measured in any case")
		assert.Len(t, byConfig.Regions, 1)
		if c.options != (ocr.EnhanceOptions{}) {
			assert.Equal(t, want, steps(enhance(t, EnhancerConfig{}, r, c.options)))
		}
	}
}

// Marks on a leaning page are found on the straightened one, and map back to where they were.
func TestEnhanceMapsBack(t *testing.T) {
	for _, lean := range []float64{-12, -3.7, 0.8, 5, 14} {
		s := newSheet(700, 900).leaning(lean)
		r := s.draw()
		marks := []ocr.Point{{X: 30, Y: 30}, {X: 670, Y: 40}, {X: 660, Y: 860}, {X: 25, Y: 870}}
		for _, m := range marks {
			fill(r, int(m.X)-3, int(m.Y)-3, int(m.X)+3, int(m.Y)+3, [3]byte{255, 0, 0})
		}
		e := enhance(t, EnhancerConfig{}, r, ocr.EnhanceOptions{})
		require.Equal(t, []string{"deskew"}, steps(e))
		forth, ok := e.ToOriginal.Inverse()
		require.True(t, ok)
		for _, m := range marks {
			at := forth.Apply(m)
			var x, y, n float64
			for py := max(int(at.Y)-8, 0); py < min(int(at.Y)+8, e.Picture.Height); py++ {
				for px := max(int(at.X)-8, 0); px < min(int(at.X)+8, e.Picture.Width); px++ {
					p := e.Picture.Row(py)[3*px:][:3]
					if blue := float64(p[0]) - float64(p[2]); blue > 20 {
						x, y, n = x+blue*(float64(px)+0.5), y+blue*(float64(py)+0.5), n+blue
					}
				}
			}
			require.Positive(t, n, "mark %v of lean %v", m, lean)
			back := e.ToOriginal.Apply(ocr.Point{X: float32(x / n), Y: float32(y / n)})
			assert.Less(t, math.Hypot(float64(back.X-m.X), float64(back.Y-m.Y)), 0.3, "mark %v of lean %v", m, lean)
		}
	}
}

func TestEnhanceOfHurtingInputs(t *testing.T) {
	red := each(even(300, 300, 0), func(_, _ int, px []byte) { px[2] = 255 })
	for name, r := range map[string]*imaging.Raster{
		"one pixel": even(1, 1, 0), "white pixel": even(1, 1, 255), "two": static(2, 2, 1), "a hair": static(30000, 1, 2), "a column": static(1, 30000, 3),
		"three high": static(5000, 3, 4), "black": even(900, 700, 0), "white": even(900, 700, 255), "noise": static(900, 700, 5), "red": red,
		"stripes": each(even(800, 600, 255), func(x, _ int, px []byte) { px[0] = byte(255 * (x & 1)); px[1] = px[0] }),
		"chequers": each(even(800, 600, 255), func(x, y int, px []byte) {
			for c := range px {
				px[c] = byte(255 * ((x/8 + y/8) & 1))
			}
		}),
	} {
		before := cloned(r)
		e := enhance(t, EnhancerConfig{}, r, ocr.EnhanceOptions{})
		require.NoError(t, e.Picture.Validate(), name)
		require.Equal(t, before.Pix, r.Pix, name)
		for _, v := range e.ToOriginal {
			require.False(t, math.IsNaN(v) || math.IsInf(v, 0), name)
		}
		require.LessOrEqual(t, e.Skew, float32(skewMost), name)
		require.NotEqual(t, ocr.VerdictRetake, e.Quality.Verdict, "%s: %s", name, e.Quality.Advice)
	}
	_, err := NewEnhancer(EnhancerConfig{}).Enhance(context.Background(), &imaging.Raster{Width: 3, Height: 3}, ocr.EnhanceOptions{})
	require.Error(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = NewEnhancer(EnhancerConfig{}).Enhance(ctx, even(9, 9, 1), ocr.EnhanceOptions{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestEnhanceConcurrently(t *testing.T) {
	r := spoiled()
	e := NewEnhancer(EnhancerConfig{})
	want := enhance(t, EnhancerConfig{}, r, ocr.EnhanceOptions{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, err := e.Enhance(context.Background(), r, ocr.EnhanceOptions{})
			assert.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
	wg.Wait()
}

// BenchmarkEnhance cleans an A4 page of 150 dpi on which little has to be done, and one that needs every step.
func BenchmarkEnhance(b *testing.B) {
	for name, r := range map[string]*imaging.Raster{"clean": newSheet(1240, 1754).draw(), "spoiled": imaging.Resize(spoiled(), 1240, 1705)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				enhance(b, EnhancerConfig{}, r, ocr.EnhanceOptions{})
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "ms/page")
		})
	}
}
