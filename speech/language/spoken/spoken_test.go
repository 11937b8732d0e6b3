package spoken

import (
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestScript runs the pairs of testdata/spoken.test.
func TestScript(t *testing.T) {
	b, err := os.ReadFile("testdata/spoken.test")
	require.NoError(t, err)
	written, pairs := "", 0
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "  "):
			pairs++
			assert.Equal(t, line[2:], strings.ReplaceAll(Form(written), string(Stop), "/"), written)
		default:
			written = line
		}
	}
	assert.Greater(t, pairs, 10)
}

func TestCardinal(t *testing.T) {
	for number, want := range map[string]string{
		"0": "零", "00": "零", "12": "十二", "112": "一百一十二", "1002": "一千零二", "22222": "两万两千二百二十二", "100000000": "一亿", "120000000": "一亿两千万",
		"200000002": "两亿零二", "1000000000000": "一零零零零零零零零零零零零", "10002000": "一千万两千", "20010": "两万零一十",
	} {
		assert.Equal(t, want, Cardinal(number), number)
	}
}

func TestPlain(t *testing.T) {
	assert.Equal(t, "第一条为了规范甲乙双方", Plain("第1条 为了规范甲、乙双方。"))
	assert.Empty(t, Plain("。，！ ()"))
}

// TestFormKeepsItsPromise: whatever is written, only what can be said comes out, and saying it again changes nothing.
func TestFormKeepsItsPromise(t *testing.T) {
	piece := rapid.SampledFrom(strings.Split("法|院|2|0|19|1,234|.|,|-|/|:|%|¥|$|年|月|日|号|(|)|第|a|X|。|\n| |×|①|㎡|℃|〇|𠀀|\xff|3.5|~|‰", "|"))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "text"), "")
		form := Form(text)
		marked := true
		for _, r := range form {
			mark := r == Pause || r == Stop
			assert.True(t, mark || unicode.Is(unicode.Han, r) || r >= 'a' && r <= 'z', "%q gives %q", text, form)
			assert.False(t, mark && marked, "%q gives %q: marks at the ends or beside each other", text, form)
			marked = mark
		}
		assert.True(t, form == "" || !marked, "%q gives %q", text, form)
		assert.Equal(t, form, Form(form))
	})
}

func BenchmarkForm(b *testing.B) {
	text := strings.Repeat("2012年1月11日，原告建设银行与被告签订借款合同，约定贷款金额为21万元，利率上浮20%。", 20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Form(text)
	}
}
