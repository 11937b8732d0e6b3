package imaging

import (
	"bytes"
	"encoding/binary"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Format is a still-picture file format that is accepted.
type Format uint8

// The accepted formats.
const (
	JPEG Format = iota + 1 // ITU-T T.81: baseline, extended and progressive Huffman, 8 bits
	PNG                    // W3C PNG, third edition
	TIFF                   // TIFF 6.0 with Supplement 2 (Deflate), classic 32-bit offsets, any number of pages
	BMP                    // Windows bitmap, core header to version 5
	WebP                   // RFC 9649: lossy, lossless, extended
)

// String returns the format's usual name.
func (f Format) String() string {
	if int(f) >= len(formatNames) {
		return "unknown"
	}
	return formatNames[f]
}

// MediaType returns the format's IANA media type.
func (f Format) MediaType() string {
	if int(f) >= len(mediaTypes) {
		return mediaTypes[0]
	}
	return mediaTypes[f]
}

var (
	formatNames = [...]string{"unknown", "JPEG", "PNG", "TIFF", "BMP", "WebP"}
	mediaTypes  = [...]string{"application/octet-stream", "image/jpeg", "image/png", "image/tiff", "image/bmp", "image/webp"}
)

const accepted = "JPEG, PNG, TIFF, BMP or WebP"

// PageHeader says what one page would become.
type PageHeader struct {
	Width, Height         int // pixels as stored, before Orientation; >= 1
	Orientation           Orientation
	Bits                  int    // of one channel as stored: 1, 2, 4, 8 or 16
	Channels              int    // as stored: 1 grey or palette, 2 grey and alpha, 3 colour, 4 with alpha or CMYK
	Alpha                 bool   // some pixels may be transparent; they are laid over white
	ColorKey              bool   // PNG: grey or RGB with one value that counts as transparent
	CMYK                  bool   // four inks instead of light
	WhiteIsZero           bool   // TIFF: grey samples count ink
	Planar                bool   // TIFF: each channel stored apart
	Interlaced            bool   // PNG Adam7, progressive JPEG
	Compression           string // within the format: "CCITT G4", "RLE8", "lossless"; "" for the usual one
	TileWidth, TileHeight int    // TIFF tiles, else 0
	Offset                uint32 // TIFF: where the page's directory (IFD) starts
}

// UprightSize returns width and height after Orientation is applied.
func (p PageHeader) UprightSize() (width, height int) {
	if p.Orientation.Swaps() {
		return p.Height, p.Width
	}
	return p.Width, p.Height
}

// DecodeMemory estimates the bytes that decoding the page holds at its peak: the decoder's own picture, a progressive
// JPEG's coefficients, the [Raster], and a second one where the picture has to be turned.
func (p PageHeader) DecodeMemory() int64 {
	channels := max(int64(p.Channels), 3)
	if p.Alpha || p.CMYK {
		channels = 4
	}
	perPixel := channels*int64((p.Bits+7)/8) + 3
	if p.Interlaced {
		perPixel += 2 * channels
	}
	if p.Orientation != Upright {
		perPixel += 3
	}
	return perPixel * int64(p.Width) * int64(p.Height)
}

// Header is what a file says of itself before it is decoded. The embedded PageHeader is the first page's.
type Header struct {
	Format Format
	Frames int // pages of a TIFF, frames of an animation, else 1
	// Animated pictures are recognised so that [Header.Check] can refuse them by name.
	Animated bool
	PageHeader
	Pages []PageHeader // one a page; a single one for an animation
}

// Sniff recognises the format by content, and reads dimensions, depth, page count and orientation from the headers. It
// walks the whole container (never the compressed pixels), so that a file that ends too early is refused here, whatever
// a decoder would make of it. Time and memory are linear in len(b) with small constants. Errors are *refusal.Error:
// EMPTY, UNSUPPORTED_TYPE (with the accepted types), TRUNCATED, CORRUPT. Sizes are checked by [Header.Check].
func Sniff(b []byte) (Header, error) {
	var (
		h   Header
		err error
	)
	switch {
	case len(b) == 0:
		return Header{}, Limits{}.CheckBytes(0)
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		h, err = sniffJPEG(b)
	case bytes.HasPrefix(b, []byte(pngSignature)):
		h, err = sniffPNG(b)
	case bytes.HasPrefix(b, []byte("II*\x00")):
		h, err = sniffTIFF(b, binary.LittleEndian)
	case bytes.HasPrefix(b, []byte("MM\x00*")):
		h, err = sniffTIFF(b, binary.BigEndian)
	case bytes.HasPrefix(b, []byte("BM")):
		h, err = sniffBMP(b)
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		h, err = sniffWebP(b)
	default:
		return Header{}, refusal.New(refusal.UnsupportedType, "%s is not accepted; send %s", describe(b), accepted)
	}
	if err != nil {
		return Header{}, err
	}
	for i := range h.Pages {
		h.Pages[i].Orientation = h.Pages[i].Orientation.normalise()
	}
	h.PageHeader = h.Pages[0]
	return h, nil
}

// single makes the header of a one-page file.
func single(f Format, p PageHeader) Header {
	return Header{Format: f, Frames: 1, Pages: []PageHeader{p}}
}

// describe names a type that users do send, for the refusal's message.
func describe(b []byte) string {
	brand := ""
	if len(b) >= 12 && string(b[4:8]) == "ftyp" {
		brand = string(b[8:12])
	}
	switch {
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return "a GIF"
	case brand == "avif" || brand == "avis":
		return "an AVIF picture"
	case brand == "heic" || brand == "heix" || brand == "hevc" || brand == "mif1" || brand == "msf1":
		return "a HEIC picture"
	case brand != "":
		return "an MP4-like file"
	case bytes.HasPrefix(b, []byte("%PDF-")):
		return "a PDF where an image was expected"
	case bytes.HasPrefix(b, []byte("II+\x00")), bytes.HasPrefix(b, []byte("MM\x00+")):
		return "a BigTIFF"
	case bytes.HasPrefix(b, []byte("\x00\x00\x00\x0cjP  ")), bytes.HasPrefix(b, []byte("\xff\x4f\xff\x51")):
		return "a JPEG 2000 picture"
	case bytes.HasPrefix(b, []byte("\xff\x0a")), bytes.HasPrefix(b, []byte("\x00\x00\x00\x0cJXL ")):
		return "a JPEG XL picture"
	case bytes.HasPrefix(b, []byte("8BPS")):
		return "a Photoshop file"
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		return "a ZIP or Office file"
	case bytes.HasPrefix(bytes.TrimLeft(b[:min(len(b), 64)], "\xef\xbb\xbf \t\r\n"), []byte("<")):
		return "XML, SVG or HTML"
	}
	return "content of unknown type"
}

func truncated(format Format, where string) error {
	return refusal.New(refusal.Truncated, "the %v ends too early (%s); send the whole file", format, where)
}

func corrupt(format Format, what string) error {
	return refusal.New(refusal.Corrupt, "the %v is damaged (%s); save it again and resend", format, what)
}

func unsupported(format Format, what string) error {
	return refusal.New(refusal.UnsupportedType, "%v with %s is not accepted; save it as a plain 8-bit JPEG or PNG", format, what)
}
