package text

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

func colourPlane(r *imaging.Raster) plane {
	return plane{pix: r.Pix, width: r.Width, height: r.Height, channels: 3}
}

func inverted(r *imaging.Raster) {
	for i, v := range r.Pix {
		r.Pix[i] = 255 - v
	}
}

// transposed returns the picture and the box with x and y exchanged.
func transposed(r *imaging.Raster) *imaging.Raster {
	out := imaging.NewRaster(r.Height, r.Width)
	for y := range r.Height {
		for x := range r.Width {
			copy(out.Row(x)[3*y:3*y+3], r.Row(y)[3*x:3*x+3])
		}
	}
	return out
}

// A dash in front of a line and a stop behind it, which the detector left out, are taken in, of rows and columns, dark and light.
func TestEndsGrowOverInkThatWasLeftOut(t *testing.T) {
	for _, light := range []bool{false, true} {
		for _, column := range []bool{false, true} {
			page := sheet(700, 200)
			strokes(page, 200, 100, 300)
			fill(page, ocr.Box{X: 170, Y: 108, W: 18, H: 3}, 20)
			fill(page, ocr.Box{X: 510, Y: 114, W: 5, H: 5}, 20)
			box := ocr.Box{X: 198, Y: 98, W: 304, H: 24}
			if light {
				inverted(page)
			}
			g := Region{Polygon: box.Polygon()}
			if column {
				page = transposed(page)
				g = Region{Polygon: ocr.Box{X: box.Y, Y: box.X, W: box.H, H: box.W}.Polygon(), Vertical: true}
			}
			regions := []Region{g}
			grownEnds(regions, colourPlane(page), 1.5)
			b := regions[0].Polygon.Bounds()
			if column {
				b = ocr.Box{X: b.Y, Y: b.X, W: b.H, H: b.W}
			}
			assert.InDelta(t, 168.5, b.X, 2, "light %v column %v", light, column)
			assert.InDelta(t, 516.5, b.X+b.W, 2.5, "light %v column %v", light, column)
			assert.InDelta(t, box.Y, b.Y, 0.01)
			assert.InDelta(t, box.H, b.H, 0.01)
		}
	}
}

// A small full stop that is a quarter as dark as the characters is taken in, on uneven paper too; as faint a smear, or one among
// others, is not.
func TestEndsGrowOverAFaintStop(t *testing.T) {
	box := ocr.Box{X: 198, Y: 98, W: 304, H: 24}
	for name, c := range map[string]struct {
		draw func(*imaging.Raster)
		end  float64
	}{
		"stop": {func(r *imaging.Raster) { fill(r, ocr.Box{X: 510, Y: 114, W: 6, H: 6}, 178) }, 517},
		"wide": {func(r *imaging.Raster) { fill(r, ocr.Box{X: 508, Y: 110, W: 18, H: 6}, 178) }, 502},
		"high": {func(r *imaging.Raster) { fill(r, ocr.Box{X: 510, Y: 96, W: 6, H: 28}, 178) }, 502},
		"two": {func(r *imaging.Raster) {
			fill(r, ocr.Box{X: 508, Y: 114, W: 5, H: 5}, 178)
			fill(r, ocr.Box{X: 520, Y: 114, W: 5, H: 5}, 178)
		}, 502},
		"too faint": {func(r *imaging.Raster) { fill(r, ocr.Box{X: 510, Y: 114, W: 6, H: 6}, 232) }, 502},
		"grainy":    {func(r *imaging.Raster) { grainy(r); fill(r, ocr.Box{X: 510, Y: 114, W: 6, H: 6}, 178) }, 517},
		"dim":       {func(r *imaging.Raster) { grainy(r); fill(r, ocr.Box{X: 510, Y: 114, W: 6, H: 6}, 222) }, 502},
		"above":     {func(r *imaging.Raster) { grainy(r); fill(r, ocr.Box{X: 510, Y: 100, W: 6, H: 6}, 178) }, 502},
		"two grainy": {func(r *imaging.Raster) {
			grainy(r)
			fill(r, ocr.Box{X: 508, Y: 114, W: 5, H: 5}, 178)
			fill(r, ocr.Box{X: 520, Y: 114, W: 5, H: 5}, 178)
		}, 502},
		"grain only": {grainy, 502},
		"rule":       {func(r *imaging.Raster) { grainy(r); fill(r, ocr.Box{X: 510, Y: 60, W: 4, H: 120}, 178) }, 502},
		"at the gap": {func(r *imaging.Raster) { fill(r, ocr.Box{X: 524, Y: 114, W: 6, H: 6}, 178) }, 502},
	} {
		page := sheet(700, 200)
		strokes(page, 200, 100, 300)
		c.draw(page)
		regions := []Region{{Polygon: box.Polygon()}}
		grownEnds(regions, colourPlane(page), 1.2)
		b := regions[0].Polygon.Bounds()
		assert.InDelta(t, c.end, b.X+b.W, 2.5, name)
	}
}

// grainy makes the paper uneven by up to 60 levels.
func grainy(r *imaging.Raster) {
	for i := range r.Pix {
		if r.Pix[i] > 128 {
			r.Pix[i] -= byte(i / 3 * 7919 % 61)
		}
	}
}

func TestEndsStay(t *testing.T) {
	box := ocr.Box{X: 198, Y: 98, W: 304, H: 24}
	for name, draw := range map[string]func(*imaging.Raster){
		"on empty paper":        func(*imaging.Raster) {},
		"before a wide gap":     func(r *imaging.Raster) { strokes(r, 525, 100, 100) },
		"before a table's rule": func(r *imaging.Raster) { fill(r, ocr.Box{X: 508, Y: 60, W: 3, H: 120}, 20) },
		"before a picture":      func(r *imaging.Raster) { fill(r, ocr.Box{X: 506, Y: 40, W: 150, H: 150}, 20) },
		"above a rule":          func(r *imaging.Raster) { fill(r, ocr.Box{X: 20, Y: 119, W: 660, H: 2}, 20) },
		"at a speck":            func(r *imaging.Raster) { fill(r, ocr.Box{X: 508, Y: 110, W: 1, H: 1}, 20) },
	} {
		page := sheet(700, 200)
		strokes(page, 200, 100, 300)
		draw(page)
		regions := []Region{{Polygon: box.Polygon()}}
		grownEnds(regions, colourPlane(page), 1.2)
		assert.Equal(t, box.Polygon(), regions[0].Polygon, name)
	}
	blank := sheet(700, 200)
	regions := []Region{{Polygon: box.Polygon()}, {}}
	grownEnds(regions, colourPlane(blank), 1.2)
	assert.Equal(t, []Region{{Polygon: box.Polygon()}, {}}, regions, "where there is no contrast")
}

// Whatever there is on a page, a line grows along itself only, by at most the reach, stays where its middle was on the page, and
// the middle half of what it gained meets no other line.
func TestEndsNeverGrowIntoOtherLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		page := sheet(400, 300)
		for range rapid.IntRange(0, 40).Draw(t, "marks") {
			x, y := rapid.IntRange(0, 380).Draw(t, "x"), rapid.IntRange(0, 280).Draw(t, "y")
			fill(page, ocr.Box{X: float32(x), Y: float32(y), W: float32(rapid.IntRange(1, 20).Draw(t, "w")), H: float32(rapid.IntRange(1, 20).Draw(t, "h"))},
				byte(rapid.IntRange(0, 255).Draw(t, "v")))
		}
		var regions []Region
		for range rapid.IntRange(1, 8).Draw(t, "lines") {
			b := ocr.Box{X: float32(rapid.IntRange(0, 280).Draw(t, "left")), Y: float32(rapid.IntRange(0, 240).Draw(t, "top")), W: float32(rapid.IntRange(4, 100).Draw(t, "width")), H: float32(rapid.IntRange(4, 50).Draw(t, "height"))}
			strokes(page, int(b.X), int(b.Y), int(b.W)) // may reach 20 pixels down and 8 on
			regions = append(regions, Region{Polygon: b.Polygon(), Vertical: b.H > verticalAspect*b.W})
		}
		before := append([]Region{}, regions...)
		grownEnds(regions, colourPlane(page), 1.2)
		for i := range regions {
			was, is := before[i].Polygon.Bounds(), regions[i].Polygon.Bounds()
			if before[i].Vertical {
				was, is = ocr.Box{X: was.Y, Y: was.X, W: was.H, H: was.W}, ocr.Box{X: is.Y, Y: is.X, W: is.H, H: is.W}
			}
			const slack = 1e-3
			if is.Y != was.Y || is.H != was.H || is.X > was.X+slack || is.X+is.W < was.X+was.W-slack || was.X-is.X > 1.2*was.H+slack || is.X+is.W-was.X-was.W > 1.2*was.H+slack || is.X < -slack {
				t.Fatalf("%+v became %+v", was, is)
			}
			for k := range regions {
				other := before[k].Polygon.Bounds()
				if before[i].Vertical {
					other = ocr.Box{X: other.Y, Y: other.X, W: other.H, H: other.W}
				}
				if k == i || other.Y >= is.Y+0.75*is.H-slack || other.Y+other.H <= is.Y+0.25*is.H+slack {
					continue
				}
				left, right := is.X < was.X-slack, is.X+is.W > was.X+was.W+slack
				if left && other.X < was.X-slack && other.X+other.W > is.X+slack || right && other.X+other.W > was.X+was.W+slack && other.X < is.X+is.W-slack {
					t.Fatalf("%+v grew to %+v into %+v", was, is, other)
				}
			}
		}
	})
}

// The detector grows its lines only where its entry asks for it.
func TestEndGrowthIsAParameter(t *testing.T) {
	page := sheet(640, 480, ocr.Box{X: 100, Y: 200, W: 300, H: 10}, ocr.Box{X: 425, Y: 202, W: 6, H: 6})
	for growth, right := range map[float64]float64{0: 419.4, 1: 434} {
		d := darkDetector(t, &darkness{stride: 1}, models.Parameters{"shrink_ratio": 0.3, "end_growth": growth, "min_side": 8})
		got, err := d.Detect(background, page, DetectOptions{})
		if !assert.NoError(t, err) || !assert.Len(t, got, 1) {
			continue
		}
		b := got[0].Polygon.Bounds()
		assert.InDelta(t, right, b.X+b.W, 4, "end_growth %v", growth)
	}
	_, err := NewDetector(&darkness{stride: 1}, darkEntry(models.Parameters{"end_growth": 4.0}))
	assert.ErrorContains(t, err, "end_growth")
}
