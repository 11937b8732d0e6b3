package docx_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/record/export/docx"
)

func settings() docx.Settings {
	return docx.Settings{
		Page: docx.Page{Width: 210, Height: 297, Top: 37, Bottom: 35, Left: 28, Right: 26, Header: 15, Footer: 15},
		Styles: []docx.Style{
			{ID: "Normal", Font: "仿宋", Latin: "Times New Roman", Size: 14, Line: 26},
			{ID: "Title", Name: "Title <1>", Font: "宋体", Size: 22, Bold: true, Align: docx.Centre, Before: 6, After: 6, KeepNext: true, Outline: 1},
			{ID: "Turn", FirstLine: 2, Align: docx.Justify},
			{ID: "Hanging", FirstLine: -2, Indent: 28},
			{ID: "Signature", Tabs: []docx.Tab{{Position: 100, Align: docx.Left, Rule: true}, {Position: 120, Align: docx.Right}}},
			{ID: docx.FootnoteText, Size: 10},
			{ID: docx.FootnoteMark, Character: true, Superscript: true},
			{ID: "Quoted", Character: true, Font: "楷体"},
		},
		Fonts:  []docx.Font{{Name: "仿宋", Alternative: "FangSong", Serif: true, EastAsian: true}, {Name: "黑体"}},
		Header: []docx.Paragraph{{Style: "Turn", Runs: []docx.Run{{Text: "案号"}}}},
		Footer: []docx.Paragraph{{Runs: []docx.Run{{Text: "第"}, {Field: docx.PageNumber}, {Text: "页，共"}, {Field: docx.PageCount}, {Text: "页"}}}},
		Properties: docx.Properties{
			Title: "庭审笔录 & <x>", Subject: "s", Creator: "c", Software: "courtsense", Created: time.Unix(0, 0), Modified: time.Unix(1e9, 0),
			Custom: []docx.Property{{Name: "record", Value: "r<1>"}, {Name: "revision", Value: strings.Repeat("长", 300)}},
		},
	}
}

func document(t testing.TB, s docx.Settings, list ...docx.Paragraph) []byte {
	t.Helper()
	var b bytes.Buffer
	d, err := docx.New(&b, s)
	require.NoError(t, err)
	for _, p := range list {
		require.NoError(t, d.Add(p))
	}
	require.NoError(t, d.Close())
	require.NoError(t, d.Close(), "closing twice does nothing")
	return b.Bytes()
}

func parts(t testing.TB, file []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		out[f.Name] = string(content)
		assert.Equal(t, 1980, f.Modified.Year())
	}
	assert.Equal(t, "[Content_Types].xml", z.File[0].Name, "programs tell the format by the first part")
	return out
}

// order is that of the children in ECMA-376's transitional schema (wml.xsd), as far as this package writes them.
var order = map[string][]string{
	"document":       {"body"},
	"p":              {"pPr", "r"},
	"r":              {"rPr", "t", "br", "tab", "fldChar", "instrText", "footnoteReference", "footnoteRef", "separator", "continuationSeparator"},
	"pPr":            {"pStyle", "keepNext", "keepLines", "widowControl", "tabs", "spacing", "ind", "jc", "outlineLvl"},
	"rPr":            {"rStyle", "rFonts", "b", "bCs", "strike", "sz", "szCs", "vertAlign", "lang"},
	"sectPr":         {"headerReference", "footerReference", "pgSz", "pgMar"},
	"styles":         {"docDefaults", "style"},
	"docDefaults":    {"rPrDefault"},
	"rPrDefault":     {"rPr"},
	"style":          {"name", "basedOn", "qFormat", "pPr", "rPr"},
	"font":           {"altName", "charset", "family", "pitch"},
	"settings":       {"zoom", "defaultTabStop", "characterSpacingControl", "footnotePr", "compat", "themeFontLang"},
	"footnotes":      {"footnote"},
	"footnote":       {"p"},
	"footnotePr":     {"footnote"},
	"tabs":           {"tab"},
	"hdr":            {"p"},
	"ftr":            {"p"},
	"fonts":          {"font"},
	"compat":         {"compatSetting"},
	"body":           {"p", "sectPr"},
	"Types":          {"Default", "Override"},
	"coreProperties": {"title", "subject", "creator", "language", "created", "modified"},
}

// anyOrder are those whose children may come in any order.
var anyOrder = []string{"r"}

// checkOrder parses a part and checks that its elements stand where the schema has them.
func checkOrder(t testing.TB, name, content string) {
	t.Helper()
	type open struct {
		name string
		last int
	}
	var stack []open
	d := xml.NewDecoder(strings.NewReader(content))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err, name)
		switch token := token.(type) {
		case xml.StartElement:
			if len(stack) > 0 {
				parent := &stack[len(stack)-1]
				if allowed, ok := order[parent.name]; ok {
					at := slices.Index(allowed, token.Name.Local)
					require.GreaterOrEqual(t, at, 0, "%s: <%s> in <%s>", name, token.Name.Local, parent.name)
					if !slices.Contains(anyOrder, parent.name) {
						require.GreaterOrEqual(t, at, parent.last, "%s: <%s> in <%s> stands too late", name, token.Name.Local, parent.name)
					}
					parent.last = at
				}
			}
			seen := map[xml.Name]bool{}
			for _, a := range token.Attr {
				require.False(t, seen[a.Name], "%s: <%s> has %s twice", name, token.Name.Local, a.Name.Local)
				seen[a.Name] = true
			}
			stack = append(stack, open{name: token.Name.Local})
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		}
	}
}

func TestStructure(t *testing.T) {
	file := document(t, settings(),
		docx.Paragraph{Style: "Title", Runs: []docx.Run{{Text: "标题"}}},
		docx.Paragraph{Style: "Turn", Runs: []docx.Run{
			{Text: "审判长：", Style: "Quoted"}, {Text: "一\n二\t三", Strike: true, Style: "Quoted"}, {Text: "引", Footnote: []docx.Run{{Text: "民法典"}, {Text: "第一条", Style: "Quoted"}}},
		}},
		docx.Paragraph{Runs: []docx.Run{{Footnote: []docx.Run{{Text: "第二"}}}}},
		docx.Paragraph{},
	)
	all := parts(t, file)
	for name, content := range all {
		checkOrder(t, name, content)
	}

	t.Run("each part has a content type", func(t *testing.T) {
		for name := range all {
			if name != "[Content_Types].xml" && !strings.HasSuffix(name, ".rels") {
				assert.Contains(t, all["[Content_Types].xml"], `PartName="/`+name+`"`)
			}
		}
	})
	t.Run("each relation leads to a part", func(t *testing.T) {
		targets := 0
		for name, content := range all {
			if !strings.HasSuffix(name, ".rels") {
				continue
			}
			base := path.Dir(path.Dir(name))
			for _, piece := range strings.Split(content, `Target="`)[1:] {
				target, _, _ := strings.Cut(piece, `"`)
				assert.Contains(t, all, path.Join(base, target))
				targets++
			}
		}
		assert.Equal(t, 10, targets)
	})
	t.Run("text, breaks and tabs", func(t *testing.T) {
		assert.Contains(t, all["word/document.xml"],
			`<w:r><w:rPr><w:rStyle w:val="Quoted"/><w:rFonts w:hint="eastAsia"/><w:strike/></w:rPr><w:t xml:space="preserve">一</w:t><w:br/><w:t xml:space="preserve">二</w:t><w:tab/><w:t xml:space="preserve">三</w:t></w:r>`)
	})
	t.Run("footnotes are numbered as they are referred to", func(t *testing.T) {
		for i, text := range []string{"民法典", "第二"} {
			assert.Contains(t, all["word/document.xml"], fmt.Sprintf(`<w:footnoteReference w:id="%d"/>`, i+1))
			_, note, _ := strings.Cut(all["word/footnotes.xml"], fmt.Sprintf(`w:id="%d"`, i+1))
			note, _, _ = strings.Cut(note, "</w:footnote>")
			assert.Contains(t, note, text)
		}
	})
	t.Run("properties are no longer than programs take", func(t *testing.T) {
		assert.Equal(t, 255, strings.Count(all["docProps/custom.xml"], "长"))
	})
	t.Run("the same calls give the same bytes", func(t *testing.T) {
		assert.Equal(t, document(t, settings(), docx.Paragraph{}), document(t, settings(), docx.Paragraph{}))
	})
}

func TestWithoutWhatIsOptional(t *testing.T) {
	s := docx.Settings{Page: settings().Page, Styles: []docx.Style{{ID: "Normal", Font: "仿宋", Size: 14}}}
	all := parts(t, document(t, s))
	for _, absent := range []string{"word/footnotes.xml", "word/header1.xml", "word/footer1.xml", "docProps/custom.xml"} {
		assert.NotContains(t, all, absent)
		assert.NotContains(t, all["[Content_Types].xml"]+all["word/_rels/document.xml.rels"], path.Base(absent))
	}
}

func TestTexts(t *testing.T) {
	for in, want := range map[string]string{
		"红\x00\x1b\x7f":            "红\ufffd\ufffd\ufffd",
		"a\r\nb\rc\u2028d\ve":      "a\nb\nc\nd\ne",
		"\xed\xa0\x80\xff":         "\ufffd\ufffd\ufffd\ufffd",
		"\u202e\u2066\u200f\ufeff": "\ufffd\ufffd\ufffd\ufffd",
		"\ufffe\U0010ffff":         "\ufffd\ufffd",
		"مرحبا 😀👨‍👩‍👧 \U00020BB7 <&>\"'": "مرحبا 😀👨‍👩‍👧 \U00020BB7 <&>\"'",
	} {
		assert.Equal(t, want, docx.Clean(in))
		all := parts(t, document(t, settings(), docx.Paragraph{Runs: []docx.Run{{Text: in, Footnote: []docx.Run{{Text: in}}}}}))
		for _, name := range []string{"word/document.xml", "word/footnotes.xml"} {
			var text strings.Builder
			d := xml.NewDecoder(strings.NewReader(all[name]))
			for {
				token, err := d.Token()
				if err != nil {
					require.ErrorIs(t, err, io.EOF)
					break
				}
				if s, ok := token.(xml.StartElement); ok && s.Name.Local == "br" {
					text.WriteString("\n")
				}
				if s, ok := token.(xml.CharData); ok {
					text.Write(s)
				}
			}
			assert.Contains(t, text.String(), want)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	for name, change := range map[string]func(*docx.Settings){
		"no style":         func(s *docx.Settings) { s.Styles = nil },
		"style twice":      func(s *docx.Settings) { s.Styles = append(s.Styles, docx.Style{ID: "Turn"}) },
		"style without ID": func(s *docx.Settings) { s.Styles = append(s.Styles, docx.Style{}) },
		"no room":          func(s *docx.Settings) { s.Page.Left = 200 },
		"negative margin":  func(s *docx.Settings) { s.Page.Top = -1 },
		"footnote in the header": func(s *docx.Settings) {
			s.Header = []docx.Paragraph{{Runs: []docx.Run{{Footnote: []docx.Run{{Text: "x"}}}}}}
		},
		"unknown style in the footer": func(s *docx.Settings) { s.Footer = []docx.Paragraph{{Style: "x"}} },
	} {
		s := settings()
		change(&s)
		_, err := docx.New(io.Discard, s)
		assert.Error(t, err, name)
	}
	d, err := docx.New(io.Discard, settings())
	require.NoError(t, err)
	for _, p := range []docx.Paragraph{
		{Style: "None"}, {Style: "Quoted"}, {Runs: []docx.Run{{Style: "Turn"}}}, {Runs: []docx.Run{{Style: "None"}}}, {Runs: []docx.Run{{Footnote: []docx.Run{{Style: "None"}}}}},
	} {
		assert.Error(t, d.Add(p))
	}
	require.NoError(t, d.Close())
	assert.ErrorContains(t, d.Add(docx.Paragraph{}), "closed")

	s := settings()
	s.Styles = slices.DeleteFunc(s.Styles, func(s docx.Style) bool { return s.ID == docx.FootnoteText })
	d, err = docx.New(io.Discard, s)
	require.NoError(t, err)
	assert.Error(t, d.Add(docx.Paragraph{Runs: []docx.Run{{Footnote: []docx.Run{{Text: "x"}}}}}), "footnotes need their style")
}

// failing takes so many bytes.
type failing int

var errNoSpace = errors.New("no space left")

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > int(*f) {
		return 0, errNoSpace
	}
	*f -= failing(len(p))
	return len(p), nil
}

func TestWriteErrorsAreReported(t *testing.T) {
	whole := len(document(t, settings(), docx.Paragraph{Runs: []docx.Run{{Text: "x"}}}))
	for room := 0; room < whole; room += 97 {
		f := failing(room)
		d, err := docx.New(&f, settings())
		if err == nil {
			if err = d.Add(docx.Paragraph{Runs: []docx.Run{{Text: "x"}}}); err == nil {
				err = d.Close()
			}
		}
		assert.ErrorIs(t, err, errNoSpace, "room for %d of %d bytes", room, whole)
	}
}
