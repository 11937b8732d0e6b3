package text

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var plainDB = dbSettings{pixel: 0.3, score: 0.6, shrink: 0.4, minSide: 2}

// drawn makes a map from a picture in letters: '#' is 0.9, '+' 0.5, '.' 0.
func drawn(picture string) ([]float32, int, int) {
	rows := strings.Fields(picture)
	var cells []float32
	for _, r := range rows {
		for _, c := range r {
			cells = append(cells, map[rune]float32{'#': 0.9, '+': 0.5, '.': 0}[c])
		}
	}
	return cells, len(rows[0]), len(rows)
}

func decodeDrawn(t *testing.T, picture string, s dbSettings) []found {
	t.Helper()
	cells, w, h := drawn(picture)
	got, err := new(dbWorkspace).decode(cells, w, h, s)
	require.NoError(t, err)
	return got
}

func TestDecodesMaps(t *testing.T) {
	t.Run("a line grows back to its full size", func(t *testing.T) {
		got := decodeDrawn(t, `
			................
			..##########....
			..##########....
			................
			.............##.`, plainDB)
		require.Len(t, got, 1, "the speck is rejected")
		d := unclip(10, 2, 0, 0.4)
		assert.Equal(t, vec{7, 2}, got[0].box.centre)
		assert.InDelta(t, 10+2*d, got[0].box.width, 1e-9)
		assert.InDelta(t, 2+2*d, got[0].box.height, 1e-9)
		assert.InDelta(t, 0.9, got[0].score, 1e-6)
		r := got[0].region(4, 2, 64, 10)
		assert.False(t, r.Vertical)
		assert.InDelta(t, max(0, 4*(2-d)), r.Polygon[0].X, 1e-4)
		assert.GreaterOrEqual(t, r.Polygon[0].Y, float32(0), "clipped to the picture")
	})
	t.Run("a column is vertical", func(t *testing.T) {
		got := decodeDrawn(t, strings.Repeat("....##....\n", 12), plainDB)
		require.Len(t, got, 1)
		assert.True(t, got[0].region(1, 1, 10, 12).Vertical)
	})
	t.Run("corners that touch belong together, gaps do not", func(t *testing.T) {
		got := decodeDrawn(t, `
			####......####
			####......####
			....####..####
			....####..####`, plainDB)
		assert.Len(t, got, 2)
	})
	t.Run("faint cores are rejected", func(t *testing.T) {
		assert.Empty(t, decodeDrawn(t, "++++++++++\n++++++++++\n++++++++++", plainDB))
		assert.Len(t, decodeDrawn(t, "++++++++++\n++++++++++\n++++++++++", dbSettings{pixel: 0.3, score: 0.4, shrink: 0.4, minSide: 2}), 1)
	})
	t.Run("an empty page has no lines", func(t *testing.T) {
		assert.Empty(t, decodeDrawn(t, strings.Repeat("......\n", 4), plainDB))
	})
	t.Run("what is no number is an error", func(t *testing.T) {
		for _, bad := range []int{0, 7, 11} {
			cells := make([]float32, 12)
			cells[6] = 0.9
			cells[bad] = float32(math.NaN())
			_, err := new(dbWorkspace).decode(cells, 4, 3, plainDB)
			require.ErrorIs(t, err, errNotANumber)
		}
	})
}

func TestFollowsCurvedLines(t *testing.T) {
	const w, h, radius = 400, 120, 500.0
	cells := make([]float32, w*h)
	for y := range h {
		for x := range w {
			// An arc that bulges upwards by 36 cells, 10 thick.
			if d := math.Hypot(float64(x)-200, float64(y)-540); math.Abs(d-radius) < 5 && x > 20 && x < 380 {
				cells[y*w+x] = 0.9
			}
		}
	}
	got, err := new(dbWorkspace).decode(cells, w, h, plainDB)
	require.NoError(t, err)
	require.Len(t, got, 1)
	r := got[0].region(1, 1, w, h)
	require.Len(t, r.Outline, 2*(curvedPoints+2))
	n := len(r.Outline) / 2
	for i := range n {
		top, bottom := r.Outline[i], r.Outline[len(r.Outline)-1-i]
		middle := math.Hypot(float64(top.X+bottom.X)/2-200, float64(top.Y+bottom.Y)/2-540)
		assert.InDelta(t, radius, middle, 5, "point %d", i)
		assert.Less(t, top.Y, bottom.Y)
		if i > 0 {
			assert.Less(t, r.Outline[i-1].X, top.X)
		}
	}
	straightened, ok := bent(r.Outline, 32, 0)
	require.True(t, ok)
	assert.InDelta(t, 371*32/float64(10+2*unclip(360, 10, 0, 0.4)), straightened.width, 60, "as long as the arc")
}

// flood is the textbook way to components.
func flood(cells []float32, w, h int, threshold float32) [][]int {
	var out [][]int
	seen := make([]bool, len(cells))
	for i, v := range cells {
		if seen[i] || !(v > threshold) {
			continue
		}
		seen[i] = true
		part := []int{i}
		for k := 0; k < len(part); k++ {
			x, y := part[k]%w, part[k]/w
			for dy := -1; dy <= 1; dy++ {
				for dx := -1; dx <= 1; dx++ {
					nx, ny := x+dx, y+dy
					if nx < 0 || ny < 0 || nx >= w || ny >= h || seen[ny*w+nx] || !(cells[ny*w+nx] > threshold) {
						continue
					}
					seen[ny*w+nx] = true
					part = append(part, ny*w+nx)
				}
			}
		}
		slices.Sort(part)
		out = append(out, part)
	}
	return out
}

func TestComponentsAgreeWithFloodFill(t *testing.T) {
	var c components // reused, as in the detector
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 14).Draw(t, "w"), rapid.IntRange(1, 14).Draw(t, "h")
		cells := rapid.SliceOfN(rapid.SampledFrom([]float32{0, 0, 0.3, 0.31, 1}), w*h, w*h).Draw(t, "cells")
		if !c.find(cells, w, h, 0.3) {
			t.Fatal("all are numbers")
		}
		var got [][]int
		for i := range c.count() {
			var part []int
			for _, k := range c.component(i) {
				for x := c.runs[k].from; x < c.runs[k].to; x++ {
					part = append(part, int(c.runs[k].y)*w+int(x))
				}
			}
			slices.Sort(part)
			got = append(got, part)
		}
		want := flood(cells, w, h, 0.3)
		order := func(a, b []int) int { return a[0] - b[0] }
		slices.SortFunc(got, order)
		slices.SortFunc(want, order)
		if !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// A page of 45 lines as a map of 736x1024 cells, the size at which PP-OCR sees an A4 page.
func BenchmarkDecodeMap(b *testing.B) {
	const w, h = 736, 1024
	cells := make([]float32, w*h)
	for line := range 45 {
		for y := 20 + 22*line; y < 26+22*line; y++ {
			for x := 60; x < 680-(line%5)*60; x++ {
				cells[y*w+x] = 0.6 + 0.4*float32((x*7+y*13)%100)/100
			}
		}
	}
	ws := new(dbWorkspace)
	b.ReportAllocs()
	for b.Loop() {
		got, err := ws.decode(cells, w, h, plainDB)
		if err != nil || len(got) != 45 {
			b.Fatal(len(got), err)
		}
	}
}
