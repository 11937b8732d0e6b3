package eval

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr/accuracy"
)

// placed writes a text at (x, y), each character 10 px wide and high.
func placed(text string, x, y float64) (LineOutput, lineOfPage) {
	read, truth := LineOutput{Text: text}, lineOfPage{Text: text}
	for i, c := range []rune(text) {
		at := x + 10*float64(i)
		read.Chars = append(read.Chars, CharOutput{string(c), 0.9, [4]float64{at, y, 10, 10}})
		truth.Chars = append(truth.Chars, charBox{string(c), at, y, 10, 10})
	}
	return read, truth
}

func TestErrorsAreToldApartByCause(t *testing.T) {
	var lines []LineOutput
	truth := &pageTruth{}
	var texts []string
	for i, text := range []string{"甲乙丙丁", "戊己庚辛", "子丑寅卯", "辰巳午未"} {
		read, line := placed(text, 0, 20*float64(i))
		lines, truth.Lines, texts = append(lines, read), append(truth.Lines, line), append(texts, text)
	}
	causes := func(lines []LineOutput) Causes {
		var read []string
		for _, l := range lines {
			read = append(read, l.Text)
		}
		c := causesOf(PageOutput{Lines: lines}, texts, truth, accuracy.Page(texts, read))
		require.NotNil(t, c)
		return *c
	}
	assert.Equal(t, Causes{Pages: 1, Characters: 16}, causes(lines))
	wrong := lines[1]
	wrong.Text = "戊己庚亲"
	noise, _ := placed("三口", 200, 300)
	// The last line stands first, the third one was missed, a character is wrong, and something stands where nothing is.
	got := causes([]LineOutput{lines[3], lines[0], wrong, noise})
	assert.Equal(t, 4, got.Missed)
	assert.Equal(t, 2, got.Extra)
	assert.Positive(t, got.Order)
	assert.Equal(t, Causes{Pages: 1, Characters: 16, Missed: 4, Extra: 2, Misread: 1, Order: got.Order}, got)
	assert.InDelta(t, 7./16, got.OrderFree(), 1e-9)
	// A line read in two pieces costs nothing, whatever their order.
	first, second := lines[0], lines[0]
	first.Text, first.Chars = "甲乙", first.Chars[:2]
	second.Text, second.Chars = "丙丁", second.Chars[2:]
	got = causes([]LineOutput{second, first, lines[1], lines[2], lines[3]})
	assert.Zero(t, got.Misread+got.Missed+got.Extra)
	assert.Equal(t, 4, got.Order)
	// An empty answer is all missed.
	assert.Equal(t, Causes{Pages: 1, Characters: 16, Missed: 16}, causes(nil))
	// Nothing is told where places are not known.
	assert.Nil(t, causesOf(PageOutput{Lines: lines}, texts, nil, accuracy.Page(texts, texts)))
	assert.Nil(t, causesOf(PageOutput{Lines: []LineOutput{{Text: "甲"}}}, texts, truth, accuracy.Page(texts, []string{"甲"})))

	sum := Causes{}
	sum.add(got)
	sum.add(got)
	assert.Equal(t, Causes{Pages: 2, Characters: 32, Order: 8}, sum)
	var out bytes.Buffer
	require.NoError(t, OCRReport{Causes: &sum}.WriteText(&out))
	assert.Contains(t, out.String(), "order of lines 25.00 %")
}
