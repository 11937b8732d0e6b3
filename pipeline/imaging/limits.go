package imaging

import (
	"fmt"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Limits bounds what a picture may cost before a pixel of it is decoded. A field that is 0 or less sets no limit.
type Limits struct {
	MaxBytes  int64 // encoded size; configuration key limits.max_image_bytes
	MaxPixels int64 // width times height of one page; limits.max_pixels
	MaxSide   int   // width or height in pixels; limits.max_image_side
	MaxFrames int   // pages of a multi-page file; limits.max_pages
}

// DefaultLimits holds an A3 page scanned in colour at 600 dpi (70 megapixels) and a long chat screenshot. Decoding at
// MaxPixels holds 600 MB for a moment for 8-bit colour, and up to three times that with 16 bits and alpha
// (see [PageHeader.DecodeMemory]).
func DefaultLimits() Limits {
	return Limits{MaxBytes: 64 << 20, MaxPixels: 100_000_000, MaxSide: 40_000, MaxFrames: 500}
}

// CheckBytes refuses empty content, and content of more than MaxBytes bytes.
func (l Limits) CheckBytes(n int) error {
	if n == 0 {
		return &refusal.Error{Reason: refusal.Empty, Msg: "the image is empty (0 bytes); send " + accepted}
	}
	if l.MaxBytes > 0 && int64(n) > l.MaxBytes {
		return &refusal.Error{Reason: refusal.TooLarge, Limit: l.MaxBytes, Got: int64(n),
			Msg: fmt.Sprintf("the image has %d bytes, over the limit of %d (config limits.max_image_bytes); send it compressed or smaller", n, l.MaxBytes)}
	}
	return nil
}

// Check refuses what the header promises to be over a limit, and animations, of which one frame would be a silent loss.
func (h Header) Check(l Limits) error {
	if h.Animated {
		return refusal.New(refusal.UnsupportedType,
			"animated %v (%d frames): only still pictures are accepted; send its frames as separate pictures", h.Format, h.Frames)
	}
	if l.MaxFrames > 0 && h.Frames > l.MaxFrames {
		return &refusal.Error{Reason: refusal.TooManyPages, Limit: int64(l.MaxFrames), Got: int64(h.Frames),
			Msg: fmt.Sprintf("the %v has %d pages, over the limit of %d (config limits.max_pages); send fewer pages at a time", h.Format, h.Frames, l.MaxFrames)}
	}
	for i, p := range h.Pages {
		where := ""
		if len(h.Pages) > 1 {
			where = fmt.Sprintf("page %d: ", i+1)
		}
		if err := l.checkSize(where, "", int64(p.Width), int64(p.Height)); err != nil {
			return err
		}
		if err := l.checkSize(where, "tile of ", int64(p.TileWidth), int64(p.TileHeight)); err != nil {
			return err
		}
	}
	return nil
}

func (l Limits) checkSize(where, what string, width, height int64) error {
	if side := max(width, height); l.MaxSide > 0 && side > int64(l.MaxSide) {
		return &refusal.Error{Reason: refusal.TooLarge, Limit: int64(l.MaxSide), Got: side,
			Msg: fmt.Sprintf("%s%s%dx%d px exceeds max_image_side %d (config limits.max_image_side); send it scaled down or cut", where, what, width, height, l.MaxSide)}
	}
	if l.MaxPixels > 0 && width*height > l.MaxPixels {
		return &refusal.Error{Reason: refusal.TooLarge, Limit: l.MaxPixels, Got: width * height,
			Msg: fmt.Sprintf("%s%s%dx%d px exceeds max_pixels %d (config limits.max_pixels); send it scaled down or cut", where, what, width, height, l.MaxPixels)}
	}
	return nil
}
