package text

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBlanksAreThoseOfPrint(t *testing.T) {
	for read, want := range map[string]string{
		"原告：席某， 男， 1980年":  "原告：席某，男，1980年",
		"395 、383、386 条。":  "395、383、386 条。",
		"从重处罚。 第三百八十":      "从重处罚。 第三百八十",
		"联系电话： 145 6474":   "联系电话： 145 6474",
		"（2018 )辽947商初93号": "（2018)辽947商初93号",
		"（ 3）第七十五条":        "（3）第七十五条",
		"同意（ ） 不同意（ √ ）":   "同意（ ） 不同意（ √ ）",
		"（ ）是（ x）":         "（ ）是（x）",
		"1980.9. 12":       "1980.9.12",
		"50. 99":           "50.99",
		"3. 2019年1月":       "3. 2019年1月",
		"- 23-":            "- 23 -",
		"—7 —":             "— 7 —",
		"-6-":              "-6-",
		"38 /41":           "38 / 41",
		"14/ 20":           "14 / 20",
		"14/20":            "14/20",
		" ":                " ",
		"":                 "",
	} {
		var glyphs []glyph
		for _, c := range read {
			glyphs = append(glyphs, glyph{text: string(c), confidence: 1})
		}
		var got strings.Builder
		for _, g := range printed(glyphs) {
			got.WriteString(g.text)
		}
		assert.Equal(t, want, got.String(), read)
	}
}
