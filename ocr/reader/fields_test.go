package reader

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
)

// field is a line of words whose characters are 20 pixels wide and high, with a gap of so many pixels before each word.
func field(gap float32, words ...string) ocr.Line {
	l := ocr.Line{Text: strings.Join(words, " "), Confidence: 0.9}
	x := float32(10)
	for i, word := range words {
		if i > 0 {
			x += gap
		}
		w := ocr.Word{Text: word, Confidence: 0.9}
		for _, r := range word {
			b := ocr.Box{X: x, Y: 30, W: 20, H: 20}
			w.Symbols = append(w.Symbols, ocr.Symbol{Char: string(r), Confidence: 0.8, Box: b})
			w.Box = w.Box.Union(b)
			x += 20
		}
		l.Words = append(l.Words, w)
	}
	l.Polygon = ocr.Box{X: 10, Y: 30, W: x - 10, H: 20}.Polygon()
	return l
}

// turned turns a line by a quarter, as a page on its side has them.
func turned(l ocr.Line) ocr.Line {
	for i, p := range l.Polygon {
		l.Polygon[i] = ocr.Point{X: 1000 - p.Y, Y: p.X}
	}
	for w := range l.Words {
		for k := range l.Words[w].Symbols {
			b := &l.Words[w].Symbols[k].Box
			*b = ocr.Box{X: 1000 - b.Y - b.H, Y: b.X, W: b.H, H: b.W}
		}
	}
	return l
}

func TestLabelAndValueOfAFormAreTwoLines(t *testing.T) {
	for _, quarter := range []bool{false, true} {
		l := field(40, "联系电话：", "139", "1234")
		if quarter {
			l = turned(l)
		}
		got := fieldsApart([]ocr.Line{field(5, "前文"), l})
		require.Len(t, got, 3)
		assert.Equal(t, "联系电话：", got[1].Text)
		assert.Equal(t, "139 1234", got[2].Text)
		assert.Len(t, got[1].Words, 1)
		assert.Len(t, got[2].Words, 2)
		assert.InDelta(t, 0.8, got[2].Confidence, 1e-6)
		length := func(p ocr.Polygon) float64 { return math.Hypot(float64(p[1].X-p[0].X), float64(p[1].Y-p[0].Y)) }
		assert.InDelta(t, 105, length(got[1].Polygon), 0.1)
		assert.InDelta(t, 185, length(got[2].Polygon), 0.1)
		assert.Equal(t, l.Polygon[0], got[1].Polygon[0])
		assert.InDelta(t, l.Polygon[2].X, got[2].Polygon[2].X, 0.01)
	}
	// The gap may lie within a word: a full-width colon belongs to what follows.
	l := field(40, "姓名：", "王五")
	l.Words = []ocr.Word{{Text: "姓名：王五", Symbols: append(l.Words[0].Symbols, l.Words[1].Symbols...)}}
	l.Text = "姓名：王五"
	got := fieldsApart([]ocr.Line{l})
	require.Len(t, got, 2)
	assert.Equal(t, []string{"姓名：", "王五"}, []string{got[0].Words[0].Text, got[1].Words[0].Text})
	assert.Equal(t, ocr.Box{X: 110, Y: 30, W: 40, H: 20}, got[1].Words[0].Box)
}

func TestOtherLinesStayWhole(t *testing.T) {
	vertical := field(40, "姓名：", "王五")
	vertical.Vertical = true
	other := field(40, "姓名：", "王五")
	other.Text = "something else"
	lines := []ocr.Line{field(20, "案号：", "一号"), field(60, "审判长", "王五"), field(40, "姓名："), vertical, other, {}}
	assert.Equal(t, lines, fieldsApart(lines))
}
