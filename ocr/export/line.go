package export

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/courtsense/courtsense/ocr"
)

// piece is a part of a line that is written as one word: what stands between blanks, or the engine's own word.
type piece struct {
	text        string
	box         ocr.Box
	confidence  float32
	symbols     []ocr.Symbol // nil where the engine gives none
	blankBefore bool         // the line's text has a blank before it
}

// pieces takes a line apart. The line's text is what counts: it says where the blanks are, and where words and symbols say
// something else than the text, they are left out and the text is spread evenly over the line.
func pieces(l ocr.Line) []piece {
	text := clean(l.Text)
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if out, ok := aligned(l, text); ok {
		return out
	}
	return spread(l, text)
}

// aligned follows the text through the line's words and symbols.
func aligned(l ocr.Line, text string) ([]piece, bool) {
	var out []piece
	rest := text
	// take consumes s from the text and tells whether blanks stood before it.
	take := func(s string) (blank, ok bool) {
		trimmed := strings.TrimLeftFunc(rest, unicode.IsSpace)
		blank = len(trimmed) < len(rest)
		if s == "" || !strings.HasPrefix(trimmed, s) {
			return false, false
		}
		rest = trimmed[len(s):]
		return blank, true
	}
	for _, w := range l.Words {
		if len(w.Symbols) == 0 {
			s := strings.TrimSpace(clean(w.Text))
			blank, ok := take(s)
			if !ok {
				return nil, false
			}
			out = append(out, piece{text: s, box: w.Box, confidence: w.Confidence, blankBefore: blank && len(out) > 0})
			continue
		}
		whole := true // the word is one piece, so that its own box holds
		first := len(out)
		for i, s := range w.Symbols {
			s.Char = clean(s.Char)
			blank, ok := take(s.Char)
			if !ok {
				return nil, false
			}
			if i == 0 || blank {
				whole = i == 0
				out = append(out, piece{confidence: w.Confidence, blankBefore: blank && len(out) > 0})
			}
			p := &out[len(out)-1]
			p.text += s.Char
			p.box = p.box.Union(s.Box)
			p.symbols = append(p.symbols, s)
		}
		if whole && w.Box.W > 0 && w.Box.H > 0 {
			out[first].box = w.Box
		}
	}
	return out, len(out) > 0 && strings.TrimSpace(rest) == ""
}

// spread gives each part between blanks its share of the line, by the usual widths of its characters.
func spread(l ocr.Line, text string) []piece {
	var out []piece
	f := frameOf(l, nil)
	total := max(textWidth(text), 1)
	at := 0.0
	blank := false
	for len(text) > 0 {
		n := strings.IndexFunc(text, unicode.IsSpace)
		if n == 0 {
			_, size := utf8.DecodeRuneInString(text)
			at += textWidth(text[:size])
			text, blank = text[size:], true
			continue
		}
		if n < 0 {
			n = len(text)
		}
		part := text[:n]
		width := textWidth(part)
		out = append(out, piece{
			text: part, confidence: l.Confidence, blankBefore: blank && len(out) > 0,
			box: f.box(at/total*f.length, (at+width)/total*f.length),
		})
		at += width
		text, blank = text[n:], false
	}
	return out
}

// textWidth is the usual width of the text in half-width characters.
func textWidth(s string) float64 {
	n := 0.0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is 2 for what is set in a full square, 0 for marks that stand on their neighbour, else 1.
func runeWidth(r rune) float64 {
	switch {
	case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
		return 0
	case r < 0x1100:
		return 1
	case r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// frame is a line's own system of coordinates: along the reading direction from its start, and across from its top.
type frame struct {
	x, y           float64 // of the line's start, at the text's top
	ux, uy         float64 // unit vector in reading direction
	length, height float64 // >= 0
}

// frameOf lays a frame through the line. A vertical line's runs down its longer side, whatever corner its polygon starts at.
func frameOf(l ocr.Line, symbols []ocr.Symbol) frame {
	p := [4][2]float64{}
	for i, q := range l.Polygon {
		p[i] = [2]float64{number(q.X), number(q.Y)}
	}
	start := 0
	if l.Vertical {
		if math.Hypot(p[2][0]-p[1][0], p[2][1]-p[1][1]) > math.Hypot(p[1][0]-p[0][0], p[1][1]-p[0][1]) {
			start = 1
		}
	}
	at := func(i int) [2]float64 { return p[(start+i)%4] }
	dx, dy := at(1)[0]-at(0)[0], at(1)[1]-at(0)[1]
	length := math.Hypot(dx, dy)
	f := frame{x: at(0)[0], y: at(0)[1], ux: 1, length: length}
	if length > 0 {
		f.ux, f.uy = dx/length, dy/length
	}
	// The far side may not be parallel: the middle of its distance at both ends is the height.
	near := -f.uy*(at(3)[0]-at(0)[0]) + f.ux*(at(3)[1]-at(0)[1])
	far := -f.uy*(at(2)[0]-at(1)[0]) + f.ux*(at(2)[1]-at(1)[1])
	f.height = math.Abs(near+far) / 2
	if near+far < 0 { // counter-clockwise: the text's top is at the other side
		f.x, f.y = at(3)[0], at(3)[1]
	}
	if f.length < 1e-3 && len(symbols) > 0 {
		var all ocr.Box
		for _, s := range symbols {
			all = all.Union(s.Box)
		}
		f = frame{x: number(all.X), y: number(all.Y), ux: 1, length: number(all.W), height: number(all.H)}
	}
	return f
}

// extent is where a box lies along the line.
func (f frame) extent(b ocr.Box) (from, to float64) {
	x, y, w, h := number(b.X), number(b.Y), number(b.W), number(b.H)
	centre := (x+w/2-f.x)*f.ux + (y+h/2-f.y)*f.uy
	// A skewed line's characters have upright boxes: along the line they are as wide as they look, not as the box's diagonal.
	half := math.Abs(w) / 2
	if math.Abs(f.uy) > math.Abs(f.ux) {
		half = math.Abs(h) / 2
	}
	return centre - half, centre + half
}

// box is the upright box around the part of the line between two places along it.
func (f frame) box(from, to float64) ocr.Box {
	at := func(along, across float64) ocr.Point {
		return ocr.Point{X: float32(f.x + along*f.ux - across*f.uy), Y: float32(f.y + along*f.uy + across*f.ux)}
	}
	return ocr.Polygon{at(from, 0), at(to, 0), at(to, f.height), at(from, f.height)}.Bounds()
}

// farAway bounds coordinates, so that sums and products of them stay exact enough to be written.
const farAway = 1e6

// number is v as a finite coordinate.
func number(v float32) float64 {
	f := float64(v)
	if math.IsNaN(f) {
		return 0
	}
	return min(max(f, -farAway), farAway)
}

// confidence01 is a confidence that is a number in 0..1.
func confidence01(c float32) float64 {
	if f := float64(c); f > 0 {
		return min(f, 1)
	}
	return 0
}
