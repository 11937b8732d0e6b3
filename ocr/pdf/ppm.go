package pdf

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// readPPM reads one binary portable pixmap (P6, 8 bits) and nothing after it. Its size is checked against the limits
// before the pixels' memory is taken.
func readPPM(r io.Reader, l Limits) (*imaging.Raster, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	var magic [2]byte
	if _, err := io.ReadFull(b, magic[:]); err != nil {
		return nil, fmt.Errorf("no picture: %w", err)
	}
	if string(magic[:]) != "P6" {
		return nil, fmt.Errorf("not a portable pixmap: begins with %q", magic)
	}
	var field [3]int // width, height, maximum
	for i := range field {
		n, err := readNumber(b)
		if err != nil {
			return nil, fmt.Errorf("portable pixmap's header: %w", err)
		}
		field[i] = n
	}
	width, height := field[0], field[1]
	switch {
	case field[2] != 255:
		return nil, fmt.Errorf("portable pixmap with maximum %d, not 255", field[2])
	case width < 1 || height < 1:
		return nil, fmt.Errorf("portable pixmap of %dx%d px", width, height)
	case width > l.MaxSide || height > l.MaxSide || int64(width)*int64(height) > l.MaxPixels:
		return nil, fmt.Errorf("portable pixmap of %dx%d px is over the limits", width, height)
	}
	pix, err := readPixels(b, 3*width*height)
	if err != nil {
		return nil, fmt.Errorf("portable pixmap of %dx%d px: %w", width, height, err)
	}
	if _, err := b.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one picture")
	}
	for i := 0; i < len(pix); i += 3 {
		pix[i], pix[i+2] = pix[i+2], pix[i]
	}
	return &imaging.Raster{Pix: pix, Width: width, Height: height}, nil
}

// readPixels takes memory as the bytes arrive, so that a header alone costs little.
func readPixels(r io.Reader, n int) ([]byte, error) {
	const step = 32 << 20
	pix := make([]byte, 0, min(n, step))
	for len(pix) < n {
		from := len(pix)
		to := min(n, from+step)
		if cap(pix) < to {
			grown := make([]byte, from, min(n, 2*cap(pix)))
			copy(grown, pix)
			pix = grown
			to = min(to, cap(pix))
		}
		pix = pix[:to]
		if _, err := io.ReadFull(r, pix[from:]); err != nil {
			return nil, err
		}
	}
	return pix, nil
}

// readNumber reads a decimal number, the white space and comments before it, and the single white space after it.
func readNumber(b *bufio.Reader) (int, error) {
	const most = 1 << 24
	n, digits, comment := 0, 0, false
	for range 4096 {
		c, err := b.ReadByte()
		if err != nil {
			return 0, err
		}
		space := c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'
		switch {
		case comment:
			comment = c != '\n' && c != '\r'
		case space && digits > 0:
			return n, nil
		case space:
		case c == '#' && digits == 0:
			comment = true
		case c >= '0' && c <= '9':
			n, digits = 10*n+int(c-'0'), digits+1
			if n > most {
				return 0, fmt.Errorf("number above %d", most)
			}
		default:
			return 0, fmt.Errorf("unexpected byte %q", c)
		}
	}
	return 0, errors.New("too long")
}
