package export

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
)

func altoOf(t testing.TB, pages ...ocr.Page) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteALTO(&b, ocr.Document{Pages: pages}, meta))
	return b.Bytes()
}

func hocrOf(t testing.TB, pages ...ocr.Page) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteHOCR(&b, ocr.Document{Pages: pages}, meta))
	return b.Bytes()
}

// edgeLines are lines with something unusual about them each.
func edgeLines() ocr.Page {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	return ocr.Page{Number: 2, Width: 100, Height: 50, Lines: []ocr.Line{
		{Text: ""},
		{Text: " \t "},
		{Text: "控制\x00\x01字符\u0085\ufffe\ud7ff\xff", Confidence: nan, Polygon: ocr.Polygon{{X: nan, Y: inf}, {X: -inf, Y: 3}, {X: 4, Y: nan}, {X: 1e30, Y: -1e30}}},
		{Text: `]]></String> & "quoted" 'single'`, Confidence: 7, Polygon: ocr.Box{X: -10, Y: -10, W: 500, H: 500}.Polygon()},
		{Text: "é 𠮷", Words: []ocr.Word{{Text: "é", Symbols: []ocr.Symbol{{Char: "é", Candidates: []ocr.Candidate{{Char: "ééé"}, {Char: ""}, {Char: "e\x07", Confidence: -3}}}}}, {Text: "𠮷"}}},
		{Text: "text and words disagree", Words: []ocr.Word{{Text: "no", Symbols: []ocr.Symbol{{Char: "n"}, {Char: "o"}}}}},
	}, Regions: []ocr.Region{
		{Kind: ocr.RegionTable, Lines: []int{-1, 3, 99, 4}}, {Kind: ocr.RegionCell, Lines: []int{99, 4}}, {Kind: ocr.RegionSeal, Outline: []ocr.Point{{X: nan, Y: 3}}}, {Kind: ocr.RegionPicture},
		{Kind: ocr.RegionMargin, Lines: []int{2}}, {Kind: ocr.RegionMargin, Lines: []int{3, 5}},
	}}
}

func TestALTOIsValid(t *testing.T) {
	content := altoOf(t, samplePage(), turned(samplePage(), 270), edgeLines(), ocr.Page{Width: 1, Height: 1})
	require.NoError(t, checkALTO(content))
	t.Run("xmllint", func(t *testing.T) {
		tool(t, "xmllint", "--noout", "--nonet", onDisk(t, "a.xml", content))
	})
}

func TestHOCRIsValid(t *testing.T) {
	content := hocrOf(t, samplePage(), turned(samplePage(), 90), edgeLines(), ocr.Page{Width: 1, Height: 1})
	require.NoError(t, checkHOCR(content))
	t.Run("xmllint", func(t *testing.T) {
		tool(t, "xmllint", "--noout", "--nonet", onDisk(t, "a.html", content))
	})
	require.NoError(t, checkHOCR(hocrOf(t)), "no pages at all")
}

// What a reader of ALTO gets: the text, its places, its other readings, and what kind of block it is in.
func TestALTOContent(t *testing.T) {
	root, err := parse(altoOf(t, samplePage()))
	require.NoError(t, err)
	var lines []string
	for _, l := range root.all("TextLine") {
		var b strings.Builder
		for _, k := range l.kids {
			switch k.name.Local {
			case "String":
				b.WriteString(k.attrs["CONTENT"])
			case "SP":
				b.WriteByte(' ')
			}
		}
		lines = append(lines, b.String())
	}
	var want []string
	page := samplePage()
	// ALTO puts margins before the body.
	for _, i := range []int{10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9} {
		want = append(want, strings.ReplaceAll(page.Lines[i].Text, "　", " "))
	}
	assert.Equal(t, want, lines)
	assert.Len(t, root.all("ComposedBlock"), 1)
	assert.Equal(t, "table", root.all("ComposedBlock")[0].attrs["TYPE"])
	assert.Len(t, root.all("ComposedBlock")[0].all("TextBlock"), 4, "one block a cell")
	assert.Equal(t, "seal", root.all("Illustration")[0].attrs["TYPE"])
	assert.Len(t, root.all("BottomMargin")[0].all("TextLine"), 1)
	glyph := root.all("PrintSpace")[0].all("Glyph")[0]
	assert.Equal(t, map[string]string{"CONTENT": "民", "HPOS": "302", "VPOS": "102", "WIDTH": "36", "HEIGHT": "36", "GC": "0.95"}, glyph.attrs)
	assert.Equal(t, map[string]string{"CONTENT": "已", "VC": "0.03"}, glyph.kids[0].attrs)
	assert.Equal(t, "deskew 1.8 degrees", root.all("processingStepDescription")[0].text)
	assert.Equal(t, "engine: test; model: text-recognise", root.all("processingStepSettings")[0].text)
}

func TestHOCRContent(t *testing.T) {
	root, err := parse(hocrOf(t, samplePage(), turned(samplePage(), 90)))
	require.NoError(t, err)
	class := func(n *node, name string) []*node {
		var out []*node
		for _, e := range []string{"div", "p", "span"} {
			for _, k := range n.all(e) {
				if k.attrs["class"] == name {
					out = append(out, k)
				}
			}
		}
		return out
	}
	pages := class(root, "ocr_page")
	require.Len(t, pages, 2)
	var lines []string
	for _, l := range class(pages[0], "ocr_line") {
		lines = append(lines, l.whole)
	}
	var want []string
	for _, l := range samplePage().Lines {
		want = append(want, strings.ReplaceAll(l.Text, "　", " "))
	}
	assert.Equal(t, want, lines)
	assert.Equal(t, `image "起诉状_1.jpg"; bbox 0 0 827 1169; ppageno 0`, pages[0].attrs["title"])
	assert.Equal(t, "bbox 300 100 500 140; x_size 40; x_conf 90", class(pages[0], "ocr_line")[0].attrs["title"])
	assert.Equal(t, "bbox 302 102 338 138; x_bboxes 302 102 338 138; x_confs 95", class(pages[0], "ocrx_cinfo")[0].attrs["title"])
	assert.Contains(t, class(pages[1], "ocr_line")[0].attrs["title"], "; textangle 270;", "counter-clockwise")
	assert.Len(t, class(pages[0], "ocr_table"), 1)
	assert.Len(t, class(pages[0], "ocr_footer"), 1)
	assert.Empty(t, class(pages[0], "ocr_header"))
	assert.Len(t, class(pages[0], "ocr_image"), 1)
}

func TestTextFormatErrors(t *testing.T) {
	require.ErrorContains(t, WriteALTO(&bytes.Buffer{}, ocr.Document{}, meta), "needs a page")
	bad := ocr.Document{Pages: []ocr.Page{{Number: 5}}}
	require.ErrorContains(t, WriteALTO(&bytes.Buffer{}, bad, meta), "page 5: a picture of 0x0 px")
	require.ErrorContains(t, WriteHOCR(&bytes.Buffer{}, bad, meta), "page 5: a picture of 0x0 px")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs /dev/full")
	}
	defer full.Close()
	one := ocr.Document{Pages: []ocr.Page{samplePage()}}
	require.Error(t, WriteALTO(full, one, meta))
	require.Error(t, WriteHOCR(full, one, meta))
}

func TestMetaIsCleaned(t *testing.T) {
	m := Meta{Source: "a\x00b\nc", Language: "not a language!", Version: strings.Repeat("长", 5000)}.withDefaults()
	assert.Equal(t, "a\ufffdb c", m.Title)
	assert.Empty(t, m.Language)
	assert.Equal(t, maxMetaRunes, len([]rune(m.Version)))
	for tag, want := range map[string]bool{"zh-Hans": true, "en": true, "zh-CN-x-a1": true, "": false, "1a": false, "zh--x": false, "abcdefghi": false} {
		assert.Equal(t, want, validLanguage(tag), tag)
	}
}
