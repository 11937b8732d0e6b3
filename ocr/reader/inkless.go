package reader

import (
	"math"
	"strings"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

const (
	// inklessDoubt is the confidence from which a character at a line's end is believed without looking.
	inklessDoubt = 0.999
	// inklessShare is the share of the line's contrast below which a place holds no ink.
	inklessShare = 0.4
	// leastContrast of a line, in grey levels, that tells ink from paper.
	leastContrast = 24
	// strokes are what is seen where there is only paper. A mark such as a faint full stop is not: it may be as pale as the paper's grain.
	strokes = "一二三_-—"
	// inklessAround is how many characters beside an end show what the line's ink is.
	inklessAround = 6
)

// trimInkless takes a character off either end of a line where the picture shows no ink: behind the values of forms, where a rule runs
// below, a recogniser of lines sees strokes such as 二.
func trimInkless(lines []ocr.Line, picture *imaging.Raster) {
	for i := range lines {
		l := &lines[i]
		if l.Vertical || l.Outline != nil {
			continue
		}
		symbols := l.Symbols()
		n := len(symbols)
		if n < 3 {
			continue
		}
		if s := symbols[n-1]; s.Confidence < inklessDoubt && strings.Contains(strokes, s.Char) && strings.HasSuffix(l.Text, s.Char) && inkless(s.Box, symbols[max(0, n-1-inklessAround):n-1], picture) {
			l.Text = strings.TrimRight(strings.TrimSuffix(l.Text, s.Char), " ")
			w := &l.Words[len(l.Words)-1]
			if *w = wordOf(*w, 0, len(w.Symbols)-1); len(w.Symbols) == 0 {
				l.Words = l.Words[:len(l.Words)-1]
			}
		}
		if s := symbols[0]; s.Confidence < inklessDoubt && strings.Contains(strokes, s.Char) && strings.HasPrefix(l.Text, s.Char) && inkless(s.Box, symbols[1:min(n-1, 1+inklessAround)], picture) {
			l.Text = strings.TrimLeft(strings.TrimPrefix(l.Text, s.Char), " ")
			w := &l.Words[0]
			if *w = wordOf(*w, 1, len(w.Symbols)); len(w.Symbols) == 0 {
				l.Words = l.Words[1:]
			}
		}
	}
}

// wordOf returns a part of a word.
func wordOf(w ocr.Word, from, to int) ocr.Word {
	if from == 0 && to == len(w.Symbols) {
		return w
	}
	w.Symbols = w.Symbols[from:to:to]
	w.Text, w.Box = "", ocr.Box{}
	for _, s := range w.Symbols {
		w.Text += s.Char
		w.Box = w.Box.Union(s.Box)
	}
	return w
}

// inkless tells whether a box is as even as paper, where the characters beside it show how much ink differs from that.
func inkless(box ocr.Box, beside []ocr.Symbol, picture *imaging.Raster) bool {
	var around, here tones
	for _, s := range beside {
		around.add(s.Box, picture)
	}
	here.add(box, picture)
	if here.n < 9 {
		return false
	}
	paper, dark, light := around.spread()
	ink := max(dark, light)
	if ink < leastContrast {
		return false
	}
	middle, dark, light := here.spread()
	// A box that ink fills is as even as paper, but has not paper's brightness.
	return float64(max(dark, light, middle-paper, paper-middle)) < inklessShare*float64(ink)
}

// tones counts grey levels.
type tones struct {
	counts [256]int
	n      int
}

// add counts a box's pixels. Of the colours only green is looked at: black and red ink are both dark in it.
func (t *tones) add(b ocr.Box, picture *imaging.Raster) {
	x0, x1 := max(int(b.X), 0), min(int(math.Ceil(float64(b.X+b.W))), picture.Width)
	for y := max(int(b.Y), 0); y < min(int(math.Ceil(float64(b.Y+b.H))), picture.Height); y++ {
		row := picture.Row(y)
		for x := x0; x < x1; x++ {
			t.counts[row[3*x+1]]++
			t.n++
		}
	}
}

// spread returns the middle grey level, and by how much the darkest and the lightest twenty-fifth differ from it.
func (t *tones) spread() (middle, dark, light int) {
	level := func(share float64) int {
		left := int(share * float64(t.n))
		for v, c := range t.counts {
			if left -= c; left < 0 {
				return v
			}
		}
		return len(t.counts) - 1
	}
	middle = level(0.5)
	return middle, middle - level(0.04), level(0.96) - middle
}
