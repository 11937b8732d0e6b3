package export

import (
	"io"
	"strconv"
	"strings"

	"github.com/courtsense/courtsense/speech/record"
	"github.com/courtsense/courtsense/speech/record/export/docx"
)

// The styles by which a clerk restyles the whole document in a word processor.
const (
	styleBody      = "Normal"
	styleCourt     = "Court" // what stands above the title
	styleTitle     = "Title"
	styleHead      = "CaseInformation"
	styleAgenda    = "Heading1"
	styleDecision  = "Decision"
	styleTurn      = "Turn"
	styleClosing   = "Closing"
	styleSignature = "Signature"
	styleHeader    = "Header"
	styleFooter    = "Footer"
	styleSpeaker   = "Speaker"
	styleQuotation = "StatuteQuotation"
)

// signatureWidth is the share of the text's width that a line for a signature reaches to.
const signatureWidth = .72

func writeDOCX(w io.Writer, d document, s record.State, o Options) error {
	out, err := docx.New(w, docxSettings(d, s, o))
	if err != nil {
		return err
	}
	add := func(style string, runs ...docx.Run) {
		if err == nil {
			err = out.Add(docx.Paragraph{Style: style, Runs: runs})
		}
	}
	each := func(style string, lines []string) {
		for _, line := range lines {
			add(style, docx.Run{Text: line})
		}
	}
	if n := len(d.title); n > 0 {
		each(styleCourt, d.title[:n-1])
		each(styleTitle, d.title[n-1:])
	}
	each(styleHead, d.head)
	each(styleClosing, d.opening)
	for _, b := range d.body {
		switch {
		case b.turn != nil:
			add(styleTurn, turnRuns(*b.turn)...)
		case b.heading != "":
			add(styleAgenda, docx.Run{Text: b.heading})
		default:
			add(styleDecision, docx.Run{Text: b.decision})
		}
	}
	each(styleClosing, d.closing)
	for _, line := range d.signatures {
		add(styleSignature, docx.Run{Text: line + "\t"})
	}
	if err != nil {
		return err
	}
	return out.Close()
}

func turnRuns(t shownTurn) []docx.Run {
	runs := []docx.Run{{Text: t.label, Style: styleSpeaker, Strike: t.struck}}
	for _, s := range t.spans {
		run := docx.Run{Text: s.text, Strike: t.struck}
		if s.quoted {
			run.Style = styleQuotation
		}
		if s.note != "" {
			run.Footnote = []docx.Run{{Text: s.note}}
		}
		runs = append(runs, run)
	}
	return runs
}

func docxSettings(d document, s record.State, o Options) docx.Settings {
	f := d.template.file
	title := strings.Join(d.title, "　")
	settings := docx.Settings{
		Language: f.Language,
		Page: docx.Page{
			Width: f.Page.Width, Height: f.Page.Height, Top: f.Page.Top, Bottom: f.Page.Bottom, Left: f.Page.Left, Right: f.Page.Right,
			Header: f.Page.Top / 2, Footer: f.Page.Bottom / 2,
		},
		Header: margin(styleHeader, d.header),
		Footer: margin(styleFooter, d.footer),
		Properties: docx.Properties{
			Title: title, Subject: oneLine(s.Case.Number), Creator: oneLine(s.Case.Court), Software: o.Software, Created: s.Created, Modified: s.Updated,
			Custom: []docx.Property{
				{Name: "record", Value: s.ID}, {Name: "revision", Value: strconv.FormatInt(s.Revision, 10)}, {Name: "head_sha256", Value: s.Head},
			},
		},
		Styles: styles(f),
	}
	seen := map[string]bool{}
	for _, names := range [][]string{f.Fonts.Body, f.Fonts.Latin, f.Fonts.Title, f.Fonts.Speaker, f.Fonts.Quotation} {
		if seen[names[0]] {
			continue
		}
		seen[names[0]] = true
		font := docx.Font{Name: names[0], Serif: true, EastAsian: names[0] != f.Fonts.Latin[0]}
		if len(names) > 1 {
			font.Alternative = names[1]
		}
		settings.Fonts = append(settings.Fonts, font)
	}
	return settings
}

func styles(f templateFile) []docx.Style {
	width := f.Page.Width - f.Page.Left - f.Page.Right
	size, line := f.Sizes.Body, f.Sizes.Line
	return []docx.Style{
		{ID: styleBody, Font: f.Fonts.Body[0], Latin: f.Fonts.Latin[0], Size: size, Line: line},
		{ID: styleCourt, Font: f.Fonts.Title[0], Size: f.Sizes.Title, Bold: true, Align: docx.Centre, Line: f.Sizes.Title * 1.6, KeepNext: true},
		{ID: styleTitle, Font: f.Fonts.Title[0], Size: f.Sizes.Title, Bold: true, Align: docx.Centre, Line: f.Sizes.Title * 1.6, After: line / 2, KeepNext: true},
		{ID: styleHead, Name: "Case Information", Line: line, Align: docx.Justify},
		{ID: styleAgenda, Name: "heading 1", Font: f.Fonts.Speaker[0], Size: size, Line: line, Before: line / 3, FirstLine: 2, KeepNext: true, Outline: 1},
		{ID: styleDecision, Line: line, FirstLine: 2, Align: docx.Justify, Font: f.Fonts.Quotation[0]},
		{ID: styleTurn, Line: line, FirstLine: 2, Align: docx.Justify},
		{ID: styleClosing, Line: line, FirstLine: 2, Before: line / 2, Align: docx.Justify, KeepNext: true},
		{ID: styleSignature, Line: line * 1.3, Tabs: []docx.Tab{{Position: width * signatureWidth, Align: docx.Left, Rule: true}}},
		{ID: styleHeader, Name: "header", Size: f.Sizes.Margin, Align: docx.Centre},
		{ID: styleFooter, Name: "footer", Size: f.Sizes.Margin, Align: docx.Centre},
		{ID: docx.FootnoteText, Name: "footnote text", Size: f.Sizes.Margin},
		{ID: docx.FootnoteMark, Name: "footnote reference", Character: true, Superscript: true},
		{ID: styleSpeaker, Character: true, Font: f.Fonts.Speaker[0]},
		{ID: styleQuotation, Name: "Statute Quotation", Character: true, Font: f.Fonts.Quotation[0]},
	}
}

// margin makes a header's or footer's lines, with the page numbers as fields.
func margin(style string, lines []string) []docx.Paragraph {
	var out []docx.Paragraph
	for _, line := range lines {
		p := docx.Paragraph{Style: style}
		for line != "" {
			end := strings.IndexAny(line, pageMark+pagesMark)
			if end < 0 {
				end = len(line)
			}
			p.Runs = append(p.Runs, docx.Run{Text: line[:end]})
			if end < len(line) {
				field := docx.PageNumber
				if line[end:end+1] == pagesMark {
					field = docx.PageCount
				}
				p.Runs = append(p.Runs, docx.Run{Field: field})
				end++
			}
			line = line[end:]
		}
		out = append(out, p)
	}
	return out
}
