package imaging

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("codec", "testdata", "samples", name))
	require.NoError(tb, err)
	return b
}

func TestSniffReadsTheHeader(t *testing.T) {
	page := func(p PageHeader) PageHeader {
		p.Width, p.Height = 48, 32
		if p.Orientation == 0 {
			p.Orientation = Upright
		}
		if p.Bits == 0 {
			p.Bits = 8
		}
		return p
	}
	for name, want := range map[string]struct {
		format Format
		page   PageHeader
	}{
		"baseline-420.jpg":    {JPEG, page(PageHeader{Channels: 3})},
		"progressive.jpg":     {JPEG, page(PageHeader{Channels: 3, Interlaced: true})},
		"cmyk.jpg":            {JPEG, page(PageHeader{Channels: 4, CMYK: true})},
		"grey.jpg":            {JPEG, page(PageHeader{Channels: 1})},
		"orientation-6.jpg":   {JPEG, page(PageHeader{Channels: 3, Orientation: 6})},
		"rgb.png":             {PNG, page(PageHeader{Channels: 3})},
		"alpha-16.png":        {PNG, page(PageHeader{Channels: 4, Bits: 16, Alpha: true})},
		"bilevel.png":         {PNG, page(PageHeader{Channels: 1, Bits: 1})},
		"palette-alpha.png":   {PNG, page(PageHeader{Channels: 1, Bits: 2, Alpha: true})},
		"colour-key.png":      {PNG, page(PageHeader{Channels: 3, Alpha: true, ColorKey: true})},
		"interlaced.png":      {PNG, page(PageHeader{Channels: 3, Interlaced: true})},
		"orientation-6.png":   {PNG, page(PageHeader{Channels: 3, Orientation: 6})},
		"big-endian.tif":      {TIFF, page(PageHeader{Channels: 3, Compression: "Deflate"})},
		"bilevel-g4.tif":      {TIFF, page(PageHeader{Channels: 1, Bits: 1, Compression: "CCITT G4"})},
		"fax.tif":             {TIFF, page(PageHeader{Channels: 1, Bits: 1, Compression: "CCITT G4", WhiteIsZero: true})},
		"tiled.tif":           {TIFF, page(PageHeader{Channels: 3, Compression: "LZW", TileWidth: 16, TileHeight: 16})},
		"planar.tif":          {TIFF, page(PageHeader{Channels: 3, Compression: "LZW", Planar: true})},
		"rgb-16.tif":          {TIFF, page(PageHeader{Channels: 3, Bits: 16, Compression: "LZW"})},
		"alpha.tif":           {TIFF, page(PageHeader{Channels: 4, Alpha: true})},
		"cmyk.tif":            {TIFF, page(PageHeader{Channels: 4, CMYK: true})},
		"orientation-6.tif":   {TIFF, page(PageHeader{Channels: 3, Orientation: 6})},
		"rgb.bmp":             {BMP, page(PageHeader{Channels: 3})},
		"top-down.bmp":        {BMP, page(PageHeader{Channels: 3})},
		"rle8.bmp":            {BMP, page(PageHeader{Channels: 1, Compression: "RLE8"})},
		"lossy.webp":          {WebP, page(PageHeader{Channels: 3})},
		"lossless.webp":       {WebP, page(PageHeader{Channels: 3, Compression: "lossless"})},
		"alpha.webp":          {WebP, page(PageHeader{Channels: 4, Alpha: true})},
		"alpha-lossless.webp": {WebP, page(PageHeader{Channels: 4, Alpha: true, Compression: "lossless"})},
		"orientation-6.webp":  {WebP, page(PageHeader{Channels: 3, Orientation: 6})},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := Sniff(sample(t, name))
			require.NoError(t, err)
			require.Len(t, h.Pages, 1)
			assert.Equal(t, want.format, h.Format)
			assert.Equal(t, 1, h.Frames)
			h.Offset = 0
			assert.Equal(t, want.page, h.PageHeader)
			require.NoError(t, h.Check(DefaultLimits()))
		})
	}
}

func TestSniffCountsPagesAndFrames(t *testing.T) {
	h, err := Sniff(sample(t, "three-pages.tif"))
	require.NoError(t, err)
	assert.Equal(t, 3, h.Frames)
	assert.Equal(t, [2]int{32, 48}, [2]int{h.Pages[1].Width, h.Pages[1].Height})
	for _, name := range []string{"animated.png", "animated.webp"} {
		h, err := Sniff(sample(t, name))
		require.NoError(t, err)
		assert.True(t, h.Animated)
		assert.Equal(t, 2, h.Frames)
		e, ok := refusal.As(h.Check(DefaultLimits()))
		require.True(t, ok)
		assert.Equal(t, refusal.UnsupportedType, e.Reason)
	}
}

// TestExifOrientation puts every value into a JPEG, in both byte orders; reserved ones mean upright.
func TestExifOrientation(t *testing.T) {
	jpg := sample(t, "baseline-420.jpg")
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for value := range uint16(12) {
			mark := "II*\x00"
			if order == binary.AppendByteOrder(binary.BigEndian) {
				mark = "MM\x00*"
			}
			exif := append([]byte("Exif\x00\x00"), mark...)
			exif = order.AppendUint32(exif, 8)
			exif = order.AppendUint16(exif, 1)
			exif = order.AppendUint16(exif, 0x0112)
			exif = order.AppendUint16(exif, 3)
			exif = order.AppendUint32(exif, 1)
			exif = order.AppendUint16(exif, value)
			exif = append(exif, 0, 0, 0, 0, 0, 0)
			b := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(exif)+2))
			b = append(append(b, exif...), jpg[2:]...)
			h, err := Sniff(b)
			require.NoError(t, err)
			want := Orientation(value)
			if value < 1 || value > 8 {
				want = Upright
			}
			assert.Equal(t, want, h.Orientation)
			w, ht := h.UprightSize()
			if want >= 5 {
				assert.Equal(t, [2]int{32, 48}, [2]int{w, ht})
			} else {
				assert.Equal(t, [2]int{48, 32}, [2]int{w, ht})
			}
		}
	}
}

func TestDamagedExifIsIgnored(t *testing.T) {
	b := bytes.Clone(sample(t, "orientation-6.jpg"))
	i := bytes.Index(b, []byte("Exif\x00\x00"))
	require.Positive(t, i)
	binary.BigEndian.PutUint32(b[i+10:], 0xfffffff0)
	binary.LittleEndian.PutUint32(b[i+10:], 0xfffffff0)
	h, err := Sniff(b)
	require.NoError(t, err)
	assert.Equal(t, Upright, h.Orientation)
}

// TestOrient checks each of the eight orientations against its words in the EXIF standard (2.32, table 6): where row 0
// and column 0 of the stored picture lie in the upright one.
func TestOrient(t *testing.T) {
	const w, h = 37, 21
	r := noise(w, h)
	for o, place := range map[Orientation]func(x, y int) (ux, uy int){
		1: func(x, y int) (int, int) { return x, y },
		2: func(x, y int) (int, int) { return w - 1 - x, y },         // row 0 at the top, column 0 at the right
		3: func(x, y int) (int, int) { return w - 1 - x, h - 1 - y }, // bottom, right
		4: func(x, y int) (int, int) { return x, h - 1 - y },         // bottom, left
		5: func(x, y int) (int, int) { return y, x },                 // left, top
		6: func(x, y int) (int, int) { return h - 1 - y, x },         // right, top
		7: func(x, y int) (int, int) { return h - 1 - y, w - 1 - x }, // right, bottom
		8: func(x, y int) (int, int) { return y, w - 1 - x },         // left, bottom
		0: func(x, y int) (int, int) { return x, y },
		9: func(x, y int) (int, int) { return x, y },
	} {
		up := Orient(r, o)
		require.NoError(t, up.Validate())
		for y := range h {
			for x := range w {
				ux, uy := place(x, y)
				require.Equal(t, r.Row(y)[3*x:3*x+3], up.Row(uy)[3*ux:3*ux+3], "orientation %d at (%d,%d)", o, x, y)
			}
		}
	}
}

func TestCrop(t *testing.T) {
	r := noise(10, 8)
	c := r.Crop(-2, 3, 6, 100)
	require.Equal(t, [2]int{4, 5}, [2]int{c.Width, c.Height})
	assert.Equal(t, r.Row(3)[:12], c.Row(0))
	assert.Nil(t, r.Crop(10, 0, 5, 5))
	assert.Nil(t, r.Crop(0, 0, 0, 5))
}

func TestDecodeMemoryBoundsTheLimits(t *testing.T) {
	worst := PageHeader{Width: 10_000, Height: 10_000, Channels: 4, Bits: 16, Alpha: true, Orientation: 6}
	assert.LessOrEqual(t, worst.DecodeMemory(), int64(1_500_000_000))
	assert.Equal(t, int64(6*100), PageHeader{Width: 10, Height: 10, Channels: 1, Bits: 1, Orientation: Upright}.DecodeMemory())
}
