package export

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
)

// fullPage has 30 lines of 35 characters.
func fullPage() ocr.Page {
	p := ocr.Page{Number: 1, Width: 1654, Height: 2339}
	for i := range 30 {
		p.Lines = append(p.Lines, lineAt(strings.Repeat("人民法院判决书", 5), 200, float32(200+60*i), 34, false))
	}
	return p
}

func BenchmarkPage(b *testing.B) {
	p := fullPage()
	jpg := blankJPEG(b, p.Width, p.Height)
	b.Run("PDF", func(b *testing.B) {
		w, err := NewPDF(io.Discard, Meta{})
		require.NoError(b, err)
		for b.Loop() {
			require.NoError(b, w.AddPage(b.Context(), p, Picture{Encoded: jpg}))
		}
	})
	b.Run("ALTO", func(b *testing.B) {
		w := NewALTO(io.Discard, Meta{})
		for b.Loop() {
			require.NoError(b, w.AddPage(b.Context(), p))
		}
	})
	b.Run("hOCR", func(b *testing.B) {
		w := NewHOCR(io.Discard, Meta{})
		for b.Loop() {
			require.NoError(b, w.AddPage(b.Context(), p))
		}
	})
}
