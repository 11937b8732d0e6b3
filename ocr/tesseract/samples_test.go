package tesseract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/accuracy"
	"github.com/courtsense/courtsense/ocr/pdf"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// document returns the pages of a committed sample and the lines written on each.
func document(tb testing.TB, name string) (pages []*imaging.Raster, truth [][]string) {
	tb.Helper()
	content, err := os.ReadFile(testinput.Testdata(tb, "documents", name))
	require.NoError(tb, err)
	if pdf.Sniff(content) {
		d, err := pdf.Open(tb.Context(), content, pdf.Limits{})
		require.NoError(tb, err)
		defer d.Close()
		for n := 1; n <= d.Pages(); n++ {
			r, err := d.Render(tb.Context(), n, 150)
			require.NoError(tb, err)
			pages = append(pages, r)
		}
	} else {
		r, _, err := codec.Decode(tb.Context(), content, imaging.DefaultLimits())
		require.NoError(tb, err)
		pages = append(pages, r)
	}
	text, err := os.ReadFile(testinput.Testdata(tb, "documents", strings.TrimSuffix(name, filepath.Ext(name))+".txt"))
	require.NoError(tb, err)
	for page := range strings.SplitSeq(string(text), "\f") {
		truth = append(truth, strings.Split(strings.TrimSuffix(page, "\n"), "\n"))
	}
	require.Len(tb, truth, len(pages))
	return pages, truth
}

func texts(p ocr.Page) []string {
	lines := make([]string, len(p.Lines))
	for i, l := range p.Lines {
		lines[i] = l.Text
	}
	return lines
}

// Every sample is read about as well as Tesseract 5.3 with Debian's chi_sim and eng models reads it; the floors leave room
// for other versions of both. Every page's parts fit together.
func TestSamples(t *testing.T) {
	p := start(t, Config{Workers: 1})
	require.NoError(t, p.WarmUp(t.Context()))
	for _, c := range []struct {
		name      string
		languages []string
		worst     float64 // CER
	}{
		{"complaint-zh.png", []string{"zh-Hans"}, 0.05},
		{"judgment-seal-zh.jpg", []string{"zh-Hans"}, 0.15},
		{"agreement-en.png", []string{"en"}, 0.02},
		{"idcard-specimen.jpg", []string{"zh-Hans"}, 0.4},
		{"notice-zh.tif", []string{"zh-Hans"}, 0.08},
		{"evidence-two-pages.pdf", []string{"zh-Hans"}, 0.15},
	} {
		t.Run(c.name, func(t *testing.T) {
			pages, truth := document(t, c.name)
			var scores []accuracy.Score
			begin := time.Now()
			for i, r := range pages {
				page, err := p.Recognize(t.Context(), r, ocr.Options{Languages: c.languages, DPI: 150})
				require.NoError(t, err)
				checkParts(t, page)
				scores = append(scores, accuracy.Page(truth[i], texts(page)))
			}
			seconds := time.Since(begin).Seconds() / float64(len(pages))
			sum := accuracy.Summarize(scores)
			t.Logf("CER %.2f %%, %.0f %% of %d lines exact, %d characters, %.2f s a page", 100*sum.CER.Value, 100*sum.LinesExact.Value,
				sum.Lines, sum.Characters, seconds)
			assert.LessOrEqual(t, sum.CER.Value, c.worst)
		})
	}
}

// checkParts checks what holds for every page: texts are those of their parts, boxes lie on the page and parts in their
// whole, confidences are fractions.
func checkParts(t *testing.T, p ocr.Page) {
	t.Helper()
	inside := func(b, of ocr.Box, slack float32) bool {
		return b.W >= 0 && b.H >= 0 && b.X >= of.X-slack && b.Y >= of.Y-slack && b.X+b.W <= of.X+of.W+slack && b.Y+b.H <= of.Y+of.H+slack
	}
	fraction := func(v float32) bool { return v >= 0 && v <= 1 }
	whole := ocr.Box{W: float32(p.Width), H: float32(p.Height)}
	for _, l := range p.Lines {
		require.NotEmpty(t, l.Words)
		require.True(t, fraction(l.Confidence))
		bounds := l.Polygon.Bounds()
		require.True(t, inside(bounds, whole, 0), "%q at %v", l.Text, bounds)
		var joined string
		for _, w := range l.Words {
			joined += w.Text
			require.True(t, fraction(w.Confidence))
			require.True(t, inside(w.Box, bounds, 0), "word %q at %v in line %v", w.Text, w.Box, bounds)
			var symbols string
			for _, s := range w.Symbols {
				symbols += s.Char
				require.True(t, fraction(s.Confidence))
				require.True(t, inside(s.Box, bounds, 0), "%q at %v", s.Char, s.Box)
				require.NotEmpty(t, strings.TrimSpace(s.Char))
			}
			require.Equal(t, w.Text, symbols)
		}
		require.Equal(t, joined, strings.ReplaceAll(l.Text, " ", ""))
	}
}
