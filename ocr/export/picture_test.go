package export

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// pictureOnly writes a PDF of one page without text.
func pictureOnly(t testing.TB, p Picture, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewPDF(&b, Meta{})
	require.NoError(t, err)
	require.NoError(t, w.AddPage(t.Context(), ocr.Page{Number: 1, Width: width, Height: height}, p))
	require.NoError(t, w.Close())
	require.NoError(t, api.Validate(bytes.NewReader(b.Bytes()), model.NewDefaultConfiguration()))
	checkPDFA(t, b.Bytes())
	return b.Bytes()
}

// rendered draws the page with Poppler at as many pixels as the picture has.
func rendered(t *testing.T, pdf []byte, width, height int) *imaging.Raster {
	t.Helper()
	path := onDisk(t, "a.pdf", pdf)
	out := filepath.Join(t.TempDir(), "x")
	tool(t, "pdftoppm", "-png", "-singlefile", "-scale-to-x", itoa(width), "-scale-to-y", itoa(height), path, out)
	content, err := os.ReadFile(out + ".png")
	require.NoError(t, err)
	r, _, err := codec.Decode(t.Context(), content, imaging.Limits{})
	require.NoError(t, err)
	return r
}

func itoa(n int) string { return string(appendNumber(nil, float64(n), 0)) }

// colorful is a picture with a different colour in each corner.
func colorful(width, height int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.NRGBA{250, 250, 250, 255}
			switch left, top := x < width/2, y < height/2; {
			case left && top:
				c = color.NRGBA{200, 30, 30, 255}
			case top:
				c = color.NRGBA{30, 160, 30, 255}
			case left:
				c = color.NRGBA{30, 30, 200, 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// assertLooksLike holds two pictures to the same look: in the middle of each quarter.
func assertLooksLike(t *testing.T, want, got *imaging.Raster, tolerance float64) {
	t.Helper()
	require.Equal(t, [2]int{want.Width, want.Height}, [2]int{got.Width, got.Height})
	for _, q := range [][2]int{{1, 1}, {3, 1}, {1, 3}, {3, 3}} {
		x, y := want.Width*q[0]/4, want.Height*q[1]/4
		for k := range 3 {
			assert.InDelta(t, want.Row(y)[3*x+k], got.Row(y)[3*x+k], tolerance, "channel %d at %d,%d", k, x, y)
		}
	}
}

// Every kind of picture looks in the PDF as our own decoder sees it.
func TestPicturesLookTheSame(t *testing.T) {
	const w, h = 80, 60
	img := colorful(w, h)
	encode := func(m image.Image) []byte {
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, m))
		return b.Bytes()
	}
	grey := image.NewGray(img.Bounds())
	bilevel := image.NewPaletted(img.Bounds(), blackAndWhite)
	indexed := image.NewPaletted(img.Bounds(), color.Palette{color.NRGBA{200, 30, 30, 255}, color.NRGBA{30, 160, 30, 255}, color.NRGBA{30, 30, 200, 255}, color.White})
	transparent := image.NewNRGBA(img.Bounds())
	deep := image.NewRGBA64(img.Bounds())
	for y := range h {
		for x := range w {
			for _, m := range []interface{ Set(x, y int, c color.Color) }{grey, bilevel, indexed, deep} {
				m.Set(x, y, img.At(x, y))
			}
			c := img.NRGBAAt(x, y)
			c.A = uint8(255 * x / w)
			transparent.SetNRGBA(x, y, c)
		}
	}
	var jpg bytes.Buffer
	require.NoError(t, jpeg.Encode(&jpg, img, &jpeg.Options{Quality: 95}))
	for name, content := range map[string][]byte{
		"JPEG": jpg.Bytes(), "PNG": encode(img), "grey PNG": encode(grey), "1-bit PNG": encode(bilevel), "palette PNG": encode(indexed),
		"transparent PNG": encode(transparent), "16-bit PNG": encode(deep),
	} {
		t.Run(name, func(t *testing.T) {
			want, _, err := codec.Decode(t.Context(), content, imaging.Limits{})
			require.NoError(t, err)
			pdf := pictureOnly(t, Picture{Encoded: content, Raster: want}, w, h)
			assertLooksLike(t, want, rendered(t, pdf, w, h), 6)
			// From the raster alone nothing is lost; Poppler may sample the pixel beside.
			pdf = pictureOnly(t, Picture{Raster: want}, w, h)
			got := rendered(t, pdf, w, h)
			if name != "JPEG" {
				assertLooksLike(t, want, got, 3)
			}
		})
	}
	t.Run("transparent without a raster", func(t *testing.T) {
		_, err := Picture{Encoded: encode(transparent)}.embed(ocr.Page{Width: w, Height: h})
		require.ErrorIs(t, err, errNotHeld)
	})
}

// A JPEG that says it lies on its side is shown upright, with its bytes as they were.
func TestEXIFOrientation(t *testing.T) {
	const w, h = 80, 64
	var plain bytes.Buffer
	require.NoError(t, jpeg.Encode(&plain, colorful(w, h), &jpeg.Options{Quality: 95}))
	for o := imaging.Orientation(1); o <= 8; o++ {
		content := withEXIF(plain.Bytes(), o)
		want, header, err := codec.Decode(t.Context(), content, imaging.Limits{})
		require.NoError(t, err)
		require.Equal(t, o, header.Orientation)
		pdf := pictureOnly(t, Picture{Encoded: content}, want.Width, want.Height)
		assert.True(t, bytes.Contains(pdf, content), "orientation %d: the file's bytes", o)
		assertLooksLike(t, want, rendered(t, pdf, want.Width, want.Height), 6)
	}
}

// withEXIF puts an EXIF segment with an orientation behind the start of a JPEG.
func withEXIF(jpg []byte, o imaging.Orientation) []byte {
	exif := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")
	binary.BigEndian.PutUint16(exif[24:], uint16(o))
	return withSegment(jpg, 0xe1, exif)
}

func withSegment(jpg []byte, marker byte, body []byte) []byte {
	out := append([]byte{}, jpg[:2]...)
	out = append(out, 0xff, marker)
	out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
	out = append(out, body...)
	return append(out, jpg[2:]...)
}

// A JPEG's own colour profile goes along, a broken one doesn't.
func TestColorProfiles(t *testing.T) {
	const w, h = 80, 64
	var plain bytes.Buffer
	require.NoError(t, jpeg.Encode(&plain, colorful(w, h), &jpeg.Options{Quality: 95}))
	profile := sRGBProfile()
	segment := append([]byte("ICC_PROFILE\x00\x01\x01"), profile...)
	with := pictureOnly(t, Picture{Encoded: withSegment(plain.Bytes(), 0xe2, segment)}, w, h)
	assert.Contains(t, string(with), "/ICCBased")
	segment[20] ^= 0xff
	broken := pictureOnly(t, Picture{Encoded: withSegment(plain.Bytes(), 0xe2, segment[:len(segment)-9])}, w, h)
	assert.NotContains(t, string(broken), "/ICCBased")
	assert.Nil(t, iccFor(profile, 1), "a profile of RGB is none for grey")
	assert.NotNil(t, iccFor(cmykProfile(), 4))
}

// Pictures in inks look as our own decoder sees them, up to the profile.
func TestCMYK(t *testing.T) {
	const w, h = 64, 64
	var plain bytes.Buffer
	require.NoError(t, jpeg.Encode(&plain, colorful(w, h), &jpeg.Options{Quality: 95}))
	inks := filepath.Join(t.TempDir(), "cmyk")
	tool(t, "pdftoppm", "-jpegcmyk", "-jpegopt", "quality=95", "-scale-to-x", itoa(w), "-scale-to-y", itoa(h), "-singlefile",
		onDisk(t, "plain.pdf", pictureOnly(t, Picture{Encoded: plain.Bytes()}, w, h)), inks)
	content, err := os.ReadFile(inks + ".jpg")
	require.NoError(t, err)
	want, header, err := codec.Decode(t.Context(), content, imaging.Limits{})
	require.NoError(t, err)
	require.True(t, header.CMYK)
	pdf := pictureOnly(t, Picture{Encoded: content}, want.Width, want.Height)
	assertLooksLike(t, want, rendered(t, pdf, want.Width, want.Height), 25)
}

// The profiles are laid out as ICC.1 asks, and hold the numbers that it and IEC 61966-2-1 publish.
func TestProfilesAreICC(t *testing.T) {
	for _, p := range [][]byte{sRGBProfile(), cmykProfile()} {
		assert.Len(t, p, int(binary.BigEndian.Uint32(p)))
		assert.Equal(t, "acsp", string(p[36:40]))
		n := int(binary.BigEndian.Uint32(p[128:]))
		for i := range n {
			e := p[132+12*i:]
			assert.Zero(t, binary.BigEndian.Uint32(e[4:])%4, "tags are aligned")
		}
	}
	// sRGB's columns, adapted to D50, add up to D50's white.
	m, _ := sRGBPrimaries()
	for i := range 3 {
		assert.InDelta(t, d50[i], m[i][0]+m[i][1]+m[i][2], 1e-9)
	}
	assert.InDelta(t, 0.4361, m[0][0], 2e-4)
	assert.InDelta(t, 0.7169, m[1][1], 2e-4)
}

func TestResolution(t *testing.T) {
	size := func(p Picture, w, h int) paper {
		img, err := p.embed(ocr.Page{Width: w, Height: h})
		require.NoError(t, err)
		page := ocr.Page{Width: w, Height: h}
		return paperFor(page, p.resolution(page, img))
	}
	jpg := blankJPEG(t, 1654, 2339)
	jfif := func(unit byte, dpi uint16) []byte {
		s := []byte("JFIF\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00")
		s[7] = unit
		binary.BigEndian.PutUint16(s[8:], dpi)
		binary.BigEndian.PutUint16(s[10:], dpi)
		return withSegment(jpg, 0xe0, s)
	}
	assert.InDelta(t, 841.9, size(Picture{Encoded: jpg}, 1654, 2339).height, 0.1, "A4 when nothing is known")
	assert.InDelta(t, 842.0, size(Picture{Encoded: jfif(1, 200)}, 1654, 2339).height, 0.1, "the file's own")
	assert.InDelta(t, 842.0, size(Picture{Encoded: jfif(2, 79)}, 1654, 2339).height, 3, "in centimetres")
	assert.InDelta(t, 841.9, size(Picture{Encoded: jfif(1, 72)}, 1654, 2339).height, 0.1, "72 is what phones write")
	assert.InDelta(t, 561.4, size(Picture{Encoded: jpg, DPI: 300}, 1654, 2339).height, 0.1, "the caller's word")
	tiny := paperFor(ocr.Page{Width: 1, Height: 1}, 300)
	assert.InDelta(t, 3, tiny.width, 1e-9)
	long := paperFor(ocr.Page{Width: 1, Height: 500000}, 72)
	assert.LessOrEqual(t, long.height, 14400.0)
	assert.GreaterOrEqual(t, long.width, 3.0)
}

func TestCheckOriginal(t *testing.T) {
	pdf := writePDF(t, Meta{}, samplePage())
	require.NoError(t, CheckOriginal(pdf))
	require.NoError(t, CheckOriginal(blankJPEG(t, 8, 8)))
	require.NoError(t, CheckOriginal(nil))
	signed := strings.Replace(string(pdf), "/Type /Catalog", "/Type /Catalog /X << /Type /Sig /ByteRange [0 1 2 3] >>", 1)
	require.ErrorContains(t, CheckOriginal([]byte(signed)), "signed")
	require.ErrorContains(t, CheckOriginal([]byte(strings.Replace(signed, "ByteRange", "#42yteR#61nge\n", 1))), "signed")
	locked := strings.Replace(string(pdf), "/Root 1 0 R", "/Root 1 0 R /Encrypt 9 0 R", 1)
	require.ErrorContains(t, CheckOriginal([]byte(locked)), "encrypted")
	mentioned := strings.Replace(string(pdf), "/Type /Catalog", "/Type /Catalog /Y (see ByteRange [1] and Encrypt 1)", 1)
	require.NoError(t, CheckOriginal([]byte(mentioned)))
}
