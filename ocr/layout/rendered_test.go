package layout

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// TestRenderedPages measures the order on a folder of pages that models/training/ocr/evalset.py made, named by
// COURTSENSE_PAGES: the true lines are shuffled and put into order again. Pages that are turned are left out. docs/export.md
// has the figures.
func TestRenderedPages(t *testing.T) {
	folder := os.Getenv("COURTSENSE_PAGES")
	if folder == "" {
		t.Skip("COURTSENSE_PAGES names no folder of pages made by models/training/ocr/evalset.py")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(t, err)
	pages, exact, tau := 0, 0, 0.0
	for _, f := range files {
		p, picture, ok := renderedPage(t, f)
		if !ok {
			continue
		}
		q := shuffled(p, 1)
		Orderer{}.Order(&q, picture)
		pages++
		agree := kendall(q)
		tau += agree
		if agree == 1 {
			exact++
		} else {
			t.Logf("%s: tau %.3f", filepath.Base(f), agree)
		}
	}
	require.Positive(t, pages)
	t.Logf("%d pages, %d in exactly the true order, mean tau %.4f", pages, exact, tau/float64(pages))
	assert.Greater(t, float64(exact)/float64(pages), 0.9)
}

// renderedPage reads a page and its truth. The lines' confidences carry their true places.
func renderedPage(t *testing.T, file string) (ocr.Page, *imaging.Raster, bool) {
	t.Helper()
	var truth struct {
		Rotation int
		Lines    []struct {
			Text     string
			Vertical bool
			Polygon  [4][2]float32
		}
	}
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &truth))
	if truth.Rotation != 0 {
		return ocr.Page{}, nil, false
	}
	base := strings.TrimSuffix(file, ".json")
	picture, err := os.ReadFile(base + ".jpg")
	if err != nil {
		picture, err = os.ReadFile(base + ".png")
		require.NoError(t, err)
	}
	r, _, err := codec.Decode(t.Context(), picture, imaging.Limits{})
	require.NoError(t, err)
	p := ocr.Page{Width: r.Width, Height: r.Height}
	for i, l := range truth.Lines {
		line := ocr.Line{Text: l.Text, Vertical: l.Vertical, Confidence: float32(i)}
		for k, q := range l.Polygon {
			line.Polygon[k] = ocr.Point{X: q[0], Y: q[1]}
		}
		p.Lines = append(p.Lines, line)
	}
	return p, r, true
}

// kendall is the rank correlation of the lines' places with their true ones: 1 when all pairs are in order.
func kendall(p ocr.Page) float64 {
	agree, pairs := 0, 0
	for i := range p.Lines {
		for k := i + 1; k < len(p.Lines); k++ {
			pairs++
			if p.Lines[i].Confidence < p.Lines[k].Confidence {
				agree++
			}
		}
	}
	if pairs == 0 {
		return 1
	}
	return 2*float64(agree)/float64(pairs) - 1
}
