package text

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/courtsense/courtsense/ocr"
)

// Numbers of what stands in company; lengths are shares of the line's own height where nothing else is said.
const (
	companySure    = 0.9 // of lines that are company
	companyLowest  = 0.6 // height, of the usual one
	companyHighest = 1.5
	companyAligned = 0.5 // how far the edges of what stands below each other may be apart
	companyCentred = 0.3 // and the middles
	companyLike    = 0.4 // and by how much their heights may differ
	companyLeast   = 2   // lines of a row, or numbers of a column
	companyCorner  = 3   // lines of a row and a column together

	proseLeast = 12  // characters
	proseHan   = 0.6 // share of them that are Chinese
)

// company tells unsure lines that are text from noise, by what is read surely around them.
type company struct {
	boxes []ocr.Box // of the sure lines that are no columns
	usual float32   // height of the sure lines, or width of columns
}

func companyOf(read []reading) company {
	var c company
	var heights []float32
	for _, r := range read {
		if r.confidence < companySure || len(r.glyphs) == 0 {
			continue
		}
		heights = append(heights, r.thickness())
		if !r.vertical {
			c.boxes = append(c.boxes, r.region.Polygon.Bounds())
		}
	}
	if len(heights) > 0 {
		slices.Sort(heights)
		c.usual = heights[len(heights)/2]
	}
	return c
}

// has reports whether a line is one that the page should have there: a cell of one or two characters in a row of a table, or a number in a
// column of them, or a line or column of Chinese text; all as high as the page's lines are. Noise, seals and specks seldom are.
func (c company) has(r reading) bool {
	if high := r.thickness(); high < companyLowest*c.usual || high > companyHighest*c.usual {
		return false
	}
	all, han, digits, marks := 0, 0, 0, 0
	for _, g := range r.glyphs {
		switch char, _ := utf8.DecodeRuneInString(g.text); {
		case char == ' ':
			continue
		case unicode.Is(unicode.Han, char):
			han++
		case unicode.IsDigit(char):
			digits++
		case !unicode.IsLetter(char):
			marks++
		}
		all++
	}
	if all > shortLine {
		return all >= proseLeast && float64(han) >= proseHan*float64(all)
	}
	if all == 0 || marks > 0 || r.vertical {
		return false
	}
	row, column := c.around(r.region.Polygon.Bounds())
	return row >= companyLeast || row > 0 && row+column >= companyCorner || digits == all && column >= companyLeast
}

// thickness returns how high a line is, or how wide a column.
func (r *reading) thickness() float32 {
	b := r.region.Polygon.Bounds()
	if r.vertical {
		return b.W
	}
	return b.H
}

// around counts the sure lines of a box's row, and those above and below it that begin, end or have their middle where it does.
func (c company) around(b ocr.Box) (row, column int) {
	x, y := b.X+b.W/2, b.Y+b.H/2
	near := func(p, q, most float32) bool { return p-q < most*b.H && q-p < most*b.H }
	for _, o := range c.boxes {
		middle := o.Y + o.H/2
		switch {
		case o.Y < y && y < o.Y+o.H && b.Y < middle && middle < b.Y+b.H:
			row++
		case near(o.H, b.H, companyLike) && (near(o.X, b.X, companyAligned) || near(o.X+o.W, b.X+b.W, companyAligned) || near(o.X+o.W/2, x, companyCentred)):
			column++
		}
	}
	return row, column
}
