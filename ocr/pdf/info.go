package pdf

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

const pointsPerInch = 72

// Size is a page's visible area (crop box) as it is shown, after the page's own rotation.
type Size struct {
	Width, Height float64 // points, 1/72 inch
}

func (s Size) pixels(dpi float64) (w, h float64) {
	return math.Ceil(s.Width * dpi / pointsPerInch), math.Ceil(s.Height * dpi / pointsPerInch)
}

func (s Size) valid() bool {
	return s.Width > 0 && s.Height > 0 && s.Width < 1e9 && s.Height < 1e9
}

// info is what pdfinfo tells about a file.
type info struct {
	pages int
	sizes map[int]Size // by page number; a page with a broken box has none
}

// parseInfo reads the output of `pdfinfo -f 1 -l N`. What stands before the last "Pages:" line is the file's own text
// (its title can hold line breaks and pretend to be anything), so only what follows counts.
func parseInfo(out string) (info, error) {
	in := info{sizes: map[int]Size{}}
	rotated := map[int]bool{}
	found := false
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		if key == "Pages" {
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 {
				continue
			}
			in, found = info{pages: n, sizes: map[int]Size{}}, true
			clear(rotated)
			continue
		}
		page, what, ok := pageKey(key)
		if !ok {
			continue
		}
		switch what {
		case "size":
			if s, ok := parseSize(value); ok {
				in.sizes[page] = s
			}
		case "rot":
			if d, err := strconv.Atoi(value); err == nil && d%180 != 0 {
				rotated[page] = true
			}
		}
	}
	if !found {
		return info{}, errors.New("pdfinfo does not tell the number of pages")
	}
	for page := range rotated {
		if s, ok := in.sizes[page]; ok {
			in.sizes[page] = Size{s.Height, s.Width}
		}
	}
	return in, nil
}

// pageKey takes "Page    3 size" apart.
func pageKey(key string) (page int, what string, ok bool) {
	f := strings.Fields(key)
	if len(f) != 3 || f[0] != "Page" {
		return 0, "", false
	}
	page, err := strconv.Atoi(f[1])
	return page, f[2], err == nil && page >= 1
}

// parseSize reads "595.2 x 841.92 pts (A4)".
func parseSize(s string) (Size, bool) {
	f := strings.Fields(s)
	if len(f) < 4 || f[1] != "x" || f[3] != "pts" {
		return Size{}, false
	}
	w, errW := strconv.ParseFloat(f[0], 64)
	h, errH := strconv.ParseFloat(f[2], 64)
	size := Size{w, h}
	return size, errors.Join(errW, errH) == nil && size.valid()
}

func (in info) size(page int) (Size, error) {
	s, ok := in.sizes[page]
	if !ok {
		return Size{}, fmt.Errorf("page %d has no usable page box", page)
	}
	return s, nil
}
