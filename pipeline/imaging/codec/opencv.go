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
	out := imaging.NewRaster(m.Cols(), m.Rows())
	channels := m.Channels()
	if channels != 1 && channels != 3 && channels != 4 {
		return nil, refuse(f, fmt.Errorf("decoder: %d channels", channels))
	}
	switch m.Type() & 7 {
	case gocv.MatTypeCV8U:
		pix, err := m.DataPtrUint8()
		if err != nil {
			return nil, fmt.Errorf("reading decoded pixels: %w", err)
		}
		flatten(out.Pix, pix, channels, func(v byte) byte { return v })
	case gocv.MatTypeCV16U:
		pix, err := m.DataPtrUint16()
		if err != nil {
			return nil, fmt.Errorf("reading decoded pixels: %w", err)
		}
		flatten(out.Pix, pix, channels, func(v uint16) byte { return to8(uint32(v)) })
	default:
		return nil, refuse(f, fmt.Errorf("decoder: samples of type %v", m.Type()))
	}
	return out, nil
}

// flatten converts interleaved grey, BGR or BGRA samples to 8-bit BGR over white.
func flatten[T uint8 | uint16](dst []byte, src []T, channels int, scale func(T) byte) {
	switch channels {
	case 1:
		for i := range len(dst) / 3 {
			v := scale(src[i])
			dst[3*i], dst[3*i+1], dst[3*i+2] = v, v, v
		}
	case 3:
		if same, ok := any(src).([]byte); ok {
			copy(dst, same)
			return
		}
		for i := range dst {
			dst[i] = scale(src[i])
		}
	case 4:
		for i := range len(dst) / 3 {
			a := uint32(scale(src[4*i+3]))
			for c := range 3 {
				dst[3*i+c] = over(scale(src[4*i+c]), a)
			}
		}
	}
}
