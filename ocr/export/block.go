package export

import (
	"slices"
	"strings"

	"github.com/courtsense/courtsense/ocr"
)

// block is a run of lines that belong to one region, or to none.
type block struct {
	kind       ocr.RegionKind // RegionUnknown for running text
	outline    []ocr.Point    // of the region
	paragraphs [][]int        // indices of lines, in reading order
	top        bool           // of a margin: it lies in the page's upper half, as read
}

// blocksOf puts the page's lines, in reading order, into blocks and paragraphs. Lines without text are left out.
func blocksOf(p ocr.Page) []block {
	region := make([]int, len(p.Lines))
	for i := range region {
		region[i] = -1
	}
	for k, r := range p.Regions {
		if r.Kind != ocr.RegionTable && r.Kind != ocr.RegionMargin {
			continue
		}
		for _, i := range r.Lines {
			if i >= 0 && i < len(region) && region[i] < 0 {
				region[i] = k
			}
		}
	}
	cell := make([]int, len(p.Lines))
	for k, r := range p.Regions {
		if r.Kind == ocr.RegionCell {
			for _, i := range r.Lines {
				if i >= 0 && i < len(cell) {
					cell[i] = k + 1
				}
			}
		}
	}
	var out []block
	last := -1
	for i, l := range p.Lines {
		if strings.TrimSpace(clean(l.Text)) == "" {
			continue
		}
		if last < 0 || region[i] != region[last] {
			b := block{}
			if k := region[i]; k >= 0 {
				b.kind, b.outline = p.Regions[k].Kind, p.Regions[k].Outline
				b.top = upperHalf(p, l)
			}
			out = append(out, b)
		}
		b := &out[len(out)-1]
		if len(b.paragraphs) == 0 || l.Paragraph != p.Lines[last].Paragraph || cell[i] != cell[last] {
			b.paragraphs = append(b.paragraphs, nil)
		}
		b.paragraphs[len(b.paragraphs)-1] = append(b.paragraphs[len(b.paragraphs)-1], i)
		last = i
	}
	return out
}

// upperHalf tells where a line lies once the page is upright.
func upperHalf(p ocr.Page, l ocr.Line) bool {
	b := l.Polygon.Bounds()
	x, y := b.X+b.W/2, b.Y+b.H/2
	switch p.Rotation {
	case 90:
		return x > float32(p.Width)/2
	case 180:
		return y > float32(p.Height)/2
	case 270:
		return x < float32(p.Width)/2
	}
	return y < float32(p.Height)/2
}

// pictures are the regions without text: seals, pictures and signatures.
func pictures(p ocr.Page) []ocr.Region {
	return slices.DeleteFunc(slices.Clone(p.Regions), func(r ocr.Region) bool {
		return r.Kind != ocr.RegionSeal && r.Kind != ocr.RegionPicture && r.Kind != ocr.RegionSignature
	})
}

// rect is a box in whole pixels of the page: left, top, right, bottom.
type rect struct{ x0, y0, x1, y1 int }

// rectOf is the smallest rect around b, inside the page.
func rectOf(b ocr.Box, p ocr.Page) rect {
	clamp := func(v float64, limit int) int { return int(min(max(v, 0), float64(limit))) }
	x0, y0, x1, y1 := number(b.X), number(b.Y), number(b.X)+number(b.W), number(b.Y)+number(b.H)
	return rect{
		clamp(floor(min(x0, x1)), p.Width), clamp(floor(min(y0, y1)), p.Height),
		clamp(ceil(max(x0, x1)), p.Width), clamp(ceil(max(y0, y1)), p.Height),
	}
}

// union is neutral for the zero rect.
func (r rect) union(o rect) rect {
	if r == (rect{}) {
		return o
	}
	return rect{min(r.x0, o.x0), min(r.y0, o.y0), max(r.x1, o.x1), max(r.y1, o.y1)}
}

// linesRect is the rect around lines.
func linesRect(p ocr.Page, lines []int) rect {
	var r rect
	for _, i := range lines {
		r = r.union(rectOf(p.Lines[i].Polygon.Bounds(), p))
	}
	return r
}

// boundsOf is the upright box around an outline.
func boundsOf(outline []ocr.Point) ocr.Box {
	var b ocr.Box
	for i, q := range outline {
		if i == 0 {
			b = ocr.Box{X: q.X, Y: q.Y}
			continue
		}
		x0, y0 := min(b.X, q.X), min(b.Y, q.Y)
		b = ocr.Box{X: x0, Y: y0, W: max(b.X+b.W, q.X) - x0, H: max(b.Y+b.H, q.Y) - y0}
	}
	return b
}
