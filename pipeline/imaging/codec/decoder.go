package codec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Config bounds what one [Decoder] does at a time.
type Config struct {
	MaxConcurrent int   // pictures decoded at a time; 0: the number of CPUs that Go uses
	MaxMemory     int64 // estimated bytes that running decodes may hold together; 0: 2 GiB
}

// Decoder decodes pictures, a bounded number at a time. It is safe for concurrent use and needs no closing.
type Decoder struct {
	slots, memory *semaphore.Weighted
	maxMemory     int64
}

// NewDecoder returns a decoder with its own bounds.
func NewDecoder(c Config) *Decoder {
	if c.MaxConcurrent <= 0 {
		c.MaxConcurrent = runtime.GOMAXPROCS(0)
	}
	if c.MaxMemory <= 0 {
		c.MaxMemory = 2 << 30
	}
	return &Decoder{slots: semaphore.NewWeighted(int64(c.MaxConcurrent)), memory: semaphore.NewWeighted(c.MaxMemory), maxMemory: c.MaxMemory}
}

// shared is the process-wide decoder of [Decode], [DecodeAll] and [Open].
var shared = sync.OnceValue(func() *Decoder { return NewDecoder(Config{}) })

// Decode returns the first page of b, upright, transparent parts laid over white, 16-bit samples scaled to 8. It waits
// for its turn until ctx ends; decoding of one page, once begun, runs to its end. Content that is not accepted gives a *refusal.Error (EMPTY, UNSUPPORTED_TYPE, TRUNCATED,
// CORRUPT, TOO_LARGE, TOO_MANY_PAGES).
func Decode(ctx context.Context, b []byte, lim imaging.Limits) (*imaging.Raster, imaging.Header, error) {
	return shared().Decode(ctx, b, lim)
}

// DecodeAll calls fn with each page of b in order, counted from 1, and stops at the first error. Where one damaged page
// must not cost the others, use [Open].
func DecodeAll(ctx context.Context, b []byte, lim imaging.Limits, fn func(page int, r *imaging.Raster) error) error {
	d, err := Open(b, lim)
	if err != nil {
		return err
	}
	for page := 1; page <= d.Pages(); page++ {
		r, err := d.Page(ctx, page)
		if err != nil {
			return err
		}
		if err := fn(page, r); err != nil {
			return err
		}
	}
	return nil
}

// Open checks b against the limits, for its pages to be decoded one by one.
func Open(b []byte, lim imaging.Limits) (*Document, error) { return shared().Open(b, lim) }

// Decode is [Decode] within d's bounds.
func (d *Decoder) Decode(ctx context.Context, b []byte, lim imaging.Limits) (*imaging.Raster, imaging.Header, error) {
	doc, err := d.Open(b, lim)
	if err != nil {
		return nil, imaging.Header{}, err
	}
	r, err := doc.Page(ctx, 1)
	return r, doc.header, err
}

// Open is [Open] within d's bounds.
func (d *Decoder) Open(b []byte, lim imaging.Limits) (*Document, error) {
	if err := lim.CheckBytes(len(b)); err != nil {
		return nil, err
	}
	h, err := imaging.Sniff(b)
	if err != nil {
		return nil, err
	}
	if err := h.Check(lim); err != nil {
		return nil, err
	}
	return &Document{decoder: d, b: b, header: h}, nil
}

// Document is a picture file whose headers are within the limits. It keeps the caller's bytes, which must not change;
// pages may be decoded concurrently and in any order.
type Document struct {
	decoder *Decoder
	b       []byte
	header  imaging.Header
}

// Header returns what the file says of itself.
func (d *Document) Header() imaging.Header { return d.header }

// Pages returns the number of pages, 1 or more.
func (d *Document) Pages() int { return len(d.header.Pages) }

// Page decodes one page, counted from 1.
func (d *Document) Page(ctx context.Context, page int) (*imaging.Raster, error) {
	return d.page(ctx, page, func(b []byte, p imaging.PageHeader) (*imaging.Raster, error) {
		r, err := decode(b, d.header.Format, p)
		if err != nil {
			return nil, err
		}
		if r.Width != p.Width || r.Height != p.Height {
			return nil, disagrees(d.header.Format, p, r.Width, r.Height)
		}
		return imaging.Orient(r, p.Orientation), nil
	})
}

// ReducedGray decodes one page, counted from 1, as grey levels at 1/divisor of its size, sides rounded up; divisor is
// 1, 2, 4 or 8. The three channels are equal. Limits, refusals and orientation
// are those of [Document.Page]. Only JPEG with OpenCV is cheaper for it, as most of the transform and the colours are never
// computed; everything else is decoded whole and then shrunk.
func (d *Document) ReducedGray(ctx context.Context, page, divisor int) (*imaging.Raster, error) {
	if divisor != 1 && divisor != 2 && divisor != 4 && divisor != 8 {
		return nil, refusal.New(refusal.InvalidValue, "pictures are reduced to 1/1, 1/2, 1/4 or 1/8 of their size, not 1/%d", divisor)
	}
	return d.page(ctx, page, func(b []byte, p imaging.PageHeader) (*imaging.Raster, error) {
		width, height := ceilDiv(p.Width, divisor), ceilDiv(p.Height, divisor)
		r, err := decodeReducedGray(b, d.header.Format, p, divisor)
		if err != nil {
			return nil, err
		}
		if r == nil {
			if r, err = decode(b, d.header.Format, p); err != nil {
				return nil, err
			}
			if r.Width != p.Width || r.Height != p.Height {
				return nil, disagrees(d.header.Format, p, r.Width, r.Height)
			}
			if divisor > 1 {
				r = imaging.Resize(r, width, height)
			}
			imaging.ToGray(r)
		}
		if r.Width != width || r.Height != height {
			return nil, disagrees(d.header.Format, p, r.Width*divisor, r.Height*divisor)
		}
		return imaging.Orient(r, p.Orientation), nil
	})
}

// page runs one page's decode when there is a slot and memory for it.
func (d *Document) page(ctx context.Context, page int, run func([]byte, imaging.PageHeader) (*imaging.Raster, error)) (*imaging.Raster, error) {
	if page < 1 || page > d.Pages() {
		return nil, refusal.New(refusal.InvalidValue, "page %d of %d", page, d.Pages())
	}
	p := d.header.Pages[page-1]
	need := min(p.DecodeMemory()+int64(len(d.b)), d.decoder.maxMemory)
	if err := d.decoder.slots.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("waiting for a decoder: %w", err)
	}
	defer d.decoder.slots.Release(1)
	if err := d.decoder.memory.Acquire(ctx, need); err != nil {
		return nil, fmt.Errorf("waiting for decoding memory: %w", err)
	}
	defer d.decoder.memory.Release(need)
	// A free semaphore is granted without a look at the context.
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := d.b
	if d.header.Format == imaging.TIFF {
		b = imaging.TIFFPage(b, p)
	}
	r, err := run(b, p)
	if err != nil {
		if d.Pages() > 1 {
			return nil, fmt.Errorf("page %d: %w", page, err)
		}
		return nil, err
	}
	return r, nil
}

// disagrees refuses a file whose pixels are not as many as its header promises.
func disagrees(f imaging.Format, p imaging.PageHeader, width, height int) error {
	return refusal.New(refusal.Corrupt, "the %v is damaged (its header promises %dx%d px, its pixels are %dx%d)",
		f, p.Width, p.Height, width, height)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// refuse turns a decoder's error into a refusal.
func refuse(f imaging.Format, err error) error {
	if _, ok := refusal.As(err); ok {
		return err
	}
	reason, what := refusal.Corrupt, "is damaged; save it again and resend"
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		reason, what = refusal.Truncated, "ends too early; send the whole file"
	}
	return &refusal.Error{Reason: reason, Msg: fmt.Sprintf("the %v %s", f, what), Err: err}
}
