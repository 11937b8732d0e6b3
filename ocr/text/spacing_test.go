package text

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// set gives characters the place that they have in type of the given letter gap and blank, in heights; letters are 0.4 wide,
// a 1 is 0.12 and set in a digit's width, '|' is a blank that the network did not see and '_' one that it saw where none is.
func set(text string, gap, blank float32) []glyph {
	var out []glyph
	x := float32(0)
	for _, c := range text {
		width := float32(0.4)
		switch c {
		case '|':
			x += blank - gap
			continue
		case '_':
			out = append(out, glyph{text: " ", inked: true})
			continue
		case ' ':
			out = append(out, glyph{text: " ", inked: true})
			x += blank - gap
			continue
		case '1':
			out = append(out, glyph{text: "1", inked: true, from: x + 0.14, to: x + 0.26})
		default:
			out = append(out, glyph{text: string(c), inked: true, from: x, to: x + width})
		}
		x += width + gap
	}
	return out
}

func joined(glyphs []glyph) string {
	var b strings.Builder
	for _, g := range glyphs {
		b.WriteString(g.text)
	}
	return b.String()
}

func TestBlanksAreWhereTheGapsAre(t *testing.T) {
	for in, want := range map[string]string{
		"made on|19 August":   "made on 19 August",
		"ma_de on 19 August":  "made on 19 August",
		"1101 1992-11-09 111": "1101 1992-11-09 111",
		"原告Mr|Smith和甲":        "原告Mr Smith和甲",
		"甲 乙 丙 丁 戊 己":         "甲 乙 丙 丁 戊 己", // not of a spaced script: as the network says
		"a|b":                 "ab",          // too short to know what is usual
		"1A 1 1 1":            "1A 1 1 1",    // most gaps are blanks
		"Exhibit A B C D E F": "Exhibit A B C D E F",
	} {
		assert.Equal(t, want, joined(respaced(set(in, 0.03, 0.25))), "%q", in)
	}
	assert.Equal(t, "Plaintiff! May", joined(respaced(set("Plaintiff_! May", 0.15, 0.4))), "nor does a blank go before it")
	assert.Equal(t, "82313720100922679", joined(respaced(set("8_2 3_13720_100_922_679", 0.2, 0.2))), "spaced out")
	assert.Equal(t, "SPACED OUT", joined(respaced(set("SPACED|OUT", 0.15, 0.6))))
	assert.Equal(t, "11224712998", joined(respaced(set("1_122471_2998", 0.2, 0.2))), "all digits are equally far apart")
	assert.Equal(t, "145 6474 3262", joined(respaced(set("145 6474 3262", 0.06, 0.3))))
	assert.Equal(t, "15:46:55", joined(respaced(set("15:46 :55", 0.03, 0.3))), "a mark belongs to what is before it")
	assert.Equal(t, "Yen 4031.95", joined(respaced(set("Yen 4031 ._95", 0.15, 0.3))), "as much room before as behind")
	assert.Equal(t, "party Ltd. Date", joined(respaced(set("party Ltd. Date", 0.15, 0.25))), "a capital begins something new")
	assert.Equal(t, "3. Seal of Ltd. In", joined(respaced(set("3. Seal of Ltd. In", 0.03, 0.3))))
	plain := set("made on|19 August", 0.03, 0.25)
	plain[3].inked = false
	assert.Equal(t, "made on19 August", joined(respaced(plain)), "without ink boxes the network is believed")
}

func TestBlanksOfALineAreAlikeWide(t *testing.T) {
	const loose = 0.12 // what there is more behind the first blank that none was printed for
	for in, want := range map[string]string{
		"Any Appe_llant Judge in New York": "Any Appellant Judge in New York",
		"Any Appe_llant Judge":             "Any Appe llant Judge", // too few blanks to know
		"Any 28_91 Judge in New York":      "Any 28 91 Judge in New York",
	} {
		glyphs := set(in, 0.03, 0.6)
		behind := false
		for i, c := range []rune(in) {
			if behind {
				glyphs[i].from, glyphs[i].to = glyphs[i].from+loose, glyphs[i].to+loose
			}
			behind = behind || c == '_'
		}
		assert.Equal(t, want, joined(respaced(glyphs)), in)
	}
}

func TestMarksOfEnglishLines(t *testing.T) {
	for in, want := range map[string]string{
		"CO.，OJEV；UNIT":        "CO., OJEV; UNIT",
		"This（the Act）is":      "This (the Act) is",
		"Signature an， within": "Signature an, within",
		"FOX？ OF AN！":          "FOX? OF AN!",
		"SECTI〇N 〇F wo〇d":      "SECTION OF wood",
		"原告Smith，Ltd，":         "原告Smith，Ltd，", // a Chinese line
		"2019，":                "2019，",        // says nothing about the language
		"二〇":                   "二〇",
		"plain words":          "plain words",
	} {
		var read []glyph
		for _, c := range in {
			read = append(read, glyph{text: string(c)})
		}
		marked := reading{glyphs: latinMarks(read)}
		marked.finish()
		assert.Equal(t, want, joined(marked.glyphs), "%q", in)
	}
}
