package page

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// shaded multiplies each pixel by the light at it.
func shaded(r *imaging.Raster, light func(x, y float64) float64) *imaging.Raster {
	return each(r, func(x, y int, px []byte) {
		v := light(float64(x), float64(y))
		for c := range px {
			px[c] = byte(float64(px[c]) * v)
		}
	})
}

func TestEvensTheLight(t *testing.T) {
	clean := newSheet(800, 1100).draw()
	for name, light := range map[string]func(x, y float64) float64{
		"a lamp at the left": func(x, y float64) float64 { return 1 - 0.6*x/800 },
		"a hand's shadow":    func(x, y float64) float64 { return 1 - 0.55/(1+math.Exp(-(y-0.6*x-300)/25)) },
		"a dark corner":      func(x, y float64) float64 { return min(1, 0.46+math.Hypot(x-800, y-1100)/2400) },
	} {
		t.Run(name, func(t *testing.T) {
			r := shaded(cloned(clean), light)
			s, _ := measured(r)
			l := findIllumination(s)
			require.True(t, l.needed(), "%v", l)
			l.apply(r)
			var paper, ink, n, m float64
			low := 255.0
			for y := 20; y < 1080; y += 3 {
				for x := 20; x < 780; x += 3 {
					v := float64(r.Row(y)[3*x])
					if clean.Row(y)[3*x] == 250 {
						paper, n = paper+v, n+1
						low = min(low, v)
					} else if clean.Row(y)[3*x] == 25 {
						ink, m = ink+v, m+1
					}
				}
			}
			assert.Greater(t, paper/n, 225.0, "paper")
			assert.Greater(t, low, 185.0, "darkest paper")
			assert.Less(t, ink/m, 45.0, "ink")
		})
	}
}

func TestLeavesEvenLightAlone(t *testing.T) {
	tinted := newSheet(800, 1000)
	tinted.paper = [3]byte{190, 205, 215}
	dark := newSheet(800, 1000)
	dark.paper, dark.ink = [3]byte{30, 28, 28}, [3]byte{225, 225, 225}
	field := newSheet(800, 1000).draw()
	fill(field, 300, 300, 600, 600, [3]byte{60, 60, 160}) // a picture on the page
	for name, r := range map[string]*imaging.Raster{
		"white": newSheet(800, 1000).draw(), "tinted": tinted.draw(), "light on dark": dark.draw(), "a field": field,
		"black": even(500, 700, 0), "noise": static(500, 700, 2), "one pixel": even(1, 1, 0),
	} {
		s, _ := measured(r)
		assert.False(t, findIllumination(s).needed(), "%s: %v", name, findIllumination(s))
	}
}

func BenchmarkIllumination(b *testing.B) {
	r := shaded(newSheet(1240, 1754).draw(), func(x, y float64) float64 { return 1 - 0.5*x/1240 })
	s, _ := measured(r)
	l := findIllumination(s)
	for b.Loop() {
		l.apply(cloned(r))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "ms/page")
}
