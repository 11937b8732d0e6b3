package export

import (
	"bytes"
	"strings"
)

// info is the document information dictionary. PDF/A wants every entry to say the same as the XMP metadata.
func (w *PDFWriter) info() string {
	m := w.meta
	parts := []string{"/Producer " + pdfString(m.product())}
	if m.Title != "" {
		parts = append(parts, "/Title "+pdfString(m.Title))
	}
	if m.SHA256 != "" {
		parts = append(parts, "/Keywords "+pdfString(m.keywords()))
	}
	if !m.Time.IsZero() {
		date := pdfString(m.Time.Format("D:20060102150405Z"))
		parts = append(parts, "/CreationDate "+date, "/ModDate "+date)
	}
	return "<< " + strings.Join(parts, " ") + " >>"
}

// keywords carry the original's hash: XMP's own schemas that PDF/A knows without a declaration have no place for it.
func (m Meta) keywords() string { return "sha256:" + m.SHA256 }

// xmp is the metadata stream (ISO 16684-1) with the claim of conformance to PDF/A-2b.
func (m Meta) xmp() []byte {
	var b bytes.Buffer
	x := newXMLWriter(&b)
	property := func(name, value string) {
		if value != "" {
			x.raw("   <", name, ">")
			x.text(value)
			x.raw("</", name, ">\n")
		}
	}
	x.raw("<?xpacket begin=\"\ufeff\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n",
		"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n",
		"  <rdf:Description rdf:about=\"\" xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"",
		" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\">\n")
	property("pdfaid:part", "2")
	property("pdfaid:conformance", "B")
	property("dc:format", "application/pdf")
	if m.Title != "" {
		x.raw("   <dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">")
		x.text(m.Title)
		x.raw("</rdf:li></rdf:Alt></dc:title>\n")
	}
	if m.Language != "" {
		x.raw("   <dc:language><rdf:Bag><rdf:li>")
		x.text(m.Language)
		x.raw("</rdf:li></rdf:Bag></dc:language>\n")
	}
	property("pdf:Producer", m.product())
	if m.SHA256 != "" {
		property("pdf:Keywords", m.keywords())
	}
	if !m.Time.IsZero() {
		date := m.Time.Format("2006-01-02T15:04:05Z")
		property("xmp:CreateDate", date)
		property("xmp:ModifyDate", date)
	}
	x.raw("  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"r\"?>")
	_ = x.b.Flush() // a buffer takes all
	return b.Bytes()
}
