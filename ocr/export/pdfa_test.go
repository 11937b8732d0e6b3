package export

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/font/sfnt"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/ocr"
)

// object is an object of one of our own files.
type object struct {
	body   string
	stream []byte // unpacked when it is deflated
}

// readPDF reads one of our own files through its cross-reference table, strictly.
func readPDF(content []byte) (map[int]object, string, error) {
	tail := regexp.MustCompile(`(?s)xref\n0 (\d+)\n(.*)trailer\n(<<.*>>)\nstartxref\n(\d+)\n%%EOF\n$`)
	at := bytes.LastIndex(content, []byte("\nxref\n"))
	if at < 0 {
		return nil, "", fmt.Errorf("no xref")
	}
	m := tail.FindSubmatch(content[at+1:])
	if m == nil {
		return nil, "", fmt.Errorf("bad end %q", content[at:])
	}
	if start, _ := strconv.Atoi(string(m[4])); start != at+1 {
		return nil, "", fmt.Errorf("startxref %d, table at %d", start, at+1)
	}
	entries := m[2]
	n, _ := strconv.Atoi(string(m[1]))
	if len(entries) != 20*n {
		return nil, "", fmt.Errorf("%d entries in %d bytes", n, len(entries))
	}
	head := regexp.MustCompile(`^(\d+) 0 obj\n`)
	length := regexp.MustCompile(`/Length (\d+) >>$`)
	out := map[int]object{}
	for id := 1; id < n; id++ {
		offset, err := strconv.Atoi(string(entries[20*id : 20*id+10]))
		if err != nil || string(entries[20*id+10:20*id+20]) != " 00000 n \n" {
			return nil, "", fmt.Errorf("entry %q", entries[20*id:20*id+20])
		}
		h := head.FindSubmatch(content[offset:])
		if h == nil || string(h[1]) != strconv.Itoa(id) {
			return nil, "", fmt.Errorf("no object %d at %d", id, offset)
		}
		rest := content[offset+len(h[0]):]
		end := bytes.Index(rest, []byte("\nendobj\n"))
		var o object
		if s := bytes.Index(rest, []byte("\nstream\n")); s >= 0 && s < end {
			o.body = string(rest[:s])
			l := length.FindStringSubmatch(o.body)
			if l == nil {
				return nil, "", fmt.Errorf("object %d: %s", id, o.body)
			}
			size, _ := strconv.Atoi(l[1])
			o.stream = rest[s+8 : s+8+size]
			if !bytes.HasPrefix(rest[s+8+size:], []byte("\nendstream\nendobj\n")) {
				return nil, "", fmt.Errorf("object %d has another length than %d", id, size)
			}
			if strings.Contains(o.body, "/FlateDecode") && !strings.Contains(o.body, "/Predictor") {
				z, err := zlib.NewReader(bytes.NewReader(o.stream))
				if err != nil {
					return nil, "", fmt.Errorf("object %d: %w", id, err)
				}
				if o.stream, err = io.ReadAll(z); err != nil {
					return nil, "", fmt.Errorf("object %d: %w", id, err)
				}
			}
		} else {
			o.body = string(rest[:end])
		}
		out[id] = o
	}
	return out, string(m[3]), nil
}

// checkPDFA holds a file to what ISO 19005-2, level B, asks of the things that ours have. It is a check of structure; veraPDF,
// which checks the whole standard, is not to be had as a Debian package.
func checkPDFA(t testing.TB, content []byte) {
	t.Helper()
	require.True(t, bytes.HasPrefix(content, []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")), "6.1.2: the version, then four bytes that are no text")
	objects, trailer, err := readPDF(content)
	require.NoError(t, err)
	assert.Regexp(t, `/ID \[<[0-9a-f]{32}> <[0-9a-f]{32}>\]`, trailer, "6.1.3: file identifier")
	assert.NotContains(t, trailer, "/Encrypt", "6.1.3")

	reference := regexp.MustCompile(`(\d+) 0 R`)
	for id, o := range objects {
		for _, m := range reference.FindAllStringSubmatch(o.body, -1) {
			n, _ := strconv.Atoi(m[1])
			if _, ok := objects[n]; !ok {
				t.Errorf("object %d refers to %d", id, n)
			}
		}
		for _, forbidden := range []string{"/LZWDecode", "/SMask", "/Interpolate true", "/Alternates", "/JavaScript", "/Launch", "/OPI", "/Crypt", "/AA ", "/NeedAppearances"} {
			if strings.Contains(o.body, forbidden) {
				t.Errorf("object %d has %s", id, forbidden)
			}
		}
		assert.Less(t, strings.Count(o.body, "<<"), 28)
	}
	catalog := objects[catalogObject].body
	assert.Regexp(t, `/OutputIntents \[<< /Type /OutputIntent /S /GTS_PDFA1 .*/DestOutputProfile \d+ 0 R`, strings.ReplaceAll(catalog, "\n", " "), "6.2.3")
	profile := objects[profileObject]
	assert.Contains(t, profile.body, "/N 3")
	assert.Equal(t, "mntrRGB XYZ ", string(profile.stream[12:24]))
	metadata := objects[metadataObject]
	assert.NotContains(t, metadata.body, "/Filter", "the metadata can be found by programs that know no PDF")
	assert.Contains(t, string(metadata.stream), "<pdfaid:part>2</pdfaid:part>", "6.6.4")
	assert.Contains(t, string(metadata.stream), "<pdfaid:conformance>B</pdfaid:conformance>")
	_, err = parse(metadata.stream)
	require.NoError(t, err)

	pages := 0
	for id, o := range objects {
		switch {
		case strings.Contains(o.body, "/Type /Page "):
			pages++
			checkPageObject(t, objects, id, o)
		case strings.Contains(o.body, "/Subtype /Image"):
			if strings.Contains(o.body, "/DeviceCMYK") {
				t.Errorf("object %d: 6.2.4.3: DeviceCMYK without a CMYK output intent", id)
			}
		case strings.Contains(o.body, "/Subtype /CIDFontType2"):
			assert.Contains(t, o.body, "/CIDToGIDMap", "6.2.11.3.2")
			assert.Contains(t, o.body, fmt.Sprintf("/DW %d", glyphWidth))
			assert.Contains(t, objects[fontDescriptorObject].body, "/FontFile2", "6.2.11.4.1: embedded")
			m := objects[glyphMapObject].stream
			require.Len(t, m, 1<<17)
		}
	}
	assert.Positive(t, pages)
}

func checkPageObject(t testing.TB, objects map[int]object, id int, o object) {
	t.Helper()
	m := regexp.MustCompile(`/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]`).FindStringSubmatch(o.body)
	require.NotNil(t, m, "page object %d", id)
	for _, s := range m[1:] {
		v, err := strconv.ParseFloat(s, 64)
		require.NoError(t, err)
		assert.True(t, v >= 3 && v <= 14400, "6.1.13: a side of %g", v)
	}
	c := regexp.MustCompile(`/Contents (\d+) 0 R`).FindStringSubmatch(o.body)
	require.NotNil(t, c)
	n, _ := strconv.Atoi(c[1])
	require.NoError(t, checkContent(string(objects[n].stream)), "page object %d", id)
}

// operators that a page's content may have, with their operands.
var operators = map[string]*regexp.Regexp{}

func init() {
	for name, operands := range map[string]string{
		"q": ``, "Q": ``, "BT": ``, "ET": ``, "cm": `(N ){6}`, "Tm": `(N ){6}`, "Do": `/Im0 `, "Tr": `3 `, "Tf": `/F\d+ N `, "Tz": `N `, "Tj": `<([0-9A-F]{4})+> `,
	} {
		operators[name] = regexp.MustCompile(`^` + operands + `$`)
	}
}

var realNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// checkContent reads a content stream: known operators with the right operands, pictures and text in their own places, and
// no code 0, which is .notdef (6.2.11.8).
func checkContent(s string) error {
	operands := ""
	var open []string
	for _, token := range strings.Fields(s) {
		if realNumber.MatchString(token) && !(operands == "" && token == "3") {
			v, err := strconv.ParseFloat(token, 64)
			if err != nil || math.Abs(v) > math.MaxFloat32 {
				return fmt.Errorf("number %s", token)
			}
			operands += "N "
			continue
		}
		if strings.HasPrefix(token, "<") {
			for i := 1; i+4 < len(token); i += 4 {
				if token[i:i+4] == "0000" {
					return fmt.Errorf(".notdef is shown")
				}
			}
		}
		want, ok := operators[token]
		if !ok {
			operands += token + " "
			continue
		}
		if !want.MatchString(operands) && !want.MatchString(strings.ReplaceAll(operands, "3 ", "N ")) {
			return fmt.Errorf("%s after %q", token, operands)
		}
		operands = ""
		switch token {
		case "q", "BT":
			open = append(open, token)
		case "Q", "ET":
			if len(open) == 0 || open[len(open)-1] != map[string]string{"Q": "q", "ET": "BT"}[token] {
				return fmt.Errorf("%s without its beginning", token)
			}
			open = open[:len(open)-1]
		}
	}
	if operands != "" || len(open) > 0 {
		return fmt.Errorf("unfinished: %q %q", operands, open)
	}
	return nil
}

func TestPDFAStructure(t *testing.T) {
	checkPDFA(t, writePDF(t, meta, samplePage(), turned(samplePage(), 90), edgeLines()))
}

// The font is one that a strict reader of fonts takes, and its only glyph is as wide as the PDF says.
func TestGlyphlessFont(t *testing.T) {
	program := glyphlessFont()
	f, err := sfnt.Parse(program)
	require.NoError(t, err)
	assert.Equal(t, 2, f.NumGlyphs())
	var b sfnt.Buffer
	for g := range sfnt.GlyphIndex(2) {
		advance, err := f.GlyphAdvance(&b, g, 1000<<6, 0)
		require.NoError(t, err)
		assert.EqualValues(t, glyphWidth<<6, advance)
		segments, err := f.LoadGlyph(&b, g, 1000<<6, nil)
		require.NoError(t, err)
		assert.Empty(t, segments)
	}
	require.Zero(t, len(program)%4)
	assert.EqualValues(t, 0xb1b0afba, checksum(program), "the checksum of the whole file")
	assert.EqualValues(t, 0x00010000, binary.BigEndian.Uint32(program))
}

// Thousands of pages, whose tree and fonts span several objects, are one sound file.
func TestManyPagesAndCharacters(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a large file")
	}
	var b bytes.Buffer
	w, err := NewPDF(&b, meta)
	require.NoError(t, err)
	jpg := blankJPEG(t, 100, 100)
	next := rune(0x4e00)
	for n := range 1050 {
		p := ocr.Page{Number: n + 1, Width: 100, Height: 100}
		var text strings.Builder
		for range 70 {
			for !writable(next) {
				next++
			}
			text.WriteRune(next)
			next++
		}
		p.Lines = []ocr.Line{{Text: text.String(), Polygon: ocr.Box{X: 0, Y: 10, W: 100, H: 10}.Polygon()}}
		require.NoError(t, w.AddPage(t.Context(), p, Picture{Encoded: jpg}))
	}
	require.NoError(t, w.Close())
	assert.Len(t, w.fonts.objects, 2, "more characters than one font has codes for")
	checkPDFA(t, b.Bytes())
	path := onDisk(t, "a.pdf", b.Bytes())
	out := tool(t, "pdftotext", "-enc", "UTF-8", "-f", "1", "-l", "1", path, "-")
	assert.Contains(t, out, "一丁丂")
	t.Run("qpdf", func(t *testing.T) {
		assert.Contains(t, tool(t, "qpdf", "--show-npages", path), "1050")
	})
}

// A curved line of text is found as one piece, and so is a vertical one, whichever corner its polygon begins at.
func TestCurvedAndVerticalText(t *testing.T) {
	curved := lineAt("某某科技有限公司合同专用章", 100, 100, 24, false)
	for i := range curved.Words[0].Symbols {
		curved.Words[0].Symbols[i].Box.Y += float32(20 * math.Sin(float64(i)/4))
	}
	curved.Outline = []ocr.Point{{X: 100, Y: 100}, {X: 250, Y: 120}, {X: 412, Y: 100}, {X: 412, Y: 124}, {X: 250, Y: 144}, {X: 100, Y: 124}}
	fromTop := lineAt("竖排的一列文字", 500, 100, 24, true)
	p := fromTop.Polygon
	fromTop.Polygon = ocr.Polygon{p[1], p[2], p[3], p[0]} // the first edge runs down
	page := ocr.Page{Number: 1, Width: 827, Height: 1169, Lines: []ocr.Line{curved, fromTop}}
	content := writePDF(t, meta, page)
	checkPDFA(t, content)
	out := tool(t, "pdftotext", "-enc", "UTF-8", onDisk(t, "a.pdf", content), "-")
	assert.Contains(t, out, curved.Text)
	assert.Contains(t, out, fromTop.Text)
}

// hostilePage makes a page of anything from a fuzzer's bytes.
func hostilePage(data []byte, text string) ocr.Page {
	take := func() float32 {
		if len(data) < 4 {
			return 0
		}
		v := math.Float32frombits(binary.LittleEndian.Uint32(data))
		data = data[4:]
		return v
	}
	p := ocr.Page{Number: 1, Width: 60, Height: 40, Rotation: int(uint8(take())) * 45}
	runes := []rune(text)
	for range 4 {
		l := ocr.Line{Text: text, Confidence: take(), Vertical: take() > 0, Paragraph: int(uint8(take()))}
		for i := range l.Polygon {
			l.Polygon[i] = ocr.Point{X: take(), Y: take()}
		}
		w := ocr.Word{Text: text, Confidence: take(), Box: ocr.Box{X: take(), Y: take(), W: take(), H: take()}}
		for _, r := range runes {
			w.Symbols = append(w.Symbols, ocr.Symbol{Char: string(r), Confidence: take(), Box: ocr.Box{X: take(), Y: take(), W: take(), H: take()},
				Candidates: []ocr.Candidate{{Char: text, Confidence: take()}}})
		}
		if take() >= 0 {
			l.Words = []ocr.Word{w}
		}
		if take() > 1 {
			l.Outline = []ocr.Point{{X: take()}, {Y: take()}, {X: take(), Y: take()}, {}, {}}
		}
		p.Lines = append(p.Lines, l)
		p.Regions = append(p.Regions, ocr.Region{Kind: ocr.RegionKind(len(p.Regions) + 1), Outline: l.Polygon[:], Lines: []int{len(p.Lines), len(p.Lines) - 1}})
	}
	p.Engine, p.Steps, p.Models = text, []string{text}, []string{text}
	return p
}

// FuzzFormats: whatever a page and its description hold, no format's file is invalid.
func FuzzFormats(f *testing.F) {
	f.Add([]byte{}, "原告 张三")
	f.Add(bytes.Repeat([]byte{0, 0, 0xc0, 0x7f}, 60), "]]>\x00\ufffe<&\"'\xff")
	f.Add(bytes.Repeat([]byte{0, 0, 0x80, 0x7f, 1, 2, 3, 0x43}, 60), "(\\) <> 𠮷 e\u0301\u200d")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		if len(text) > 200 {
			return
		}
		checkFormats(t, hostilePage(data, text), text)
	})
}

// TestAnyPage does what FuzzFormats does, with pages that rapid draws.
func TestAnyPage(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(rt, "data")
		text := rapid.OneOf(rapid.StringN(0, 12, 60), rapid.StringMatching(`[ -~]{0,12}`)).Draw(rt, "text")
		checkFormats(t, hostilePage(data, text), text)
	})
}

// checkFormats writes the page in every format, with the text in all of the file's description.
func checkFormats(t *testing.T, p ocr.Page, text string) {
	t.Helper()
	m := Meta{Title: text, Source: text, SHA256: text, Language: text, Software: text, Version: text}
	var b bytes.Buffer
	require.NoError(t, WriteHOCR(&b, ocr.Document{Pages: []ocr.Page{p}}, m))
	require.NoError(t, checkHOCR(b.Bytes()), "hOCR")
	b.Reset()
	require.NoError(t, WriteALTO(&b, ocr.Document{Pages: []ocr.Page{p}}, m))
	require.NoError(t, checkALTO(b.Bytes()), "ALTO")
	b.Reset()
	w, err := NewPDF(&b, m)
	require.NoError(t, err)
	require.NoError(t, w.AddPage(t.Context(), p, Picture{Encoded: blankJPEG(t, p.Width, p.Height)}))
	require.NoError(t, w.Close())
	checkPDFA(t, b.Bytes())
}

// FuzzCheckOriginal: a parser of outside bytes neither panics nor hangs.
func FuzzCheckOriginal(f *testing.F) {
	f.Add([]byte("%PDF-1.7 /ByteRange [0 1]"))
	f.Add([]byte("%PDF-1.7 /#42yte#"))
	f.Fuzz(func(_ *testing.T, data []byte) { _ = CheckOriginal(data) })
}

// FuzzPicture: damaged pictures are refused, or give a sound file.
func FuzzPicture(f *testing.F) {
	f.Add(blankJPEG(f, 16, 8))
	f.Add(withSegment(blankJPEG(f, 16, 8), 0xe2, append([]byte("ICC_PROFILE\x00\x01\x01"), sRGBProfile()...)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var b bytes.Buffer
		w, err := NewPDF(&b, Meta{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.AddPage(t.Context(), ocr.Page{Width: 16, Height: 8}, Picture{Encoded: data}); err != nil {
			return
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		checkPDFA(t, b.Bytes())
	})
}

// The places of characters in a line only ever go forward, and each has some width.
func TestGlyphsGoForward(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "data")
		for _, l := range hostilePage(data, rapid.StringN(0, 12, 60).Draw(t, "text")).Lines {
			glyphs, f := glyphsOf(l)
			for i, g := range glyphs {
				if g.to <= g.from || i > 0 && g.from < glyphs[i-1].to || f.height < smallestHeight {
					t.Fatalf("glyph %d of %q from %g to %g", i, l.Text, g.from, g.to)
				}
			}
		}
	})
}
