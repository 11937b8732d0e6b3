package reader

import (
	"math"
	"strings"

	"github.com/courtsense/courtsense/ocr"
)

// fieldGap is the least distance, in heights of the line, between a label's colon and its value that makes two lines of them: in a form
// they stand in places of their own. A full-width colon leaves half of that empty behind itself.
const fieldGap = 1.2

// fieldsApart parts lines in which a form's label and its value were found as one.
func fieldsApart(lines []ocr.Line) []ocr.Line {
	out := make([]ocr.Line, 0, len(lines))
	for _, l := range lines {
		label, value, ok := partedField(l)
		if !ok {
			out = append(out, l)
			continue
		}
		out = append(out, label, value)
	}
	return out
}

// partedField parts a line behind its first colon, where a wide gap follows; false when none does.
func partedField(l ocr.Line) (label, value ocr.Line, ok bool) {
	if l.Vertical || l.Outline != nil {
		return label, value, false
	}
	start, end := l.Polygon[0], l.Polygon[1]
	width := math.Hypot(float64(end.X-start.X), float64(end.Y-start.Y))
	height := math.Hypot(float64(l.Polygon[3].X-start.X), float64(l.Polygon[3].Y-start.Y))
	if width <= 0 {
		return label, value, false
	}
	along := func(x, y float32) float64 {
		return (float64(x-start.X)*float64(end.X-start.X) + float64(y-start.Y)*float64(end.Y-start.Y)) / width
	}
	var before *ocr.Symbol
	at := 0 // byte of the text behind the symbol before
	for w := range l.Words {
		for k := range l.Words[w].Symbols {
			s := &l.Words[w].Symbols[k]
			next := strings.Index(l.Text[at:], s.Char)
			if next < 0 || s.Char == "" {
				return label, value, false
			}
			if before != nil && (before.Char == "：" || before.Char == ":") {
				b, n := before.Box, s.Box
				// The middles of the boxes, and half of their extents along the line, which may be turned by any angle.
				half := func(o ocr.Box) float64 {
					return (math.Abs(float64(end.X-start.X))*float64(o.W) + math.Abs(float64(end.Y-start.Y))*float64(o.H)) / width / 2
				}
				from, to := along(b.X+b.W/2, b.Y+b.H/2)+half(b), along(n.X+n.W/2, n.Y+n.H/2)-half(n)
				if to-from < fieldGap*height {
					return label, value, false
				}
				return part(l, 0, 0, w, k, l.Text[:at], 0, (from+height/4)/width), part(l, w, k, len(l.Words), 0, l.Text[at+next:], (to-height/4)/width, 1), true
			}
			at += next + len(s.Char)
			before = s
		}
	}
	return label, value, false
}

// part returns a line's symbols from one place to before another, with their text and their share of the line's length.
func part(l ocr.Line, word, symbol, toWord, toSymbol int, text string, from, to float64) ocr.Line {
	out := l
	out.Text = strings.TrimSpace(text)
	out.Words = nil
	sum, n := float32(0), 0
	for w := word; w < len(l.Words) && (w < toWord || w == toWord && toSymbol > 0); w++ {
		p := l.Words[w]
		first, last := 0, len(p.Symbols)
		if w == word {
			first = symbol
		}
		if w == toWord {
			last = toSymbol
		}
		if first > 0 || last < len(p.Symbols) {
			p.Symbols = p.Symbols[first:last:last]
			p.Text, p.Box = "", ocr.Box{}
			for _, s := range p.Symbols {
				p.Text += s.Char
				p.Box = p.Box.Union(s.Box)
			}
		}
		for _, s := range p.Symbols {
			sum, n = sum+s.Confidence, n+1
		}
		out.Words = append(out.Words, p)
	}
	if n > 0 {
		out.Confidence = sum / float32(n)
	}
	between := func(a, b ocr.Point, t float64) ocr.Point {
		return ocr.Point{X: a.X + float32(t)*(b.X-a.X), Y: a.Y + float32(t)*(b.Y-a.Y)}
	}
	p := l.Polygon
	out.Polygon = ocr.Polygon{between(p[0], p[1], from), between(p[0], p[1], to), between(p[3], p[2], to), between(p[3], p[2], from)}
	return out
}
