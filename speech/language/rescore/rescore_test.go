package rescore

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/models/embedded"
	"github.com/courtsense/courtsense/pipeline/charlm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func rescorer(t testing.TB) *Rescorer {
	t.Helper()
	b, err := embedded.Files.ReadFile("char-lm.bin")
	require.NoError(t, err)
	m, err := charlm.Parse(b)
	require.NoError(t, err)
	return New(m)
}

func TestTheRightOneOfHomophonesIsLikelier(t *testing.T) {
	r := rescorer(t)
	for _, texts := range [][]string{
		{"被告人的行为已构成盗窃罪", "被告人的行为已构成到切罪", "被告人的刑为已构成盗窃罪"},
		{"当事人应当按照约定全面履行自己的义务", "当事人应当按照约定全面旅行自己的义务", "当事人应当按照约定全面履行自己的异物"},
	} {
		scores, err := r.Rescore(context.Background(), texts)
		require.NoError(t, err)
		require.Len(t, scores, len(texts))
		for _, s := range scores[1:] {
			assert.Greater(t, scores[0], s+2)
		}
	}
}

// TestWhatIsCommonMakesLittleDifference holds that leaving out what texts share at their ends changes differences little: the LSTMs
// remember a bit more than the neighbours that count at least, the more the longer they learnt.
func TestWhatIsCommonMakesLittleDifference(t *testing.T) {
	r := rescorer(t)
	a, b := "依照中华人民共和国刑法第二百六十四条的规定判决如下被告人犯盗窃罪判处有期徒刑六个月", "依照中华人民共和国刑法第二百六十四条的规定判决如下被告人范盗窃罪判处有期徒刑六个月"
	near, err := r.Rescore(context.Background(), []string{a, b})
	require.NoError(t, err)
	// A text that shares nothing with them makes all places count.
	whole, err := r.Rescore(context.Background(), []string{a, b, "无"})
	require.NoError(t, err)
	assert.InEpsilon(t, whole[0]-whole[1], near[0]-near[1], 0.15)
	assert.Less(t, whole[0], near[0])
}

func TestOddTexts(t *testing.T) {
	r := rescorer(t)
	scores, err := r.Rescore(context.Background(), nil)
	require.NoError(t, err)
	assert.Empty(t, scores)
	scores, err = r.Rescore(context.Background(), []string{"", "法", "法", "𠀀\xff"})
	require.NoError(t, err)
	assert.Zero(t, scores[0])
	assert.Equal(t, scores[1], scores[2])
	same, err := r.Rescore(context.Background(), []string{"人民法院", "人民法院"})
	require.NoError(t, err)
	assert.Equal(t, same[0], same[1])

	stopped, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	cancel(why)
	_, err = r.Rescore(stopped, []string{"人民法院", "人民发院"})
	assert.ErrorIs(t, err, why)
}

// BenchmarkRescore is the second pass of an utterance of five seconds with ten readings.
func BenchmarkRescore(b *testing.B) {
	r := rescorer(b)
	texts := []string{"当事人应当按照约定全面履行自己的义务"}
	for i := range 9 {
		t := []rune(texts[0])
		t[2*i] = '事'
		texts = append(texts, string(t))
	}
	for b.Loop() {
		if _, err := r.Rescore(context.Background(), texts); err != nil {
			b.Fatal(err)
		}
	}
}
