package page

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A cell is the mean of its pixels, at the picture's far ends too.
func TestSurveyMeans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 3000).Draw(t, "width"), rapid.IntRange(1, 40).Draw(t, "height")
		if rapid.Bool().Draw(t, "tall") {
			w, h = h, w
		}
		r := static(w, h, rapid.Uint64().Draw(t, "seed"))
		s := newSurvey(r)
		if len(s.gray) != s.width*s.height || s.width != (w+s.factor-1)/s.factor || max(s.width, s.height) > surveySide {
			t.Fatalf("%dx%d px at 1/%d gave %dx%d cells", w, h, s.factor, s.width, s.height)
		}
		cx, cy := rapid.IntRange(0, s.width-1).Draw(t, "x"), rapid.IntRange(0, s.height-1).Draw(t, "y")
		var sum [3]float64
		n := 0.0
		for y := cy * s.factor; y < min((cy+1)*s.factor, h); y++ {
			for x := cx * s.factor; x < min((cx+1)*s.factor, w); x++ {
				for c := range sum {
					sum[c] += float64(r.Row(y)[3*x+c])
				}
				n++
			}
		}
		b, g, red := sum[0]/n, sum[1]/n, sum[2]/n
		gray := 0.114*b + 0.587*g + 0.299*red
		if got := float64(s.gray[cy*s.width+cx]); math.Abs(got-gray) > 1.5 {
			t.Fatalf("gray %v, want %v", got, gray)
		}
		if got, want := float64(s.red[cy*s.width+cx]), max(red-max(b, g), 0); math.Abs(got-want) > 1.5 {
			t.Fatalf("red %v, want %v", got, want)
		}
	})
}

func TestSurveyTellsLightOnDark(t *testing.T) {
	dark := newSheet(600, 800)
	dark.paper, dark.ink = [3]byte{30, 28, 28}, [3]byte{225, 225, 225}
	s, e := measured(dark.draw())
	assert.True(t, s.inverted)
	assert.False(t, e.needed(), "the dark is the page's own")
	assert.Greater(t, s.inked, 5000)

	dim := newSheet(600, 800)
	dim.paper, dim.ink = [3]byte{80, 80, 80}, [3]byte{20, 20, 20}
	s, _ = measured(dim.draw())
	assert.False(t, s.inverted, "dark on dim is not light on dark")
	assert.Greater(t, s.inked, 5000)
}

// The ground follows the light, not the writing.
func TestGroundFollowsTheLight(t *testing.T) {
	light := func(x, y int) float64 { return 0.45 + 0.55*float64(x)/900 }
	r := each(newSheet(900, 700).draw(), func(x, y int, px []byte) {
		for c := range px {
			px[c] = byte(float64(px[c]) * light(x, y))
		}
	})
	s, _ := measured(r)
	var line []byte
	for _, y := range []int{5, 100, 350, 690} {
		line = s.ground.row(line, y)
		require.GreaterOrEqual(t, len(line), s.width)
		for x := 5; x < 900; x += 50 {
			assert.InDelta(t, 250*light(x, y), line[x], 9, "at %d, %d", x, y)
		}
	}
}

func TestInkRuns(t *testing.T) {
	r := even(400, 400, 250)
	fill(r, 100, 100, 103, 300, [3]byte{}) // a rule
	fill(r, 200, 100, 260, 160, [3]byte{}) // a field
	fill(r, 300, 100, 306, 103, [3]byte{}) // a stroke
	s, _ := measured(r)
	at := func(x, y int) byte { return s.ink[y*s.width+x] }
	assert.Equal(t, byte(inkStroke|inkTall|inkRule), at(101, 200))
	assert.Equal(t, byte(inkThick), at(230, 130)&inkThick)
	assert.Equal(t, byte(inkStroke), at(302, 101))
	assert.Zero(t, at(50, 50))
}

func BenchmarkSurvey(b *testing.B) {
	r := newSheet(1240, 1754).draw()
	for b.Loop() {
		measured(r)
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/page")
}
