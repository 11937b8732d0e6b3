package eval

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/ocr/accuracy"
)

func TestSpokenKeepsWhatIsSaid(t *testing.T) {
	for in, want := range map[string]string{
		"原告（甲方）诉称：“被告，违约。”": "原告甲方诉称被告违约", " ＡＢＣ 公司 \n": "abc公司", "第一百二十条": "第一百二十条", "85折": "85折", "，。 ": "",
	} {
		assert.Equal(t, want, string(Spoken(in)), in)
	}
}

func TestAlignmentCostsTheDistance(t *testing.T) {
	text := rapid.StringMatching("[甲乙丙丁]{0,12}")
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "truth"), text.Draw(t, "result")
		truth, result := []rune(a), []rune(b)
		from, inserted := align(truth, result)
		cost, last, used := len(inserted), -1, 0
		for i, j := range from {
			if j < 0 {
				cost++
				continue
			}
			used++
			assert.Greater(t, j, last, "the order is kept")
			last = j
			if truth[i] != result[j] {
				cost++
			}
		}
		assert.Equal(t, accuracy.Distance(a, b).Total(), cost)
		assert.Equal(t, len(result), used+len(inserted))
	})
}

func TestHotWordsAreCounted(t *testing.T) {
	c := newWordCount([]string{"张三丰", "张三", "海淀区"}, []string{"李四"})
	c.add([]rune("原告张三丰住海淀区"), []rune("原告张山风住海定区"), []rune("原告张三丰住海定区")) // one of two is found
	c.add([]rune("他里是的"), []rune("他里是的"), []rune("他李四的"))                // a distractor comes in, and costs two
	c.add([]rune("被告张三"), []rune("被张三告"), []rune("被告张三"))
	r := c.report()
	assert.Equal(t, 3, r.Occurrences)
	assert.Equal(t, 1, r.FalseInsertions)
	assert.Equal(t, []string{"李四"}, r.FalseWords)
	assert.InDelta(t, 1./3, r.FalseInsertion.Value, 1e-9)
	assert.InDelta(t, 2./3, r.Recall.Value, 1e-9)
	assert.Less(t, r.RecallPlain.Value, r.Recall.Value)
	assert.Equal(t, 9-6+4+2, r.ElsewhereCharacters)
	assert.InDelta(t, 2./9, r.Elsewhere, 1e-9)
}

func TestSpeechIsScoredOverAFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	for name, text := range map[string]string{"a": "现在开庭。", "b": "请原告陈述", "c": "没有了"} {
		write(name+".wav", "sound of "+name)
		write(name+".txt", text+"\n")
	}
	write("d.wav", "sound without words")
	heard := map[string]string{"a": "现在 开庭", "b": "请原稿陈述", "c": ""}
	var raw bytes.Buffer
	a := ASR{Run: Run{Jobs: 1, Raw: &raw}, Hear: func(_ context.Context, path string, _ bool) (Heard, error) {
		name := strings.TrimSuffix(filepath.Base(path), ".wav")
		if name == "c" {
			return Heard{}, errors.New("damaged")
		}
		return Heard{Text: heard[name], AudioSeconds: 2}, nil
	}}
	r, err := a.Folder(t.Context(), dir)
	require.NoError(t, err)
	assert.Equal(t, 3, r.Files)
	assert.Equal(t, 12, r.Characters)
	assert.InDelta(t, 4./12, r.CER.Value, 1e-9)
	assert.InDelta(t, 1./3, r.Exact.Value, 1e-9)
	assert.Less(t, r.CER.Low, r.CER.Value)
	assert.Len(t, r.Failures, 1)
	assert.Len(t, r.Unscored, 1)
	assert.InDelta(t, 4, r.AudioSeconds, 1e-9)

	records, err := ReadSpeech(&raw)
	require.NoError(t, err)
	again, err := ScoreSpeech(dir, records, nil, nil)
	require.NoError(t, err)
	assert.Equal(t, r.CER, again.CER)
	assert.Equal(t, r.PerFile, again.PerFile)

	_, err = a.Folder(t.Context(), t.TempDir())
	require.ErrorContains(t, err, "no recording with its words")
	_, err = ReadSpeech(strings.NewReader(`{"output":"x"}`))
	require.ErrorContains(t, err, "line 1")
}
