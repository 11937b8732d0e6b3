package correct

import (
	"context"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
)

func TestLinesReadOn(t *testing.T) {
	c := embeddedCorrector(t)
	// 诉 stands at the end of one line and 讼 at the beginning of the next.
	first, second := line("本院受理后，依法组成合议庭进行了审理，原告向本院提出诈", 0), line("讼请求", 30)
	doubt(t, &first, "诈 0.48, 诉 0.40")
	p := ocr.Page{Lines: []ocr.Line{second, first}}
	require.NoError(t, c.Correct(context.Background(), &p, false))
	assert.True(t, strings.HasSuffix(p.Lines[1].Text, "提出诉"), p.Lines[1].Text)
	require.Len(t, p.Corrections, 1)
	assert.Equal(t, 1, p.Corrections[0].Line)
	assert.Equal(t, []int{1, -1}, follow([]ocr.Line{first, second}))
	assert.Equal(t, []int{-1, -1}, follow([]ocr.Line{first, line("很远的一行", 300)}))
}

func TestPagesThatCannotBeCorrectedStayAsTheyAre(t *testing.T) {
	c := embeddedCorrector(t)
	other := line("原告向本院提出诈讼请求", 0)
	doubt(t, &other, "诈 0.48, 诉 0.40")
	other.Text = "something else"
	odd := line("原告向本院提出诈讼请求", 0)
	doubt(t, &odd, "诈 0.48, 诉 0.40")
	odd.Words[0].Symbols[7].Char = "诈\u0301"
	for _, p := range []ocr.Page{{}, {Lines: []ocr.Line{{}}}, {Lines: []ocr.Line{line("abc 123", 0)}}, {Lines: []ocr.Line{other}}, {Lines: []ocr.Line{odd}}} {
		var before []string
		for _, l := range p.Lines {
			before = append(before, l.Text)
		}
		require.NoError(t, c.Correct(context.Background(), &p, true))
		for i, l := range p.Lines {
			assert.Equal(t, before[i], l.Text)
		}
		assert.Empty(t, p.Corrections)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l := line("原告向本院提出诈讼请求", 0)
	doubt(t, &l, "诈 0.48, 诉 0.40")
	p := ocr.Page{Lines: []ocr.Line{l}}
	require.ErrorIs(t, c.Correct(ctx, &p, false), context.Canceled)
	assert.Equal(t, l.Text, p.Lines[0].Text)
}

// BenchmarkPage corrects a page of 1,000 characters with 60 in doubt, each with all the candidates that are looked at. Beside the
// clock's time it tells the processor's, which other work on the machine does not lengthen.
func BenchmarkPage(b *testing.B) {
	c := embeddedCorrector(b)
	const sentence = "公诉机关认为上述事实有被告人供述、证人征言等证据证明，原告向本院提出"
	var lines []ocr.Line
	for i := range 30 {
		l := line(sentence, float32(30*i))
		for _, at := range []int{19, 31} {
			s := &l.Words[0].Symbols[at]
			s.Confidence, s.Candidates = 0.5, []ocr.Candidate{{Char: "证", Confidence: 0.1}}
			for _, r := range "征正政整怔症院完皖阮浣莞脘垸烷" {
				s.Candidates = append(s.Candidates, ocr.Candidate{Char: string(r), Confidence: 0.02})
			}
		}
		lines = append(lines, l)
	}
	var before, after syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &before))
	for b.Loop() {
		p := ocr.Page{Lines: make([]ocr.Line, len(lines))}
		for i, l := range lines {
			l.Words = []ocr.Word{{Text: l.Words[0].Text, Symbols: append([]ocr.Symbol{}, l.Words[0].Symbols...)}}
			p.Lines[i] = l
		}
		require.NoError(b, c.Correct(context.Background(), &p, false))
	}
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &after))
	b.ReportMetric(float64(after.Utime.Nano()-before.Utime.Nano())/float64(b.N)/1e6, "cpu-ms/op")
}
