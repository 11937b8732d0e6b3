package text

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

func boxes(list ...ocr.Box) []Region {
	out := make([]Region, len(list))
	for i, b := range list {
		out[i] = Region{Polygon: b.Polygon()}
	}
	return out
}

func TestLargeLinesTakeThePlaceOfTheirPieces(t *testing.T) {
	sign := ocr.Box{X: 100, Y: 100, W: 800, H: 200}
	below := ocr.Box{X: 120, Y: 320, W: 600, H: 40}
	pieces := boxes(ocr.Box{X: 110, Y: 110, W: 60, H: 90}, below, ocr.Box{X: 500, Y: 180, W: 160, H: 30}, ocr.Box{X: 700, Y: 110, W: 180, H: 180})
	assert.Equal(t, boxes(below, sign), placed(pieces, boxes(sign)))

	whole := boxes(ocr.Box{X: 105, Y: 105, W: 790, H: 190}, below)
	assert.Equal(t, whole, placed(whole, boxes(sign)), "what was found whole stays")

	block := boxes(ocr.Box{X: 100, Y: 105, W: 780, H: 50}, ocr.Box{X: 100, Y: 175, W: 780, H: 50}, ocr.Box{X: 100, Y: 240, W: 780, H: 50})
	assert.Equal(t, block, placed(block, boxes(sign)), "lines of their own stay")
	cells := boxes(ocr.Box{X: 110, Y: 120, W: 300, H: 150}, ocr.Box{X: 550, Y: 120, W: 300, H: 150})
	assert.Equal(t, cells, placed(cells, boxes(sign)), "a table's cells stay")
	column := boxes(ocr.Box{X: 300, Y: 110, W: 90, H: 20}, ocr.Box{X: 300, Y: 160, W: 120, H: 20}, ocr.Box{X: 300, Y: 210, W: 60, H: 20})
	assert.Equal(t, column, placed(column, boxes(sign)), "small cells stay")
	// On a page of such lines two make a block, but pieces of letters do not.
	figures := []ocr.Box{{X: 300, Y: 130, W: 30, H: 24}, {X: 300, Y: 230, W: 20, H: 24}}
	strokes := []ocr.Box{{X: 300, Y: 130, W: 70, H: 60}, {X: 300, Y: 230, W: 90, H: 60}}
	for i := range 12 {
		cell := ocr.Box{X: 100, Y: float32(400 + 40*i), W: 90, H: 24}
		figures, strokes = append(figures, cell), append(strokes, cell)
	}
	assert.Equal(t, boxes(figures...), placed(boxes(figures...), boxes(sign)))
	assert.Equal(t, append(boxes(strokes[2:]...), boxes(sign)...), placed(boxes(strokes...), boxes(sign)))
	assert.Equal(t, boxes(sign), placed(nil, boxes(sign)))
	assert.Equal(t, boxes(below), placed(boxes(below), nil))
}

func TestCommonArea(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.IntRange(1, 50)
		at := rapid.IntRange(0, 50)
		draw := func() ocr.Box {
			return ocr.Box{X: float32(at.Draw(t, "x")), Y: float32(at.Draw(t, "y")), W: float32(side.Draw(t, "w")), H: float32(side.Draw(t, "h"))}
		}
		a, b := draw(), draw()
		w := max(0, min(a.X+a.W, b.X+b.W)-max(a.X, b.X))
		h := max(0, min(a.Y+a.H, b.Y+b.H)-max(a.Y, b.Y))
		if got := commonArea(a.Polygon(), b.Polygon()); got < float64(w*h)-1e-6 || got > float64(w*h)+1e-6 {
			t.Fatalf("%+v and %+v have %v in common, want %v", a, b, got, w*h)
		}
	})
}

// A second look is taken only where the entry asks for it and where lines cover little of the picture.
func TestSecondLookAtAPictureWithLittleText(t *testing.T) {
	few := sheet(1200, 900, ocr.Box{X: 300, Y: 300, W: 500, H: 60})
	many := sheet(1200, 900)
	for y := range 8 {
		fill(many, ocr.Box{X: 100, Y: float32(50 + 100*y), W: 1000, H: 40}, 0)
	}
	for side, runs := range map[int][2]int{0: {1, 1}, 448: {2, 1}} {
		model := &darkness{stride: 2}
		d := darkDetector(t, model, models.Parameters{"shrink_ratio": 0.9, "large_side": side})
		for i, r := range []*imaging.Raster{few, many} {
			model.runs = 0
			got, err := d.Detect(background, r, DetectOptions{})
			require.NoError(t, err)
			assert.Equal(t, runs[i], model.runs, "large_side %d, picture %d", side, i)
			assert.Len(t, got, []int{1, 8}[i])
		}
	}
	_, err := NewDetector(&darkness{stride: 2}, darkEntry(models.Parameters{"large_side": 2000}))
	assert.ErrorContains(t, err, "large_side")
}
