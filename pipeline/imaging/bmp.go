package imaging

import (
	"encoding/binary"
	"fmt"
)

func sniffBMP(b []byte) (Header, error) {
	if len(b) < 26 {
		return Header{}, truncated(BMP, "inside the file header")
	}
	var (
		le          = binary.LittleEndian
		pixels      = int64(le.Uint32(b[10:]))
		size        = int64(le.Uint32(b[14:]))
		w, h        int64
		bits        int
		compression uint32
	)
	switch size {
	case 12:
		w, h, bits = int64(le.Uint16(b[18:])), int64(le.Uint16(b[20:])), int(le.Uint16(b[24:]))
	case 40, 52, 56, 64, 108, 124:
		if int64(len(b)) < 14+size {
			return Header{}, truncated(BMP, "inside the picture header")
		}
		w, h, bits = int64(int32(le.Uint32(b[18:]))), int64(int32(le.Uint32(b[22:]))), int(le.Uint16(b[28:]))
		compression = le.Uint32(b[30:])
	default:
		return Header{}, corrupt(BMP, fmt.Sprintf("picture header of %d bytes", size))
	}
	if h < 0 {
		h = -h // rows stored from top to bottom
	}
	if w <= 0 || h <= 0 {
		return Header{}, corrupt(BMP, fmt.Sprintf("size %dx%d", w, h))
	}
	p := PageHeader{Width: int(w), Height: int(h), Bits: 8, Channels: 3, Orientation: Upright}
	if bits <= 8 {
		p.Bits, p.Channels = bits, 1
	}
	switch {
	case compression == 0 && (bits == 1 || bits == 4 || bits == 8 || bits == 24 || bits == 32):
	case compression == 1 && bits == 8:
		p.Compression = "RLE8"
	case compression == 2 && bits == 4:
		p.Compression = "RLE4"
	case (compression == 3 || compression == 6) && bits == 32:
		p.Compression = "bit fields"
	default:
		return Header{}, unsupported(BMP, fmt.Sprintf("%d bits and compression %d", bits, compression))
	}
	if pixels < 14+size || pixels > int64(len(b)) {
		return Header{}, corrupt(BMP, fmt.Sprintf("pixel data at byte %d of %d", pixels, len(b)))
	}
	have := int64(len(b)) - pixels
	if compression == 0 || compression == 3 || compression == 6 {
		if need := (w*int64(bits) + 31) / 32 * 4 * h; have < need {
			return Header{}, truncated(BMP, fmt.Sprintf("%d bytes of pixel data, %d needed", have, need))
		}
	} else if have < 2 || b[len(b)-2] != 0 && have*255 < w*h {
		// A run of 255 pixels takes 2 bytes; fewer bytes than that are only plausible for a picture cut by an end marker.
		return Header{}, truncated(BMP, fmt.Sprintf("%d bytes of run-length data for %dx%d px", have, w, h))
	}
	return single(BMP, p), nil
}
