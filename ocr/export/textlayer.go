package export

import (
	"fmt"
	"math"

	"github.com/courtsense/courtsense/ocr"
)

// paper is a page's size in points, and how the picture's pixels lie on it.
type paper struct {
	width, height float64 // points
	scale         float64 // points a pixel
}

// x and y are a pixel position in PDF's coordinates, which begin at the bottom left.
func (p paper) x(px float64) float64 { return px * p.scale }
func (p paper) y(px float64) float64 { return p.height - px*p.scale }

// textLayer writes the operators that place a page's text invisibly.
type textLayer struct {
	fonts *fonts
	paper paper
	out   []byte
	used  int // fonts

	// In force while the operators are written:
	font  int
	scale string // horizontal
}

func (t *textLayer) page(p ocr.Page) {
	begun := false
	for _, l := range p.Lines {
		glyphs, f := glyphsOf(l)
		if len(glyphs) == 0 {
			continue
		}
		if !begun {
			t.out = append(t.out, "BT\n3 Tr\n"...) // neither filled nor stroked
			begun = true
		}
		t.line(glyphs, f)
	}
	if begun {
		t.out = append(t.out, "ET\n"...)
	}
}

// placed is a character and where it lies along its line, in pixels.
type placed struct {
	char     rune
	from, to float64
}

// smallestHeight of a line in pixels: text of no height could be neither placed nor found.
const smallestHeight = 1

// glyphsOf lays the line's characters along its frame: none overlaps the next, those of one word follow each other without
// a gap, since readers of PDF take a gap for a blank, and blanks fill the room between words. A curved line's characters
// stand on its chord: readers would take characters at different heights for different lines, and find no word in them.
func glyphsOf(l ocr.Line) ([]placed, frame) {
	var symbols []ocr.Symbol
	parts := pieces(l)
	for _, p := range parts {
		symbols = append(symbols, p.symbols...)
	}
	f := frameOf(l, symbols)
	f.height = max(f.height, smallestHeight)
	var out []placed
	for _, p := range parts {
		if p.blankBefore {
			out = append(out, placed{char: ' '})
		}
		if len(p.symbols) == 0 {
			from, to := f.extent(p.box)
			out = appendSpread(out, p.text, from, to)
		}
		for _, s := range p.symbols {
			from, to := f.extent(s.Box)
			out = appendSpread(out, s.Char, from, to)
		}
	}
	closeGaps(out, f.height/50)
	return out, f
}

// closeGaps lets every character reach to the next one, and moves those forward that begin before the last one did.
func closeGaps(glyphs []placed, least float64) {
	for i := range glyphs {
		g := &glyphs[i]
		if i == 0 {
			continue
		}
		last := &glyphs[i-1]
		if g.char == ' ' {
			last.to = max(last.to, last.from+least)
			g.from = last.to
			continue
		}
		g.from = max(g.from, last.from+least)
		last.to = g.from
	}
	if n := len(glyphs); n > 0 {
		glyphs[n-1].to = max(glyphs[n-1].to, glyphs[n-1].from+least)
	}
}

// appendSpread gives each character its share of the room.
func appendSpread(out []placed, text string, from, to float64) []placed {
	total := max(textWidth(text), 1)
	at := 0.0
	for _, r := range text {
		w := runeWidth(r)
		out = append(out, placed{char: r, from: from + (to-from)*at/total, to: from + (to-from)*(at+w)/total})
		at += w
	}
	return out
}

// line writes one line: a matrix that turns and moves, then for each character how wide its empty glyph is to be.
func (t *textLayer) line(glyphs []placed, f frame) {
	s := t.paper.scale
	size := f.height * s
	start := glyphs[0].from
	base := baselineShare * f.height
	x, y := f.x+start*f.ux-base*f.uy, f.y+start*f.uy+base*f.ux
	t.setFont(0, size)
	t.append("%s %s %s %s %s %s Tm\n", unit(f.ux), unit(-f.uy), unit(f.uy), unit(f.ux), point(t.paper.x(x)), point(t.paper.y(y)))
	at := start // where the reader is, with all that was rounded
	open := false
	flush := func() {
		if open {
			t.out = append(t.out, "> Tj\n"...)
			open = false
		}
	}
	for _, g := range glyphs {
		font, code := t.fonts.code(g.char)
		t.used = max(t.used, font+1)
		percent := max(math.Round(1000*(g.to-at)/f.height)/10, 0.1)
		scale := string(appendNumber(nil, percent, 1))
		if font != t.font || scale != t.scale {
			flush()
			if font != t.font {
				t.setFont(font, size)
			}
			if scale != t.scale {
				t.append("%s Tz\n", scale)
				t.scale = scale
			}
		}
		if !open {
			t.out = append(t.out, '<')
			open = true
		}
		t.append("%04X", code)
		at += percent / 100 * f.height
	}
	flush()
}

func (t *textLayer) setFont(font int, size float64) {
	t.append("/F%d %s Tf\n", font, point(size))
	t.font = font
}

func (t *textLayer) append(format string, args ...any) { t.out = fmt.Appendf(t.out, format, args...) }

// unit writes a sine or cosine.
func unit(v float64) string { return string(appendNumber(nil, v, 6)) }

// resolutionRange is what scanners and cameras that set the field mean; phones write 72 whatever they took.
const (
	lowestDPI, highestDPI = 90, 2400
	longestPaper          = 24.0         // inches: A2's longer side
	assumedPaper          = 297.0 / 25.4 // inches: A4's longer side
	shortestSide          = 3.0          // points, PDF/A-2's own limits
	longestSide           = 14400.0
)

// paperFor sizes the page for a resolution of its picture.
func paperFor(p ocr.Page, dpi float64) paper {
	w, h := float64(p.Width), float64(p.Height)
	scale := min(72/dpi, longestSide/max(w, h))
	scale = max(scale, min(shortestSide/min(w, h), longestSide/max(w, h)))
	return paper{width: max(w*scale, shortestSide), height: max(h*scale, shortestSide), scale: scale}
}

// resolution returns dots per inch: the caller's word, else the file's own where it makes a sheet that could exist, else as
// if the picture showed a sheet of A4.
func (pic Picture) resolution(p ocr.Page, img embedded) float64 {
	if pic.DPI > 0 && !math.IsInf(pic.DPI, 0) {
		return pic.DPI
	}
	long := float64(max(p.Width, p.Height))
	if d := img.dpi; d >= lowestDPI && d <= highestDPI && long/d <= longestPaper {
		return d
	}
	return max(long/assumedPaper, 1)
}
