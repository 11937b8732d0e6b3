package export

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/courtsense/courtsense/ocr"
)

// WriteHOCR writes the document as hOCR 1.2, an XHTML file whose title properties carry the places in pixels.
func WriteHOCR(w io.Writer, d ocr.Document, m Meta) error {
	h := NewHOCR(w, m)
	for _, p := range d.Pages {
		if err := h.AddPage(context.Background(), p); err != nil {
			return err
		}
	}
	return h.Close()
}

// HOCRWriter writes one hOCR file page by page. It is for one goroutine.
type HOCRWriter struct {
	x      xmlWriter
	meta   Meta
	pages  int
	closed bool
}

// NewHOCR begins a file. Write errors are reported by Close.
func NewHOCR(w io.Writer, m Meta) *HOCRWriter {
	h := &HOCRWriter{x: newXMLWriter(w), meta: m.withDefaults()}
	x := &h.x
	x.raw(`<?xml version="1.0" encoding="UTF-8"?>`, "\n",
		`<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">`, "\n",
		`<html xmlns="http://www.w3.org/1999/xhtml"`)
	if h.meta.Language != "" {
		x.attribute("xml:lang", h.meta.Language)
		x.attribute("lang", h.meta.Language)
	}
	x.raw(">\n<head>\n<title>")
	x.text(h.meta.Title)
	x.raw("</title>\n", `<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>`, "\n")
	h.head("ocr-system", h.meta.product())
	h.head("ocr-capabilities", "ocr_page ocr_carea ocr_table ocr_header ocr_footer ocr_image ocr_par ocr_line ocrx_word ocrx_cinfo")
	if h.meta.Language != "" {
		h.head("ocr-langs", h.meta.Language)
	}
	if !h.meta.Time.IsZero() {
		h.head("dcterms.created", h.meta.Time.Format("2006-01-02T15:04:05Z"))
	}
	if h.meta.SHA256 != "" {
		h.head("dcterms.source", "sha256:"+h.meta.SHA256)
	}
	x.raw("</head>\n<body>\n")
	return h
}

func (h *HOCRWriter) head(name, content string) {
	h.x.raw("<meta")
	h.x.attribute("name", name)
	h.x.attribute("content", content)
	h.x.raw("/>\n")
}

// AddPage writes the next page. A page that is refused leaves the file as it was.
func (h *HOCRWriter) AddPage(ctx context.Context, p ocr.Page) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if h.closed {
		return fmt.Errorf("export page %d: the hOCR file is closed", p.Number)
	}
	if err := checkPage(p); err != nil {
		return err
	}
	h.pages++
	id := strconv.Itoa(h.pages)
	x := &h.x
	x.raw(`<div class="ocr_page" id="page_`, id, `" title="image `)
	// hOCR's own quoting has no escape: a quote or semicolon in the name would end the property.
	x.raw("&quot;")
	x.text(propertySafe(h.meta.Source))
	x.raw("&quot;; ")
	x.rawf("bbox 0 0 %d %d; ppageno %d", p.Width, p.Height, h.pages-1)
	x.raw("\">\n")
	for k, r := range pictures(p) {
		h.open("div", "ocr_image", fmt.Sprintf("image_%s_%d", id, k+1), rectOf(boundsOf(r.Outline), p))
		x.raw("\"></div>\n")
	}
	line := 0
	for k, b := range blocksOf(p) {
		class := "ocr_carea"
		switch {
		case b.kind == ocr.RegionTable:
			class = "ocr_table"
		case b.kind == ocr.RegionMargin && b.top:
			class = "ocr_header"
		case b.kind == ocr.RegionMargin:
			class = "ocr_footer"
		}
		var around rect
		for _, lines := range b.paragraphs {
			around = around.union(linesRect(p, lines))
		}
		block := fmt.Sprintf("%s_%d", id, k+1)
		h.open("div", class, "block_"+block, around)
		x.raw("\">\n")
		for n, lines := range b.paragraphs {
			h.open("p", "ocr_par", fmt.Sprintf("par_%s_%d", block, n+1), linesRect(p, lines))
			x.raw("\">\n")
			for _, i := range lines {
				line++
				h.line(p, p.Lines[i], fmt.Sprintf("%s_%d", id, line))
			}
			x.raw("</p>\n")
		}
		x.raw("</div>\n")
	}
	x.raw("</div>\n")
	return nil
}

// open writes a start tag up to its box, inside the title attribute.
func (h *HOCRWriter) open(element, class, id string, r rect) {
	h.x.rawf(`<%s class="%s" id="%s" title="bbox %d %d %d %d`, element, class, id, r.x0, r.y0, r.x1, r.y1)
}

func (h *HOCRWriter) line(p ocr.Page, l ocr.Line, id string) {
	x := &h.x
	h.open("span", "ocr_line", "line_"+id, rectOf(l.Polygon.Bounds(), p))
	f := frameOf(l, nil)
	if !l.Vertical {
		// hOCR counts counter-clockwise.
		if angle := -math.Atan2(f.uy, f.ux) * 180 / math.Pi; math.Abs(angle) >= 0.1 {
			x.raw("; textangle ")
			x.number(math.Mod(angle+360, 360), 1)
		}
	}
	x.raw("; x_size ")
	x.number(f.height, 1)
	x.raw("; x_conf ")
	x.number(100*confidence01(l.Confidence), 2)
	x.raw(`"`)
	if l.Vertical {
		x.raw(` style="writing-mode:vertical-rl"`)
	}
	x.raw(">")
	for k, w := range pieces(l) {
		if w.blankBefore {
			x.raw(" ")
		}
		h.open("span", "ocrx_word", fmt.Sprintf("word_%s_%d", id, k+1), rectOf(w.box, p))
		x.raw("; x_wconf ")
		x.number(100*confidence01(w.confidence), 0)
		x.raw(`">`)
		if len(w.symbols) == 0 {
			x.text(w.text)
		}
		for _, s := range w.symbols {
			r := rectOf(s.Box, p)
			x.rawf(`<span class="ocrx_cinfo" title="bbox %[1]d %[2]d %[3]d %[4]d; x_bboxes %[1]d %[2]d %[3]d %[4]d; x_confs `, r.x0, r.y0, r.x1, r.y1)
			x.number(100*confidence01(s.Confidence), 2)
			x.raw(`">`)
			x.text(s.Char)
			x.raw("</span>")
		}
		x.raw("</span>")
	}
	x.raw("</span>\n")
}

// Close ends the file and reports the first write error. Further calls do nothing.
func (h *HOCRWriter) Close() error {
	if h.closed {
		return nil
	}
	h.closed = true
	h.x.raw("</body>\n</html>\n")
	return h.x.b.Flush()
}

// propertySafe takes out what would end a quoted hOCR property.
func propertySafe(s string) string {
	out := []rune(s)
	for i, r := range out {
		if r == '"' || r == ';' {
			out[i] = '_'
		}
	}
	return string(out)
}
