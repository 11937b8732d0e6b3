package export

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
)

// writePDF writes pages, each with a blank JPEG as its picture.
func writePDF(t testing.TB, m Meta, pages ...ocr.Page) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewPDF(&b, m)
	require.NoError(t, err)
	for _, p := range pages {
		require.NoError(t, w.AddPage(t.Context(), p, Picture{Encoded: blankJPEG(t, p.Width, p.Height), DPI: sampleDPI}))
	}
	require.NoError(t, w.Close())
	require.NoError(t, w.Close(), "closing again does nothing")
	return b.Bytes()
}

// Poppler finds every line's text whichever way the page lies, shown upright or as it is.
func TestPDFTextIsFound(t *testing.T) {
	for _, degrees := range []int{0, 90, 180, 270} {
		for _, keep := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d keep=%v", degrees, keep), func(t *testing.T) {
				m := meta
				m.KeepRotation = keep
				path := onDisk(t, "a.pdf", writePDF(t, m, turned(samplePage(), degrees)))
				text := tool(t, "pdftotext", "-enc", "UTF-8", path, "-")
				for _, l := range samplePage().Lines {
					assert.Contains(t, text, strings.ReplaceAll(l.Text, "　", " "))
				}
			})
		}
	}
}

// Poppler sees every word where it was read, within a point.
func TestPDFTextIsInPlace(t *testing.T) {
	for _, degrees := range []int{0, 90, 180, 270} {
		t.Run(strconv.Itoa(degrees), func(t *testing.T) {
			m := meta
			m.KeepRotation = true
			p := turned(samplePage(), degrees)
			path := onDisk(t, "a.pdf", writePDF(t, m, p))
			found := bboxWords(t, tool(t, "pdftotext", "-enc", "UTF-8", "-bbox", path, "-"))
			checked := 0
			for _, l := range p.Lines {
				for _, w := range chunks(l) {
					box, ok := found[w.text]
					if !assert.True(t, ok, "word %q is not found", w.text) {
						continue
					}
					f := frameOf(l, nil)
					from, to := f.extent(w.box)
					want := f.box(from, to) // as high as the line
					s := 72.0 / sampleDPI
					for i, v := range []float32{want.X, want.Y, want.X + want.W, want.Y + want.H} {
						assert.InDelta(t, float64(v)*s, box[i], 1, "word %q, side %d", w.text, i)
					}
					checked++
				}
			}
			assert.Greater(t, checked, 15)
		})
	}
}

// chunks are a line's parts between blanks.
func chunks(l ocr.Line) []piece {
	var out []piece
	for _, p := range pieces(l) {
		if n := len(out); n > 0 && !p.blankBefore {
			out[n-1].text += p.text
			out[n-1].box = out[n-1].box.Union(p.box)
			continue
		}
		out = append(out, p)
	}
	return out
}

var bboxWord = regexp.MustCompile(`<word xMin="([-0-9.]+)" yMin="([-0-9.]+)" xMax="([-0-9.]+)" yMax="([-0-9.]+)">(.*)</word>`)

func bboxWords(t *testing.T, out string) map[string][4]float64 {
	t.Helper()
	words := map[string][4]float64{}
	for _, m := range bboxWord.FindAllStringSubmatch(out, -1) {
		var box [4]float64
		for i := range box {
			v, err := strconv.ParseFloat(m[i+1], 64)
			require.NoError(t, err)
			box[i] = v
		}
		words[html.UnescapeString(m[5])] = box
	}
	return words
}

// A JPEG leaves the PDF as it went in.
func TestPDFKeepsTheJPEG(t *testing.T) {
	p := samplePage()
	path := onDisk(t, "a.pdf", writePDF(t, meta, p))
	folder := t.TempDir()
	tool(t, "pdfimages", "-all", path, filepath.Join(folder, "x"))
	got, err := os.ReadFile(filepath.Join(folder, "x-000.jpg"))
	require.NoError(t, err)
	assert.Equal(t, blankJPEG(t, p.Width, p.Height), got)
}

func TestPDFIsSound(t *testing.T) {
	content := writePDF(t, meta, samplePage(), turned(samplePage(), 90), ocr.Page{Number: 3, Width: 50, Height: 40})
	path := onDisk(t, "a.pdf", content)
	t.Run("qpdf", func(t *testing.T) {
		assert.Contains(t, tool(t, "qpdf", "--check", path), "No syntax or stream encoding errors")
	})
	t.Run("pdfcpu", func(t *testing.T) {
		require.NoError(t, api.Validate(bytes.NewReader(content), model.NewDefaultConfiguration()))
	})
	t.Run("pdffonts", func(t *testing.T) {
		assert.Regexp(t, `AAAAAA\+Glyphless +CID TrueType +Identity-H +yes yes yes`, tool(t, "pdffonts", path))
	})
	t.Run("pdfinfo", func(t *testing.T) {
		out := tool(t, "pdfinfo", "-enc", "UTF-8", "-l", "3", path)
		for _, want := range []string{meta.Title, "courtsense 1.2.3", "Pages:           3", "595.44 x 841.68", "PDF version:     1.7"} {
			assert.Contains(t, out, want)
		}
		assert.Regexp(t, `Page +2 rot: +270`, out)
	})
	t.Run("the same again", func(t *testing.T) {
		assert.Equal(t, content, writePDF(t, meta, samplePage(), turned(samplePage(), 90), ocr.Page{Number: 3, Width: 50, Height: 40}))
	})
}

// The metadata is XML, claims PDF/A-2b, and says what the information dictionary says.
func TestXMP(t *testing.T) {
	x := meta.withDefaults().xmp()
	var parsed struct {
		RDF struct {
			Description struct {
				Part        string `xml:"http://www.aiim.org/pdfa/ns/id/ part"`
				Conformance string `xml:"http://www.aiim.org/pdfa/ns/id/ conformance"`
				Title       string `xml:"title>Alt>li"`
				Producer    string
				Keywords    string
				CreateDate  string
			}
		}
	}
	require.NoError(t, xml.Unmarshal(x, &parsed), "%s", x)
	d := parsed.RDF.Description
	assert.Equal(t, "2", d.Part)
	assert.Equal(t, "B", d.Conformance)
	assert.Equal(t, meta.Title, d.Title)
	assert.Equal(t, "courtsense 1.2.3", d.Producer)
	assert.Equal(t, "2026-03-04T05:06:07Z", d.CreateDate)
	assert.Equal(t, "sha256:"+meta.SHA256, d.Keywords)
}

func TestPDFRefusals(t *testing.T) {
	var b bytes.Buffer
	w, err := NewPDF(&b, Meta{})
	require.NoError(t, err)
	p := ocr.Page{Number: 4, Width: 30, Height: 20}
	err = w.AddPage(t.Context(), p, Picture{})
	require.ErrorContains(t, err, "page 4: no picture")
	err = w.AddPage(t.Context(), p, Picture{Encoded: blankJPEG(t, 20, 30)})
	require.ErrorContains(t, err, "the picture has 20x30 px, the page 30x20")
	err = w.AddPage(t.Context(), p, Picture{Encoded: []byte("BM, or not")})
	require.Error(t, err)
	require.ErrorContains(t, w.Close(), "at least")

	// What was refused leaves no trace.
	b.Reset()
	w, err = NewPDF(&b, Meta{})
	require.NoError(t, err)
	require.Error(t, w.AddPage(t.Context(), p, Picture{}))
	require.NoError(t, w.AddPage(t.Context(), p, Picture{Encoded: blankJPEG(t, 30, 20)}))
	require.NoError(t, w.Close())
	require.NoError(t, api.Validate(bytes.NewReader(b.Bytes()), model.NewDefaultConfiguration()))

	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs /dev/full")
	}
	defer full.Close()
	w, err = NewPDF(full, Meta{})
	require.NoError(t, err)
	require.NoError(t, w.AddPage(t.Context(), p, Picture{Encoded: blankJPEG(t, 30, 20)}))
	require.Error(t, w.Close())
}
