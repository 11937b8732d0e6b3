package reader

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// paperWith is a light picture on which the marked characters of a text have ink: those before "|" are cells of 20 pixels with strokes,
// '=' stands for a cell that ink fills, '.' for paper.
func paperWith(cells string) *imaging.Raster {
	r := &imaging.Raster{Width: 20 * len(cells), Height: 40, Pix: make([]byte, 3*20*len(cells)*40)}
	for y := range r.Height {
		for x := range r.Width {
			level := byte(210 + (x*7+y*3)%9) // grain
			switch cell := cells[x/20]; {
			case cell == '#' && y > 10 && y < 30 && x%5 < 2, cell == '=' && y > 10 && y < 30:
				level = 40
			case y == 36:
				level = 60 // a rule below the text
			}
			for c := range 3 {
				r.Pix[3*(y*r.Width+x)+c] = level
			}
		}
	}
	return r
}

func drawnLine(text string) ocr.Line {
	l := ocr.Line{Text: text}
	w := ocr.Word{Text: text}
	for i, c := range []rune(text) {
		w.Symbols = append(w.Symbols, ocr.Symbol{Char: string(c), Confidence: 0.9, Box: ocr.Box{X: float32(20*i) + 1, Y: 12, W: 18, H: 16}})
	}
	l.Words = []ocr.Word{w}
	return l
}

func TestStrokesWithoutInkAreTakenOffLineEnds(t *testing.T) {
	for _, c := range []struct{ name, read, cells, want string }{
		{"a stroke on empty paper", "农松财二", "###.", "农松财"},
		{"in front", "一受托人", ".###", "受托人"},
		{"on both sides", "一受托人二", ".###.", "受托人"},
		{"a stroke of ink", "农松财二", "####", "农松财二"},
		{"ink that fills its box", "一九九七", "=###", "一九九七"},
		{"a faint stop is no stroke", "农松财。", "###.", "农松财。"},
		{"in the middle", "农二松财", "#.##", "农二松财"},
		{"too little to know ink by", "财二", "#.", "财二"},
		{"no contrast", "农松财二", "....", "农松财二"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := []ocr.Line{drawnLine(c.read)}
			trimInkless(lines, paperWith(c.cells))
			assert.Equal(t, c.want, lines[0].Text)
			var text strings.Builder
			for _, s := range lines[0].Symbols() {
				text.WriteString(s.Char)
			}
			assert.Equal(t, c.want, text.String())
		})
	}
	sure, column := drawnLine("农松财二"), drawnLine("农松财二")
	sure.Words[0].Symbols[3].Confidence = 0.9995
	column.Vertical = true
	apart := drawnLine("农松财 二")
	lines := []ocr.Line{sure, column, {}}
	trimInkless(lines, paperWith("###."))
	assert.Equal(t, "农松财二", lines[0].Text, "a sure character")
	assert.Equal(t, "农松财二", lines[1].Text, "a column")
	apart.Words = []ocr.Word{{Symbols: drawnLine("农松财").Words[0].Symbols}, {Text: "二", Symbols: []ocr.Symbol{{Char: "二", Confidence: 0.5, Box: ocr.Box{X: 61, Y: 12, W: 18, H: 16}}}}}
	lines = []ocr.Line{apart}
	trimInkless(lines, paperWith("###."))
	assert.Equal(t, "农松财", lines[0].Text)
	assert.Len(t, lines[0].Words, 1, "a word of which nothing is left")
}
