package compare

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/ocr"
)

// line lays text out from (x, y) in steps of 20 px, to the right or downwards.
func line(x, y float32, vertical bool, text string) ocr.Line {
	l := ocr.Line{Text: text, Vertical: vertical}
	var w ocr.Word
	var all ocr.Box
	for _, c := range text {
		b := ocr.Box{X: x, Y: y, W: 18, H: 18}
		all = all.Union(b)
		if c != ' ' {
			w.Symbols = append(w.Symbols, ocr.Symbol{Char: string(c), Box: b})
		}
		if vertical {
			y += 20
		} else {
			x += 20
		}
	}
	l.Words = []ocr.Word{w}
	l.Polygon = all.Polygon()
	return l
}

func page(lines ...ocr.Line) ocr.Page { return ocr.Page{Width: 1000, Height: 1000, Lines: lines} }

func TestDifferencesAreFoundWhereTheyAre(t *testing.T) {
	mine := page(line(100, 100, false, "原告张三诉被告李四"), line(100, 140, false, "第二行"), line(500, 100, true, "竖排的字"))
	other := page(line(500, 101, true, "竖挑的字"), line(100, 101, false, "原告张二诉被告李"), line(101, 141, false, "第二行"), line(700, 700, false, "seal no 7"))
	found := Pages(mine, other)
	assert.Equal(t, []ocr.Difference{
		{Box: ocr.Box{X: 160, Y: 100, W: 18, H: 19}, Text: "三", Other: "二"},
		{Box: ocr.Box{X: 260, Y: 100, W: 18, H: 18}, Text: "四"},
		{Box: ocr.Box{X: 500, Y: 120, W: 18, H: 19}, Text: "排", Other: "挑"},
		{Box: ocr.Box{X: 700, Y: 700, W: 178, H: 18}, Other: "seal no 7"},
	}, found)
}

func TestEncodingsAndLineBreaksAreNoDifferences(t *testing.T) {
	mine := page(line(100, 100, false, "（2024）京民初1号：甲"))
	other := page(line(100, 100, false, "(2024)京"), line(240, 100, false, "民初1号:甲"))
	assert.Empty(t, Pages(mine, other))
}

func TestComparingIsSafeOnAnyPages(t *testing.T) {
	lines := rapid.Custom(func(t *rapid.T) ocr.Page {
		p := page()
		for range rapid.IntRange(0, 4).Draw(t, "lines") {
			at := func(name string) float32 { return float32(rapid.IntRange(0, 300).Draw(t, name)) }
			p.Lines = append(p.Lines, line(at("x"), at("y"), rapid.Bool().Draw(t, "vertical"), rapid.StringMatching(`[甲乙丙abc ]{0,12}`).Draw(t, "text")))
		}
		return p
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := lines.Draw(t, "a"), lines.Draw(t, "b")
		for _, d := range Pages(a, b) {
			if d.Text == "" && d.Other == "" || d.Text == d.Other {
				t.Fatalf("no difference: %+v", d)
			}
		}
	})
	disjoint := page(line(0, 0, false, "一二三"), line(0, 100, false, "四五"))
	assert.Empty(t, Pages(disjoint, disjoint))
	assert.Empty(t, Pages(page(), page()))
}
