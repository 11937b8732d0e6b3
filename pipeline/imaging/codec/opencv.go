//go:build gocv_specific_modules

package codec

import (
	"fmt"

	"gocv.io/x/gocv"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Backend names the decoder that this binary was built with.
const Backend = "opencv"

// decode returns the stored rows, not yet turned upright.
func decode(b []byte, f imaging.Format, p imaging.PageHeader) (*imaging.Raster, error) {
	if goOnly(f, p) {
		return decodeGo(b, f, p)
	}
	// Unchanged keeps alpha and 16 bits, and leaves EXIF orientation to us.
	flags := gocv.IMReadUnchanged
	if f == imaging.BMP {
		// BMP's fourth channel is mostly unused and zero.
		flags = gocv.IMReadColor | gocv.IMReadIgnoreOrientation
	}
	m := gocv.NewMat()
	defer m.Close()
	// IMDecodeIntoMat returns this call's own error, where IMDecode reads a global that a concurrent call may have set.
	if err := gocv.IMDecodeIntoMat(b, flags, &m); err != nil {
		return nil, refuse(f, err)
	}
	if m.Empty() {
		return nil, refuse(f, fmt.Errorf("decoder: no picture"))
	}
	return rasterOfMat(m, f)
}

// decodeReducedGray returns the stored rows of a JPEG at 1/divisor of their size, and nil for what OpenCV decodes whole in
// any case.
func decodeReducedGray(b []byte, f imaging.Format, p imaging.PageHeader, divisor int) (*imaging.Raster, error) {
	if f != imaging.JPEG || p.CMYK {
		return nil, nil
	}
	// Without IMReadUnchanged OpenCV would turn the picture itself.
	flags := map[int]gocv.IMReadFlag{1: gocv.IMReadGrayScale, 2: gocv.IMReadReducedGrayscale2, 4: gocv.IMReadReducedGrayscale4,
		8: gocv.IMReadReducedGrayscale8}[divisor] | gocv.IMReadIgnoreOrientation
	m := gocv.NewMat()
	defer m.Close()
	if err := gocv.IMDecodeIntoMat(b, flags, &m); err != nil {
		return nil, refuse(f, err)
	}
	if m.Empty() {
		return nil, refuse(f, fmt.Errorf("decoder: no picture"))
	}
	return rasterOfMat(m, f)
}

// goOnly tells what OpenCV reads wrongly or not at all: a colour that stands for transparency is drawn opaque, and TIFF
// alpha comes premultiplied or straight depending on the layout.
func goOnly(f imaging.Format, p imaging.PageHeader) bool {
	return p.ColorKey || f == imaging.TIFF && p.Alpha
}

func rasterOfMat(m gocv.Mat, f imaging.Format) (*imaging.Raster, error) {
	if !m.IsContinuous() {
		c := m.Clone()
		defer c.Close()
		m = c
	}
	channels := m.Channels()
	if channels != 1 && channels != 3 && channels != 4 {
		return nil, refuse(f, fmt.Errorf("decoder: %d channels", channels))
	}
	var pix []byte
	switch m.Type() & 7 {
	case gocv.MatTypeCV8U:
		var err error
		if pix, err = m.DataPtrUint8(); err != nil {
			return nil, fmt.Errorf("reading decoded pixels: %w", err)
		}
	case gocv.MatTypeCV16U:
		wide, err := m.DataPtrUint16()
		if err != nil {
			return nil, fmt.Errorf("reading decoded pixels: %w", err)
		}
		pix = make([]byte, len(wide))
		for i, v := range wide {
			pix[i] = to8(uint32(v))
		}
	default:
		return nil, refuse(f, fmt.Errorf("decoder: samples of type %v", m.Type()))
	}
	if channels == 3 {
		// Copied into memory that nobody has to clear first.
		return &imaging.Raster{Pix: append([]byte(nil), pix...), Width: m.Cols(), Height: m.Rows()}, nil
	}
	out := imaging.NewRaster(m.Cols(), m.Rows())
	flatten(out.Pix, pix, channels)
	return out, nil
}

// flatten converts interleaved grey, BGR or BGRA samples to BGR over white.
func flatten(dst, src []byte, channels int) {
	switch channels {
	case 1:
		expandGray(dst, src)
	case 3:
		copy(dst, src)
	case 4:
		for i := range len(dst) / 3 {
			px, out := src[4*i:4*i+4], dst[3*i:3*i+3]
			a := uint32(px[3])
			out[0], out[1], out[2] = over(px[0], a), over(px[1], a), over(px[2], a)
		}
	}
}
