package export

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// pngImage embeds a PNG's compressed pixels as they are: PDF's FlateDecode with predictor 15 is PNG's own coding.
// imaging.Sniff has accepted the file.
func pngImage(b []byte, h imaging.Header) (embedded, error) {
	if h.Animated || h.Alpha || h.ColorKey || h.Interlaced || h.Bits > 8 {
		return embedded{}, errNotHeld
	}
	img := embedded{width: h.Width, height: h.Height, orientation: h.Orientation, channels: h.Channels, bits: h.Bits}
	palette := false
	for at := 8; at+12 <= len(b); {
		size := int(binary.BigEndian.Uint32(b[at:]))
		if size < 0 || size > len(b)-at-12 {
			break
		}
		kind, body := string(b[at+4:at+8]), b[at+8:at+8+size]
		at += 12 + size
		switch kind {
		case "IHDR":
			palette = len(body) == 13 && body[9] == 3
		case "PLTE":
			img.palette = body
		case "IDAT":
			img.data = append(img.data, body)
		case "iCCP":
			img.profile = pngProfile(body)
		case "pHYs":
			if len(body) == 9 && body[8] == 1 { // dots a metre
				img.dpi = float64(binary.BigEndian.Uint32(body)) * 0.0254
			}
		case "tRNS":
			return embedded{dpi: img.dpi}, errNotHeld
		}
	}
	img.profile = iccFor(img.profile, img.channels)
	switch {
	case palette:
		if n := len(img.palette); n < 3 || n%3 != 0 || n > 3*256 {
			return embedded{}, fmt.Errorf("a palette of %d bytes: %w", n, errNotHeld)
		}
		img.channels, img.profile = 1, nil // the palette's colours are read as sRGB
	case img.channels == 1:
		img.space, img.palette = "/DeviceGray", nil
	case img.channels == 3:
		img.space, img.palette = "/DeviceRGB", nil
	default:
		return embedded{}, errNotHeld
	}
	img.filter = fmt.Sprintf(" /Filter /FlateDecode /DecodeParms << /Predictor 15 /Colors %d /BitsPerComponent %d /Columns %d >>",
		img.channels, img.bits, img.width)
	return img, nil
}

// pngProfile unpacks an iCCP chunk: a name, a zero, the method 0, and the profile compressed.
func pngProfile(body []byte) []byte {
	_, rest, ok := bytes.Cut(body, []byte{0})
	if !ok || len(rest) < 1 || rest[0] != 0 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(rest[1:]))
	if err != nil {
		return nil
	}
	profile, err := io.ReadAll(io.LimitReader(z, maxProfile+1))
	if err != nil {
		return nil
	}
	return profile
}
