package export

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// jpegImage embeds a JPEG byte for byte (DCTDecode). imaging.Sniff has accepted the file, so that its segments are whole.
func jpegImage(b []byte, h imaging.Header) (embedded, error) {
	img := embedded{
		width: h.Width, height: h.Height, orientation: h.Orientation, channels: h.Channels, bits: 8,
		filter: " /Filter /DCTDecode", data: [][]byte{b},
	}
	s := jpegSegments(b)
	img.dpi = s.dpi
	img.profile = iccFor(s.profile, h.Channels)
	switch h.Channels {
	case 1:
		img.space = "/DeviceGray"
	case 3:
		img.space = "/DeviceRGB"
		if !s.adobe && s.rgb {
			// The components are named R, G and B: decoders of files know by that; PDF's want to be told.
			img.filter += " /DecodeParms << /ColorTransform 0 >>"
		}
	case 4:
		if img.profile == nil {
			// PDF/A permits CMYK only with a profile: the file's output intent is sRGB.
			img.profile = cmykProfile()
		}
		if s.adobe {
			img.filter += " /Decode [1 0 1 0 1 0 1 0]" // Adobe writes inks inverted
		}
	default:
		return img, fmt.Errorf("a JPEG of %d components: %w", h.Channels, errNotHeld)
	}
	return img, nil
}

// segments is what a JPEG's marker segments say beyond the picture.
type segments struct {
	adobe   bool // an Adobe segment says how components are stored
	rgb     bool // the components are named R, G, B
	dpi     float64
	profile []byte // ICC, put together
}

func jpegSegments(b []byte) segments {
	var s segments
	parts := map[byte][]byte{}
	for at := 2; at+4 <= len(b) && b[at] == 0xff; {
		marker := b[at+1]
		if marker == 0xff { // fill
			at++
			continue
		}
		if marker == 0x01 || marker >= 0xd0 && marker <= 0xd7 {
			at += 2
			continue
		}
		size := int(binary.BigEndian.Uint16(b[at+2:]))
		if marker == 0xda || size < 2 || at+2+size > len(b) {
			break
		}
		body := b[at+4 : at+2+size]
		at += 2 + size
		switch {
		case marker == 0xe0 && bytes.HasPrefix(body, []byte("JFIF\x00")) && len(body) >= 12:
			x := float64(binary.BigEndian.Uint16(body[8:]))
			switch body[7] {
			case 1:
				s.dpi = x
			case 2:
				s.dpi = x * 2.54
			}
		case marker == 0xe2 && bytes.HasPrefix(body, []byte("ICC_PROFILE\x00")) && len(body) >= 14:
			parts[body[12]] = body[14:] // numbered from 1
		case marker == 0xee && bytes.HasPrefix(body, []byte("Adobe")):
			s.adobe = true
		case marker >= 0xc0 && marker <= 0xc2 && len(body) >= 6+9 && body[5] == 3:
			s.rgb = body[6] == 'R' && body[9] == 'G' && body[12] == 'B'
		}
	}
	for n := 1; n < 256 && parts[byte(n)] != nil; n++ {
		s.profile = append(s.profile, parts[byte(n)]...)
	}
	return s
}
