package imaging

import (
	"encoding/binary"
	"fmt"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// deflateRatio is the most that one byte of a Deflate stream can expand to (258 bytes for 2 bits).
const deflateRatio = 1032

func sniffPNG(b []byte) (Header, error) {
	var (
		p                PageHeader
		colorType        byte
		idat             int64
		frames           = 1
		first            = true
		palette, hasData bool
	)
	p.Orientation = Upright
	for at := len(pngSignature); ; {
		if at+12 > len(b) {
			return Header{}, truncated(PNG, "no IEND chunk")
		}
		size, kind := binary.BigEndian.Uint32(b[at:]), string(b[at+4:at+8])
		if first && (kind != "IHDR" || size != 13) {
			return Header{}, corrupt(PNG, "it does not start with an IHDR chunk")
		}
		for i := range 4 {
			if c := kind[i] | 0x20; c < 'a' || c > 'z' {
				return Header{}, corrupt(PNG, fmt.Sprintf("chunk type %q", kind))
			}
		}
		if size > 1<<31-1 || int64(at)+12+int64(size) > int64(len(b)) {
			return Header{}, truncated(PNG, "inside chunk "+kind)
		}
		data := b[at+8 : at+8+int(size)]
		at += 12 + int(size)
		switch kind {
		case "IHDR":
			if !first {
				return Header{}, corrupt(PNG, "two IHDR chunks")
			}
			first = false
			var err error
			if colorType, err = parseIHDR(data, &p); err != nil {
				return Header{}, err
			}
		case "acTL":
			if len(data) == 8 {
				frames = max(1, int(min(binary.BigEndian.Uint32(data), 1<<30)))
			}
		case "PLTE":
			palette = true
		case "tRNS":
			p.Alpha = true
			p.ColorKey = colorType == 0 || colorType == 2
		case "eXIf":
			if o := exifOrientation(data); o != 0 {
				p.Orientation = o
			}
		case "IDAT":
			idat += int64(size)
			hasData = true
		case "IEND":
			if !hasData || colorType == 3 && !palette {
				return Header{}, corrupt(PNG, "no pixel data or no palette")
			}
			raw := int64(p.Height) * (1 + (int64(p.Width)*int64(p.Channels*p.Bits)+7)/8)
			if idat*deflateRatio < raw {
				return Header{}, truncated(PNG, fmt.Sprintf("%d bytes of pixel data for %dx%d px", idat, p.Width, p.Height))
			}
			h := single(PNG, p)
			h.Frames, h.Animated = frames, frames > 1
			return h, nil
		}
	}
}

func parseIHDR(d []byte, p *PageHeader) (colorType byte, err error) {
	w, h := binary.BigEndian.Uint32(d), binary.BigEndian.Uint32(d[4:])
	if w == 0 || h == 0 || w > 1<<31-1 || h > 1<<31-1 {
		return 0, corrupt(PNG, fmt.Sprintf("size %dx%d", w, h))
	}
	p.Width, p.Height, p.Bits = int(w), int(h), int(d[8])
	colorType = d[9]
	depths := map[byte]string{0: "\x01\x02\x04\x08\x10", 2: "\x08\x10", 3: "\x01\x02\x04\x08", 4: "\x08\x10", 6: "\x08\x10"}
	valid := false
	for _, c := range []byte(depths[colorType]) {
		valid = valid || c == d[8]
	}
	if !valid || d[10] != 0 || d[11] != 0 || d[12] > 1 {
		return 0, corrupt(PNG, fmt.Sprintf("colour type %d with %d bits, compression %d, filter %d, interlace %d", d[9], d[8], d[10], d[11], d[12]))
	}
	p.Channels = map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colorType]
	p.Alpha = colorType == 4 || colorType == 6
	p.Interlaced = d[12] == 1
	return colorType, nil
}
