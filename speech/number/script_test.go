package number_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/number"
)

// TestScripts runs the scripts of testdata, which say how numbers are written in a way that a clerk can read and add to.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	cases := 0
	for _, name := range files {
		f, err := os.Open(name)
		require.NoError(t, err)
		style := number.Style{}
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			line := strings.TrimSpace(lines.Text())
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if word, ok := strings.CutPrefix(line, "style "); ok {
				style = number.Style{}
				if style.Articles = word == "articles"; !style.Articles {
					style.Amounts, ok = number.ParseAmounts(word)
					require.True(t, ok, "%s:%d: no style %q", name, n, word)
				}
				continue
			}
			spoken, want, changed := strings.Cut(line, " => ")
			if !changed {
				var ok bool
				spoken, ok = strings.CutSuffix(line, " =")
				require.True(t, ok, "%s:%d: want \"spoken => written\" or \"spoken =\"", name, n)
				want = spoken
			}
			cases++
			got := style.Write(spoken)
			assert.Equal(t, want, got.Text, "%s:%d: %s", name, n, spoken)
			checkSpans(t, spoken, got)
		}
		require.NoError(t, lines.Err())
		require.NoError(t, f.Close())
	}
	assert.GreaterOrEqual(t, cases, 600)
}

// checkSpans proves that the spoken form can be had back from the spans.
func checkSpans(t *testing.T, spoken string, w number.Written) {
	t.Helper()
	back, at, from := "", 0, 0
	written, said := []rune(w.Text), []rune(spoken)
	for _, s := range w.Spans {
		require.LessOrEqual(t, at, s.Start)
		require.LessOrEqual(t, s.Start, s.End)
		require.LessOrEqual(t, s.End, len(written))
		require.Equal(t, s.Spoken, string(said[s.SpokenStart:s.SpokenEnd]))
		require.Equal(t, s.Start-at, s.SpokenStart-from, "what is between two spans is unchanged")
		require.NotEmpty(t, s.Rule)
		back += string(written[at:s.Start]) + s.Spoken
		at, from = s.End, s.SpokenEnd
	}
	back += string(written[at:])
	require.Equal(t, spoken, back)
}

func FuzzWrite(f *testing.F) {
	for _, s := range []string{"三万五千元", "二零一九京零四九一民初一二三四号", "百分之十几", "第第一百二十条", "一一元三三", "负点五", "（二零"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		for _, style := range []number.Style{{}, {Amounts: number.Grouped}, {Amounts: number.Plain, Articles: true}} {
			checkSpans(t, s, style.Write(s))
		}
		last := 0
		for _, p := range number.Places(s) {
			require.True(t, p[0] >= last && p[1] > p[0] && p[1] <= utf8.RuneCountInString(s))
			last = p[1]
		}
	})
}
