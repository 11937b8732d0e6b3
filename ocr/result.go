package ocr

import "strings"

// Document is one file's pages in their order.
type Document struct {
	Pages []Page
}

// Page is what was read on one picture. All coordinates are pixels of that picture, x to the right and y down from its
// top left corner.
type Page struct {
	Number        int    // 1-based within the file
	Width, Height int    // pixels of the picture that the coordinates refer to
	Rotation      int    // degrees clockwise that the content is turned from upright: 0, 90, 180 or 270
	Engine        string // what read it, such as "tesseract 5.3.0 chi_sim+eng"
	Lines         []Line // in reading order; empty when nothing was found

	RotationConfidence float32      // 0..1; 0 when the rotation was not looked for
	RotationVerified   bool         // by reading
	Skew               float32      // degrees clockwise from the rotation, -15..15
	Regions            []Region     // other than text lines
	Quality            Quality      // of the picture
	Corrections        []Correction // what the language model changed
	Differences        []Difference // where a second engine read differently
	Steps              []string     // what the stages did, in order, such as "deskew 1.8 degrees"
	Models             []string     // ids of the models that took part
}

// Line is one line of text.
type Line struct {
	Text       string
	Confidence float32 // 0..1
	Polygon    Polygon
	Outline    []Point // of a curved line, more points than Polygon's, clockwise from its start; nil for a straight one
	Words      []Word  // in reading order
	Vertical   bool    // written from top to bottom
	Paragraph  int     // index of the line's paragraph, from 0, in reading order
}

// Word is a run of symbols that the engine took as one. In Chinese it is the engine's segmentation, not a dictionary's.
type Word struct {
	Text       string
	Confidence float32 // 0..1
	Box        Box
	Symbols    []Symbol // in reading order; blanks are not symbols
}

// Symbol is one written character.
type Symbol struct {
	Char       string // one user-perceived character
	Box        Box
	Confidence float32     // 0..1
	Candidates []Candidate // other readings, best first, at most [MaxCandidates]; nil unless asked for
}

// MaxCandidates bounds Symbol.Candidates.
const MaxCandidates = 5

// Candidate is one possible reading of a symbol.
type Candidate struct {
	Char       string
	Confidence float32 // 0..1
}

// Point is a position in pixels.
type Point struct{ X, Y float32 }

// Polygon is a line's outline: its text's top left corner first, then clockwise, so that the first edge runs in reading
// direction even when the line is slanted.
type Polygon [4]Point

// Box is an upright rectangle in pixels.
type Box struct{ X, Y, W, H float32 }

// Polygon returns the box's corners.
func (b Box) Polygon() Polygon {
	return Polygon{{b.X, b.Y}, {b.X + b.W, b.Y}, {b.X + b.W, b.Y + b.H}, {b.X, b.Y + b.H}}
}

// Union returns the smallest box around both; the zero Box is neutral.
func (b Box) Union(o Box) Box {
	if b == (Box{}) {
		return o
	}
	if o == (Box{}) {
		return b
	}
	x, y := min(b.X, o.X), min(b.Y, o.Y)
	return Box{x, y, max(b.X+b.W, o.X+o.W) - x, max(b.Y+b.H, o.Y+o.H) - y}
}

// Bounds returns the upright box around the polygon.
func (p Polygon) Bounds() Box {
	lo, hi := p[0], p[0]
	for _, q := range p[1:] {
		lo.X, lo.Y = min(lo.X, q.X), min(lo.Y, q.Y)
		hi.X, hi.Y = max(hi.X, q.X), max(hi.Y, q.Y)
	}
	return Box{lo.X, lo.Y, hi.X - lo.X, hi.Y - lo.Y}
}

// Symbols returns the line's symbols across its words.
func (l Line) Symbols() []Symbol {
	n := 0
	for _, w := range l.Words {
		n += len(w.Symbols)
	}
	all := make([]Symbol, 0, n)
	for _, w := range l.Words {
		all = append(all, w.Symbols...)
	}
	return all
}

// Text returns the page's lines, each ended by a newline.
func (p Page) Text() string {
	var b strings.Builder
	for _, l := range p.Lines {
		b.WriteString(l.Text)
		b.WriteByte('\n')
	}
	return b.String()
}
