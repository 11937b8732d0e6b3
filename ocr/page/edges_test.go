package page

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

func TestPaintsBlackEdgesOver(t *testing.T) {
	clean := newSheet(800, 1100).draw()
	for name, outside := range map[string]func(x, y float64) bool{
		"left":       func(x, y float64) bool { return x < 50 },
		"all around": func(x, y float64) bool { return x < 30 || y < 45 || x > 770 || y > 1080 },
		"askew":      func(x, y float64) bool { return x < 20+0.03*y || y > 1090-0.02*x },
		"a wedge":    func(x, y float64) bool { return y < 40-0.05*x },
	} {
		t.Run(name, func(t *testing.T) {
			r := each(cloned(clean), func(x, y int, px []byte) {
				if outside(float64(x), float64(y)) {
					px[0], px[1], px[2] = byte(8+x%7), byte(8+y%5), 10
				}
			})
			s, e := measured(r)
			require.True(t, e.needed())
			e.apply(r, paperColour(r, s.inverted))
			left := 0
			for y := range r.Height {
				for x := range r.Width {
					if r.Row(y)[3*x] < 80 && outside(float64(x), float64(y)) {
						left++
					}
				}
			}
			assert.Less(t, left, 30, "black pixels left")
			// Nothing inside is touched.
			for y := 130; y < 960; y++ {
				require.Equal(t, clean.Row(y)[3*90:3*700], r.Row(y)[3*90:3*700], "row %d", y)
			}
		})
	}
}

func TestKeepsDarkThatIsThePages(t *testing.T) {
	band := newSheet(800, 1100).draw()
	fill(band, 0, 0, 800, 120, [3]byte{20, 20, 20})
	title := newSheet(800, 1100)
	title.paper, title.ink = [3]byte{20, 20, 20}, [3]byte{240, 240, 240}
	title.em, title.pitch = 60, 100
	copy(band.Pix[:3*800*120], title.draw().Pix[3*800*400:]) // white letters on the black band
	photo := newSheet(800, 1100).draw()
	each(photo, func(x, y int, px []byte) { // a dark thing that comes in from the right
		if math.Hypot(float64(x-800), float64(y-500)) < 120+15*math.Sin(float64(y)/7) {
			px[0], px[1], px[2] = 20, 20, 20
		}
	})
	for name, r := range map[string]*imaging.Raster{
		"letters in a band": band, "a dark thing": photo, "black": even(500, 700, 0), "noise": static(500, 700, 2), "one pixel": even(1, 1, 0),
		"a hair": static(30000, 1, 8),
	} {
		_, e := measured(r)
		assert.False(t, e.needed(), "%s: %v", name, e)
	}
}

func BenchmarkEdges(b *testing.B) {
	r := newSheet(1240, 1754).draw()
	fill(r, 0, 0, 60, 1754, [3]byte{12, 12, 12})
	_, e := measured(r)
	for b.Loop() {
		e.apply(r, [3]byte{250, 250, 250})
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "ms/page")
}
