package codec

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// decodeGo decodes with Go's own decoders. It returns the stored rows, not yet turned upright.
func decodeGo(b []byte, f imaging.Format, p imaging.PageHeader) (r *imaging.Raster, err error) {
	// Outside bytes must not end the process, whatever a decoder overlooks.
	defer func() {
		if v := recover(); v != nil {
			r, err = nil, refuse(f, fmt.Errorf("decoder: %v", v))
		}
	}()
	if p.Planar {
		return nil, withoutOpenCV(f, errors.New("channels stored apart"))
	}
	var (
		img image.Image
		in  = bytes.NewReader(b)
	)
	switch f {
	case imaging.JPEG:
		img, err = jpeg.Decode(in)
	case imaging.PNG:
		img, err = png.Decode(in)
	case imaging.TIFF:
		img, err = tiff.Decode(in)
	case imaging.BMP:
		img, err = bmp.Decode(in)
	case imaging.WebP:
		img, err = webp.Decode(in)
	default:
		err = fmt.Errorf("no decoder for %v", f)
	}
	var (
		ju jpeg.UnsupportedError
		pu png.UnsupportedError
		tu tiff.UnsupportedError
	)
	if errors.As(err, &ju) || errors.As(err, &pu) || errors.As(err, &tu) || errors.Is(err, bmp.ErrUnsupported) {
		return nil, withoutOpenCV(f, err)
	}
	if err != nil {
		return nil, refuse(f, err)
	}
	if b := img.Bounds(); b.Dx() < 1 || b.Dy() < 1 {
		return nil, refuse(f, fmt.Errorf("no pixels"))
	}
	r = rasterOf(img, f)
	// In the fax codes a white run is a run of zeros, whatever zero then means; x/image makes it white in any case.
	if strings.HasPrefix(p.Compression, "CCITT") && !p.WhiteIsZero {
		for i := range r.Pix {
			r.Pix[i] = ^r.Pix[i]
		}
	}
	return r, nil
}

func withoutOpenCV(f imaging.Format, err error) error {
	return &refusal.Error{Reason: refusal.UnsupportedType, Err: err,
		Msg: fmt.Sprintf("Go's decoder does not know this kind of %v; save it as a plain 8-bit JPEG or PNG", f)}
}

// rasterOf converts any Go picture, transparent parts laid over white.
func rasterOf(img image.Image, f imaging.Format) *imaging.Raster {
	b := img.Bounds()
	opaque := f == imaging.BMP // its fourth channel is mostly unused and zero
	matrix := &jfif
	if f == imaging.WebP {
		matrix = &studio
	}
	out := imaging.NewRaster(b.Dx(), b.Dy())
	for y := range out.Height {
		row, sy := out.Row(y), b.Min.Y+y
		switch src := img.(type) {
		case *image.Gray:
			expandGray(row, src.Pix[src.PixOffset(b.Min.X, sy):])
		case *image.Gray16:
			pix := src.Pix[src.PixOffset(b.Min.X, sy):]
			for x := range out.Width {
				v := to8(uint32(pix[2*x])<<8 | uint32(pix[2*x+1]))
				row[3*x], row[3*x+1], row[3*x+2] = v, v, v
			}
		case *image.YCbCr:
			matrix.row(row, src, b.Min.X, sy, nil)
		case *image.NYCbCrA:
			matrix.row(row, &src.YCbCr, b.Min.X, sy, src.A[src.AOffset(b.Min.X, sy):])
		case *image.NRGBA:
			pix := src.Pix[src.PixOffset(b.Min.X, sy):]
			for x := range out.Width {
				a := uint32(pix[4*x+3])
				if opaque {
					a = 255
				}
				row[3*x], row[3*x+1], row[3*x+2] = over(pix[4*x+2], a), over(pix[4*x+1], a), over(pix[4*x], a)
			}
		case *image.RGBA:
			pix := src.Pix[src.PixOffset(b.Min.X, sy):]
			for x := range out.Width {
				white := 255 - pix[4*x+3]
				if opaque {
					white = 0
				}
				row[3*x], row[3*x+1], row[3*x+2] = plus(pix[4*x+2], white), plus(pix[4*x+1], white), plus(pix[4*x], white)
			}
		case *image.Paletted:
			palettedRow(row, src, b.Min.X, sy)
		case *image.CMYK:
			pix := src.Pix[src.PixOffset(b.Min.X, sy):]
			for x := range out.Width {
				k := 255 - uint32(pix[4*x+3])
				for c := range 3 {
					row[3*x+2-c] = byte(((255-uint32(pix[4*x+c]))*k + 127) / 255)
				}
			}
		default:
			for x := range out.Width {
				r, g, bl, a := img.At(b.Min.X+x, sy).RGBA() // premultiplied, 16 bits
				white := 0xffff - a
				row[3*x], row[3*x+1], row[3*x+2] = to8(min(bl+white, 0xffff)), to8(min(g+white, 0xffff)), to8(min(r+white, 0xffff))
			}
		}
	}
	return out
}

func palettedRow(row []byte, src *image.Paletted, x0, y int) {
	var table [256][3]byte
	for i, c := range src.Palette[:min(len(src.Palette), 256)] {
		r, g, b, a := c.RGBA()
		white := 0xffff - a
		table[i] = [3]byte{to8(min(b+white, 0xffff)), to8(min(g+white, 0xffff)), to8(min(r+white, 0xffff))}
	}
	pix := src.Pix[src.PixOffset(x0, y):]
	for x := range len(row) / 3 {
		copy(row[3*x:3*x+3], table[pix[x]][:])
	}
}

// ycbcr is a BT.601 conversion in 16-bit fixed point.
type ycbcr struct {
	black, gain                     int32 // of luma
	redCr, greenCb, greenCr, blueCb int32
}

// JPEG (JFIF) uses the full range of codes; WebP (RFC 9649 section 2.5) luma 16..235, which x/image/webp does not say.
var (
	jfif   = ycbcr{black: 0, gain: 65536, redCr: 91881, greenCb: 22554, greenCr: 46802, blueCb: 116130}
	studio = ycbcr{black: 16, gain: 76309, redCr: 104597, greenCb: 25675, greenCr: 53279, blueCb: 132201}
)

// row converts row y of src from column x0 on; alpha may be nil.
func (m *ycbcr) row(row []byte, src *image.YCbCr, x0, y int, alpha []byte) {
	for x := range len(row) / 3 {
		yy := (int32(src.Y[src.YOffset(x0+x, y)])-m.black)*m.gain + 1<<15
		ci := src.COffset(x0+x, y)
		cb, cr := int32(src.Cb[ci])-128, int32(src.Cr[ci])-128
		r, g, b := clamp8((yy+m.redCr*cr)>>16), clamp8((yy-m.greenCb*cb-m.greenCr*cr)>>16), clamp8((yy+m.blueCb*cb)>>16)
		if alpha != nil {
			a := uint32(alpha[x])
			r, g, b = over(r, a), over(g, a), over(b, a)
		}
		row[3*x], row[3*x+1], row[3*x+2] = b, g, r
	}
}

func expandGray(row, gray []byte) {
	for x := range len(row) / 3 {
		v := gray[x]
		row[3*x], row[3*x+1], row[3*x+2] = v, v, v
	}
}

// over lays a straight-alpha sample over white.
func over(v byte, a uint32) byte {
	return byte((uint32(v)*a + 255*(255-a) + 127) / 255)
}

func plus(v, white byte) byte { return byte(min(int(v)+int(white), 255)) }

// to8 scales 0..65535 to 0..255, rounded.
func to8(v uint32) byte { return byte((v*255 + 32767) / 65535) }

func clamp8(v int32) byte { return byte(min(max(v, 0), 255)) }
