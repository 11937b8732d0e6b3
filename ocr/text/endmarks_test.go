package text

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/ocr"
)

// A mark that was found as a line of its own goes up in the line in front of it; what is no mark, stands elsewhere or behind a rule
// stays what it was.
func TestMarksGoUpInTheirLines(t *testing.T) {
	line := ocr.Box{X: 198, Y: 98, W: 304, H: 24}
	column := ocr.Box{X: 98, Y: 198, W: 24, H: 304}
	for name, c := range map[string]struct {
		line, mark ocr.Box
		rule       ocr.Box
		taken      bool
	}{
		"a stop":                      {line: line, mark: ocr.Box{X: 505, Y: 110, W: 8, H: 8}, taken: true},
		"within the line's end":       {line: line, mark: ocr.Box{X: 496, Y: 110, W: 10, H: 10}, taken: true},
		"a semicolon":                 {line: line, mark: ocr.Box{X: 505, Y: 104, W: 8, H: 14}, taken: true},
		"behind a column":             {line: column, mark: ocr.Box{X: 112, Y: 505, W: 8, H: 8}, taken: true},
		"a column's, as set in lines": {line: column, mark: ocr.Box{X: 100, Y: 505, W: 8, H: 8}, taken: true},
		"behind a rule":               {line: line, mark: ocr.Box{X: 508, Y: 110, W: 8, H: 8}, rule: ocr.Box{X: 503, Y: 60, W: 3, H: 120}},
		"too far":                     {line: line, mark: ocr.Box{X: 512, Y: 110, W: 8, H: 8}},
		"too high":                    {line: line, mark: ocr.Box{X: 505, Y: 100, W: 8, H: 8}},
		"too low":                     {line: line, mark: ocr.Box{X: 505, Y: 118, W: 8, H: 8}},
		"a character":                 {line: line, mark: ocr.Box{X: 505, Y: 100, W: 20, H: 20}},
		"a speck":                     {line: line, mark: ocr.Box{X: 505, Y: 112, W: 3, H: 3}},
		"in front of the line":        {line: line, mark: ocr.Box{X: 186, Y: 110, W: 8, H: 8}},
		"in a column's middle":        {line: column, mark: ocr.Box{X: 106, Y: 505, W: 8, H: 8}},
		"within the line":             {line: line, mark: ocr.Box{X: 300, Y: 110, W: 8, H: 8}},
	} {
		page := sheet(700, 700)
		strokes(page, 200, 100, 300)
		fill(page, c.rule, 20)
		regions := []Region{{Polygon: c.mark.Polygon()}, {Polygon: c.line.Polygon(), Vertical: c.line.H > c.line.W}}
		got := withMarks(regions, colourPlane(page))
		if !c.taken {
			assert.Equal(t, []Region{{Polygon: c.mark.Polygon()}, {Polygon: c.line.Polygon(), Vertical: c.line.H > c.line.W}}, got, name)
			continue
		}
		if !assert.Len(t, got, 1, name) {
			continue
		}
		want, b := c.line.Union(c.mark), got[0].Polygon.Bounds()
		assert.InDelta(t, want.X, b.X, 0.01, name)
		assert.InDelta(t, want.Y, b.Y, 0.01, name)
		assert.InDelta(t, want.X+want.W, b.X+b.W, 2, name)
		assert.InDelta(t, want.Y+want.H, b.Y+b.H, 2, name)
	}
}

// Whatever there is on a page, what a line's mark was lies in a line, and nothing else changes but lines' ends.
func TestNoRegionIsLostToMarks(t *testing.T) {
	page := sheet(400, 300)
	rapid.Check(t, func(t *rapid.T) {
		var regions []Region
		for range rapid.IntRange(0, 12).Draw(t, "lines") {
			b := ocr.Box{X: float32(rapid.IntRange(0, 280).Draw(t, "left")), Y: float32(rapid.IntRange(0, 240).Draw(t, "top")), W: float32(rapid.IntRange(4, 100).Draw(t, "width")), H: float32(rapid.IntRange(4, 50).Draw(t, "height"))}
			regions = append(regions, Region{Polygon: b.Polygon(), Vertical: b.H > verticalAspect*b.W})
		}
		before := append([]Region{}, regions...)
		after := withMarks(regions, colourPlane(page))
		for _, g := range before {
			b, held := g.Polygon.Bounds(), false
			for _, h := range after {
				a := h.Polygon.Bounds()
				held = held || a.X <= b.X+b.W/2 && a.X+a.W >= b.X+b.W/2 && a.Y <= b.Y+b.H/2 && a.Y+a.H >= b.Y+b.H/2
			}
			if !held {
				t.Fatalf("%+v is in none of %+v", b, after)
			}
		}
	})
}
