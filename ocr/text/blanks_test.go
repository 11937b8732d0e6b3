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
		"5.2（十）法律、法规":      "5.2 （十）法律、法规",
		"5.2（a）项":          "5.2（a）项",
		"第5.2（十）项":         "第5.2（十）项",
		"- 23。":            "- 23 。",
		"- 23 。":           "- 23 。",
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

// TestBlanksAreToldByTheirGaps: characters with the gap to the one before, in heights; a digit is 0.4 wide, anything else too.
func TestBlanksAreToldByTheirGaps(t *testing.T) {
	type spot struct {
		text string
		gap  float32
	}
	for _, c := range []struct {
		read []spot
		want string
	}{
		{[]spot{{"电", 0}, {"话", 0.1}, {"：", 0.1}, {"8", 0.9}}, "电话： 8"},
		{[]spot{{"邮", 0}, {"箱", 0.1}, {"：", 0.1}, {"w", 0.95}}, "邮箱： w"},
		{[]spot{{"电", 0}, {"话", 0.1}, {"：", 0.1}, {"8", 0.8}}, "电话：8"},
		{[]spot{{"电", 0}, {"话", 0.1}, {"：", 0.1}, {" ", 0}, {"8", 0.8}}, "电话： 8"},
		{[]spot{{"代", 0}, {"码", 0.1}, {"：", 0.1}, {" ", 0}, {"7", 0.5}}, "代码：7"},
		{[]spot{{"查", 0}, {"明", 0.1}, {",", 0.1}, {" ", 0}, {"1", 0.2}}, "查明,1"},
		{[]spot{{"查", 0}, {"明", 0.1}, {":", 0.1}, {" ", 0}, {"1", 0.4}}, "查明: 1"},
		{[]spot{{"查", 0}, {"明", 0.1}, {"：", 0.1}, {"被", 1.2}}, "查明：被"},
		{[]spot{{"b", 0}, {"a", 0.1}, {":", 0.1}, {" ", 0.1}, {"1", 0.2}}, "ba: 1"},
		{[]spot{{"-", 0}, {"1", 0.3}, {"6", 0.1}, {"-", 0.25}}, "- 16 -"},
		{[]spot{{"-", 0}, {"6", 0.3}, {"。", 0.3}}, "- 6 。"},
		{[]spot{{"-", 0}, {"6", 0.1}, {"-", 0.1}}, "-6-"},
		{[]spot{{"-", 0}, {"6", 0.3}, {"-", 0.1}}, "-6-"},
		{[]spot{{"—", 0}, {"6", 0.3}, {"—", 0.3}}, "—6—"},
	} {
		var glyphs []glyph
		at := float32(0)
		for _, s := range c.read {
			if s.text == " " {
				glyphs = append(glyphs, glyph{text: " ", inked: true, from: at, to: at})
				continue
			}
			at += s.gap
			glyphs = append(glyphs, glyph{text: s.text, inked: true, from: at, to: at + 0.4})
			at += 0.4
		}
		var got strings.Builder
		for _, g := range printed(glyphs) {
			got.WriteString(g.text)
		}
		assert.Equal(t, c.want, got.String())
	}
}
