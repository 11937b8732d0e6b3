package written_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/number"
	"github.com/courtsense/courtsense/speech/statute"
	"github.com/courtsense/courtsense/speech/written"
)

func index(t *testing.T) *statute.Index {
	t.Helper()
	laws, _, err := statute.Import(context.Background(), os.DirFS("../statute/testdata/laws"))
	require.NoError(t, err)
	b, err := statute.Encode(laws)
	require.NoError(t, err)
	x, err := statute.Parse(b)
	require.NoError(t, err)
	return x
}

func TestQuotationsKeepTheLawsOwnFigures(t *testing.T) {
	w := written.Writer{Statutes: index(t), Numbers: &number.Style{}}
	got, err := w.Write(context.Background(), "被告欠三万五千元根据虚构借贷法第三条海上连续刮风超过十五日的被告应还两千元", "", true)
	require.NoError(t, err)
	assert.Equal(t, "被告欠3.5万元根据虚构借贷法第三条海上连续刮风超过15日的。被告应还2000元", got.Text)
	require.Len(t, got.Quotations, 2)
	text := []rune(got.Text)
	assert.Equal(t, "虚构借贷法第三条", string(text[got.Quotations[0].Start:got.Quotations[0].End]))
	q := got.Quotations[1]
	assert.Equal(t, "海上连续刮风超过15日的。", string(text[q.Start:q.End]))
	assert.Equal(t, "海上连续刮风超过十五日的", q.Spoken)
	assert.Equal(t, "第三条", q.Number)
}

func TestWithoutAnythingTextStays(t *testing.T) {
	for _, text := range []string{"", "被告欠三万五千元", "第三条"} {
		got, err := written.Writer{}.Write(context.Background(), text, "", true)
		require.NoError(t, err)
		assert.Equal(t, text, got.Text)
		assert.Empty(t, got.Quotations)
	}
}

func TestAStreamReadsOnAfterABreath(t *testing.T) {
	finals := []written.Final{
		{Text: "根据虚构借贷法第三条借船人应当在出海前检查船底和船帆", Start: 1, End: 6},
		{Text: "发现破损的应当在十日内以书脸形式告知船主", Start: 7, End: 11},
	}
	finals[1].Confidence = make([]float32, len([]rune(finals[1].Text)))
	for name, pause := range map[string]float64{"a breath": 0, "a minute": 60} {
		s := written.Writer{Statutes: index(t), Numbers: &number.Style{}}.NewStream()
		_, err := s.Write(context.Background(), finals[0], "")
		require.NoError(t, err)
		next := finals[1]
		next.Start, next.End = next.Start+pause, next.End+pause
		got, err := s.Write(context.Background(), next, "")
		require.NoError(t, err)
		if pause == 0 {
			assert.Equal(t, "发现破损的，应当在十日内以书面形式告知船主。", got.Text, name)
			require.Len(t, got.Quotations, 1)
			assert.Equal(t, "第三条", got.Quotations[0].Number)
			assert.Zero(t, got.Quotations[0].Start)
		} else {
			assert.Contains(t, got.Text, "书脸", name)
		}
	}
	plain := written.Writer{}.NewStream()
	got, err := plain.Write(context.Background(), finals[0], "")
	require.NoError(t, err)
	assert.Equal(t, finals[0].Text, got.Text)
}
