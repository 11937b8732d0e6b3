package text

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr"
)

func box(x, y, w, h float32) Region {
	b := ocr.Box{X: x, Y: y, W: w, H: h}
	return Region{Polygon: b.Polygon(), Vertical: h > verticalAspect*w, Score: 0.9}
}

// The units of an invoice stand below each other, beside the rows they belong to; a column of vertical text has no rows beside it.
func TestCellsOfAColumnAreParted(t *testing.T) {
	rows := []Region{box(300, 100, 60, 22), box(300, 136, 60, 22), box(300, 172, 60, 22), box(40, 171, 210, 22)}
	got := cellsApart(append([]Region{box(260, 98, 24, 98)}, rows...))
	require.Len(t, got, 7)
	assert.Equal(t, rows, got[:4])
	for i, want := range []ocr.Box{{X: 260, Y: 100, W: 24, H: 22}, {X: 260, Y: 136, W: 24, H: 22}, {X: 260, Y: 171, W: 24, H: 22}} {
		assert.Equal(t, want.Polygon(), got[4+i].Polygon)
		assert.False(t, got[4+i].Vertical)
	}
	// Numbers of several digits make a column wider than the lines beside it are high; a stray piece above makes one longer.
	for name, column := range map[string]Region{"a wide column": box(230, 98, 60, 98), "a longer one": box(260, 79, 24, 117)} {
		got := cellsApart(append([]Region{column}, rows...))
		require.Len(t, got, 7, name)
		b := column.Polygon.Bounds()
		assert.Equal(t, ocr.Box{X: b.X, Y: 136, W: b.W, H: 22}.Polygon(), got[5].Polygon, name)
	}
	for name, regions := range map[string][]Region{
		"vertical text":           {box(260, 98, 24, 98), box(300, 98, 24, 98), box(220, 98, 24, 98)},
		"beside one row":          {box(260, 98, 24, 98), rows[0]},
		"with a place without":    {box(260, 98, 24, 134), rows[0], rows[1], rows[2]},
		"of wider pitch":          {box(260, 98, 24, 134), rows[0], box(300, 208, 60, 22)},
		"beside large lettering":  {box(260, 98, 24, 98), box(300, 90, 200, 50), box(300, 150, 200, 50)},
		"far from the only lines": {box(260, 98, 24, 98), box(900, 100, 60, 22), box(900, 136, 60, 22), box(900, 172, 60, 22)},
	} {
		assert.Equal(t, append([]Region{}, regions...), cellsApart(regions), name)
	}
}

// A line that was found across the rule of a table becomes two; one across the fold of a page stays.
func TestLinesAreCutAtRulesOfTables(t *testing.T) {
	page := sheet(700, 300)
	fill(page, ocr.Box{X: 350, Y: 20, W: 2, H: 260}, 60)
	strokes(page, 240, 100, 96)
	strokes(page, 364, 100, 96)
	across := box(238, 98, 230, 24)
	table := []Region{across, box(238, 58, 100, 24), box(362, 58, 120, 24), box(362, 138, 120, 24)}
	got := cutAtRules(append([]Region{}, table...), colourPlane(page))
	require.Len(t, got, 5)
	left, right := got[4].Polygon.Bounds(), got[0].Polygon.Bounds()
	assert.InDelta(t, 238, left.X, 0.01)
	assert.InDelta(t, 350, left.X+left.W, 1)
	assert.InDelta(t, 352, right.X, 1)
	assert.InDelta(t, 468, right.X+right.W, 0.01)

	fold := []Region{across, box(100, 58, 500, 24), box(100, 138, 500, 24)}
	assert.Equal(t, fold, cutAtRules(append([]Region{}, fold...), colourPlane(page)))
	clean := sheet(700, 300)
	strokes(clean, 240, 100, 220)
	assert.Equal(t, table, cutAtRules(append([]Region{}, table...), colourPlane(clean)))
	assert.Equal(t, table, cutAtRules(append([]Region{}, table...), colourPlane(sheet(700, 300))))
}

// A thin 1 between, above and below the numbers of a column is added; a rule, a seal's pieces and what is too small are not.
func TestLoneEntriesAreAdded(t *testing.T) {
	column := []Region{box(100, 100, 20, 24), box(100, 180, 20, 24), box(100, 260, 20, 24)}
	draw := func(marks ...ocr.Box) []Region {
		page := sheet(400, 400)
		for _, g := range column {
			b := g.Polygon.Bounds()
			fill(page, ocr.Box{X: b.X + 4, Y: b.Y + 3, W: 12, H: 18}, 20)
		}
		for _, m := range marks {
			fill(page, m, 20)
		}
		return withEntries(append([]Region{}, column...), colourPlane(page))[len(column):]
	}
	for _, y := range []float32{143, 48, 303} {
		got := draw(ocr.Box{X: 108, Y: y, W: 4, H: 18}, ocr.Box{X: 0, Y: y - 15, W: 400, H: 2}, ocr.Box{X: 0, Y: y + 29, W: 400, H: 2})
		require.Len(t, got, 1, "at %v", y)
		b := got[0].Polygon.Bounds()
		assert.InDelta(t, 110, b.X+b.W/2, 1.5)
		assert.InDelta(t, y+9, b.Y+b.H/2, 1.5)
		assert.InDelta(t, 24, b.H, 2)
		assert.False(t, got[0].Vertical)
	}
	for name, marks := range map[string][]ocr.Box{
		"nothing":        nil,
		"rules":          {{X: 0, Y: 140, W: 400, H: 2}, {X: 0, Y: 230, W: 400, H: 2}},
		"a speck":        {{X: 108, Y: 150, W: 4, H: 4}},
		"a vertical bar": {{X: 108, Y: 124, W: 4, H: 56}},
		"many pieces":    {{X: 108, Y: 128, W: 6, H: 10}, {X: 108, Y: 144, W: 6, H: 11}, {X: 104, Y: 160, W: 6, H: 10}},
		"what goes on":   {{X: 60, Y: 143, W: 100, H: 18}},
	} {
		assert.Empty(t, draw(marks...), name)
	}
	assert.Len(t, withEntries(column[:1:1], colourPlane(sheet(400, 400))), 1)
}

func TestTablesAreAParameter(t *testing.T) {
	page := sheet(640, 480, ocr.Box{X: 200, Y: 100, W: 24, H: 220}, ocr.Box{X: 280, Y: 100, W: 100, H: 20}, ocr.Box{X: 280, Y: 200, W: 100, H: 20}, ocr.Box{X: 280, Y: 300, W: 100, H: 20})
	for tables, lines := range map[bool]int{false: 4, true: 6} {
		d := darkDetector(t, &darkness{stride: 1}, models.Parameters{"shrink_ratio": 0.3, "tables": tables, "min_side": 8})
		got, err := d.Detect(background, page, DetectOptions{})
		require.NoError(t, err)
		assert.Len(t, got, lines, "tables %v", tables)
	}
}
