package text

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// strokes draws text-like ink, 20 px high, on rows y..y+19.
func strokes(r *imaging.Raster, x, y, width int) {
	for at := x; at < x+width; at += 12 {
		fill(r, ocr.Box{X: float32(at), Y: float32(y), W: 3, H: 20}, 20)
		fill(r, ocr.Box{X: float32(at), Y: float32(y + 9), W: 8, H: 3}, 20)
	}
}

// Whatever paper a detector leaves above and below a line, the crop is that of its ink.
func TestCropsAreFittedToTheInk(t *testing.T) {
	page := sheet(700, 200)
	strokes(page, 50, 100, 600)
	strokes(page, 50, 62, 600)  // the line above
	strokes(page, 50, 138, 600) // and below
	rapid.Check(t, func(t *rapid.T) {
		above, below := rapid.IntRange(-2, 10).Draw(t, "above"), rapid.IntRange(-2, 10).Draw(t, "below")
		box := ocr.Box{X: 45, Y: float32(100 - above), W: 610, H: float32(20 + above + below)}
		for _, src := range []plane{grayOf(page, nil), {pix: page.Pix, width: page.Width, height: page.Height, channels: 3}} {
			got := fitted(box.Polygon(), src).Bounds()
			if got.X != box.X || got.W != box.W || got.Y < 98.5 || got.Y > 101 || got.Y+got.H < 119 || got.Y+got.H > 121.5 {
				t.Fatalf("%+v became %+v", box, got)
			}
		}
	})
}

func TestCropsThatCannotBeFittedStay(t *testing.T) {
	box := ocr.Box{X: 45, Y: 90, W: 610, H: 40}
	for name, draw := range map[string]func(*imaging.Raster){
		"nothing":       func(*imaging.Raster) {},
		"a rule":        func(r *imaging.Raster) { fill(r, ocr.Box{X: 0, Y: 108, W: 700, H: 3}, 0) },
		"a dash":        func(r *imaging.Raster) { fill(r, ocr.Box{X: 300, Y: 108, W: 40, H: 3}, 0) },
		"a dark ground": func(r *imaging.Raster) { fill(r, ocr.Box{X: 0, Y: 0, W: 700, H: 200}, 40) },
	} {
		page := sheet(700, 200)
		draw(page)
		assert.Equal(t, box.Polygon(), fitted(box.Polygon(), grayOf(page, nil)), name)
	}
	page := sheet(700, 200)
	strokes(page, 50, 100, 600)
	small := ocr.Box{X: 45, Y: 90, W: 40, H: 40}.Polygon()
	assert.Equal(t, small, fitted(small, grayOf(page, nil)), "a single character")
	assert.Equal(t, ocr.Polygon{}, fitted(ocr.Polygon{}, grayOf(page, nil)))
}

// A comma's tail is little ink in a long line, but without it the comma is a stop.
func TestTailsOfCommasStayInTheLine(t *testing.T) {
	page := sheet(700, 200)
	strokes(page, 50, 100, 600)
	fill(page, ocr.Box{X: 300, Y: 117, W: 3, H: 6}, 20)
	box := ocr.Box{X: 45, Y: 98, W: 610, H: 24}
	got := fitted(box.Polygon(), grayOf(page, nil)).Bounds()
	assert.InDelta(t, 123, got.Y+got.H, 1)
	assert.InDelta(t, 100, got.Y, 1)
}

// An underline is not part of the line above it.
func TestRulesEndALine(t *testing.T) {
	page := sheet(700, 200)
	strokes(page, 50, 100, 600)
	fill(page, ocr.Box{X: 40, Y: 122, W: 620, H: 2}, 0)
	got := fitted(ocr.Box{X: 45, Y: 92, W: 610, H: 36}.Polygon(), grayOf(page, nil)).Bounds()
	assert.InDelta(t, 100, got.Y, 1.5)
	assert.InDelta(t, 120, got.Y+got.H, 2)
}

// letters draws text-like ink whose body is 14 px high on rows y..y+13, with strokes of 6 px up and down from every third.
func letters(r *imaging.Raster, x, y, width int) {
	for k, at := 0, x; at < x+width; k, at = k+1, at+12 {
		fill(r, ocr.Box{X: float32(at), Y: float32(y), W: 3, H: 14}, 20)
		fill(r, ocr.Box{X: float32(at), Y: float32(y + 6), W: 8, H: 3}, 20)
		if k%3 == 0 {
			fill(r, ocr.Box{X: float32(at), Y: float32(y - 6), W: 2, H: 26}, 20)
		}
	}
}

// Lines so close that no row between them is empty are parted where there is least ink.
func TestTouchingLinesAreParted(t *testing.T) {
	page := sheet(700, 200)
	for k := range 5 {
		letters(page, 50+4*k, 50+24*k, 600)
	}
	got := fitted(ocr.Box{X: 45, Y: 88, W: 610, H: 34}.Polygon(), grayOf(page, nil)).Bounds()
	assert.InDelta(t, 98-6, got.Y, 3.5)
	assert.InDelta(t, 98+20, got.Y+got.H, 3.5)
}

// What crosses the gaps beside a line in a few places, as a seal does, does not make it higher.
func TestASealDoesNotMakeLinesHigher(t *testing.T) {
	page := sheet(700, 200)
	strokes(page, 50, 100, 600)
	strokes(page, 50, 62, 600)
	strokes(page, 50, 138, 600)
	for _, x := range []float32{200, 230, 262, 310} {
		fill(page, ocr.Box{X: x, Y: 40, W: 5, H: 140}, 60)
	}
	got := fitted(ocr.Box{X: 45, Y: 92, W: 610, H: 36}.Polygon(), grayOf(page, nil)).Bounds()
	assert.InDelta(t, 100, got.Y, 2)
	assert.InDelta(t, 120, got.Y+got.H, 2)
}

// The crop follows the line even when the box does not: here a level box around a line that falls by half its height.
func TestCropsFollowTheirLine(t *testing.T) {
	page := sheet(700, 200)
	for at := range 600 {
		y := float32(90 + at*10/600)
		if at%12 < 3 {
			fill(page, ocr.Box{X: float32(50 + at), Y: y, W: 1, H: 20}, 20)
		} else if at%12 < 9 {
			fill(page, ocr.Box{X: float32(50 + at), Y: y + 9, W: 1, H: 3}, 20)
		}
	}
	got := fitted(ocr.Box{X: 48, Y: 88, W: 604, H: 34}.Polygon(), grayOf(page, nil))
	for k, want := range [4]float32{90, 100, 120, 110} {
		assert.InDelta(t, want, got[k].Y, 2.5, "corner %d", k)
	}
}

// What was fitted once is not looked at again, so that lines that are read again cost no second fit.
func TestFitsAreKept(t *testing.T) {
	page := sheet(700, 200)
	strokes(page, 50, 100, 600)
	src := grayOf(page, nil)
	src.fits = map[ocr.Polygon]ocr.Polygon{}
	box := ocr.Box{X: 45, Y: 92, W: 610, H: 36}.Polygon()
	first := fitted(box, src)
	assert.Equal(t, fitted(box, grayOf(page, nil)), first)
	assert.Equal(t, map[ocr.Polygon]ocr.Polygon{box: first}, src.fits)
	clear(src.pix)
	assert.Equal(t, first, fitted(box, src))
}

func BenchmarkFit(b *testing.B) {
	page := sheet(700, 200)
	strokes(page, 50, 100, 600)
	src := grayOf(page, nil)
	for b.Loop() {
		fitted(ocr.Box{X: 45, Y: 92, W: 610, H: 36}.Polygon(), src)
	}
}

// Light writing on a dark ground, as in chats, is fitted as dark writing is.
func TestCropsFitLightInk(t *testing.T) {
	page := sheet(700, 200)
	strokes(page, 50, 100, 600)
	for i, v := range page.Pix {
		page.Pix[i] = 255 - v
	}
	got := fitted(ocr.Box{X: 45, Y: 92, W: 610, H: 36}.Polygon(), grayOf(page, nil)).Bounds()
	assert.InDelta(t, 100, got.Y, 1.5)
	assert.InDelta(t, 120, got.Y+got.H, 1.5)
}

// Grain that is in every row does not hide the gaps above and below a line, and a crop is never half a line.
func TestGrainDoesNotMisleadTheFit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	page := sheet(700, 200)
	strokes(page, 50, 100, 600)
	for range 6000 {
		fill(page, ocr.Box{X: float32(random.IntN(699)), Y: float32(random.IntN(199)), W: 1, H: 1}, 60)
	}
	got := fitted(ocr.Box{X: 45, Y: 94, W: 610, H: 32}.Polygon(), grayOf(page, nil)).Bounds()
	assert.InDelta(t, 100, got.Y, 2.5)
	assert.InDelta(t, 120, got.Y+got.H, 2.5)

	page = sheet(700, 200)
	fill(page, ocr.Box{X: 50, Y: 100, W: 600, H: 3}, 20)
	for x := 50; x < 640; x += 9 {
		fill(page, ocr.Box{X: float32(x), Y: 100, W: 2, H: 8}, 20)
		fill(page, ocr.Box{X: float32(x), Y: 112, W: 4, H: 8}, 20)
	}
	box := ocr.Box{X: 45, Y: 96, W: 610, H: 28}
	assert.GreaterOrEqual(t, fitted(box.Polygon(), grayOf(page, nil)).Bounds().H, float32(0.45*28))
}

// The counts of rows are those of counting place by place, whatever the line drops by.
func TestRowsAreCountedSideBySide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &inkGrid{places: rapid.IntRange(1, fitColumns).Draw(t, "places")}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		for i := range g.places {
			g.ink[i] = random.Uint64() & (1<<profile - 1)
		}
		drop := rapid.IntRange(-beyond, beyond).Draw(t, "drop")
		var want [profile]float64
		for i := range g.places {
			offset := int(math.Round(float64(drop) * ((float64(i)+0.5)/float64(g.places) - 0.5)))
			for y := range profile {
				if from := y + offset; from >= 0 && from < profile && g.ink[i]>>from&1 == 1 {
					want[y]++
				}
			}
		}
		if got := g.rows(drop); got != want {
			t.Fatalf("dropping by %d: %v, want %v", drop, got, want)
		}
	})
}
