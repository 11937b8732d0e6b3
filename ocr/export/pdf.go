package export

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/courtsense/courtsense/ocr"
)

// PDFWriter writes one searchable PDF/A-2b (ISO 19005-2, PDF 1.7) page by page: each page shows its picture, and has the
// text that was read invisibly above it, every character in its place. Memory grows by some bytes a page and by the
// different characters used. It is for one goroutine.
type PDFWriter struct {
	o      objects
	meta   Meta
	fonts  fonts
	tree   pageTree
	colors map[string]int // colour profiles by content: their objects
	closed bool
}

// Objects that every file has, in this order.
const (
	catalogObject = 1 + iota
	pagesObject
	infoObject
	metadataObject
	profileObject
	glyphMapObject
	fontFileObject
	fontDescriptorObject
	lastFixedObject = fontDescriptorObject
)

// NewPDF begins a file.
func NewPDF(w io.Writer, m Meta) (*PDFWriter, error) {
	p := &PDFWriter{o: newObjects(w, lastFixedObject), meta: m.withDefaults(), colors: map[string]int{}}
	p.o.header()
	p.o.object(catalogObject, p.catalog())
	p.o.object(infoObject, p.info())
	p.o.stream(metadataObject, "/Type /Metadata /Subtype /XML", p.meta.xmp())
	p.o.deflated(profileObject, "/N 3", sRGBProfile())
	if p.o.err != nil {
		return nil, fmt.Errorf("export PDF: %w", p.o.err)
	}
	return p, nil
}

func (w *PDFWriter) catalog() string {
	lang := ""
	if w.meta.Language != "" {
		lang = " /Lang " + pdfString(w.meta.Language)
	}
	return fmt.Sprintf("<< /Type /Catalog /Pages %d 0 R /Metadata %d 0 R%s /ViewerPreferences << /DisplayDocTitle true >>\n"+
		"/OutputIntents [<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) /Info (sRGB IEC61966-2.1) /DestOutputProfile %d 0 R >>] >>",
		pagesObject, metadataObject, lang, profileObject)
}

// AddPage writes the next page, which shows the picture that p was read from. It refuses a picture that it cannot hold, or
// that has another size than the page; the file then is as it was before, and goes on.
func (w *PDFWriter) AddPage(ctx context.Context, p ocr.Page, picture Picture) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.closed {
		return fmt.Errorf("export page %d: the PDF is closed", p.Number)
	}
	if w.o.err != nil {
		return fmt.Errorf("export page %d: %w", p.Number, w.o.err)
	}
	if err := checkPage(p); err != nil {
		return err
	}
	img, err := picture.embed(p)
	if err != nil {
		return fmt.Errorf("export page %d: %w", p.Number, err)
	}
	paper := paperFor(p, picture.resolution(p, img))
	text := textLayer{fonts: &w.fonts, paper: paper}
	text.page(p)

	image := w.image(img)
	content := w.o.reserve()
	drawing := append(img.draw(paper), text.out...)
	w.o.deflated(content, "", drawing)
	page := w.o.reserve()
	w.o.object(page, fmt.Sprintf("<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s]%s\n/Resources << /XObject << /Im0 %d 0 R >>%s >>\n/Contents %d 0 R >>",
		w.tree.add(&w.o, page), point(paper.width), point(paper.height), w.turn(p), image, w.fonts.resources(&w.o, text.used), content))
	if w.o.err != nil {
		return fmt.Errorf("export page %d: %w", p.Number, w.o.err)
	}
	return nil
}

// turn is the page's /Rotate, which counts clockwise as the content's own rotation does.
func (w *PDFWriter) turn(p ocr.Page) string {
	if back := (360 - p.Rotation) % 360; !w.meta.KeepRotation && (back == 90 || back == 180 || back == 270) {
		return fmt.Sprintf(" /Rotate %d", back)
	}
	return ""
}

// image writes the picture and what it refers to, and returns its object.
func (w *PDFWriter) image(img embedded) int {
	space := img.space
	if img.profile != nil {
		space = fmt.Sprintf("[/ICCBased %d 0 R]", w.profile(img))
	}
	if img.palette != nil {
		space = fmt.Sprintf("[/Indexed /DeviceRGB %d <%x>]", len(img.palette)/3-1, img.palette)
	}
	id := w.o.reserve()
	w.o.stream(id, fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent %d /ColorSpace %s%s",
		img.width, img.height, img.bits, space, img.filter), img.data...)
	return id
}

// profile returns the object of the picture's colour profile; cameras and scanners use the same one for all their pictures.
func (w *PDFWriter) profile(img embedded) int {
	key := string(img.profile)
	if id, ok := w.colors[key]; ok {
		return id
	}
	id := w.o.reserve()
	w.o.deflated(id, fmt.Sprintf("/N %d", img.channels), img.profile)
	// A file of pictures from many devices must not keep every profile in memory.
	if len(w.colors) < 16 {
		w.colors[key] = id
	}
	return id
}

// Close writes what refers to the pages and reports the first write error. A PDF has at least one page: without any, Close
// fails. Further calls do nothing.
func (w *PDFWriter) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	if w.tree.pages == 0 && w.o.err == nil {
		return errors.New("export PDF: a file needs a page at least")
	}
	w.tree.close(&w.o)
	w.fonts.write(&w.o)
	w.o.trailer()
	if w.o.err != nil {
		return fmt.Errorf("export PDF: %w", w.o.err)
	}
	return nil
}

// pageTree is a tree of two levels, so that a reader finds page 9,000 without reading 8,999 others.
type pageTree struct {
	pages  int
	nodes  []treeNode
	leaves []int // pages of the last node
}

type treeNode struct{ object, pages int }

// pagesPerNode keeps both levels short up to about ten thousand pages.
const pagesPerNode = 100

// add returns the parent that the page has to name.
func (t *pageTree) add(o *objects, page int) (parent int) {
	if len(t.leaves) == 0 {
		t.nodes = append(t.nodes, treeNode{object: o.reserve()})
	}
	t.leaves = append(t.leaves, page)
	t.pages++
	last := &t.nodes[len(t.nodes)-1]
	last.pages++
	if len(t.leaves) == pagesPerNode {
		t.flush(o)
	}
	return last.object
}

func (t *pageTree) flush(o *objects) {
	last := t.nodes[len(t.nodes)-1]
	o.object(last.object, fmt.Sprintf("<< /Type /Pages /Parent %d 0 R /Count %d /Kids [%s] >>", pagesObject, last.pages, references(t.leaves)))
	t.leaves = t.leaves[:0]
}

func (t *pageTree) close(o *objects) {
	if len(t.leaves) > 0 {
		t.flush(o)
	}
	kids := make([]int, len(t.nodes))
	for i, n := range t.nodes {
		kids[i] = n.object
	}
	o.object(pagesObject, fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] >>", t.pages, references(kids)))
}
