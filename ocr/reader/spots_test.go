package reader

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/courtsense/courtsense/ocr"
)

func TestSpotsOfAFaxAreNoLines(t *testing.T) {
	text := []ocr.Line{{Text: "第十五条"}, {Text: "7"}, {Text: "□"}, {Text: "—"}}
	var spots []ocr.Line
	for _, s := range []string{"，，。", "*", "。", "：：", "* -。", "，。", "“", ".,", "%"} {
		spots = append(spots, ocr.Line{Text: s})
	}
	assert.Equal(t, text, withoutSpots(append(append([]ocr.Line{}, text...), spots...)))
	// A few marks stand alone on many pages: a stop in a column of its own, a quotation mark beside a seal.
	few := append(append([]ocr.Line{}, text...), spots[:8]...)
	assert.Equal(t, few, withoutSpots(append([]ocr.Line{}, few...)))
	many := append([]ocr.Line{}, spots...)
	for range 40 {
		many = append(many, ocr.Line{Text: "第十五条"})
	}
	assert.Equal(t, many, withoutSpots(append([]ocr.Line{}, many...)))
}
