package codec

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

type bgr [3]float64

// The quarters of every sample, clockwise from the top left (testdata/make.py draws them).
var (
	colours  = [4]bgr{{0, 0, 255}, {0, 255, 0}, {200, 200, 200}, {255, 0, 0}}
	overlaid = [4]bgr{{0, 0, 255}, {0, 255, 0}, {255, 255, 255}, {255, 0, 0}}
	greys    = [4]bgr{{0, 0, 0}, {90, 90, 90}, {255, 255, 255}, {180, 180, 180}}
	inks     = [4]bgr{{0, 0, 0}, {255, 255, 255}, {0, 0, 0}, {255, 255, 255}}
)

// turned is what a quarter turn clockwise makes of the quarters.
func turned(q [4]bgr) [4]bgr { return [4]bgr{q[3], q[0], q[1], q[2]} }

// samples lists every file of testdata/samples with what it must decode to.
var samples = map[string]struct {
	want      [4]bgr
	tolerance float64 // of a quarter's mean, per channel; 0 where the format keeps exact values
	needs     string  // "opencv" where Go's decoders refuse it
}{
	"baseline-420.jpg":     {want: colours, tolerance: 6},
	"baseline-444.jpg":     {want: colours, tolerance: 3},
	"progressive.jpg":      {want: colours, tolerance: 3},
	"orientation-6.jpg":    {want: turned(colours), tolerance: 3},
	"grey.jpg":             {want: greys, tolerance: 3},
	"cmyk.jpg":             {want: colours, tolerance: 4},
	"rgb.png":              {want: colours},
	"alpha.png":            {want: overlaid},
	"grey.png":             {want: greys},
	"bilevel.png":          {want: inks},
	"palette.png":          {want: colours},
	"palette-alpha.png":    {want: overlaid},
	"colour-key.png":       {want: overlaid},
	"orientation-6.png":    {want: turned(colours)},
	"interlaced.png":       {want: colours},
	"rgb-16.png":           {want: colours},
	"alpha-16.png":         {want: overlaid},
	"grey-alpha.png":       {want: greys},
	"grey-16.png":          {want: greys},
	"rgb-none.tif":         {want: colours},
	"rgb-lzw.tif":          {want: colours},
	"rgb-deflate.tif":      {want: colours},
	"rgb-packbits.tif":     {want: colours},
	"rgb-jpeg.tif":         {want: colours, tolerance: 6, needs: "opencv"},
	"orientation-6.tif":    {want: turned(colours)},
	"grey.tif":             {want: greys},
	"bilevel.tif":          {want: inks},
	"bilevel-g3.tif":       {want: inks},
	"bilevel-g4.tif":       {want: inks},
	"fax.tif":              {want: inks},
	"palette.tif":          {want: colours, tolerance: 1},
	"cmyk.tif":             {want: colours, tolerance: 1, needs: "opencv"},
	"alpha.tif":            {want: overlaid},
	"alpha-associated.tif": {want: overlaid},
	"rgb-16.tif":           {want: colours},
	"big-endian.tif":       {want: colours},
	"tiled.tif":            {want: colours},
	"planar.tif":           {want: colours, needs: "opencv"},
	"three-pages.tif":      {want: colours},
	"rgb.bmp":              {want: colours},
	"palette.bmp":          {want: colours},
	"bilevel.bmp":          {want: inks},
	"rle8.bmp":             {want: colours, needs: "opencv"},
	"bitfields-32.bmp":     {want: [4]bgr{colours[0], colours[1], {0, 0, 0}, colours[3]}},
	"top-down.bmp":         {want: colours},
	"lossy.webp":           {want: colours, tolerance: 4},
	"lossless.webp":        {want: colours},
	"alpha.webp":           {want: overlaid, tolerance: 4},
	"alpha-lossless.webp":  {want: overlaid},
	"orientation-6.webp":   {want: turned(colours), tolerance: 4},
}

func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "samples", name))
	require.NoError(tb, err)
	return b
}

// quarters returns the mean colour of each quarter, clockwise from the top left, without the seams that lossy formats blur.
func quarters(r *imaging.Raster) [4]bgr {
	var out [4]bgr
	w, h := r.Width/2, r.Height/2
	for q, origin := range [4][2]int{{0, 0}, {w, 0}, {w, h}, {0, h}} {
		n := 0.0
		for y := origin[1] + 3; y < origin[1]+h-3; y++ {
			for x := origin[0] + 3; x < origin[0]+w-3; x++ {
				for c := range 3 {
					out[q][c] += float64(r.Row(y)[3*x+c])
				}
				n++
			}
		}
		for c := range 3 {
			out[q][c] /= n
		}
	}
	return out
}

func assertQuarters(t *testing.T, want [4]bgr, tolerance float64, r *imaging.Raster) {
	t.Helper()
	got := quarters(r)
	for q := range want {
		for c := range 3 {
			assert.InDelta(t, want[q][c], got[q][c], tolerance+1e-9, "quarter %d channel %d of %v", q, c, got)
		}
	}
}

func TestDecodesEveryKindOfFile(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("testdata", "samples"))
	require.NoError(t, err)
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, "animated.") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s, ok := samples[name]
			require.True(t, ok, "sample is not listed")
			b := sample(t, name)
			if s.needs != "" && s.needs != Backend {
				_, _, err := Decode(context.Background(), b, imaging.DefaultLimits())
				r, ok := refusal.As(err)
				require.True(t, ok, "%v", err)
				require.Equal(t, refusal.UnsupportedType, r.Reason)
				t.Skipf("needs %s: %v", s.needs, err)
			}
			r, h, err := Decode(context.Background(), b, imaging.DefaultLimits())
			require.NoError(t, err)
			require.NoError(t, r.Validate())
			assert.Equal(t, [2]int{48, 32}, [2]int{h.Width, h.Height}, "stored size")
			w, ht := h.UprightSize()
			assert.Equal(t, [2]int{w, ht}, [2]int{r.Width, r.Height}, "upright size")
			assertQuarters(t, s.want, s.tolerance, r)
		})
	}
}

// TestDecodersAgree compares this build's decoder with Go's, pixel by pixel.
func TestDecodersAgree(t *testing.T) {
	for name, s := range samples {
		if s.needs != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			b := sample(t, name)
			h, err := imaging.Sniff(b)
			require.NoError(t, err)
			if h.Format == imaging.TIFF {
				b = imaging.TIFFPage(b, h.Pages[0])
			}
			ours, err := decode(b, h.Format, h.Pages[0])
			require.NoError(t, err)
			theirs, err := decodeGo(b, h.Format, h.Pages[0])
			require.NoError(t, err)
			require.Equal(t, len(theirs.Pix), len(ours.Pix))
			sum := 0.0
			for i := range ours.Pix {
				sum += max(float64(ours.Pix[i])-float64(theirs.Pix[i]), float64(theirs.Pix[i])-float64(ours.Pix[i]))
			}
			// Lossy decoders differ in rounding and in how they smooth chroma across the seams (a tenth of these pixels).
			limit := 0.0
			if s.tolerance > 0 {
				limit = 5
			}
			assert.LessOrEqual(t, sum/float64(len(ours.Pix)), limit, "mean absolute difference")
		})
	}
}

func TestDecodesPagesInOrder(t *testing.T) {
	b := sample(t, "three-pages.tif")
	var sizes [][2]int
	err := DecodeAll(context.Background(), b, imaging.DefaultLimits(), func(page int, r *imaging.Raster) error {
		require.Equal(t, len(sizes)+1, page)
		sizes = append(sizes, [2]int{r.Width, r.Height})
		switch page {
		case 1:
			assertQuarters(t, colours, 0, r)
		case 2: // rotated counterclockwise by a quarter
			assertQuarters(t, [4]bgr{colours[1], colours[2], colours[3], colours[0]}, 0, r)
		case 3:
			assertQuarters(t, inks, 0, r)
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, [][2]int{{48, 32}, {32, 48}, {48, 32}}, sizes)
}

func TestEncodersKeepThePicture(t *testing.T) {
	r, _, err := Decode(context.Background(), sample(t, "rgb.png"), imaging.DefaultLimits())
	require.NoError(t, err)
	b, err := EncodePNG(r)
	require.NoError(t, err)
	again, h, err := Decode(context.Background(), b, imaging.DefaultLimits())
	require.NoError(t, err)
	assert.Equal(t, imaging.PNG, h.Format)
	assert.Equal(t, r, again)

	b, err = EncodeJPEG(r, 0)
	require.NoError(t, err)
	again, h, err = Decode(context.Background(), b, imaging.DefaultLimits())
	require.NoError(t, err)
	assert.Equal(t, imaging.JPEG, h.Format)
	assertQuarters(t, colours, 4, again)

	_, err = EncodeJPEG(r, 101)
	require.Error(t, err)
	_, err = EncodePNG(&imaging.Raster{Width: 2, Height: 2})
	require.Error(t, err)
}
