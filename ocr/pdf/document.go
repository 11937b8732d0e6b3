package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Resolutions that pages are rendered at.
const (
	minDPI = 10
	maxDPI = 1200
)

// Document is an opened PDF. It is safe for concurrent use.
type Document struct {
	limits Limits
	info   info

	mu   sync.RWMutex // writing: close
	file *os.File     // sealed anonymous memory; nil when closed
}

// Open checks the file and counts its pages. It refuses, as refusal.Error, what is empty (EMPTY), not a PDF
// (UNSUPPORTED_TYPE), damaged beyond opening (CORRUPT), locked with a password (ENCRYPTED; a file that may be opened but
// not printed or copied is accepted) or over a limit (TOO_LARGE, TOO_MANY_PAGES, TOO_LONG). The bytes are copied.
func Open(ctx context.Context, content []byte, l Limits) (*Document, error) {
	l = l.withDefaults()
	if err := l.checkContent(content); err != nil {
		return nil, err
	}
	file, err := inMemory(content)
	if err != nil {
		return nil, err
	}
	d := &Document{limits: l, file: file}
	if err := d.inspect(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// inMemory puts the content into an anonymous file that nobody can change any more.
func inMemory(content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("document.pdf", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("create anonymous file: %w", err)
	}
	file := os.NewFile(uintptr(fd), "document.pdf")
	_, err = file.Write(content)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fill anonymous file: %w", err), file.Close())
	}
	return file, nil
}

// infoBytes bounds pdfinfo's output: about 60 bytes a page, and the file's own title and such before.
func (l Limits) infoBytes() int64 { return 1<<20 + 200*int64(l.MaxPages) }

func (d *Document) inspect(ctx context.Context) error {
	var out []byte
	args := []string{"-enc", "UTF-8", "-f", "1", "-l", strconv.Itoa(d.limits.MaxPages), childFile}
	_, err := run(ctx, d.limits, d.file, "pdfinfo", args, func(r io.Reader) error {
		var err error
		out, err = io.ReadAll(io.LimitReader(r, d.limits.infoBytes()+1))
		if err == nil && int64(len(out)) > d.limits.infoBytes() {
			err = errors.New("its description is too long")
		}
		return err
	})
	if err != nil {
		return d.refuse("the PDF", err)
	}
	d.info, err = parseInfo(string(out))
	if err != nil {
		return &refusal.Error{Reason: refusal.Corrupt, Msg: "the PDF is damaged", Err: err}
	}
	if d.info.pages == 0 {
		return refusal.New(refusal.Empty, "the PDF has no pages")
	}
	return d.limits.checkPages(d.info.pages)
}

// refuse turns a child's end into the words of the caller.
func (d *Document) refuse(what string, err error) error {
	var child *childError
	switch {
	case errors.Is(err, errOverTime):
		return &refusal.Error{Reason: refusal.TooLong, Limit: int64(d.limits.PageTime / time.Second),
			Msg: fmt.Sprintf("%s takes longer than %v to read; send it simplified, or as pictures", what, d.limits.PageTime)}
	case errors.Is(err, errOverMemory):
		return &refusal.Error{Reason: refusal.TooLarge, Limit: d.limits.MaxMemory,
			Msg: fmt.Sprintf("%s needs more than %d MiB of memory; ask for a lower resolution, or send it as pictures", what, d.limits.MaxMemory>>20)}
	case !errors.As(err, &child):
		return fmt.Errorf("%s: %w", what, err)
	case strings.Contains(child.stderr, "Incorrect password"), strings.Contains(child.stderr, "security handler"):
		return refusal.New(refusal.Encrypted, "%s is locked with a password; send it unlocked", what)
	}
	return &refusal.Error{Reason: refusal.Corrupt, Msg: what + " is damaged and cannot be read", Err: child}
}

// Pages is the number of pages.
func (d *Document) Pages() int { return d.info.pages }

// Size is the visible size of a page, from 1.
func (d *Document) Size(page int) (Size, error) {
	if err := d.checkPage(page); err != nil {
		return Size{}, err
	}
	s, err := d.info.size(page)
	if err != nil {
		return Size{}, &refusal.Error{Reason: refusal.Corrupt, Field: "page", Msg: fmt.Sprintf("page %d is damaged", page), Err: err}
	}
	return s, nil
}

func (d *Document) checkPage(page int) error {
	if page < 1 || page > d.info.pages {
		return &refusal.Error{Reason: refusal.InvalidValue, Field: "page", Limit: int64(d.info.pages), Got: int64(page),
			Msg: fmt.Sprintf("page %d: the PDF has pages 1 to %d", page, d.info.pages)}
	}
	return nil
}

// Render draws a page, from 1, at a resolution of 10 to 1200 dpi. A page that would be larger than the limits is refused
// with the resolution that would do (TOO_LARGE), one that takes too long with TOO_LONG, a damaged one with CORRUPT, even
// when the rest of the file is well.
func (d *Document) Render(ctx context.Context, page int, dpi float64) (*imaging.Raster, error) {
	if !(dpi >= minDPI && dpi <= maxDPI) {
		return nil, &refusal.Error{Reason: refusal.InvalidValue, Field: "dpi", Limit: maxDPI, Got: int64(dpi),
			Msg: fmt.Sprintf("a resolution of %g dpi; %d to %d is accepted", dpi, minDPI, maxDPI)}
	}
	size, err := d.Size(page)
	if err != nil {
		return nil, err
	}
	if err := d.limits.checkSize(page, size, dpi); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.file == nil {
		return nil, fmt.Errorf("page %d: the PDF is closed", page)
	}
	var picture *imaging.Raster
	number := strconv.Itoa(page)
	args := []string{"-cropbox", "-r", strconv.FormatFloat(dpi, 'f', -1, 64), "-f", number, "-l", number, childFile}
	stderr, err := run(ctx, d.limits, d.file, "pdftoppm", args, func(r io.Reader) error {
		var err error
		picture, err = readPPM(r, d.limits)
		return err
	})
	if err != nil {
		return nil, d.refuse("page "+number, err)
	}
	if w, h := size.pixels(dpi); math.Abs(w-float64(picture.Width)) > 1 || math.Abs(h-float64(picture.Height)) > 1 {
		return nil, refusal.New(refusal.Corrupt, "page %d comes out as %dx%d px instead of %.0fx%.0f", page, picture.Width, picture.Height, w, h)
	}
	// Poppler draws what it can. A blank page after an error holds nothing that could be read, and must not pass for an
	// empty one.
	if strings.Contains(stderr, "Error") && blank(picture) {
		first, _, _ := strings.Cut(stderr, "\n")
		return nil, refusal.New(refusal.Corrupt, "page %d is damaged: it comes out blank after %.200q", page, first)
	}
	return picture, nil
}

// blank tells whether all pixels are alike.
func blank(r *imaging.Raster) bool {
	for i := 3; i < len(r.Pix); i++ {
		if r.Pix[i] != r.Pix[i-3] {
			return false
		}
	}
	return true
}

// Close frees the document's memory once running calls have ended. Further calls do nothing.
func (d *Document) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return nil
	}
	err := d.file.Close()
	d.file = nil
	return err
}
