package hotword

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/syllable"
)

func newLexicon(t testing.TB, texts ...string) *lexicon.Lexicon {
	t.Helper()
	tokens := make([]lexicon.Token, 1, len(texts)+1)
	for _, text := range texts {
		tokens = append(tokens, lexicon.Token{Text: text})
	}
	l, err := lexicon.New(tokens, 0, lexicon.Options{})
	require.NoError(t, err)
	return l
}

// letters is a lexicon of a few characters that are easily confused in tests.
func letters(t testing.TB) *lexicon.Lexicon {
	return newLexicon(t, "法", "院", "长", "原", "告", "甲", "乙")
}

func compile(t testing.TB, phrases ...Phrase) *Graph {
	t.Helper()
	g, unusable := Compile(phrases, Options{Lexicon: letters(t), DefaultWeight: 1})
	require.Empty(t, unusable)
	return g
}

// walk says a text: what is kept, and what is still promised at the end.
func walk(g *Graph, text string) (won, partial float32) {
	s := State(0)
	for _, r := range text {
		var w float32
		s, w = g.Step(s, r)
		won += w
	}
	return won, g.Partial(s)
}

func TestUsable(t *testing.T) {
	b, err := os.ReadFile("testdata/usable.txt")
	require.NoError(t, err)
	lex := newLexicon(t, "法", "院", "张", "三", "一", "二", "零", "ok")
	var phrases []Phrase
	want := map[int]Reason{}
	check := func() {
		g, unusable := Compile(phrases, Options{Lexicon: lex, DefaultWeight: 1})
		var reasons []Reason
		for i := range phrases {
			if r, bad := want[i]; bad {
				reasons = append(reasons, r)
			}
		}
		var got []Reason
		for _, u := range unusable {
			got = append(got, u.Reason)
			assert.NotEmpty(t, u.Detail)
		}
		assert.Equal(t, reasons, got, "%v\n%v", phrases, unusable)
		assert.Equal(t, len(phrases)-len(reasons), g.Len())
		phrases, want = nil, map[int]Reason{}
	}
	for _, line := range append(strings.Split(string(b), "\n"), "") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if line == "" {
			if len(phrases) > 0 {
				check()
			}
			continue
		}
		text, reason, bad := strings.Cut(line, ": ")
		if !bad {
			var ok bool
			if text, ok = strings.CutPrefix(line, "use "); !ok {
				t.Fatalf("%q is neither used nor has a reason", line)
			}
		} else {
			want[len(phrases)] = Reason(reason)
		}
		p := Phrase{Text: text}
		if at := strings.LastIndexByte(text, '='); at > 0 {
			w, err := strconv.ParseFloat(text[at+1:], 32)
			require.NoError(t, err)
			p = Phrase{text[:at], float32(w)}
		}
		phrases = append(phrases, p)
	}
}

func TestScoreIsCancelledWhenAPhraseFails(t *testing.T) {
	g := compile(t, Phrase{"法院院长", 2})
	won, partial := walk(g, "法院")
	assert.Zero(t, won)
	assert.Equal(t, float32(4), partial)
	won, partial = walk(g, "法院甲")
	assert.Zero(t, won)
	assert.Zero(t, partial)
	won, partial = walk(g, "甲法院院长")
	assert.Equal(t, float32(8), won)
	assert.Zero(t, partial, "it is kept, and promised no more")
}

func TestPhrasesInsidePhrasesCountOnce(t *testing.T) {
	g := compile(t, Phrase{"法院", 1}, Phrase{"法院院长", 1}, Phrase{"院长", 1})
	for text, want := range map[string]float32{"法院": 2, "法院院长": 4, "甲院长": 2, "法院法院": 4, "法院院": 2, "法院长": 4 /* both, which share a character */} {
		won, _ := walk(g, text)
		assert.Equal(t, want, won, text)
	}
	_, partial := walk(g, "法院院")
	assert.Equal(t, float32(1), partial, "of 院长 or what is missing of 法院院长")
}

func TestWeights(t *testing.T) {
	g := compile(t, Phrase{"原告", -3}, Phrase{"原告甲", 2})
	won, partial := walk(g, "原告")
	assert.Equal(t, float32(-6), won, "a phrase can be made harder")
	assert.Equal(t, float32(4+6), partial, "unless it becomes another one")
	won, _ = walk(g, "原告甲")
	assert.Equal(t, float32(6), won)
	_, partial = walk(g, "原")
	assert.Equal(t, float32(2), partial, "what only begins is not made harder")

	g, _ = Compile([]Phrase{{"法院", 0}, {"院长", 99}, {"原告", -99}}, Options{Lexicon: letters(t)})
	assert.Equal(t, []Phrase{{"法院", DefaultWeight}, {"院长", MaxWeight}, {"原告", -MaxWeight}}, g.Phrases())
}

func TestEnded(t *testing.T) {
	g := compile(t, Phrase{"法院院长", 1}, Phrase{"院长", 1}, Phrase{"甲院", 1})
	s := State(0)
	var ends []string
	for _, r := range "法院院长甲院长" {
		s, _ = g.Step(s, r)
		if i, n := g.Ended(s); i >= 0 {
			ends = append(ends, fmt.Sprint(g.Phrase(i).Text, n))
		}
	}
	assert.Equal(t, []string{"法院院长4", "甲院2", "院长2"}, ends)
}

func TestFoundBySound(t *testing.T) {
	g := compile(t, Phrase{"法院院长", 1}, Phrase{"原告", 1}, Phrase{"元甲", 1})
	sound := func(pinyin string) syllable.Syllable {
		s, ok := syllable.Parse(pinyin)
		require.True(t, ok)
		return s
	}
	assert.ElementsMatch(t, []rune("原元"), g.Begin(sound("yuan")), "phrases that begin with this sound")
	s, _ := g.Step(0, '法')
	assert.Equal(t, []rune("院"), g.Next(s, sound("yuan"), nil), "phrases that go on with it")
	assert.Equal(t, []rune("法"), g.Begin(sound("fa")))
	assert.Empty(t, g.Next(s, sound("gao"), nil))
	s, _ = g.Step(0, '原')
	assert.Equal(t, []rune("告"), g.Next(s, sound("gao"), nil))
}

func TestAddAndRemove(t *testing.T) {
	g := compile(t, Phrase{"法院", 1}, Phrase{"院长", 1})
	more, unusable := g.Add([]Phrase{{"原告", 2}, {"法 院", 3}, {"甲", 0}, {"原告", 2}})
	assert.Equal(t, []Phrase{{"法 院", 3}, {"院长", 1}, {"原告", 2}}, more.Phrases(), "of a phrase that is there the weight changes")
	require.Len(t, unusable, 2)
	assert.Equal(t, []Reason{TooShort, Duplicate}, []Reason{unusable[0].Reason, unusable[1].Reason})
	won, _ := walk(more, "法院")
	assert.Equal(t, float32(6), won)
	won, _ = walk(g, "法院")
	assert.Equal(t, float32(2), won, "the graph itself stays as it was")

	less := more.Remove([]string{"法院", "甲乙"})
	assert.Equal(t, []Phrase{{"院长", 1}, {"原告", 2}}, less.Phrases())
	won, _ = walk(less, "法院")
	assert.Zero(t, won)
	assert.Zero(t, less.Remove([]string{"院长", "原告"}).Len())

	full, unusable := Compile([]Phrase{{"法院", 1}, {"院长", 1}, {"原告", 1}}, Options{Lexicon: letters(t), MaxPhrases: 2})
	assert.Equal(t, 2, full.Len())
	require.Len(t, unusable, 1)
	assert.Equal(t, TooMany, unusable[0].Reason)
	full, unusable = full.Add([]Phrase{{"法院", 5}})
	assert.Empty(t, unusable, "a weight can change in a full graph")
	assert.Equal(t, float32(5), full.Phrases()[0].Weight)

	var none *Graph
	assert.Zero(t, none.Len())
	assert.Empty(t, none.Phrases())
}

// TestGraphsAreTheSameHoweverTheyWereMade grows and shrinks a graph at random, and compares it with one that is made at once.
func TestGraphsAreTheSameHoweverTheyWereMade(t *testing.T) {
	lex := letters(t)
	phrase := rapid.Custom(func(t *rapid.T) Phrase {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("法院长原告")), 2, 5, -1).Draw(t, "text")
		return Phrase{text, rapid.Float32Range(-2, 4).Draw(t, "weight")}
	})
	rapid.Check(t, func(t *rapid.T) {
		g, _ := Compile(nil, Options{Lexicon: lex})
		for range rapid.IntRange(1, 5).Draw(t, "steps") {
			g, _ = g.Add(rapid.SliceOfN(phrase, 0, 6).Draw(t, "add"))
			var gone []string
			for _, p := range rapid.SliceOfN(phrase, 0, 3).Draw(t, "remove") {
				gone = append(gone, p.Text)
			}
			g = g.Remove(gone)
		}
		fresh, unusable := Compile(g.Phrases(), Options{Lexicon: lex})
		if len(unusable) > 0 {
			t.Fatalf("%v", unusable)
		}
		text := rapid.StringOfN(rapid.SampledFrom([]rune("法院长原告甲")), 0, 20, -1).Draw(t, "said")
		a, b := State(0), State(0)
		for _, r := range text {
			var wa, wb float32
			a, wa = g.Step(a, r)
			b, wb = fresh.Step(b, r)
			if wa != wb || g.Partial(a) != fresh.Partial(b) || g.Depth(a) != fresh.Depth(b) {
				t.Fatalf("%q of %v: %v %v, afresh %v %v", text, g.Phrases(), wa, g.Partial(a), wb, fresh.Partial(b))
			}
		}
	})
}

// TestStatesAreTheLongestBeginnings compares the automaton with a search that needs none.
func TestStatesAreTheLongestBeginnings(t *testing.T) {
	lex := letters(t)
	rapid.Check(t, func(t *rapid.T) {
		var phrases []Phrase
		for range rapid.IntRange(1, 8).Draw(t, "phrases") {
			phrases = append(phrases, Phrase{rapid.StringOfN(rapid.SampledFrom([]rune("法院长")), 2, 6, -1).Draw(t, "phrase"), 1})
		}
		g, _ := Compile(phrases, Options{Lexicon: lex})
		text := []rune(rapid.StringOfN(rapid.SampledFrom([]rune("法院长甲")), 0, 20, -1).Draw(t, "said"))
		s := State(0)
		for i, r := range text {
			s, _ = g.Step(s, r)
			longest, ended := 0, 0
			for n := 1; n <= i+1; n++ {
				tail := string(text[i+1-n : i+1])
				for _, p := range phrases {
					if strings.HasPrefix(p.Text, tail) {
						longest = n
					}
					if p.Text == tail {
						ended = n
					}
				}
			}
			_, n := g.Ended(s)
			if g.Depth(s) != longest || n != ended {
				t.Fatalf("%q of %v: %d characters, want %d; a phrase of %d, want %d", string(text[:i+1]), phrases, g.Depth(s), longest, n, ended)
			}
		}
	})
}

func TestManyAndLongPhrases(t *testing.T) {
	phrases := someHundredThousand()
	lex := letters(t)
	g, unusable := Compile(phrases, Options{Lexicon: lex})
	assert.Equal(t, MaxPhrases, g.Len())
	assert.Len(t, unusable, len(phrases)-MaxPhrases)
	for _, u := range unusable {
		require.Equal(t, TooMany, u.Reason)
	}
	g, unusable = Compile(phrases, Options{Lexicon: lex, MaxPhrases: len(phrases)})
	assert.Empty(t, unusable)
	assert.Equal(t, len(phrases), g.Len())
	won, _ := walk(g, phrases[77777].Text)
	assert.Positive(t, won)

	long := strings.Repeat("法院", 250)
	require.Equal(t, 500, utf8.RuneCountInString(long))
	_, unusable = Compile([]Phrase{{Text: long}, {Text: strings.Repeat("长", 1e6)}, {Text: strings.Repeat("原告", MaxCharacters/2)}}, Options{Lexicon: lex})
	require.Len(t, unusable, 2)
	for _, u := range unusable {
		assert.Equal(t, TooLong, u.Reason)
		assert.Contains(t, u.Detail, "100")
	}
}

// someHundredThousand are phrases of 6 to 10 characters.
func someHundredThousand() []Phrase {
	alphabet := []rune("法院长原告甲乙")
	phrases := make([]Phrase, 100000)
	for i := range phrases {
		var text []rune
		for n := i; n > 0 || len(text) < 6; n /= len(alphabet) {
			text = append(text, alphabet[n%len(alphabet)])
		}
		phrases[i].Text = string(text)
	}
	return phrases
}

// FuzzCompile gives any text as a phrase: it is used and found, or comes back with a reason.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{"法院", "原告 甲", "", "2023年", "1.5%", "\xff\xfe", "ＡＢＣ", "(2023)京0105民初123号", strings.Repeat("1", 300), "e\u0301e\u0301"} {
		f.Add(s, float32(1))
	}
	lex := newLexicon(f, "法", "院", "一", "二", "三", "十", "点", "年", "号", "a", "b", "c", "é")
	f.Fuzz(func(t *testing.T, text string, weight float32) {
		g, unusable := Compile([]Phrase{{text, weight}}, Options{Lexicon: lex})
		if len(unusable) == 1 {
			if g.Len() != 0 || unusable[0].Phrase != text || unusable[0].Reason == "" || unusable[0].Detail == "" {
				t.Fatalf("%q: %d in use and %+v", text, g.Len(), unusable)
			}
			return
		}
		if g.Len() != 1 || len(unusable) != 0 {
			t.Fatalf("%q: %d in use and %v", text, g.Len(), unusable)
		}
		if w := g.Phrases()[0].Weight; !(w >= -MaxWeight && w <= MaxWeight) {
			t.Fatalf("weight %v became %v", weight, w)
		}
		for _, way := range spoken(normal(text)) {
			s := State(0)
			for _, r := range way {
				s, _ = g.Step(s, r)
			}
			if i, n := g.Ended(s); unsayable(way, lex) == nil && (i != 0 || n != len(way)) {
				t.Fatalf("%q said %q is not found", text, string(way))
			}
		}
		if again := g.Remove([]string{text}); again.Len() != 0 {
			t.Fatalf("%q can't be removed", text)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	lex := letters(b)
	phrases := someHundredThousand()
	for _, n := range []int{100, 1000, 10000, 100000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compile(phrases[:n], Options{Lexicon: lex, MaxPhrases: n})
			}
		})
	}
}

// BenchmarkAdd adds one phrase to graphs of any size.
func BenchmarkAdd(b *testing.B) {
	lex := letters(b)
	phrases := someHundredThousand()
	for _, n := range []int{100, 10000} {
		g, _ := Compile(phrases[:n], Options{Lexicon: lex, MaxPhrases: n + 1})
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				g.Add([]Phrase{{"甲乙法院长", 1}})
			}
		})
	}
}

func BenchmarkStep(b *testing.B) {
	lex := letters(b)
	phrases := someHundredThousand()
	text := []rune(strings.Repeat("法院院长原告甲乙法长", 10))
	for _, n := range []int{100, 10000} {
		g, _ := Compile(phrases[:n], Options{Lexicon: lex})
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				s := State(0)
				for _, r := range text {
					s, _ = g.Step(s, r)
				}
			}
		})
	}
}
