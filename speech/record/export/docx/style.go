package docx

import (
	"math"
	"strconv"
	"strings"
)

// The styles of footnotes. A document that has footnotes must define [FootnoteText], a paragraph style, and [FootnoteMark], a
// character style.
const (
	FootnoteText = "FootnoteText"
	FootnoteMark = "FootnoteReference"
)

// Align is how the lines of a paragraph lie between the margins.
type Align string

// The alignments.
const (
	Left    Align = "left"
	Centre  Align = "center"
	Right   Align = "right"
	Justify Align = "both"
)

// Style is how paragraphs, or runs of characters, look. What is zero comes from the first style.
type Style struct {
	ID   string // letters and digits
	Name string // as programs list it; default ID

	Character bool // for runs; else for paragraphs

	Font        string  // of East Asian scripts
	Latin       string  // of all others; default that of the first style, and there Font
	Size        float64 // pt
	Bold        bool
	Superscript bool

	// The rest is for paragraphs.
	Align         Align
	Line          float64 // distance of base lines, pt, exactly; 0 is that of the font
	Before, After float64 // pt
	Indent        float64 // of the whole paragraph from the left, pt
	FirstLine     float64 // of its first line further to the right, characters; negative is further to the left
	KeepNext      bool    // on the page of the next paragraph
	Outline       int     // level of a heading, from 1; 0 is none
	Tabs          []Tab
}

// Tab is a stop that a tab character goes to.
type Tab struct {
	Position float64 // from the left margin, mm
	Align    Align   // of the text at the stop: Left, Centre or Right
	Rule     bool    // draws a line up to the stop
}

// Font names a font and what to take where it isn't installed.
type Font struct {
	Name, Alternative string
	Serif, EastAsian  bool
}

func number(v float64) string { return strconv.Itoa(int(math.Round(v))) }

// A twip is a twentieth of a point, and a millimetre 1440/25.4 twips.
func twips(mm float64) string { return number(mm * 1440 / 25.4) }

func (s Style) xml(basic string, size float64) string {
	var b strings.Builder
	kind := "paragraph"
	if s.Character {
		kind = "character"
	}
	b.WriteString(`<w:style w:type="` + kind + `"`)
	if s.ID == basic {
		b.WriteString(` w:default="1"`)
	}
	name := s.Name
	if name == "" {
		name = s.ID
	}
	b.WriteString(` w:styleId="` + escaped(s.ID) + `"><w:name w:val="` + escaped(name) + `"/>`)
	if s.ID != basic && !s.Character {
		b.WriteString(`<w:basedOn w:val="` + escaped(basic) + `"/>`)
	}
	b.WriteString(`<w:qFormat/>`)
	if !s.Character {
		if s.Size > 0 {
			size = s.Size
		}
		b.WriteString(s.paragraphXML(size))
	}
	if look := s.characterXML(); look != "" {
		b.WriteString("<w:rPr>" + look + "</w:rPr>")
	}
	b.WriteString("</w:style>\n")
	return b.String()
}

// paragraphXML writes the elements in the order of the schema's CT_PPr.
func (s Style) paragraphXML(size float64) string {
	var b strings.Builder
	if s.KeepNext {
		b.WriteString("<w:keepNext/>")
	}
	b.WriteString("<w:widowControl/>")
	if len(s.Tabs) > 0 {
		b.WriteString("<w:tabs>")
		for _, t := range s.Tabs {
			b.WriteString(`<w:tab w:val="` + string(t.Align) + `"`)
			if t.Rule {
				b.WriteString(` w:leader="underscore"`)
			}
			b.WriteString(` w:pos="` + twips(t.Position) + `"/>`)
		}
		b.WriteString("</w:tabs>")
	}
	b.WriteString(`<w:spacing w:before="` + number(s.Before*20) + `" w:after="` + number(s.After*20) + `"`)
	if s.Line > 0 {
		b.WriteString(` w:line="` + number(s.Line*20) + `" w:lineRule="exact"`)
	}
	b.WriteString(`/><w:ind w:left="` + number(s.Indent*20) + `"`)
	if s.FirstLine >= 0 {
		b.WriteString(` w:firstLineChars="` + number(s.FirstLine*100) + `" w:firstLine="` + number(s.FirstLine*size*20) + `"/>`)
	} else {
		b.WriteString(` w:hangingChars="` + number(-s.FirstLine*100) + `" w:hanging="` + number(-s.FirstLine*size*20) + `"/>`)
	}
	if s.Align != "" {
		b.WriteString(`<w:jc w:val="` + string(s.Align) + `"/>`)
	}
	if s.Outline > 0 {
		b.WriteString(`<w:outlineLvl w:val="` + strconv.Itoa(s.Outline-1) + `"/>`)
	}
	return "<w:pPr>" + b.String() + "</w:pPr>"
}

// characterXML writes the elements in the order of the schema's CT_RPr.
func (s Style) characterXML() string {
	var b strings.Builder
	if s.Font != "" || s.Latin != "" {
		b.WriteString("<w:rFonts")
		if f := escaped(s.Latin); f != "" {
			b.WriteString(` w:ascii="` + f + `" w:hAnsi="` + f + `"`)
		}
		if s.Font != "" {
			b.WriteString(` w:eastAsia="` + escaped(s.Font) + `"`)
		}
		if f := escaped(s.Latin); f != "" {
			b.WriteString(` w:cs="` + f + `"`)
		}
		b.WriteString("/>")
	}
	if s.Bold {
		b.WriteString("<w:b/><w:bCs/>")
	}
	if s.Size > 0 {
		half := number(s.Size * 2)
		b.WriteString(`<w:sz w:val="` + half + `"/><w:szCs w:val="` + half + `"/>`)
	}
	if s.Superscript {
		b.WriteString(`<w:vertAlign w:val="superscript"/>`)
	}
	return b.String()
}
