package page

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

func judge(r *imaging.Raster) (ocr.Quality, legibility) {
	s, _ := measured(r)
	l := findLegibility(r, s, findSkew(s))
	return l.quality(), l
}

func TestAcceptsGoodPages(t *testing.T) {
	vertical := newSheet(700, 900)
	vertical.vertical = true
	dark := newSheet(700, 900)
	dark.paper, dark.ink = [3]byte{30, 28, 28}, [3]byte{225, 225, 225}
	for name, r := range map[string]*imaging.Raster{
		"upright": newSheet(700, 900).draw(), "leaning": newSheet(700, 900).leaning(6).draw(), "vertical": vertical.draw(),
		"on its side": imaging.Orient(newSheet(700, 900).draw(), 6), "light on dark": dark.draw(), "a little soft": blurred(newSheet(700, 900).draw(), 1, 1),
		"in a shadow": shaded(newSheet(700, 900).draw(), func(x, _ float64) float64 { return 1 - 0.5*x/700 }),
	} {
		q, l := judge(r)
		assert.Equal(t, ocr.VerdictAccept, q.Verdict, "%s: %s %+v", name, q.Advice, l)
		assert.Empty(t, q.Advice, name)
		assert.Greater(t, q.Sharpness, float32(0.5), name)
		assert.InDelta(t, 0.5, q.Exposure, 0.15, name)
		assert.InDelta(t, 19, l.textHeight, 3, name)
	}
}

func TestAsksForAnotherPicture(t *testing.T) {
	dark := newSheet(700, 900)
	dark.paper, dark.ink = [3]byte{42, 42, 42}, [3]byte{6, 6, 6}
	burnt := newSheet(700, 900)
	burnt.paper, burnt.ink = [3]byte{255, 255, 255}, [3]byte{200, 200, 200}
	pale := newSheet(700, 900)
	pale.paper, pale.ink = [3]byte{200, 200, 200}, [3]byte{150, 150, 150}
	small := newSheet(700, 900)
	small.em, small.pitch = 7, 13
	glaring := newSheet(700, 900)
	glaring.paper = [3]byte{190, 190, 190}
	spot := each(glaring.draw(), func(x, y int, px []byte) {
		d := math.Hypot(float64(x-350), float64(y-400))
		for c := range px {
			px[c] = byte(min(float64(px[c])+400/(1+math.Exp((d-110)/14)), 255))
		}
	})
	for says, r := range map[string]*imaging.Raster{
		"too blurred": blurred(newSheet(700, 900).draw(), 2, 3), "too dark": dark.draw(), "overexposed": burnt.draw(), "too pale": pale.draw(), "too small": small.draw(),
		"reflection": spot,
	} {
		q, l := judge(r)
		assert.Equal(t, ocr.VerdictRetake, q.Verdict, "%s: %+v", says, l)
		assert.Contains(t, q.Advice, says, "%+v", l)
	}
}

func TestDoesNotJudgeWhatIsNoPage(t *testing.T) {
	for name, r := range map[string]*imaging.Raster{
		"blank": even(700, 900, 250), "black": even(700, 900, 0), "noise": static(700, 900, 5), "clouds": clouds(700, 900),
		"one pixel": even(1, 1, 7), "a hair": static(30000, 1, 6), "a column": static(1, 30000, 6),
	} {
		q, l := judge(r)
		assert.Equal(t, ocr.VerdictUnknown, q.Verdict, "%s: %+v", name, l)
		assert.NotEmpty(t, q.Advice, name)
		assert.False(t, math.IsNaN(float64(q.Sharpness)) || math.IsNaN(float64(q.Exposure)), name)
		assert.True(t, q.Exposure >= 0 && q.Exposure <= 1 && q.Sharpness >= 0 && q.Sharpness <= 1, name)
	}
}

// The more a page is blurred, the less sharp it is said to be; the darker, the less exposed.
func TestQualityFollowsTheDamage(t *testing.T) {
	last := float32(2)
	for times := range 5 {
		q, _ := judge(blurred(newSheet(500, 700).draw(), 1, times))
		require.LessOrEqual(t, q.Sharpness, last, "blurred %d times", times)
		last = q.Sharpness
	}
	require.Less(t, last, float32(0.8))
	last = 2
	for _, light := range []float64{1, 0.7, 0.5, 0.3, 0.15} {
		q, _ := judge(shaded(newSheet(500, 700).draw(), func(_, _ float64) float64 { return light }))
		require.LessOrEqual(t, q.Exposure, last)
		last = q.Exposure
	}
	require.Less(t, last, float32(0.15))
}

func BenchmarkQuality(b *testing.B) {
	r := newSheet(1240, 1754).draw()
	s, _ := measured(r)
	for b.Loop() {
		findLegibility(r, s, skew{})
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "ms/page")
}
