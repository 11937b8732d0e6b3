package export

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/courtsense/courtsense/ocr"
)

// WriteALTO writes the document as ALTO 4 (Library of Congress, schema version 4.4), with places in pixels.
func WriteALTO(w io.Writer, d ocr.Document, m Meta) error {
	a := NewALTO(w, m)
	for _, p := range d.Pages {
		if err := a.AddPage(context.Background(), p); err != nil {
			return err
		}
	}
	return a.Close()
}

// ALTOWriter writes one ALTO file page by page. It is for one goroutine.
type ALTOWriter struct {
	x      xmlWriter
	meta   Meta
	pages  int
	closed bool
}

// NewALTO begins a file. Nothing is written before the first page, whose steps and models the file's description names;
// write errors are reported by Close.
func NewALTO(w io.Writer, m Meta) *ALTOWriter {
	return &ALTOWriter{x: newXMLWriter(w), meta: m.withDefaults()}
}

func (a *ALTOWriter) begin(first ocr.Page) {
	x := &a.x
	x.raw(`<?xml version="1.0" encoding="UTF-8"?>`, "\n",
		`<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`,
		` xsi:schemaLocation="http://www.loc.gov/standards/alto/ns-v4# http://www.loc.gov/standards/alto/v4/alto-4-4.xsd" SCHEMAVERSION="4.4">`, "\n",
		"<Description>\n<MeasurementUnit>pixel</MeasurementUnit>\n<sourceImageInformation>")
	a.element("fileName", a.meta.Source)
	if a.meta.SHA256 != "" {
		x.raw(`<fileIdentifier fileIdentifierLocation="sha256">`)
		x.text(a.meta.SHA256)
		x.raw("</fileIdentifier>")
	}
	x.raw("</sourceImageInformation>\n", `<Processing ID="PROCESSING_1"><processingCategory>contentGeneration</processingCategory>`)
	if !a.meta.Time.IsZero() {
		a.element("processingDateTime", a.meta.Time.Format("2006-01-02T15:04:05Z"))
	}
	for _, s := range first.Steps {
		a.element("processingStepDescription", s)
	}
	settings := strings.Join(append([]string{"engine: " + first.Engine}, first.Models...), "; model: ")
	a.element("processingStepSettings", settings)
	x.raw("<processingSoftware>")
	a.element("softwareName", a.meta.Software)
	if a.meta.Version != "" {
		a.element("softwareVersion", a.meta.Version)
	}
	x.raw("</processingSoftware></Processing>\n</Description>\n<Layout>\n")
}

func (a *ALTOWriter) element(name, text string) {
	a.x.raw("<", name, ">")
	a.x.text(text)
	a.x.raw("</", name, ">")
}

// AddPage writes the next page. A page that is refused leaves the file as it was.
func (a *ALTOWriter) AddPage(ctx context.Context, p ocr.Page) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if a.closed {
		return fmt.Errorf("export page %d: the ALTO file is closed", p.Number)
	}
	if err := checkPage(p); err != nil {
		return err
	}
	if a.pages == 0 {
		a.begin(p)
	}
	a.pages++
	id := strconv.Itoa(a.pages)
	x := &a.x
	x.rawf(`<Page ID="PAGE_%s" PHYSICAL_IMG_NR="%s" WIDTH="%d" HEIGHT="%d" PROCESSINGREFS="PROCESSING_1"`, id, id, p.Width, p.Height)
	if p.Rotation != 0 {
		x.rawf(` ROTATION="%d"`, (360-p.Rotation)%360)
	}
	if n := len(p.Lines); n > 0 {
		sum := 0.0
		for _, l := range p.Lines {
			sum += confidence01(l.Confidence)
		}
		x.raw(` PC="`)
		x.number(sum/float64(n), 4)
		x.raw(`"`)
	}
	if a.meta.Language != "" {
		x.attribute("LANG", a.meta.Language)
	}
	x.raw(">\n")
	w := altoPage{ALTOWriter: a, page: p, id: id}
	w.write()
	x.raw("</Page>\n")
	return nil
}

// altoPage is a page that is being written.
type altoPage struct {
	*ALTOWriter
	page          ocr.Page
	id            string
	blocks, lines int
}

func (w *altoPage) write() {
	var top, bottom, body []block
	for _, b := range blocksOf(w.page) {
		switch {
		case b.kind != ocr.RegionMargin:
			body = append(body, b)
		case b.top:
			top = append(top, b)
		default:
			bottom = append(bottom, b)
		}
	}
	w.space("TopMargin", top)
	w.space("BottomMargin", bottom)
	x := &w.x
	around := rect{0, 0, w.page.Width, w.page.Height}
	x.rawf(`<PrintSpace ID="PRINTSPACE_%s"`, w.id)
	w.place(around)
	x.raw(">\n")
	for k, r := range pictures(w.page) {
		x.rawf(`<Illustration ID="ILLUSTRATION_%s_%d"`, w.id, k+1)
		w.place(rectOf(boundsOf(r.Outline), w.page))
		x.raw(` TYPE="`, illustrationType(r.Kind), `"/>`, "\n")
	}
	w.content(body)
	x.raw("</PrintSpace>\n")
}

func illustrationType(k ocr.RegionKind) string {
	switch k {
	case ocr.RegionSeal:
		return "seal"
	case ocr.RegionSignature:
		return "signature"
	}
	return "picture"
}

// space writes a margin that has text.
func (w *altoPage) space(name string, blocks []block) {
	if len(blocks) == 0 {
		return
	}
	var around rect
	for _, b := range blocks {
		for _, lines := range b.paragraphs {
			around = around.union(linesRect(w.page, lines))
		}
	}
	w.x.rawf(`<%s ID="%s_%s"`, name, strings.ToUpper(name), w.id)
	w.place(around)
	w.x.raw(">\n")
	w.content(blocks)
	w.x.raw("</", name, ">\n")
}

func (w *altoPage) content(blocks []block) {
	for _, b := range blocks {
		if b.kind == ocr.RegionTable {
			var around rect
			for _, lines := range b.paragraphs {
				around = around.union(linesRect(w.page, lines))
			}
			w.blocks++
			w.x.rawf(`<ComposedBlock ID="TABLE_%s_%d"`, w.id, w.blocks)
			w.place(around.union(rectOf(boundsOf(b.outline), w.page)))
			w.x.raw(` TYPE="table">`, "\n")
		}
		for _, lines := range b.paragraphs {
			w.paragraph(lines)
		}
		if b.kind == ocr.RegionTable {
			w.x.raw("</ComposedBlock>\n")
		}
	}
}

func (w *altoPage) paragraph(lines []int) {
	w.blocks++
	w.x.rawf(`<TextBlock ID="BLOCK_%s_%d"`, w.id, w.blocks)
	w.place(linesRect(w.page, lines))
	w.x.raw(">\n")
	for _, i := range lines {
		w.line(w.page.Lines[i])
	}
	w.x.raw("</TextBlock>\n")
}

// place writes HPOS, VPOS, WIDTH and HEIGHT.
func (w *altoPage) place(r rect) {
	w.x.rawf(` HPOS="%d" VPOS="%d" WIDTH="%d" HEIGHT="%d"`, r.x0, r.y0, r.x1-r.x0, r.y1-r.y0)
}

func (w *altoPage) line(l ocr.Line) {
	w.lines++
	x := &w.x
	id := fmt.Sprintf("%s_%d", w.id, w.lines)
	x.rawf(`<TextLine ID="LINE_%s"`, id)
	around := rectOf(l.Polygon.Bounds(), w.page)
	w.place(around)
	if l.Vertical {
		x.raw(` BASEDIRECTION="ttb"`)
	} else {
		w.baseline(frameOf(l, nil))
	}
	x.raw(">")
	if points := outlineOf(l); len(points) > 0 {
		x.raw(`<Shape><Polygon POINTS="`)
		for i, q := range points {
			if i > 0 {
				x.raw(" ")
			}
			x.number(min(max(number(q.X), 0), float64(w.page.Width)), 1)
			x.raw(",")
			x.number(min(max(number(q.Y), 0), float64(w.page.Height)), 1)
		}
		x.raw(`"/></Shape>`)
	}
	for k, p := range pieces(l) {
		if p.blankBefore {
			x.raw("<SP/>")
		}
		w.word(p, fmt.Sprintf("STRING_%s_%d", id, k+1))
	}
	x.raw("</TextLine>\n")
}

// baseline writes the line's lower edge, a fifth of the height up, where the text rests.
func (w *altoPage) baseline(f frame) {
	w.x.raw(` BASELINE="`)
	for i, along := range []float64{0, f.length} {
		if i > 0 {
			w.x.raw(" ")
		}
		w.x.number(f.x+along*f.ux-baselineShare*f.height*f.uy, 1)
		w.x.raw(",")
		w.x.number(f.y+along*f.uy+baselineShare*f.height*f.ux, 1)
	}
	w.x.raw(`"`)
}

// outlineOf is the line's shape when it is not an upright rectangle.
func outlineOf(l ocr.Line) []ocr.Point {
	if len(l.Outline) > 2 {
		return l.Outline
	}
	if l.Polygon == l.Polygon.Bounds().Polygon() {
		return nil
	}
	return l.Polygon[:]
}

func (w *altoPage) word(p piece, id string) {
	x := &w.x
	x.rawf(`<String ID="%s"`, id)
	w.place(rectOf(p.box, w.page))
	x.attribute("CONTENT", p.text)
	x.raw(` WC="`)
	x.number(confidence01(p.confidence), 4)
	x.raw(`"`)
	if len(p.symbols) == 0 {
		x.raw("/>")
		return
	}
	x.raw(">")
	for _, s := range p.symbols {
		w.glyph(s)
	}
	x.raw("</String>")
}

// glyph writes a character with its other readings. ALTO's glyph holds exactly one code point and a variant at most three:
// a character that cannot be composed into one has no glyph, a longer reading no variant.
func (w *altoPage) glyph(s ocr.Symbol) {
	char := norm.NFC.String(s.Char)
	if utf8.RuneCountInString(char) != 1 {
		return
	}
	x := &w.x
	x.raw("<Glyph")
	x.attribute("CONTENT", char)
	w.place(rectOf(s.Box, w.page))
	x.raw(` GC="`)
	x.number(confidence01(s.Confidence), 4)
	x.raw(`"`)
	open := false
	for _, c := range s.Candidates {
		other := norm.NFC.String(clean(c.Char))
		if n := utf8.RuneCountInString(other); n < 1 || n > 3 || other == char {
			continue
		}
		if !open {
			x.raw(">")
			open = true
		}
		x.raw("<Variant")
		x.attribute("CONTENT", other)
		x.raw(` VC="`)
		x.number(confidence01(c.Confidence), 4)
		x.raw(`"/>`)
	}
	if open {
		x.raw("</Glyph>")
		return
	}
	x.raw("/>")
}

// Close ends the file and reports the first write error. Further calls do nothing. A file without pages would not be ALTO:
// that is an error.
func (a *ALTOWriter) Close() error {
	if a.closed {
		return nil
	}
	a.closed = true
	if a.pages == 0 {
		return fmt.Errorf("export: an ALTO file needs a page at least")
	}
	a.x.raw("</Layout>\n</alto>\n")
	return a.x.b.Flush()
}

// baselineShare is how far down a line's height its characters rest: Chinese characters fill the line and have no base
// line of their own; fonts give them one at about a fifth of their height.
const baselineShare = float64(glyphAscent) / unitsPerEm
