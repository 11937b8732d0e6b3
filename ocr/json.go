package ocr

import (
	"bufio"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// WriteJSON writes the document in the project's stable JSON format, all on one line (wrapped here):
//
//	{"pages":[{"page":1,"width":W,"height":H,"rotation":0,"lines":[
//	  {"text":"","confidence":C,"polygon":[[x,y],[x,y],[x,y],[x,y]],
//	   "chars":[{"char":"","box":[x,y,w,h],"confidence":C}]}]}]}
//
// What more is known of a page stands behind these fields, and is left out where there is nothing to tell: of a character
// "candidates", of a line "vertical", "paragraph" and "outline", of a page "rotation_confidence", "rotation_verified",
// "skew", "quality", "regions", "corrections", "differences", "steps" and "engine".
//
// Coordinates are pixels rounded to 0.1, confidences 0..1 rounded to 0.0001 and 0 when unknown. "polygon" starts at the
// text's top left corner and goes clockwise. "chars" are the line's symbols in reading order; blanks have none. Fields
// may be added behind these, none of these will change.
func WriteJSON(w io.Writer, d Document) error {
	b := bufio.NewWriter(w)
	j := jsonWriter{b: b}
	j.raw(`{"pages":[`)
	for i, p := range d.Pages {
		j.separate(i)
		j.page(p)
	}
	j.raw("]}\n")
	return b.Flush()
}

// jsonWriter writes the format by hand: encoding/json neither rounds nor writes boxes as tuples, and a page has
// thousands of them. The buffered writer keeps the first error for Flush.
type jsonWriter struct {
	b       *bufio.Writer
	scratch []byte
}

func (j *jsonWriter) page(p Page) {
	j.raw(`{"page":`)
	j.integer(p.Number)
	j.raw(`,"width":`)
	j.integer(p.Width)
	j.raw(`,"height":`)
	j.integer(p.Height)
	j.raw(`,"rotation":`)
	j.integer(p.Rotation)
	j.raw(`,"lines":[`)
	for i, l := range p.Lines {
		j.separate(i)
		j.line(l)
	}
	j.raw("]")
	j.findings(p)
	j.raw("}")
}

// findings writes what is known of a page besides its lines.
func (j *jsonWriter) findings(p Page) {
	if p.RotationConfidence > 0 {
		j.raw(`,"rotation_confidence":`)
		j.number(p.RotationConfidence, 4)
	}
	if p.RotationVerified {
		j.raw(`,"rotation_verified":true`)
	}
	if p.Skew != 0 {
		j.raw(`,"skew":`)
		j.number(p.Skew, 2)
	}
	if q := p.Quality; q != (Quality{}) {
		j.raw(`,"quality":{"verdict":`)
		j.text(q.Verdict.String())
		j.raw(`,"sharpness":`)
		j.number(q.Sharpness, 4)
		j.raw(`,"exposure":`)
		j.number(q.Exposure, 4)
		j.raw(`,"advice":`)
		j.text(q.Advice)
		j.raw("}")
	}
	j.list(`,"regions":[`, len(p.Regions), func(i int) {
		r := p.Regions[i]
		j.raw(`{"kind":`)
		j.text(r.Kind.String())
		j.raw(`,"outline":`)
		j.points(r.Outline)
		j.raw(`,"confidence":`)
		j.number(r.Confidence, 4)
		j.raw(`,"lines":[`)
		for k, l := range r.Lines {
			j.separate(k)
			j.integer(l)
		}
		j.raw("]")
		if r.Kind == RegionCell {
			j.raw(`,"row":`)
			j.integer(r.Row)
			j.raw(`,"column":`)
			j.integer(r.Column)
		}
		j.raw("}")
	})
	j.list(`,"corrections":[`, len(p.Corrections), func(i int) {
		c := p.Corrections[i]
		j.raw(`{"line":`)
		j.integer(c.Line)
		j.raw(`,"char":`)
		j.integer(c.Symbol)
		j.raw(`,"position":`)
		j.integer(c.Position)
		j.raw(`,"original":`)
		j.text(c.Original)
		j.raw(`,"corrected":`)
		j.text(c.Corrected)
		j.raw(`,"original_score":`)
		j.number(c.OriginalScore, 4)
		j.raw(`,"corrected_score":`)
		j.number(c.CorrectedScore, 4)
		j.raw(`,"reason":`)
		j.text(c.Reason)
		j.raw("}")
	})
	j.list(`,"differences":[`, len(p.Differences), func(i int) {
		d := p.Differences[i]
		j.raw(`{"box":`)
		j.tuple(d.Box.X, d.Box.Y, d.Box.W, d.Box.H)
		j.raw(`,"text":`)
		j.text(d.Text)
		j.raw(`,"other":`)
		j.text(d.Other)
		j.raw("}")
	})
	j.list(`,"steps":[`, len(p.Steps), func(i int) { j.text(p.Steps[i]) })
	if p.Engine != "" {
		j.raw(`,"engine":`)
		j.text(p.Engine)
	}
}

// list writes a key with its list, unless that is empty.
func (j *jsonWriter) list(key string, n int, item func(i int)) {
	if n == 0 {
		return
	}
	j.raw(key)
	for i := range n {
		j.separate(i)
		item(i)
	}
	j.raw("]")
}

func (j *jsonWriter) points(points []Point) {
	j.raw("[")
	for i, p := range points {
		j.separate(i)
		j.tuple(p.X, p.Y)
	}
	j.raw("]")
}

func (j *jsonWriter) line(l Line) {
	j.raw(`{"text":`)
	j.text(l.Text)
	j.raw(`,"confidence":`)
	j.number(l.Confidence, 4)
	j.raw(`,"polygon":`)
	j.points(l.Polygon[:])
	j.raw(`,"chars":[`)
	for i, s := range l.Symbols() {
		j.separate(i)
		j.raw(`{"char":`)
		j.text(s.Char)
		j.raw(`,"box":`)
		j.tuple(s.Box.X, s.Box.Y, s.Box.W, s.Box.H)
		j.raw(`,"confidence":`)
		j.number(s.Confidence, 4)
		j.list(`,"candidates":[`, len(s.Candidates), func(i int) {
			j.raw(`{"char":`)
			j.text(s.Candidates[i].Char)
			j.raw(`,"confidence":`)
			j.number(s.Candidates[i].Confidence, 4)
			j.raw("}")
		})
		j.raw("}")
	}
	j.raw("]")
	if l.Vertical {
		j.raw(`,"vertical":true`)
	}
	if l.Paragraph > 0 {
		j.raw(`,"paragraph":`)
		j.integer(l.Paragraph)
	}
	if len(l.Outline) > 0 {
		j.raw(`,"outline":`)
		j.points(l.Outline)
	}
	j.raw("}")
}

func (j *jsonWriter) raw(s string) { _, _ = j.b.WriteString(s) }

func (j *jsonWriter) separate(i int) {
	if i > 0 {
		j.raw(",")
	}
}

func (j *jsonWriter) integer(n int) {
	j.scratch = strconv.AppendInt(j.scratch[:0], int64(n), 10)
	_, _ = j.b.Write(j.scratch)
}

func (j *jsonWriter) tuple(values ...float32) {
	j.raw("[")
	for i, v := range values {
		j.separate(i)
		j.number(v, 1)
	}
	j.raw("]")
}

// number writes v rounded to the given decimals, without trailing zeros. JSON has no word for NaN and infinity: 0.
func (j *jsonWriter) number(v float32, decimals int) {
	f := float64(v)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	scale := math.Pow10(decimals)
	if r := math.Round(f*scale) / scale; !math.IsInf(r, 0) {
		f = r
	}
	if f == 0 {
		f = 0 // never "-0"
	}
	j.scratch = strconv.AppendFloat(j.scratch[:0], f, 'f', -1, 64)
	_, _ = j.b.Write(j.scratch)
}

// text writes a JSON string. Nothing beyond what JSON demands is escaped, save the two line separators that break
// JavaScript readers; bytes that are not UTF-8 become U+FFFD.
func (j *jsonWriter) text(s string) {
	const hex = "0123456789abcdef"
	out := append(j.scratch[:0], '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, '\\', 'n')
		case r == '\t':
			out = append(out, '\\', 't')
		case r < 0x20:
			out = append(out, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		case r == '\u2028' || r == '\u2029':
			out = append(out, '\\', 'u', '2', '0', '2', hex[r&15])
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	j.scratch = append(out, '"')
	_, _ = j.b.Write(j.scratch)
}
