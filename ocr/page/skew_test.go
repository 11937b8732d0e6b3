package page

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

func TestFindsTheLean(t *testing.T) {
	for _, vertical := range []bool{false, true} {
		for i, want := range []float64{-14.6, -8.25, -3.3, -1, -0.4, 0, 0.5, 2.1, 7.7, 14.8} {
			turned := i % 4 // the page may lie on its side: its lean is the same
			t.Run(fmt.Sprintf("%v degrees, vertical %v, turned %d", want, vertical, 90*turned), func(t *testing.T) {
				s := newSheet(620, 880).leaning(want)
				s.vertical = vertical
				r := imaging.Orient(s.draw(), []imaging.Orientation{1, 6, 3, 8}[turned])
				k := findSkew(first(measured(r)))
				assert.InDelta(t, want, k.degrees, 0.1)
				assert.Equal(t, math.Abs(want) >= skewLeast, k.needed())
			})
		}
	}
}

func first(s *survey, _ edges) *survey { return s }

// A table without a word tells its lean by its rules.
func TestFindsTheLeanOfATable(t *testing.T) {
	const lean = 2.4
	r := even(900, 700, 250)
	sin, cos := math.Sincos(lean * math.Pi / 180)
	each(r, func(x, y int, px []byte) {
		u, v := float64(x)*cos+float64(y)*sin, -float64(x)*sin+float64(y)*cos
		if u > 150 && u < 750 && v > 100 && v < 600 && (math.Mod(u, 140) < 2 || math.Mod(v, 50) < 2) {
			px[0], px[1], px[2] = 30, 30, 30
		}
	})
	assert.InDelta(t, lean, findSkew(first(measured(r))).degrees, 0.1)
}

func TestTurnsNothingWithoutLines(t *testing.T) {
	disc := even(700, 700, 250)
	each(disc, func(x, y int, px []byte) {
		if math.Hypot(float64(x-350), float64(y-350)) < 200 {
			px[0], px[1], px[2] = 30, 30, 30
		}
	})
	for name, r := range map[string]*imaging.Raster{
		"blank": even(800, 1000, 250), "black": even(800, 1000, 0), "noise": static(800, 1000, 3), "clouds": clouds(800, 1000),
		"disc": disc, "one pixel": even(1, 1, 9), "a hair": static(30000, 1, 4), "a column": static(1, 20000, 5),
	} {
		k := findSkew(first(measured(r)))
		assert.False(t, k.needed(), "%s: %+v", name, k)
	}
}

// Black margins have straight ends of their own, which lean as the sheet lay on the glass and not as its text.
func TestBlackMarginsDoNotTellTheLean(t *testing.T) {
	r := newSheet(800, 1000).leaning(1.5).draw()
	fill(r, 0, 0, 40, 1000, [3]byte{12, 12, 12})
	fill(r, 0, 0, 800, 30, [3]byte{12, 12, 12})
	assert.InDelta(t, 1.5, findSkew(first(measured(r))).degrees, 0.1)
}

// A mark on the leaning page lands, straightened and mapped back, where it was.
func TestStraightenMapsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(30, 300).Draw(t, "width"), rapid.IntRange(30, 300).Draw(t, "height")
		degrees := rapid.Float64Range(-15, 15).Draw(t, "degrees")
		x, y := rapid.IntRange(4, w-8).Draw(t, "x"), rapid.IntRange(4, h-8).Draw(t, "y")
		r := even(w, h, 255)
		fill(r, x, y, x+4, y+4, [3]byte{})
		out, a := Straighten(r, degrees, [3]byte{255, 255, 255})
		var sx, sy, n float64
		for py := range out.Height {
			for px := range out.Width {
				ink := 255 - float64(out.Row(py)[3*px])
				sx, sy, n = sx+ink*(float64(px)+0.5), sy+ink*(float64(py)+0.5), n+ink
			}
		}
		if math.Abs(n-16*255) > 0.03*16*255 {
			t.Fatalf("%v of the mark's 16 pixels are left", n/255)
		}
		back := a.Apply(ocr.Point{X: float32(sx / n), Y: float32(sy / n)})
		if math.Hypot(float64(back.X)-float64(x+2), float64(back.Y)-float64(y+2)) > 0.1 {
			t.Fatalf("the mark at %d, %d came back at %v", x+2, y+2, back)
		}
		// All of the old page is on the new one.
		forth, ok := a.Inverse()
		if !ok {
			t.Fatal("no way back")
		}
		for _, p := range (ocr.Box{W: float32(w), H: float32(h)}).Polygon() {
			q := forth.Apply(p)
			if q.X < -0.6 || q.Y < -0.6 || q.X > float32(out.Width)+0.6 || q.Y > float32(out.Height)+0.6 {
				t.Fatalf("corner %v is at %v, outside of %dx%d", p, q, out.Width, out.Height)
			}
		}
	})
}

func TestStraightenKeepsWhatItCan(t *testing.T) {
	r := newSheet(200, 120).draw()
	same, a := Straighten(r, 0, [3]byte{})
	require.Equal(t, ocr.Identity, a)
	require.Equal(t, r.Pix, same.Pix)
	for _, size := range [][2]int{{1, 1}, {1, 500}, {500, 1}, {2, 2}} {
		out, _ := Straighten(static(size[0], size[1], 1), -7.3, [3]byte{9, 9, 9})
		require.NoError(t, out.Validate())
	}
	white, _ := Straighten(even(300, 200, 255), 11, [3]byte{255, 255, 255})
	require.Equal(t, even(white.Width, white.Height, 255).Pix, white.Pix, "no seam between the page and what is around it")
}

// The fast way through a picture's inside gives what the careful one at its border does.
func TestTurnedPixelsAreInterpolatedAlike(t *testing.T) {
	r := static(83, 57, 3)
	for _, degrees := range []float64{-11.3, -0.7, 0.4, 6} {
		out, a := Straighten(r, degrees, [3]byte{7, 8, 9})
		careful, row := newTurn(r, a, [3]byte{7, 8, 9}), make([]byte, 3*out.Width)
		for y := range out.Height {
			sx := int64(math.Round((a[0]*0.5 + a[1]*(float64(y)+0.5) + a[2] - 0.5) * turnOne))
			sy := int64(math.Round((a[3]*0.5 + a[4]*(float64(y)+0.5) + a[5] - 0.5) * turnOne))
			careful.border(row, 0, out.Width, sx, sy)
			require.Equal(t, row, out.Row(y), "%v degrees, row %d", degrees, y)
		}
	}
}

func BenchmarkSkew(b *testing.B) {
	s, _ := measured(newSheet(1240, 1754).leaning(1.3).draw())
	for b.Loop() {
		findSkew(s)
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/page")
}

func BenchmarkStraighten(b *testing.B) {
	r := newSheet(1240, 1754).leaning(1.3).draw()
	for b.Loop() {
		Straighten(r, 1.3, [3]byte{255, 255, 255})
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/page")
}
