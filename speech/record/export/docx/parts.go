package docx

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	declaration = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	officeNS    = "http://schemas.openxmlformats.org/officeDocument/2006/"
	packageNS   = "http://schemas.openxmlformats.org/package/2006/"
	relationNS  = officeNS + "relationships"
	wordNS      = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
	mediaType   = "application/vnd.openxmlformats-officedocument."
	wordType    = mediaType + "wordprocessingml."
	coreType    = "application/vnd.openxmlformats-package.core-properties+xml"
)

type part struct{ path, content string }

// partsBefore are the parts that don't depend on the text, what programs tell the format by first.
func (d *Writer) partsBefore() []part {
	parts := []part{
		{"[Content_Types].xml", d.contentTypes()},
		{"_rels/.rels", d.packageRelations()},
		{"docProps/core.xml", d.core()},
		{"docProps/app.xml", declaration + `<Properties xmlns="` + officeNS + `extended-properties"><Application>` + escaped(d.settings.Properties.Software) + `</Application></Properties>`},
		{"word/styles.xml", d.stylesPart()},
		{"word/fontTable.xml", d.fonts()},
		{"word/settings.xml", d.settingsPart()},
		{"word/_rels/document.xml.rels", d.documentRelations()},
	}
	if len(d.settings.Properties.Custom) > 0 {
		parts = append(parts, part{"docProps/custom.xml", d.custom()})
	}
	if len(d.settings.Header) > 0 {
		parts = append(parts, part{"word/header1.xml", d.margin("hdr", d.settings.Header)})
	}
	if len(d.settings.Footer) > 0 {
		parts = append(parts, part{"word/footer1.xml", d.margin("ftr", d.settings.Footer)})
	}
	return parts
}

func (d *Writer) contentTypes() string {
	var b strings.Builder
	b.WriteString(declaration + `<Types xmlns="` + packageNS + `content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>`)
	override := func(path, contentType string) {
		b.WriteString(`<Override PartName="/` + path + `" ContentType="` + contentType + `"/>`)
	}
	override("word/document.xml", wordType+"document.main+xml")
	override("word/styles.xml", wordType+"styles+xml")
	override("word/settings.xml", wordType+"settings+xml")
	override("word/fontTable.xml", wordType+"fontTable+xml")
	override("docProps/core.xml", coreType)
	override("docProps/app.xml", mediaType+"extended-properties+xml")
	if len(d.settings.Properties.Custom) > 0 {
		override("docProps/custom.xml", mediaType+"custom-properties+xml")
	}
	if len(d.settings.Header) > 0 {
		override("word/header1.xml", wordType+"header+xml")
	}
	if len(d.settings.Footer) > 0 {
		override("word/footer1.xml", wordType+"footer+xml")
	}
	if d.hasNotes() {
		override("word/footnotes.xml", wordType+"footnotes+xml")
	}
	b.WriteString("</Types>")
	return b.String()
}

func relations(list [][3]string) string {
	var b strings.Builder
	b.WriteString(declaration + `<Relationships xmlns="` + packageNS + `relationships">`)
	for _, r := range list {
		b.WriteString(`<Relationship Id="` + r[0] + `" Type="` + r[1] + `" Target="` + r[2] + `"/>`)
	}
	b.WriteString("</Relationships>")
	return b.String()
}

func (d *Writer) packageRelations() string {
	list := [][3]string{
		{"rId1", relationNS + "/officeDocument", "word/document.xml"},
		{"rId2", packageNS + "relationships/metadata/core-properties", "docProps/core.xml"},
		{"rId3", relationNS + "/extended-properties", "docProps/app.xml"},
	}
	if len(d.settings.Properties.Custom) > 0 {
		list = append(list, [3]string{"rId4", relationNS + "/custom-properties", "docProps/custom.xml"})
	}
	return relations(list)
}

func (d *Writer) documentRelations() string {
	list := [][3]string{
		{"rId1", relationNS + "/styles", "styles.xml"},
		{"rId2", relationNS + "/settings", "settings.xml"},
		{"rId3", relationNS + "/fontTable", "fontTable.xml"},
	}
	if len(d.settings.Header) > 0 {
		list = append(list, [3]string{headerID, relationNS + "/header", "header1.xml"})
	}
	if len(d.settings.Footer) > 0 {
		list = append(list, [3]string{footerID, relationNS + "/footer", "footer1.xml"})
	}
	if d.hasNotes() {
		list = append(list, [3]string{"rId6", relationNS + "/footnotes", "footnotes.xml"})
	}
	return relations(list)
}

const headerID, footerID = "rId4", "rId5"

func (d *Writer) core() string {
	p := d.settings.Properties
	var b strings.Builder
	b.WriteString(declaration + `<cp:coreProperties xmlns:cp="` + packageNS + `metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" ` +
		`xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`)
	text := func(element, value string) {
		if value != "" {
			b.WriteString("<" + element + ">" + escaped(shortened(value)) + "</" + element + ">")
		}
	}
	day := func(element string, t time.Time) {
		if y := t.UTC().Year(); !t.IsZero() && y >= 1 && y <= 9999 {
			b.WriteString("<" + element + ` xsi:type="dcterms:W3CDTF">` + t.UTC().Format("2006-01-02T15:04:05Z") + "</" + element + ">")
		}
	}
	text("dc:title", p.Title)
	text("dc:subject", p.Subject)
	text("dc:creator", p.Creator)
	text("dc:language", d.settings.Language)
	day("dcterms:created", p.Created)
	day("dcterms:modified", p.Modified)
	b.WriteString("</cp:coreProperties>")
	return b.String()
}

func (d *Writer) custom() string {
	var b strings.Builder
	b.WriteString(declaration + `<Properties xmlns="` + officeNS + `custom-properties" xmlns:vt="` + officeNS + `docPropsVTypes">`)
	for i, p := range d.settings.Properties.Custom {
		// The identifiers of the format and of user-defined properties; the numbers begin with 2.
		fmt.Fprintf(&b, `<property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="%d" name="%s"><vt:lpwstr>%s</vt:lpwstr></property>`, i+2, escaped(shortened(p.Name)), escaped(shortened(p.Value)))
	}
	b.WriteString("</Properties>")
	return b.String()
}

// maxProperty is how many characters of a property programs take.
const maxProperty = 255

func shortened(s string) string {
	n := 0
	for i := range s {
		if n == maxProperty {
			return s[:i]
		}
		n++
	}
	return s
}

func (d *Writer) stylesPart() string {
	basic := d.settings.Styles[0]
	language := escaped(d.settings.Language)
	var b strings.Builder
	b.WriteString(declaration + `<w:styles xmlns:w="` + wordNS + `"><w:docDefaults><w:rPrDefault><w:rPr>` +
		Style{Font: basic.Font, Latin: basic.Latin, Size: basic.Size}.characterXML() + `<w:lang w:val="en-US" w:eastAsia="` + language + `" w:bidi="ar-SA"/></w:rPr></w:rPrDefault></w:docDefaults>` + "\n")
	for _, s := range d.settings.Styles {
		b.WriteString(s.xml(basic.ID, basic.Size))
	}
	b.WriteString("</w:styles>")
	return b.String()
}

func (d *Writer) fonts() string {
	var b strings.Builder
	b.WriteString(declaration + `<w:fonts xmlns:w="` + wordNS + `">`)
	for _, f := range d.settings.Fonts {
		b.WriteString(`<w:font w:name="` + escaped(f.Name) + `">`)
		if f.Alternative != "" {
			b.WriteString(`<w:altName w:val="` + escaped(f.Alternative) + `"/>`)
		}
		family := "swiss"
		if f.Serif {
			family = "roman"
		}
		charset := "00" // ANSI
		if f.EastAsian {
			charset = "86" // GB 2312
		}
		b.WriteString(`<w:charset w:val="` + charset + `"/><w:family w:val="` + family + `"/><w:pitch w:val="variable"/></w:font>`)
	}
	b.WriteString("</w:fonts>")
	return b.String()
}

func (d *Writer) margin(element string, paragraphs []Paragraph) string {
	var b strings.Builder
	b.WriteString(declaration + `<w:` + element + ` xmlns:w="` + wordNS + `">`)
	for _, p := range paragraphs {
		b.WriteString(d.paragraph(p))
	}
	b.WriteString("</w:" + element + ">")
	return b.String()
}

func (d *Writer) section() string {
	p := d.settings.Page
	var b strings.Builder
	b.WriteString("<w:sectPr>")
	if len(d.settings.Header) > 0 {
		b.WriteString(`<w:headerReference w:type="default" r:id="` + headerID + `"/>`)
	}
	if len(d.settings.Footer) > 0 {
		b.WriteString(`<w:footerReference w:type="default" r:id="` + footerID + `"/>`)
	}
	b.WriteString(`<w:pgSz w:w="` + twips(p.Width) + `" w:h="` + twips(p.Height) + `"/>` +
		`<w:pgMar w:top="` + twips(p.Top) + `" w:right="` + twips(p.Right) + `" w:bottom="` + twips(p.Bottom) + `" w:left="` + twips(p.Left) +
		`" w:header="` + twips(p.Header) + `" w:footer="` + twips(p.Footer) + `" w:gutter="0"/>`)
	b.WriteString("</w:sectPr>")
	return b.String()
}

// hasNotes tells whether the document can have footnotes.
func (d *Writer) hasNotes() bool {
	character, ok := d.styles[FootnoteText]
	return ok && !character
}

// The footnotes -1 and 0 are the line between text and notes; programs expect them.
func (d *Writer) footnotes() string {
	line := func(id int, kind, element string) string {
		return `<w:footnote w:type="` + kind + `" w:id="` + strconv.Itoa(id) + `"><w:p><w:r><w:` + element + `/></w:r></w:p></w:footnote>` + "\n"
	}
	return declaration + `<w:footnotes xmlns:w="` + wordNS + `">` + line(-1, "separator", "separator") +
		line(0, "continuationSeparator", "continuationSeparator") + d.notes.String() + "</w:footnotes>"
}

func (d *Writer) settingsPart() string {
	notes := ""
	if d.hasNotes() {
		notes = `<w:footnotePr><w:footnote w:id="-1"/><w:footnote w:id="0"/></w:footnotePr>`
	}
	return declaration + `<w:settings xmlns:w="` + wordNS + `"><w:zoom w:percent="100"/><w:defaultTabStop w:val="420"/>` +
		`<w:characterSpacingControl w:val="compressPunctuation"/>` + notes +
		// Compatibility with Word 2013 and later; without it Word opens the file in a mode for old documents.
		`<w:compat><w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat>` +
		`<w:themeFontLang w:val="en-US" w:eastAsia="` + escaped(d.settings.Language) + `"/></w:settings>`
}
