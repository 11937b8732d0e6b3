package imaging

import (
	"encoding/binary"
	"fmt"
)

func sniffWebP(b []byte) (Header, error) {
	le := binary.LittleEndian
	end := int64(le.Uint32(b[4:])) + 8
	if end > int64(len(b)) {
		return Header{}, truncated(WebP, fmt.Sprintf("%d of %d bytes", len(b), end))
	}
	var (
		p, canvas PageHeader
		extended  bool
		animated  bool
		picture   bool
		frames    int
		orient    = Upright
		at        = int64(12)
	)
	for at+8 <= end {
		kind, size := string(b[at:at+4]), int64(le.Uint32(b[at+4:]))
		if at+8+size > end {
			return Header{}, truncated(WebP, "inside chunk "+kind)
		}
		data := b[at+8 : at+8+size]
		at += 8 + size + size&1
		switch kind {
		case "VP8X":
			if len(data) < 10 {
				return Header{}, corrupt(WebP, "short VP8X chunk")
			}
			extended = true
			animated = data[0]&0x02 != 0
			canvas.Alpha = data[0]&0x10 != 0
			canvas.Width = 1 + int(uint32(data[4])|uint32(data[5])<<8|uint32(data[6])<<16)
			canvas.Height = 1 + int(uint32(data[7])|uint32(data[8])<<8|uint32(data[9])<<16)
		case "VP8 ", "VP8L":
			if picture {
				return Header{}, corrupt(WebP, "two pictures")
			}
			picture = true
			var ok bool
			if p, ok = parseVP8(kind, data); !ok {
				return Header{}, corrupt(WebP, "frame header")
			}
		case "ANMF":
			frames++
		case "EXIF":
			// Some writers keep JPEG's prefix.
			if len(data) > 6 && string(data[:6]) == "Exif\x00\x00" {
				data = data[6:]
			}
			if o := exifOrientation(data); o != 0 {
				orient = o
			}
		}
	}
	switch {
	case animated:
		canvas.Bits, canvas.Channels, canvas.Orientation = 8, 3, orient
		h := single(WebP, canvas)
		h.Animated, h.Frames = true, max(1, frames)
		return h, nil
	case !picture:
		return Header{}, corrupt(WebP, "no picture chunk")
	case extended && (p.Width != canvas.Width || p.Height != canvas.Height):
		return Header{}, corrupt(WebP, fmt.Sprintf("a picture of %dx%d px on a canvas of %dx%d px", p.Width, p.Height, canvas.Width, canvas.Height))
	}
	p.Alpha = p.Alpha || canvas.Alpha
	if p.Alpha {
		p.Channels = 4
	}
	p.Orientation = orient
	return single(WebP, p), nil
}

// parseVP8 reads the key frame header of RFC 6386 section 9.1, or the lossless header of RFC 9649 section 3.4.
func parseVP8(kind string, d []byte) (PageHeader, bool) {
	p := PageHeader{Bits: 8, Channels: 3}
	if kind == "VP8L" {
		if len(d) < 5 || d[0] != 0x2f {
			return p, false
		}
		v := binary.LittleEndian.Uint32(d[1:])
		p.Width, p.Height = int(v&0x3fff)+1, int(v>>14&0x3fff)+1
		p.Alpha = v>>28&1 == 1
		p.Compression = "lossless"
		return p, v>>29 == 0
	}
	if len(d) < 10 || d[0]&1 != 0 || d[3] != 0x9d || d[4] != 0x01 || d[5] != 0x2a {
		return p, false
	}
	p.Width = int(binary.LittleEndian.Uint16(d[6:]) & 0x3fff)
	p.Height = int(binary.LittleEndian.Uint16(d[8:]) & 0x3fff)
	return p, p.Width > 0 && p.Height > 0
}
