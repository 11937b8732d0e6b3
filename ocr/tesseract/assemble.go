package tesseract

// #include "bridge.h"
import "C"

import (
	"unsafe"

	"github.com/courtsense/courtsense/ocr"
)

// assemble copies the bridge's flat arrays into a page.
func assemble(out *C.cs_page, width, height int) ocr.Page {
	text := unsafe.Slice((*byte)(unsafe.Pointer(out.text)), out.text_length)
	at := func(from, length C.int32_t) string { return string(text[from : from+length]) }
	candidates := unsafe.Slice(out.candidates, out.candidate_count)

	words := make([]word, out.word_count)
	for i, w := range unsafe.Slice(out.words, out.word_count) {
		words[i] = word{line: int(w.line), Word: ocr.Word{
			Box:        box(w.left, w.top, w.right, w.bottom),
			Confidence: confidence(w.confidence),
		}}
	}
	for _, s := range unsafe.Slice(out.symbols, out.symbol_count) {
		symbol := ocr.Symbol{
			Char:       at(s.text, s.length),
			Box:        box(s.left, s.top, s.right, s.bottom),
			Confidence: confidence(s.confidence),
		}
		for _, c := range candidates[s.first_candidate : s.first_candidate+s.candidates] {
			symbol.Candidates = append(symbol.Candidates, ocr.Candidate{Char: at(c.text, c.length), Confidence: confidence(c.confidence)})
		}
		w := &words[s.word]
		w.Text += symbol.Char
		w.Symbols = append(w.Symbols, symbol)
	}
	lines := make([]ocr.Line, out.line_count)
	for i, l := range unsafe.Slice(out.lines, out.line_count) {
		lines[i] = ocr.Line{
			Polygon:    box(l.left, l.top, l.right, l.bottom).Polygon(),
			Confidence: confidence(l.confidence),
		}
	}
	return ocr.Page{Width: width, Height: height, Lines: joinWords(lines, words)}
}

func box(left, top, right, bottom C.int32_t) ocr.Box {
	return ocr.Box{X: float32(left), Y: float32(top), W: float32(right - left), H: float32(bottom - top)}
}

// confidence turns Tesseract's percentage into 0..1. Tesseract can leave the range by rounding.
func confidence(percent C.float) float32 {
	return min(max(float32(percent)/100, 0), 1)
}
