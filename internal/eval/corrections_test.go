package eval

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// changed is a line after correction; what stands in brackets was read there before: "原告诉[诈]讼".
func changed(x, y float64, marked string) LineOutput {
	var l LineOutput
	var text strings.Builder
	was := []rune(nil)
	inside := false
	for _, r := range marked {
		switch {
		case r == '[':
			inside = true
		case r == ']':
			n := len(l.Chars) - 1
			l.Changes = append(l.Changes, ChangeOutput{n, n, string(was)})
			inside, was = false, nil
		case inside:
			was = append(was, r)
		default:
			text.WriteRune(r)
			l.Chars = append(l.Chars, CharOutput{string(r), 0.9, [4]float64{x, y, 10, 10}})
			x += 10
		}
	}
	l.Text = text.String()
	return l
}

func TestCorrectionsAreCountedAgainstTheTruth(t *testing.T) {
	texts := []string{"原告诉讼请求", "于二〇一九年起诉被告：王诉平", "本院认为已经查明"}
	var c Corrections
	page := PageOutput{Lines: []LineOutput{
		changed(0, 0, "原告诉[诈]讼请末"),             // one mended, one wrong that stays
		changed(0, 20, "于二〇一九年[午]起诉被告：王诉[沂]平"), // both mended, but neither may be touched
		changed(0, 40, "本院认未[末]己[已]经查[杳]明"),    // one neither, one damaged, one mended
	}}
	c.add("a.png", page, texts, nil)
	require.NotNil(t, c.finish())
	assert.Equal(t, 1, c.Pages)
	assert.Equal(t, 6, c.Changes)
	assert.Equal(t, 4, c.Mended)
	assert.Equal(t, 1, c.Damaged)
	assert.Equal(t, 1, c.Other)
	assert.Equal(t, 2, c.Protected)
	assert.Equal(t, 6, c.ErrorsBefore)
	assert.Equal(t, 3, c.ErrorsAfter)
	assert.InDelta(t, 0.5, c.Cut, 1e-9)
	assert.Equal(t, []Place{{"a.png", "本院认为已经查明", "已", "己"}}, c.DamagedPlaces)
	assert.Equal(t, 4+12+6, c.RightBefore, "of 6, 14 and 8 characters; the colon is one of them")
	assert.InDelta(t, 1.0/22, c.DamagedShare, 1e-9)

	var none Corrections
	none.add("b.png", PageOutput{Lines: []LineOutput{changed(0, 0, "原告")}}, texts[:1], nil)
	assert.Nil(t, none.finish())
}

func TestChangesOutlastARawRecord(t *testing.T) {
	page := PageOutput{Lines: []LineOutput{changed(0, 0, "原告诉[诈]讼")}}
	b, err := json.Marshal(page)
	require.NoError(t, err)
	var again PageOutput
	require.NoError(t, json.Unmarshal(b, &again))
	assert.Equal(t, page, again)
	assert.Equal(t, "原告诈讼", again.asRead().Lines[0].Text)
	assert.Equal(t, "原告诉讼", again.Lines[0].Text, "the record stays as it is")

	// A record may come from anywhere.
	again.Lines[0].Changes = append(again.Lines[0].Changes, ChangeOutput{-1, 0, "末"}, ChangeOutput{0, 99, "末"}, ChangeOutput{0, 0, ""}, ChangeOutput{99, 0, "末"})
	assert.Equal(t, "原告诈讼", again.asRead().Lines[0].Text)
	var c Corrections
	c.add("a.png", again, []string{"原告诉讼"}, nil)
	assert.Equal(t, 1, c.Mended)
}

func TestFieldsAreToldFromTheTruthAlone(t *testing.T) {
	for _, c := range []struct{ line, free string }{
		{"于二〇一九年三月五日起诉", "于起诉"},
		{"支付货款3500元及利息", "支付货款及利息"},
		{"(2019)京0491民初1号民事判决", "民事判决"},
		{"原告:张三,男,汉族", "原告:,男,汉族"},
		{"被害人王某甲陈述", "被害人陈述"},
		{"被告人的供述", "被告人的供述"},
		{"同案人龚x8、陈XX供述", "同案人、供述"},
	} {
		fields := fieldsOf(c.line + "\n")
		require.Len(t, fields, 1)
		var free strings.Builder
		for i, r := range []rune(c.line) {
			if !fields[0][i] {
				free.WriteRune(r)
			}
		}
		assert.Equal(t, c.free, free.String())
	}
}
