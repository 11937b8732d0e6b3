package adapt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/courtsense/courtsense/models/embedded"
	"github.com/courtsense/courtsense/pipeline/charlm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func model(t *testing.T) *charlm.Model {
	t.Helper()
	b, err := embedded.Files.ReadFile("char-lm.bin")
	require.NoError(t, err)
	m, err := charlm.Parse(b)
	require.NoError(t, err)
	return m
}

// folder writes texts of a kind that statutes are not: a court's notes of parcels, in a wording of its own.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	colours, things := []string{"朱红", "靛青", "鹅黄", "月白", "墨绿"}, []string{"锦匣", "漆盒", "陶罐", "藤箱", "布囊"}
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "收到%s%s，封口完好，编号%d，置于东侧木架第%d层，由值班员签收。\n", colours[i%5], things[(i/5)%5], i*37, i%7)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte(b.String()), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "picture.txt"), []byte("\x89PNG\x00\xff\xff"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "table.csv"), []byte("不读"), 0o600))
	return dir
}

func TestPerplexityFallsOnACourtsOwnTexts(t *testing.T) {
	m := model(t)
	var bad []string
	c, err := ReadCorpus(context.Background(), folder(t), m, func(path string, _ error) { bad = append(bad, filepath.Base(path)) })
	require.NoError(t, err)
	assert.Equal(t, []string{"picture.txt"}, bad)
	assert.Equal(t, 1, c.Files)
	assert.Greater(t, c.Characters, 5*c.HeldOut)

	var kept *charlm.Model
	told := 0
	o := Options{Epochs: 0.4, Rate: 2e-3, Seed: 1, Places: 30, Keep: func(m *charlm.Model) error { kept = m; return nil }, Progress: func(p Progress) {
		told++
		assert.LessOrEqual(t, p.Best, p.Before)
	}}
	r, err := o.Run(context.Background(), m, c)
	require.NoError(t, err)
	assert.True(t, r.Improved)
	assert.Less(t, r.After.Perplexity, 0.7*r.Before.Perplexity)
	assert.Positive(t, told)
	assert.InDelta(t, 1, r.Done, 1e-9)
	require.NotNil(t, kept)
	assert.Contains(t, kept.About, "Adapted")
	again, err := kept.Measure(context.Background(), c.held, 30)
	require.NoError(t, err)
	assert.Equal(t, r.After, again, "what was kept is what was measured")
}

func TestInterruptedRunsKeepTheBest(t *testing.T) {
	m := model(t)
	c, err := ReadCorpus(context.Background(), folder(t), m, func(string, error) {})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	kept := 0
	o := Options{Epochs: 0.6, Rate: 1e-3, Seed: 1, Places: 20, Keep: func(*charlm.Model) error { kept++; cancel(); return nil }}
	r, err := o.Run(ctx, m, c)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, kept)
	assert.True(t, r.Improved)
	assert.Less(t, r.Done, 1.0)

	full := errors.New("disk full")
	o.Keep = func(*charlm.Model) error { return full }
	_, err = o.Run(context.Background(), m, c)
	assert.ErrorIs(t, err, full)
}

func TestTooLittleTextIsRefused(t *testing.T) {
	m := model(t)
	dir := t.TempDir()
	_, err := ReadCorpus(context.Background(), dir, m, func(string, error) {})
	require.ErrorIs(t, err, ErrTooLittle)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte("原告诉称。"), 0o600))
	_, err = ReadCorpus(context.Background(), dir, m, func(string, error) {})
	require.ErrorIs(t, err, ErrTooLittle)
	_, err = ReadCorpus(context.Background(), filepath.Join(dir, "absent"), m, func(string, error) {})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestParagraphsReadBothEncodings(t *testing.T) {
	want := []string{"原告诉称：", "被告未到庭。"}
	text := "\ufeff原告诉称：\r\n\r\n  被告未到庭。\n。\n"
	got, err := Paragraphs([]byte(text))
	require.NoError(t, err)
	assert.Equal(t, want, got)
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(strings.TrimPrefix(text, "\ufeff"))
	require.NoError(t, err)
	got, err = Paragraphs([]byte(gb))
	require.NoError(t, err)
	assert.Equal(t, want, got)
	_, err = Paragraphs([]byte("\xff\xff\xff"))
	require.Error(t, err)
}

// TestWhatIsHeldOutIsNotLearnt: no paragraph may stand in both parts, however often it occurs.
func TestWhatIsHeldOutIsNotLearnt(t *testing.T) {
	m := model(t)
	dir := t.TempDir()
	for i := range fewFiles + 10 {
		text := strings.Repeat("本院经审理查明，双方签订合同。\n", 3) + strings.Repeat(fmt.Sprintf("第%s号档案，%s存放。\n", strings.Repeat("甲", i+1), strings.Repeat("乙", i+1)), 5)
		text += strings.Repeat(strings.Repeat("丙", i+1)+"保管人签字，"+strings.Repeat("丁", 2*i+1)+"移交人签字，接收人盖章。\n", 2)
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.txt", i)), []byte(text), 0o600))
	}
	c, err := ReadCorpus(context.Background(), dir, m, func(string, error) {})
	require.NoError(t, err)
	parts := func(s []charlm.Class) map[string]bool {
		out, at := map[string]bool{}, 0
		for i, class := range s {
			if class == charlm.Break {
				out[fmt.Sprint(s[at:i])] = true
				at = i + 1
			}
		}
		delete(out, "[]")
		return out
	}
	learn, held := parts(c.learn), parts(c.held)
	require.NotEmpty(t, held)
	for p := range held {
		assert.False(t, learn[p])
	}
}
