package speech

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// said spells a text with a character each 0.2 s; a blank is a pause of 0.6 s more.
func said(text string) Segment {
	var s Segment
	at := .3
	for _, r := range text {
		if r == ' ' {
			at += .6
			continue
		}
		s.Words = append(s.Words, Word{Text: string(r), Start: at, End: at + .2, Confidence: 1})
		at += .2
	}
	s.End = at + .3
	s.Text = joined(s.Words)
	return s
}

func TestLongSegmentsBecomeSubtitlesThatFitTheScreen(t *testing.T) {
	s := said("原告与被告于二零一九年八月十七日签订房屋买卖合同 约定被告将位于海淀区的房屋出售给原告 总价款三百五十万元 原告依约支付了首付款")
	var b bytes.Buffer
	require.NoError(t, WriteSRT(&b, []Segment{s}))
	t.Log(b.String())
	blocks := strings.Split(strings.TrimSpace(b.String()), "\n\n")
	require.Len(t, blocks, 3, "short phrases share a subtitle, each on its line")
	assert.Equal(t, s.Text, strings.Join(func() (out []string) {
		for _, block := range blocks {
			out = append(out, strings.Join(strings.Split(block, "\n")[2:], ""))
		}
		return out
	}(), ""))
	assert.True(t, strings.HasSuffix(blocks[2], "3\n00:00:09,900 --> 00:00:14,600\n总价款三百五十万元\n原告依约支付了首付款"), blocks[2])
}

func TestNothingOfASegmentIsLostInSubtitles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := said(rapid.StringMatching("[甲乙丙丁 ]{1,120}").Draw(t, "text"))
		parts := cues(s)
		text, last := "", s.Start
		for _, c := range parts {
			text += c.Text
			assert.GreaterOrEqual(t, c.Start, last)
			assert.GreaterOrEqual(t, c.End, c.Start)
			last = c.End
			assert.True(t, len(c.Words) < 2 || widthOf(c.Text) <= cueWidth, c.Text)
			assert.True(t, len(c.Words) < 2 || c.End-c.Start <= cueSeconds, fmt.Sprint(c.Start, c.End))
			for line := range strings.Lines(wrapped(c)) {
				assert.LessOrEqual(t, widthOf(strings.TrimSpace(line)), lineWidth+1)
			}
		}
		assert.Equal(t, s.Text, text)
		assert.InDelta(t, s.End, last, 1e-9)
	})
}

func TestSubtitlesOfLatinWordsKeepTheirSpaces(t *testing.T) {
	words := []Word{{Text: "the"}, {Text: "court"}, {Text: "rises"}, {Text: "现"}, {Text: "在"}}
	assert.Equal(t, "the court rises现在", joined(words))
	var b bytes.Buffer
	require.NoError(t, WriteVTT(&b, []Segment{{End: 1, Text: "a < b & c"}}))
	assert.Contains(t, b.String(), "a &lt; b &amp; c")
}
