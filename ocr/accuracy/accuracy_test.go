package accuracy

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNormalize(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"full width", "（２０２４）京０１０１号：", "(2024)京0101号:"},
		{"spaces in Chinese", "姓　名  张 三", "姓名张三"},
		{"spaces beside Latin", "共 3 页", "共3页"},
		{"spaces in English", " The  court\nis in\tsession. ", "The court is in session."},
		{"enclosed characters stay", "①№℃㎡×％", "①№℃㎡×%"},
		{"Kangxi radical and compatibility ideograph", "\u2F00\uF900", "一豈"},
		{"quotes, dashes, ellipsis", "“甲”—‘乙’……", "\"甲\"-'乙'......"},
		{"brackets that differ", "〔2024〕[2024]", "〔2024〕[2024]"},
		{"invisible", "a\u200Bb\uFEFFc\x00", "abc"},
		{"composed", "e\u0301", "é"},
		{"empty", " \n\t　", ""},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, Normalize(c.in)) })
	}
}

func TestNormalizingTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once := Normalize(rapid.String().Draw(t, "text"))
		if twice := Normalize(once); twice != once {
			t.Fatalf("%q became %q", once, twice)
		}
	})
}

func TestDistance(t *testing.T) {
	assert.Equal(t, Edits{}, Distance("", ""))
	assert.Equal(t, Edits{Deletions: 2}, Distance("原告", ""))
	assert.Equal(t, Edits{Insertions: 2}, Distance("", "原告"))
	assert.Equal(t, Edits{Substitutions: 2, Insertions: 1}, Distance("kitten", "sitting"))
	assert.Equal(t, Edits{Insertions: 1, Deletions: 1}, Distance("ab", "ba"))
	assert.Equal(t, Edits{Substitutions: 1}, Distance("一二三", "一工三"))
}

// text draws from few characters, so that texts are alike in many ways.
func text(maxLen int) *rapid.Generator[string] {
	return rapid.StringOfN(rapid.SampledFrom([]rune("甲乙丙a")), 0, maxLen, -1)
}

func TestDistanceAgreesWithAnotherImplementation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := text(90).Draw(t, "a"), text(90).Draw(t, "b")
		got := Distance(a, b)
		if want := levenshtein.ComputeDistance(a, b); got.Total() != want {
			t.Fatalf("distance %d, want %d", got.Total(), want)
		}
		if growth := utf8.RuneCountInString(b) - utf8.RuneCountInString(a); got.Insertions-got.Deletions != growth {
			t.Fatalf("%+v does not explain a growth of %d", got, growth)
		}
		if got.Substitutions < 0 || got.Insertions < 0 || got.Deletions < 0 {
			t.Fatalf("negative count in %+v", got)
		}
	})
}

func TestDistanceIsAMetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := text(40).Draw(t, "a"), text(40).Draw(t, "b"), text(40).Draw(t, "c")
		ab, ba := Distance(a, b), Distance(b, a)
		if ab.Substitutions != ba.Substitutions || ab.Insertions != ba.Deletions || ab.Deletions != ba.Insertions {
			t.Fatalf("not symmetric: %+v and %+v", ab, ba)
		}
		if (ab.Total() == 0) != (a == b) {
			t.Fatalf("distance %d between %q and %q", ab.Total(), a, b)
		}
		if ac, bc := Distance(a, c).Total(), Distance(b, c).Total(); ac > ab.Total()+bc {
			t.Fatal("triangle inequality does not hold")
		}
	})
}

func TestPage(t *testing.T) {
	t.Run("a split line costs no characters but is not exact", func(t *testing.T) {
		s := Page([]string{"判令被告退还货款", "诉讼费由被告承担"}, []string{"判令被告", "退还货款", "诉讼费由被告承担"})
		assert.Equal(t, Score{Characters: 16, Lines: 2, LinesExact: 1}, s)
	})
	t.Run("a repeated line needs as many readings", func(t *testing.T) {
		s := Page([]string{"同意", "同意"}, []string{"同意"})
		assert.Equal(t, 1, s.LinesExact)
		assert.Equal(t, Edits{Deletions: 2}, s.Edits)
	})
	t.Run("blank page", func(t *testing.T) {
		assert.Zero(t, Page(nil, nil).CER())
		assert.Equal(t, 1.0, Page(nil, []string{"噪声"}).CER())
	})
	t.Run("English line ends are spaces", func(t *testing.T) {
		assert.Zero(t, Page([]string{"in the", "court"}, []string{"in the court"}).Edits.Total())
		assert.Equal(t, 1, Page([]string{"in the", "court"}, []string{"in thecourt"}).Edits.Total())
	})
}

func TestSummarize(t *testing.T) {
	good, bad := Score{Characters: 300, Edits: Edits{Substitutions: 3}, Lines: 10, LinesExact: 9},
		Score{Characters: 100, Edits: Edits{Deletions: 17}, Lines: 10, LinesExact: 1}
	s := Summarize([]Score{good, bad})
	assert.InDelta(t, 0.05, s.CER.Value, 1e-12, "pooled, not the mean of the pages")
	assert.InDelta(t, 0.5, s.LinesExact.Value, 1e-12)
	assert.InDelta(t, 0.01, s.CER.Low, 1e-12)
	assert.InDelta(t, 0.17, s.CER.High, 1e-12)
	assert.Equal(t, 0.17, s.Worst)
	assert.Equal(t, s, Summarize([]Score{good, bad}), "the seed is fixed")
	assert.Equal(t, Interval{0.01, 0.01, 0.01}, Summarize([]Score{good}).CER)
	assert.Equal(t, 1.0, Summarize(nil).LinesExact.Value)
}

// On pages drawn from a known error rate, the 95 % interval holds that rate about as often as it says.
func TestIntervalCoverage(t *testing.T) {
	const runs, pages, chars, rate = 60, 40, 200, 0.02
	held := 0
	random := rand.New(rand.NewPCG(7, 7))
	for range runs {
		scores := make([]Score, pages)
		for i := range scores {
			s := Score{Characters: chars}
			for range chars {
				if random.Float64() < rate {
					s.Edits.Substitutions++
				}
			}
			scores[i] = s
		}
		if ci := Summarize(scores).CER; ci.Low <= rate && rate <= ci.High {
			held++
		}
	}
	require.GreaterOrEqual(t, held, runs*85/100)
	require.Less(t, held, runs)
}

func BenchmarkPage(b *testing.B) {
	line := "原告多次与被告客服人员协商，被告均以已超过七日无理由退货期限为由拒绝处理。"
	truth := make([]string, 2000/utf8.RuneCountInString(line))
	for i := range truth {
		truth[i] = line
	}
	for name, wrong := range map[string]int{"2%": 1, "30%": 12} {
		read := make([]string, len(truth))
		for i := range read {
			r := []rune(line)
			for k := range wrong {
				r[k*3] = '口'
			}
			read[i] = string(r)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Page(truth, read)
			}
		})
	}
	b.Run("unrelated", func(b *testing.B) {
		read := []string{strings.Repeat("x", 2000)}
		for b.Loop() {
			Page(truth, read)
		}
	})
}
