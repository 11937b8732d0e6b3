package imaging

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// maxJPEGScans stops files whose thousands of progressive scans each cost a pass over the whole picture. Encoders write
// about 10; the finest script that the standard permits for 3 components is below 500.
const maxJPEGScans = 500

func sniffJPEG(b []byte) (Header, error) {
	var (
		p       PageHeader
		sof     bool
		scans   int
		entropy int64 // bytes of scan data
		maxH    = 1
		maxV    = 1
		at      = 2
	)
	p.Orientation = Upright
	for {
		if at >= len(b) {
			return Header{}, truncated(JPEG, "no end-of-image marker")
		}
		if b[at] != 0xff {
			return Header{}, corrupt(JPEG, fmt.Sprintf("no marker at byte %d", at))
		}
		for at < len(b) && b[at] == 0xff {
			at++
		}
		if at >= len(b) {
			return Header{}, truncated(JPEG, "no end-of-image marker")
		}
		marker := b[at]
		at++
		switch {
		case marker == 0xd9: // EOI
			if !sof || scans == 0 {
				return Header{}, corrupt(JPEG, "it ends before its picture")
			}
			// Every MCU costs a bit at least, whatever the process; less can't be the whole picture.
			mcus := ceilDiv(int64(p.Width), int64(8*maxH)) * ceilDiv(int64(p.Height), int64(8*maxV))
			if entropy*8 < mcus {
				return Header{}, truncated(JPEG, fmt.Sprintf("%d bytes of pixel data for %dx%d px", entropy, p.Width, p.Height))
			}
			return single(JPEG, p), nil
		case marker == 0x01 || marker >= 0xd0 && marker <= 0xd7: // TEM, RSTn: no length
			continue
		case marker == 0x00 || marker == 0xd8:
			return Header{}, corrupt(JPEG, fmt.Sprintf("marker 0x%02x at byte %d", marker, at-1))
		}
		if at+2 > len(b) {
			return Header{}, truncated(JPEG, "inside a marker segment")
		}
		size := int(binary.BigEndian.Uint16(b[at:]))
		if size < 2 {
			return Header{}, corrupt(JPEG, fmt.Sprintf("segment of %d bytes", size))
		}
		if at+size > len(b) {
			return Header{}, truncated(JPEG, "inside a marker segment")
		}
		segment := b[at+2 : at+size]
		at += size
		switch {
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc: // SOFn
			if sof {
				return Header{}, corrupt(JPEG, "two frame headers")
			}
			sof = true
			var err error
			if p.Width, p.Height, p.Channels, maxH, maxV, err = parseSOF(marker, segment); err != nil {
				return Header{}, err
			}
			p.Bits = 8
			p.Interlaced = marker == 0xc2
			p.CMYK = p.Channels == 4
		case marker == 0xe1 && bytes.HasPrefix(segment, []byte("Exif\x00\x00")):
			if o := exifOrientation(segment[6:]); o != 0 {
				p.Orientation = o
			}
		case marker == 0xda: // SOS: entropy-coded data follows to the next marker that is neither stuffing nor RSTn
			if !sof {
				return Header{}, corrupt(JPEG, "a scan before the frame header")
			}
			if scans++; scans > maxJPEGScans {
				return Header{}, corrupt(JPEG, fmt.Sprintf("more than %d scans", maxJPEGScans))
			}
			from := at
			for {
				i := bytes.IndexByte(b[at:], 0xff)
				if i < 0 || at+i+1 >= len(b) {
					return Header{}, truncated(JPEG, "inside the pixel data")
				}
				at += i
				if next := b[at+1]; next == 0 || next >= 0xd0 && next <= 0xd7 {
					at += 2
				} else if next == 0xff {
					at++
				} else {
					break
				}
			}
			entropy += int64(at - from)
		}
	}
}

// parseSOF reads a frame header (T.81 B.2.2).
func parseSOF(marker byte, s []byte) (width, height, channels, maxH, maxV int, err error) {
	if marker > 0xc2 {
		names := map[byte]string{0xc3: "lossless coding", 0xc9: "arithmetic coding", 0xca: "arithmetic coding", 0xcb: "lossless coding"}
		name, ok := names[marker]
		if !ok {
			name = "hierarchical coding"
		}
		return 0, 0, 0, 0, 0, unsupported(JPEG, name)
	}
	if len(s) < 6 || len(s) < 6+3*int(s[5]) {
		return 0, 0, 0, 0, 0, corrupt(JPEG, "short frame header")
	}
	height, width, channels = int(binary.BigEndian.Uint16(s[1:])), int(binary.BigEndian.Uint16(s[3:])), int(s[5])
	switch {
	case s[0] != 8:
		return 0, 0, 0, 0, 0, unsupported(JPEG, fmt.Sprintf("%d-bit samples", s[0]))
	case width == 0 || height == 0:
		return 0, 0, 0, 0, 0, corrupt(JPEG, fmt.Sprintf("size %dx%d", width, height))
	case channels != 1 && channels != 3 && channels != 4:
		return 0, 0, 0, 0, 0, unsupported(JPEG, fmt.Sprintf("%d components", channels))
	}
	maxH, maxV = 1, 1
	for c := range channels {
		h, v := int(s[7+3*c]>>4), int(s[7+3*c]&15)
		if h < 1 || h > 4 || v < 1 || v > 4 {
			return 0, 0, 0, 0, 0, corrupt(JPEG, fmt.Sprintf("sampling factors %dx%d", h, v))
		}
		maxH, maxV = max(maxH, h), max(maxV, v)
	}
	return width, height, channels, maxH, maxV, nil
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
