package docx

import (
	"archive/zip"
	"bufio"
	"cmp"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings describe a document besides its text.
type Settings struct {
	Page       Page
	Styles     []Style // the first is that of paragraphs without one
	Fonts      []Font
	Language   string      // BCP 47, of East Asian text; default "zh-CN"
	Header     []Paragraph // on every page; none when empty
	Footer     []Paragraph
	Properties Properties
}

// Page is the paper. All lengths are millimetres.
type Page struct {
	Width, Height            float64
	Top, Bottom, Left, Right float64 // margins
	Header, Footer           float64 // from the edge of the paper
}

// Properties describe the file for those who search for it.
type Properties struct {
	Title, Subject, Creator, Software string
	Created, Modified                 time.Time  // left out when zero
	Custom                            []Property // such as where the text comes from
}

// Property is a named text among a file's properties.
type Property struct{ Name, Value string }

// Paragraph is a line or more of text in one style.
type Paragraph struct {
	Style string // ID of a paragraph style; "" is the first style
	Runs  []Run
}

// Run is a stretch of text that looks alike. Line breaks in the text start new lines of the paragraph, tabs go to its stops.
type Run struct {
	Text   string
	Style  string // ID of a character style; "" is the paragraph's
	Strike bool
	Field  Field // is shown instead of the text
	// Footnote is set at the foot of the page, in the style [FootnoteText], and its mark behind the text.
	Footnote []Run
}

// Field is a text that the program which shows the document works out.
type Field string

// The fields.
const (
	PageNumber Field = "PAGE"
	PageCount  Field = "NUMPAGES"
)

// Writer writes one document. It is for one goroutine.
type Writer struct {
	zip       *zip.Writer
	body      *bufio.Writer
	notes     strings.Builder
	noteCount int
	settings  Settings
	styles    map[string]bool // IDs, true for those of characters
	closed    bool
	failed    error
}

// New begins a document.
func New(w io.Writer, s Settings) (*Writer, error) {
	if s.Language == "" {
		s.Language = "zh-CN"
	}
	s.Styles = slices.Clone(s.Styles)
	if len(s.Styles) > 0 {
		s.Styles[0].Latin = cmp.Or(s.Styles[0].Latin, s.Styles[0].Font)
	}
	d := &Writer{zip: zip.NewWriter(w), settings: s, styles: map[string]bool{}}
	d.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	if err := d.check(); err != nil {
		return nil, err
	}
	for _, part := range d.partsBefore() {
		if err := d.part(part.path, part.content); err != nil {
			return nil, err
		}
	}
	body, err := d.open("word/document.xml")
	if err != nil {
		return nil, err
	}
	d.body = bufio.NewWriterSize(body, 64<<10)
	d.write(declaration, `<w:document xmlns:w="`, wordNS, `" xmlns:r="`, relationNS, `"><w:body>`)
	return d, d.failed
}

func (d *Writer) check() error {
	if len(d.settings.Styles) == 0 {
		return errors.New("docx: a document needs a style")
	}
	for _, s := range d.settings.Styles {
		if _, twice := d.styles[s.ID]; twice || s.ID == "" {
			return fmt.Errorf("docx: style %q: the ID is empty or used twice", s.ID)
		}
		d.styles[s.ID] = s.Character
	}
	p := d.settings.Page
	if p.Width-p.Left-p.Right < 10 || p.Height-p.Top-p.Bottom < 10 || min(p.Top, p.Bottom, p.Left, p.Right, p.Header, p.Footer) < 0 {
		return fmt.Errorf("docx: paper of %gx%g mm leaves no room inside its margins", p.Width, p.Height)
	}
	for _, p := range append(append([]Paragraph{}, d.settings.Header...), d.settings.Footer...) {
		for _, r := range p.Runs {
			if len(r.Footnote) > 0 {
				return errors.New("docx: a header or footer cannot have footnotes")
			}
		}
		if err := d.known(p); err != nil {
			return err
		}
	}
	return nil
}

// known refuses styles that the document doesn't have: programs would show such text in any style.
func (d *Writer) known(p Paragraph) error {
	if character, ok := d.styles[p.Style]; p.Style != "" && (!ok || character) {
		return fmt.Errorf("docx: no paragraph style %q", p.Style)
	}
	for _, r := range p.Runs {
		if character, ok := d.styles[r.Style]; r.Style != "" && (!ok || !character) {
			return fmt.Errorf("docx: no character style %q", r.Style)
		}
		if len(r.Footnote) > 0 {
			if err := d.known(Paragraph{Style: FootnoteText, Runs: r.Footnote}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Add writes a paragraph.
func (d *Writer) Add(p Paragraph) error {
	if d.closed {
		return errors.New("docx: the document is closed")
	}
	if d.failed != nil {
		return d.failed
	}
	if err := d.known(p); err != nil {
		return err
	}
	d.write(d.paragraph(p))
	return d.failed
}

// Close ends the file. Further calls do nothing.
func (d *Writer) Close() error {
	if d.closed {
		return d.failed
	}
	d.closed = true
	d.write(d.section(), `</w:body></w:document>`)
	if err := d.body.Flush(); err != nil && d.failed == nil {
		d.failed = err
	}
	if d.failed != nil {
		return d.failed
	}
	if d.hasNotes() {
		d.failed = d.part("word/footnotes.xml", d.footnotes())
	}
	if d.failed == nil {
		d.failed = d.zip.Close()
	}
	return d.failed
}

// open begins a part of the package. Its time is that of an archive that knows none.
func (d *Writer) open(path string) (io.Writer, error) {
	return d.zip.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
}

func (d *Writer) part(path, content string) error {
	w, err := d.open(path)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, content)
	return err
}

func (d *Writer) write(parts ...string) {
	for _, s := range parts {
		if _, err := d.body.WriteString(s); err != nil && d.failed == nil {
			d.failed = err
		}
	}
}

// paragraph writes a paragraph as XML; its footnotes are kept for their own part.
func (d *Writer) paragraph(p Paragraph) string {
	var b strings.Builder
	b.WriteString("<w:p>")
	if p.Style != "" {
		b.WriteString(`<w:pPr><w:pStyle w:val="` + escaped(p.Style) + `"/></w:pPr>`)
	}
	for _, r := range p.Runs {
		d.run(&b, r)
	}
	b.WriteString("</w:p>\n")
	return b.String()
}

func (d *Writer) run(b *strings.Builder, r Run) {
	look := r.look()
	switch {
	case r.Field != "":
		for _, piece := range []string{
			`<w:fldChar w:fldCharType="begin"/>`, `<w:instrText xml:space="preserve"> ` + string(r.Field) + ` </w:instrText>`,
			`<w:fldChar w:fldCharType="separate"/>`, `<w:t>1</w:t>`, `<w:fldChar w:fldCharType="end"/>`,
		} {
			b.WriteString("<w:r>" + look + piece + "</w:r>")
		}
	case r.Text != "":
		b.WriteString("<w:r>" + look)
		writeText(b, r.Text)
		b.WriteString("</w:r>")
	}
	if len(r.Footnote) > 0 {
		d.noteCount++
		id := strconv.Itoa(d.noteCount)
		b.WriteString(`<w:r><w:rPr><w:rStyle w:val="` + FootnoteMark + `"/></w:rPr><w:footnoteReference w:id="` + id + `"/></w:r>`)
		d.notes.WriteString(`<w:footnote w:id="` + id + `"><w:p><w:pPr><w:pStyle w:val="` + FootnoteText + `"/></w:pPr>` +
			`<w:r><w:rPr><w:rStyle w:val="` + FootnoteMark + `"/></w:rPr><w:footnoteRef/></w:r>`)
		for _, n := range append([]Run{{Text: " "}}, r.Footnote...) {
			n.Footnote = nil
			d.run(&d.notes, n)
		}
		d.notes.WriteString("</w:p></w:footnote>\n")
	}
}

// look is a run's properties, in the order that the schema asks for.
func (r Run) look() string {
	look := ""
	if r.Style != "" {
		look += `<w:rStyle w:val="` + escaped(r.Style) + `"/>`
	}
	// Quotation marks and dashes are of both scripts: in Chinese text they are as wide as its characters.
	look += `<w:rFonts w:hint="eastAsia"/>`
	if r.Strike {
		look += "<w:strike/>"
	}
	return "<w:rPr>" + look + "</w:rPr>"
}
