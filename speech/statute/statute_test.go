package statute_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/statute"
)

func imported(t testing.TB) ([]statute.Law, statute.Report) {
	t.Helper()
	laws, report, err := statute.Import(context.Background(), os.DirFS("testdata/laws"))
	require.NoError(t, err)
	return laws, report
}

func opened(t testing.TB) *statute.Index {
	t.Helper()
	laws, _ := imported(t)
	path := filepath.Join(t.TempDir(), "deep", "statutes.idx")
	require.NoError(t, statute.WriteFile(path, laws))
	x, err := statute.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, x.Close()) })
	return x
}

func TestImportReportsWhatItLeavesOut(t *testing.T) {
	laws, report := imported(t)
	var problems []string
	for _, p := range report.Problems {
		problems = append(problems, p.String())
	}
	assert.ElementsMatch(t, []string{
		"没有标题.md:1: has no title (a line \"# TITLE\"), and is left out",
		"虚构坏档办法.md:7: 第二条 holds bytes that are no UTF-8, and is left out",
		"虚构坏档办法.md:9: 第三条 has no text, and is left out",
		"虚构坏档办法.md:11: 第百千条 is no number of an article; it is left out",
		"虚构坏档办法.md:13: 第一条 stands in line 5 already; this one is left out",
		"虚构借贷法抄本.md:5: 1 of 1 articles of 中华人民共和国虚构借贷法 (2020-09-10) were imported from ./ already, and are left out",
		"闲谈.md: has no articles, and is left out",
	}, problems)
	assert.Equal(t, 1, report.Versions)
	assert.Equal(t, 1, report.Duplicates)
	byName := map[string]statute.Law{}
	for _, l := range laws {
		byName[l.Title+l.Version] = l
	}
	require.Len(t, byName, 4)
	later := byName["中华人民共和国虚构借贷法2020-09-10"]
	assert.Equal(t, "2021-01-01", later.Effective)
	require.Len(t, later.Articles, 6)
	assert.Equal(t, []string{"第二章 借船", "第一节 检查"}, later.Articles[2].Headings)
	assert.Contains(t, later.Articles[2].Text, "告知船主。\n有下列情形之一的，船主可以解除借船合同：\n（一）")
	assert.Equal(t, "本法自2021年1月1日起施行。", later.Articles[5].Text, "an appendix is no part of the last article")
	parts := byName["中华人民共和国虚构合作社法2018-06-01"]
	require.Len(t, parts.Articles, 2, "parts in several files are one law")
	assert.Equal(t, []string{"第二编 大会"}, parts.Articles[1].Headings)
	assert.Equal(t, "2018-10-01", parts.Effective)
	broken := byName["虚构坏档办法2019-01-02"]
	require.Len(t, broken.Articles, 2, "the rest of a broken file is imported")
	assert.Equal(t, "第四条", broken.Articles[1].Number)
}

// TestScripts runs testdata/scripts, which say what becomes of recited provisions in a way that a clerk can read.
func TestScripts(t *testing.T) {
	x := opened(t)
	files, err := filepath.Glob("testdata/scripts/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		day := ""
		var got []string
		where := ""
		check := func() {
			assert.Empty(t, got, "%s: marked, but not in the script", where)
			got = nil
		}
		for n, line := range strings.Split(string(b), "\n") {
			switch {
			case line == "" || strings.HasPrefix(line, "#"):
			case strings.HasPrefix(line, "day "):
				day = line[4:]
			case strings.HasPrefix(line, "- "):
				if assert.NotEmpty(t, got, "%s: not marked: %s", where, line) {
					assert.Equal(t, line[2:], got[0], where)
					got = got[1:]
				}
			default:
				check()
				where = name + ":" + line
				spoken, want, changed := strings.Cut(line, " => ")
				if !changed {
					var ok bool
					spoken, ok = strings.CutSuffix(line, " =")
					require.True(t, ok, "%s:%d", name, n+1)
					want = spoken
				}
				snapped, err := x.Snap(spoken, statute.Options{Day: day})
				require.NoError(t, err)
				assert.Equal(t, want, snapped.Text, where)
				back, at := "", 0
				text := []rune(snapped.Text)
				for _, q := range snapped.Quotations {
					kind := "named"
					if q.Recited {
						kind = "recited"
					}
					got = append(got, strings.Join([]string{q.Law, q.Version, q.Number, kind}, " "))
					back += string(text[at:q.Start]) + q.Spoken
					at = q.End
				}
				assert.Equal(t, spoken, back+string(text[at:]), "what was recognised can be had back")
			}
		}
		check()
	}
}

func TestLookup(t *testing.T) {
	x := opened(t)
	m, err := x.Lookup("虚构借贷法第四条", statute.Options{})
	require.NoError(t, err)
	require.NotEmpty(t, m)
	assert.True(t, m[0].Named)
	assert.Equal(t, "2020-09-10", m[0].Version)
	assert.Greater(t, m[0].Confidence, .95)
	m, err = x.Lookup("虚构借贷法第四条", statute.Options{Day: "2013-01-01", Max: 1})
	require.NoError(t, err)
	require.Len(t, m, 1)
	assert.Equal(t, "2012-03-05", m[0].Version)
	m, err = x.Lookup("社员大会是权力机构每年秋收以后召开", statute.Options{})
	require.NoError(t, err)
	require.NotEmpty(t, m)
	assert.Equal(t, "第二条", m[0].Number)
	assert.Equal(t, "中华人民共和国虚构合作社法", m[0].Law)
	for _, s := range []string{"", "。", "第", "第三条", "abc", strings.Repeat("哈", 2000)} {
		m, err = x.Lookup(s, statute.Options{})
		require.NoError(t, err)
		assert.Empty(t, m, s)
	}
}

func TestLookupsAtOnce(t *testing.T) {
	x := opened(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				s, err := x.Snap("借船人应当在出海前检查船底和船帆发现破损的应当在十日内以书面形式告知船主", statute.Options{})
				assert.NoError(t, err)
				assert.Len(t, s.Quotations, 1)
			}
		})
	}
	wg.Wait()
}

func TestIndexFile(t *testing.T) {
	laws, _ := imported(t)
	b, err := statute.Encode(laws)
	require.NoError(t, err)
	again, err := statute.Encode(laws)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(b, again), "the same laws give the same bytes")
	_, err = statute.Parse(b[:len(b)/2])
	require.ErrorIs(t, err, statute.ErrFormat)
	_, err = statute.Parse([]byte("CSST"))
	require.ErrorIs(t, err, statute.ErrFormat)
	damaged := bytes.Clone(b)
	damaged[60] ^= 1 // in the table of the laws
	_, err = statute.Parse(damaged)
	require.ErrorIs(t, err, statute.ErrFormat)
	damaged = bytes.Clone(b)
	damaged[len(b)-3] ^= 1 // in the block of the last law
	x, err := statute.Parse(damaged)
	require.NoError(t, err)
	require.ErrorIs(t, x.Each(func(statute.Provision) bool { return true }), statute.ErrFormat)
	require.NoError(t, x.Close())
	require.NoError(t, x.Close())
	_, err = statute.Encode(nil)
	require.Error(t, err)
	_, err = statute.Open(filepath.Join(t.TempDir(), "absent"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestImportStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err := statute.Import(ctx, os.DirFS("testdata/laws"))
	require.ErrorIs(t, err, context.Canceled)
}

func FuzzMarkdown(f *testing.F) {
	files, err := filepath.Glob("testdata/laws/*.md")
	require.NoError(f, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		laws, _, err := statute.Import(context.Background(), fstest.MapFS{"a.md": {Data: b}})
		require.NoError(t, err)
		if len(laws) == 0 {
			return
		}
		packed, err := statute.Encode(laws)
		require.NoError(t, err)
		x, err := statute.Parse(packed)
		require.NoError(t, err)
		var back []statute.Article
		require.NoError(t, x.Each(func(p statute.Provision) bool {
			back = append(back, p.Article)
			return true
		}))
		require.Equal(t, laws[0].Articles, back)
	})
}

func FuzzIndex(f *testing.F) {
	laws, _, err := statute.Import(context.Background(), fstest.MapFS{"a.md": {Data: []byte("# 甲法\n\n第一条 采蘑菇的人应当结伴进山，并且携带哨子。\n")}})
	require.NoError(f, err)
	b, err := statute.Encode(laws)
	require.NoError(f, err)
	// The table of the runs is 4 MB of mostly the same: what is varied stands before and behind it.
	head := bytes.Index(b[40:], []byte{0, 0, 0, 0, 0, 0, 0, 0}) + 40
	f.Add(b[:head], b[len(b)-200:])
	f.Fuzz(func(t *testing.T, front, back []byte) {
		x, err := statute.Parse(append(append(append([]byte{}, front...), b[min(len(b), len(front)):max(len(b)-len(back), min(len(b), len(front)))]...), back...))
		if err != nil {
			require.ErrorIs(t, err, statute.ErrFormat)
			return
		}
		_, _ = x.Lookup("采蘑菇的人应当结伴进山并且携带哨子甲法第一条", statute.Options{})
		_ = x.Each(func(statute.Provision) bool { return true })
	})
}

func FuzzSnap(f *testing.F) {
	x := opened(f)
	for _, s := range []string{"根据虚构借贷法第三条", "借船人应当在出海前检查船底和船帆发现破损的应当在十日内", "《虚构借贷法》第4条", "海上连续刮风超过15日的"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		snapped, err := x.Snap(s, statute.Options{})
		require.NoError(t, err)
		at := 0
		for _, q := range snapped.Quotations {
			require.LessOrEqual(t, at, q.Start)
			require.LessOrEqual(t, q.Start, q.End)
			at = q.End
		}
		require.LessOrEqual(t, at, len([]rune(snapped.Text)))
	})
}
