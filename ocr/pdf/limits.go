package pdf

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Limits bounds what one file and one page may cost. A field that is 0 or less takes its default.
type Limits struct {
	MaxBytes  int64         // of the file; configuration key limits.max_pdf_bytes
	MaxPages  int           // limits.max_pages
	MaxPixels int64         // of one rendered page; limits.max_pixels
	MaxSide   int           // width or height of a rendered page in pixels; limits.max_image_side
	PageTime  time.Duration // for rendering one page, and for opening the file
	MaxMemory int64         // address space of a child process in bytes
}

// DefaultLimits holds a case file of a thousand pages, each up to A3 at 600 dpi.
func DefaultLimits() Limits {
	return Limits{MaxBytes: 60 << 20, MaxPages: 1000, MaxPixels: 100_000_000, MaxSide: 30_000, PageTime: time.Minute, MaxMemory: 2 << 30}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.MaxBytes <= 0 {
		l.MaxBytes = d.MaxBytes
	}
	if l.MaxPages <= 0 {
		l.MaxPages = d.MaxPages
	}
	if l.MaxPixels <= 0 {
		l.MaxPixels = d.MaxPixels
	}
	if l.MaxSide <= 0 {
		l.MaxSide = d.MaxSide
	}
	if l.PageTime <= 0 {
		l.PageTime = d.PageTime
	}
	if l.MaxMemory <= 0 {
		l.MaxMemory = d.MaxMemory
	}
	return l
}

// sniffed is how far into a file the marker may lie: readers accept junk before it (ISO 32000-1, Annex H, note 13).
const sniffed = 1024

// Sniff tells whether the content is a PDF.
func Sniff(content []byte) bool {
	return bytes.Contains(content[:min(len(content), sniffed)], []byte("%PDF-"))
}

func (l Limits) checkContent(content []byte) error {
	switch {
	case len(content) == 0:
		return refusal.New(refusal.Empty, "the document is empty (0 bytes); send a PDF")
	case int64(len(content)) > l.MaxBytes:
		return &refusal.Error{Reason: refusal.TooLarge, Limit: l.MaxBytes, Got: int64(len(content)),
			Msg: fmt.Sprintf("the PDF has %d bytes, over the limit of %d (config limits.max_pdf_bytes); send it in parts", len(content), l.MaxBytes)}
	case !Sniff(content):
		return refusal.New(refusal.UnsupportedType, "the document is not a PDF: no %%PDF- within its first %d bytes", sniffed)
	}
	return nil
}

func (l Limits) checkPages(pages int) error {
	if pages > l.MaxPages {
		return &refusal.Error{Reason: refusal.TooManyPages, Limit: int64(l.MaxPages), Got: int64(pages),
			Msg: fmt.Sprintf("the PDF has %d pages, over the limit of %d (config limits.max_pages); send it in parts", pages, l.MaxPages)}
	}
	return nil
}

// checkSize refuses a page that would become too large at dpi, and names the resolution that would do.
func (l Limits) checkSize(page int, s Size, dpi float64) error {
	w, h := s.pixels(dpi)
	advice := "no resolution makes it fit"
	if fit := math.Floor(l.fit(s)); fit >= minDPI {
		advice = fmt.Sprintf("ask for at most %.0f dpi", fit)
	}
	if side := max(w, h); side > float64(l.MaxSide) {
		return &refusal.Error{Reason: refusal.TooLarge, Field: "dpi", Limit: int64(l.MaxSide), Got: int64(side),
			Msg: fmt.Sprintf("page %d: %.0fx%.0f px at %g dpi exceeds max_image_side %d (config limits.max_image_side); %s", page, w, h, dpi, l.MaxSide, advice)}
	}
	if w*h > float64(l.MaxPixels) {
		return &refusal.Error{Reason: refusal.TooLarge, Field: "dpi", Limit: l.MaxPixels, Got: int64(w * h),
			Msg: fmt.Sprintf("page %d: %.0fx%.0f px at %g dpi exceeds max_pixels %d (config limits.max_pixels); %s", page, w, h, dpi, l.MaxPixels, advice)}
	}
	return nil
}

// fit is the highest resolution at which a page of size s stays within the limits.
func (l Limits) fit(s Size) float64 {
	// One pixel less a side leaves room for rounding up.
	side := (float64(l.MaxSide) - 1) / max(s.Width, s.Height)
	area := (math.Sqrt(float64(l.MaxPixels)) - 1) / math.Sqrt(s.Width*s.Height)
	return pointsPerInch * min(side, area)
}
