package page

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// stamp is a round seal: a ring, letters near it, a star in the middle.
type stamp struct{ x, y, rx, ry float64 }

func (k stamp) covers(x, y float64) bool {
	dx, dy := (x-k.x)/k.rx, (y-k.y)/k.ry
	rho, phi := math.Hypot(dx, dy), math.Atan2(dy, dx)
	if rho > 1 {
		return false
	}
	if rho > 0.93 {
		return true
	}
	if rho > 0.62 && rho < 0.82 && phi > -math.Pi*0.9 && phi < math.Pi*0.4 {
		return math.Mod(phi*9+30, 2) < 1.2 && math.Mod(rho*40, 2) < 1
	}
	return rho < 0.32*(0.55+0.45*math.Cos(5*phi+math.Pi/2))
}

// press multiplies red ink onto the page.
func press(r *imaging.Raster, covers func(x, y float64) bool) *imaging.Raster {
	return each(r, func(x, y int, px []byte) {
		if covers(float64(x)+0.5, float64(y)+0.5) {
			px[0], px[1], px[2] = byte(int(px[0])*70/255), byte(int(px[1])*60/255), byte(int(px[2])*215/255)
		}
	})
}

func boundsOf(outline []ocr.Point) ocr.Box {
	lo, hi := outline[0], outline[0]
	for _, p := range outline {
		lo.X, lo.Y, hi.X, hi.Y = min(lo.X, p.X), min(lo.Y, p.Y), max(hi.X, p.X), max(hi.Y, p.Y)
	}
	return ocr.Box{X: lo.X, Y: lo.Y, W: hi.X - lo.X, H: hi.Y - lo.Y}
}

func TestFindsRoundSeals(t *testing.T) {
	for name, k := range map[string]stamp{
		"over text": {x: 400, y: 500, rx: 90, ry: 90}, "oval": {x: 300, y: 300, rx: 100, ry: 72}, "small": {x: 700, y: 1000, rx: 40, ry: 40},
		"cut by the right edge": {x: 800, y: 600, rx: 90, ry: 90},
	} {
		t.Run(name, func(t *testing.T) {
			r := press(newSheet(800, 1100).draw(), k.covers)
			s, _ := measured(r)
			seals := findSeals(s)
			require.Len(t, seals, 1)
			assert.False(t, seals[0].square)
			assert.Greater(t, seals[0].confidence, float32(0.6))
			b := boundsOf(seals[0].outline(s.factor, r.Width, r.Height))
			assert.InDelta(t, k.x-k.rx, b.X, 6)
			assert.InDelta(t, k.y-k.ry, b.Y, 6)
			assert.InDelta(t, min(k.x+k.rx, 800), b.X+b.W, 6)
			assert.InDelta(t, k.y+k.ry, b.Y+b.H, 6)
		})
	}
}

func TestFindsSquareSeals(t *testing.T) {
	r := press(newSheet(800, 1100).draw(), func(x, y float64) bool {
		u, v := x-500, y-800
		if u < 0 || v < 0 || u > 90 || v > 90 {
			return false
		}
		return min(u, v, 90-u, 90-v) < 5 || (u > 15 && u < 75 && math.Mod(v, 14) < 5 && math.Mod(u, 35) < 25)
	})
	s, _ := measured(r)
	seals := findSeals(s)
	require.Len(t, seals, 1)
	assert.True(t, seals[0].square)
	b := boundsOf(seals[0].outline(s.factor, r.Width, r.Height))
	assert.InDelta(t, 500, b.X, 6)
	assert.InDelta(t, 890, b.Y+b.H, 6)
}

// Seals over each other, or a square one askew, have no shape that is looked for; that they run across the text tells them.
func TestFindsSealsOfOtherShapesOverText(t *testing.T) {
	two := func(x, y float64) bool {
		return stamp{x: 380, y: 480, rx: 90, ry: 90}.covers(x, y) || stamp{x: 500, y: 560, rx: 95, ry: 95}.covers(x, y)
	}
	askew := func(x, y float64) bool {
		u, v := 0.8*(x-400)+0.6*(y-500), 0.8*(y-500)-0.6*(x-400)
		m := max(math.Abs(u), math.Abs(v))
		return m < 50 && (m > 45 || math.Mod(u+50, 25) < 8)
	}
	for name, covers := range map[string]func(x, y float64) bool{"two": two, "askew": askew} {
		clean := newSheet(800, 1100).draw()
		r := press(cloned(clean), covers)
		s, _ := measured(r)
		seals := findSeals(s)
		require.Len(t, seals, 1, name)
		seals[0].separate(r, s.factor, paperColour(r, false))
		red := 0
		for y := range 1100 {
			for px := r.Row(y); len(px) >= 3; px = px[3:] {
				if int(px[2]) > int(max(px[0], px[1]))+sealRed {
					red++
				}
			}
		}
		assert.Less(t, red, 50, name)
	}
}

func TestRedThatIsNoSeal(t *testing.T) {
	red := newSheet(800, 1100)
	red.ink = [3]byte{40, 30, 210}
	headed := newSheet(800, 1100).draw()
	fill(headed, 60, 60, 740, 66, [3]byte{40, 30, 210}) // the red line of an official letter
	mixed := newSheet(800, 1100).draw()                 // some of the lines of a text in red
	for y := 400; y < 600; y++ {
		for px := mixed.Row(y)[600:1800]; len(px) >= 3; px = px[3:] {
			if px[0] < 60 {
				px[2] = 210
			}
		}
	}
	field := newSheet(800, 1100).draw()
	fill(field, 300, 300, 420, 420, [3]byte{40, 30, 210})
	for name, r := range map[string]*imaging.Raster{
		"red text": red.draw(), "red within black text": mixed, "a red line": headed, "a red field": field, "black text": newSheet(800, 1100).draw(), "noise": static(500, 700, 2),
		"all red": each(even(400, 400, 0), func(_, _ int, px []byte) { px[2] = 255 }), "one pixel": even(1, 1, 200),
	} {
		s, _ := measured(r)
		assert.Empty(t, findSeals(s), name)
	}
}

// Taken out, the seal is nearly paper where it lay on paper, and the text below it is as dark as before.
func TestSeparatesSealsFromText(t *testing.T) {
	clean := newSheet(800, 1100).draw()
	k := stamp{x: 400, y: 500, rx: 100, ry: 100}
	r := press(cloned(clean), k.covers)
	s, _ := measured(r)
	seals := findSeals(s)
	require.Len(t, seals, 1)
	seals[0].separate(r, s.factor, paperColour(r, false))
	var onPaper, onInk, n, m float64
	for y := 400; y < 600; y++ {
		for x := 300; x < 500; x++ {
			if !k.covers(float64(x)+0.5, float64(y)+0.5) {
				continue
			}
			v := float64(imaging.Luma(r.Row(y)[3*x], r.Row(y)[3*x+1], r.Row(y)[3*x+2]))
			if clean.Row(y)[3*x] == 250 {
				onPaper, n = onPaper+v, n+1
			} else if clean.Row(y)[3*x] == 25 {
				onInk, m = onInk+v, m+1
			}
		}
	}
	require.Greater(t, min(n, m), 200.0)
	assert.Greater(t, onPaper/n, 235.0, "seal on paper")
	assert.Less(t, onInk/m, 45.0, "seal on ink")
	// Outside of the seal nothing changes.
	for y := range 380 {
		require.Equal(t, clean.Row(y), r.Row(y))
	}
}

func BenchmarkSeals(b *testing.B) {
	r := press(newSheet(1240, 1754).draw(), stamp{x: 600, y: 900, rx: 130, ry: 130}.covers)
	s, _ := measured(r)
	for b.Loop() {
		for _, k := range findSeals(s) {
			k.separate(r, s.factor, [3]byte{250, 250, 250})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "ms/page")
}
