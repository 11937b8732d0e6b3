package text

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRankedIsWhatSortingBringsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float32 { return float32(rapid.IntRange(0, 40).Draw(t, "value")) }), 1, 200).Draw(t, "values")
		k := rapid.IntRange(0, len(v)-1).Draw(t, "place")
		sorted := slices.Sorted(slices.Values(v))
		if got := ranked(v, k); got != sorted[k] {
			t.Fatalf("%v, want %v", got, sorted[k])
		}
		if k > 0 && slices.Max(v[:k]) > v[k] {
			t.Fatalf("greater ones stand before place %d: %v", k, v)
		}
	})
}

// Characters stand 34 pixels apart. What little ink a bracket, a numeral and a stop have lies nearer to the next character's than to their own squares' edges.
func TestColumnsAreCutOnTheirGrid(t *testing.T) {
	const pitch, size = 34, 36
	whole, blank := [2]int{2, 31}, [2]int{}
	column := func(glyphs ...[2]int) []float32 {
		out := make([]float32, pitch*len(glyphs))
		for i, g := range glyphs {
			for x := g[0]; x < g[1]; x++ {
				out[pitch*i+x] = 1
			}
		}
		return out
	}
	for name, glyphs := range map[string][][2]int{
		"plain":                   {whole, whole, whole, whole, whole, whole, whole},
		"a numeral in brackets":   {{22, 30}, {15, 18}, {4, 12}, whole, whole, whole, whole, whole},
		"a stop behind each half": {whole, whole, whole, {1, 7}, whole, whole, whole, {1, 7}},
		"the numeral 一 again":     {whole, {15, 18}, {15, 18}, whole, whole, whole, whole, whole},
		"an empty square":         {whole, whole, whole, blank, whole, whole, whole, whole},
	} {
		contrast := column(glyphs...)
		var want []int
		for i, g := range glyphs {
			if g != blank {
				want = append(want, pitch*i+(g[0]+g[1])/2)
			}
		}
		cells := characterCells(contrast, size)
		require.Len(t, cells, len(want), name)
		for i, c := range cells {
			assert.Less(t, c[0], float64(want[i]), name)
			assert.Greater(t, c[1], float64(want[i]), name)
			assert.LessOrEqual(t, c[1]-c[0], float64(size), name)
		}
	}
	few := column(whole, whole, whole)
	assert.Len(t, characterCells(few, size), 3, "too few to tell a distance")
	assert.Empty(t, characterCells(make([]float32, 200), size))
}

func TestCellsOfAnyColumnHoldItsInkInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		contrast := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float32 { return float32(rapid.IntRange(0, 3).Draw(t, "contrast")) / 3 }), 1, 600).Draw(t, "column")
		before := 0.0
		for _, c := range characterCells(contrast, 32) {
			if !(c[0] < c[1]) || c[0] < before-1e-9 || c[1] > float64(len(contrast)) {
				t.Fatalf("cell %v behind %v in %d", c, before, len(contrast))
			}
			before = c[1]
		}
	})
}

// The rules beside a column, and wide paper, are no part of it; a short column of narrow figures is not taken for a narrow column.
func TestColumnsAreNarrowedToTheirCharacters(t *testing.T) {
	const width, height = 300, 40
	lie := func(rows ...[3]int) lying { // from, to, and in how many of ten pixels there is ink
		l := lying{pix: make([]float32, width*height), width: width, height: height, paper: 250, ink: 150}
		for i := range l.pix {
			l.pix[i] = 250
		}
		for _, r := range rows {
			for y := r[0]; y < r[1]; y++ {
				for x := range width {
					if x%10 < r[2] {
						l.pix[y*width+x] = 20
					}
				}
			}
		}
		l.narrow()
		return l
	}
	for name, c := range map[string]struct {
		rows      [][3]int
		low, high int
	}{
		"rules on both sides":   {[][3]int{{1, 3, 10}, {6, 35, 4}, {38, 39, 10}}, 4, 37},
		"wide paper":            {[][3]int{{5, 34, 4}}, 3, 36},
		"characters at a rule":  {[][3]int{{2, 4, 10}, {4, 38, 4}}, 4, 40},
		"a stroke all along":    {[][3]int{{3, 37, 4}, {19, 21, 10}}, 0, 40},
		"narrow figures":        {[][3]int{{14, 26, 4}}, 0, 40},
		"nothing":               {nil, 0, 40},
		"nothing but its rules": {[][3]int{{0, 2, 10}, {38, 40, 10}}, 0, 40},
	} {
		l := lie(c.rows...)
		assert.Equal(t, [2]int{c.low, c.high}, [2]int{l.low, l.high}, name)
	}
}
