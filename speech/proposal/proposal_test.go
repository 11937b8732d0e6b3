package proposal

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func propose(t testing.TB, text string) map[string][]Proposal {
	t.Helper()
	all, err := New(background(t)).Propose(context.Background(), []Material{{Source: "paper", Text: text}}, 10000)
	require.NoError(t, err)
	by := map[string][]Proposal{}
	for _, q := range all {
		by[q.Kind.String()] = append(by[q.Kind.String()], q)
	}
	return by
}

func words(all []Proposal) []string {
	var out []string
	for _, q := range all {
		out = append(out, q.Text)
	}
	return out
}

// TestScript runs the papers of testdata/proposal.test.
func TestScript(t *testing.T) {
	b, err := os.ReadFile("testdata/proposal.test")
	require.NoError(t, err)
	checked := 0
	for part := range strings.SplitSeq(string(b), "\n## ") {
		title, body, _ := strings.Cut(part, "\n")
		if strings.HasPrefix(title, "#") {
			continue
		}
		var text []string
		var rules []string
		for line := range strings.Lines(body) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "-") {
				rules = append(rules, line)
			} else if line != "" {
				text = append(text, line)
			}
		}
		by := propose(t, strings.Join(text, "\n"))
		for _, rule := range rules {
			sign, rest, _ := strings.Cut(rule, " ")
			kind, list, _ := strings.Cut(rest, ": ")
			for want := range strings.SplitSeq(list, ", ") {
				checked++
				if sign == "->" {
					assert.Contains(t, words(by[kind]), want, "%s: %s", title, kind)
				} else {
					assert.NotContains(t, words(by[kind]), want, "%s: %s", title, kind)
				}
			}
		}
	}
	assert.Greater(t, checked, 30)
}

func TestSourcesAndCounts(t *testing.T) {
	p := New(background(t))
	long := strings.Repeat("原告主张的事实缺乏依据，", 40) + "证人戚泽慧到庭，" + strings.Repeat("被告的抗辩理由不能成立，", 40)
	all, err := p.Propose(context.Background(), []Material{
		{Source: "complaint", Text: "原告戚泽慧诉称，欠款未还。戚泽慧要求还款。"}, {Source: "answer", Page: 2, Text: "被告称不认识戚泽慧。\n" + long},
	}, 100)
	require.NoError(t, err)
	i := slices.IndexFunc(all, func(q Proposal) bool { return q.Text == "戚泽慧" })
	require.GreaterOrEqual(t, i, 0)
	q := all[i]
	assert.Equal(t, Person, q.Kind)
	assert.Equal(t, 4, q.Count)
	require.Len(t, q.Sources, 4)
	assert.Equal(t, Source{0, "原告戚泽慧诉称，欠款未还。"}, q.Sources[0])
	assert.Equal(t, Source{1, "被告称不认识戚泽慧。"}, q.Sources[2])
	assert.Contains(t, q.Sources[3].Sentence, "戚泽慧")
	assert.Less(t, utf8.RuneCountInString(q.Sources[3].Sentence), maxSentence+3)

	first, err := p.Propose(context.Background(), []Material{{Text: strings.Repeat("证人戚泽慧作证。", 30)}}, 1)
	require.NoError(t, err)
	require.Len(t, first, 1, "no more than were asked for")
	assert.Equal(t, "戚泽慧", first[0].Text, "the most useful first")
	assert.Equal(t, 30, first[0].Count)
	assert.LessOrEqual(t, len(first[0].Sources), MaxSources)
}

func TestBlanksInNamesAndOddTexts(t *testing.T) {
	by := propose(t, "审 判 长　戚 泽 慧\r\n书记员\t甘 露\r\n")
	assert.Contains(t, words(by["person"]), "戚泽慧")
	assert.Contains(t, words(by["person"]), "甘露")
	for _, text := range []string{"", "。", "\x00\xff", "abc def", "原告", "原告：", "（", "王", strings.Repeat("王", 5000), strings.Repeat("有限公司", 2000), strings.Repeat("1", 3000) + "元", "案由：", "\n\n\f"} {
		propose(t, text)
	}
	none, err := New(nil).Propose(context.Background(), []Material{{Text: "原告戚泽慧诉称"}}, 10)
	require.NoError(t, err)
	assert.Contains(t, words(none), "戚泽慧", "labels need no model")
}

func TestTheEndOfTheContext(t *testing.T) {
	stopped, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	cancel(why)
	_, err := New(nil).Propose(stopped, []Material{{Text: "原告戚泽慧"}}, 10)
	assert.ErrorIs(t, err, why)
}

func TestBuiltInLists(t *testing.T) {
	for name, list := range map[string][]string{"terms": LegalTerms(), "causes": Causes()} {
		assert.Greater(t, len(list), 100, name)
		seen := map[string]bool{}
		for _, term := range list {
			assert.False(t, seen[term], "%s: %s stands there twice", name, term)
			seen[term] = true
			assert.GreaterOrEqual(t, utf8.RuneCountInString(term), 2)
		}
	}
	assert.Contains(t, LegalTerms(), "抵押权")
	assert.Contains(t, Causes(), "民间借贷纠纷")
}

func FuzzPropose(f *testing.F) {
	f.Add("原告：欧阳锦绣，女，住杭州市。（2021）川0107民初19967号，385,600元，以下简称“云栖公司”")
	f.Add("被告人朱帆秀、买买提·艾力犯盗窃罪")
	p := New(background(f))
	f.Fuzz(func(t *testing.T, text string) {
		all, err := p.Propose(context.Background(), []Material{{Text: text}}, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range all {
			if q.Count < 1 || len(q.Sources) < 1 || utf8.RuneCountInString(q.Text) < 2 {
				t.Fatalf("%+v", q)
			}
		}
	})
}

func BenchmarkPropose(b *testing.B) {
	script, err := os.ReadFile("testdata/proposal.test")
	require.NoError(b, err)
	p := New(background(b))
	text := strings.Repeat(string(script), 20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := p.Propose(context.Background(), []Material{{Text: text}}, 500); err != nil {
			b.Fatal(err)
		}
	}
}
