package text

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/courtsense/courtsense/ocr"
)

// TestCompanyTellsTextFromNoise: a table of three rows 20 high, and lines of which each is unsure alone.
func TestCompanyTellsTextFromNoise(t *testing.T) {
	at := func(text string, confidence float32, x, y, w, h float32) reading {
		r := reading{region: Region{Polygon: ocr.Box{X: x, Y: y, W: w, H: h}.Polygon()}, confidence: confidence}
		for _, c := range text {
			r.glyphs = append(r.glyphs, glyph{text: string(c), confidence: confidence})
		}
		return r
	}
	c := companyOf([]reading{
		at("品名", 0.99, 100, 100, 60, 20), at("数量", 0.99, 300, 102, 60, 20),
		at("钢材", 0.95, 100, 140, 60, 20), at("12", 0.99, 300, 141, 20, 20),
		at("水泥", 0.99, 100, 180, 60, 20), at("7", 0.97, 300, 180, 10, 20),
		at("噪", 0.4, 500, 400, 20, 20), at("", 0, 500, 140, 20, 20),
	})
	assert.Len(t, c.boxes, 6)
	assert.InDelta(t, 20, c.usual, 0)
	column := at("套", 0.6, 500, 141, 20, 20)
	column.vertical = true
	upright := at("其他形式非法转让本法规定的许可证", 0.6, 600, 100, 21, 320)
	upright.vertical = true
	for name, one := range map[string]struct {
		r    reading
		want bool
	}{
		"a unit in a row":                    {at("套", 0.6, 500, 141, 20, 20), true},
		"the same as a column of its own":    {column, false},
		"a mark in a row":                    {at("。", 0.6, 500, 141, 20, 20), false},
		"a speck in a row":                   {at("1", 0.6, 500, 146, 4, 9), false},
		"a seal's character":                 {at("专", 0.6, 500, 130, 40, 40), false},
		"nothing around":                     {at("套", 0.6, 500, 300, 20, 20), false},
		"a number below others":              {at("3", 0.6, 300, 220, 10, 20), true},
		"a character below others":           {at("套", 0.6, 300, 220, 20, 20), false},
		"a line of prose":                    {at("其他形式非法转让本法规定的许可证", 0.6, 100, 300, 320, 21), true},
		"a column of prose":                  {upright, true},
		"strokes as long":                    {at("一mm，mm。%m2mm8哪$55%哪", 0.6, 100, 300, 320, 21), false},
		"prose far smaller than the rest":    {at("其他形式非法转让本法规定的许可证", 0.6, 100, 300, 120, 8), false},
		"a few characters outside the table": {at("其他形式", 0.6, 100, 300, 80, 20), false},
		"nothing read":                       {at("", 0.6, 500, 141, 20, 20), false},
	} {
		assert.Equal(t, one.want, c.has(one.r), name)
	}
	assert.False(t, companyOf(nil).has(at("套", 0.6, 500, 141, 20, 20)), "a page without a sure line")
}
