package decode

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/hotword"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var background = context.Background()

// babble is rows as of somebody who speaks without end and not clearly.
func babble(seed uint64, n int) [][]float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	rows := make([][]float32, 0, n)
	for len(rows) < n {
		first, second := 1+r.IntN(len(tokens)-1), 1+r.IntN(len(tokens)-1)
		for range 1 + r.IntN(3) {
			v := make([]float32, len(tokens))
			sum := 0.0
			for i := range v {
				p := 0.002 * r.Float64()
				switch i {
				case 0:
					p = r.Float64()
				case first:
					p = 1.5 * r.Float64()
				case second:
					p = r.Float64()
				}
				v[i], sum = float32(p), sum+p
			}
			for i := range v {
				v[i] = float32(math.Log(float64(v[i])/sum + 1e-9))
			}
			rows = append(rows, v)
		}
		for range r.IntN(5) {
			rows = append(rows, row(0))
		}
	}
	return rows[:n]
}

func testDecoder(t testing.TB, c Config) *Decoder {
	t.Helper()
	if c.LM == nil {
		c.LM = newPairs("原告张三是高山", "被告是原告", "法院院长", "章三事高")
	}
	d, err := New(testLexicon(t), c)
	require.NoError(t, err)
	return d
}

func testGraph(t testing.TB, phrases ...string) *hotword.Graph {
	return weighedGraph(t, 2, phrases...)
}

func weighedGraph(t testing.TB, weight float32, phrases ...string) *hotword.Graph {
	t.Helper()
	var all []hotword.Phrase
	for _, p := range phrases {
		all = append(all, hotword.Phrase{Text: p, Weight: weight})
	}
	g, unusable := hotword.Compile(all, hotword.Options{Lexicon: testLexicon(t)})
	require.Empty(t, unusable)
	return g
}

// TestResultsDoNotDependOnPushes cuts the same rows at random, and changes hot words at the same frames.
func TestResultsDoNotDependOnPushes(t *testing.T) {
	d := testDecoder(t, Config{})
	first, second := testGraph(t, "张三", "法院院长"), testGraph(t, "章山", "hello")
	rapid.Check(t, func(rt *rapid.T) {
		rows := babble(rapid.Uint64().Draw(rt, "seed"), 80)
		change := rapid.IntRange(0, len(rows)).Draw(rt, "change")
		run := func(cut func(left int) int) []Hypothesis {
			s := d.NewStream()
			s.SetHotwords(first)
			for at := 0; at < len(rows); {
				if at == change {
					s.SetHotwords(second)
				}
				n := min(cut(len(rows)-at), len(rows)-at)
				if at < change {
					n = min(n, change-at)
				}
				require.NoError(rt, s.Push(background, rows[at:at+n]))
				at += n
			}
			interim := s.Hypotheses(5)
			final, err := s.Finish(background, 5)
			require.NoError(rt, err)
			return append(interim, final...)
		}
		whole := run(func(left int) int { return left })
		cut := run(func(int) int { return rapid.IntRange(1, 20).Draw(rt, "push") })
		assert.Equal(rt, whole, cut)
	})
}

// TestStableCharactersNeverChange watches every frame of a stream.
func TestStableCharactersNeverChange(t *testing.T) {
	g := testGraph(t, "张三", "法院院长", "原告是高", "hello")
	rapid.Check(t, func(rt *rapid.T) {
		d := testDecoder(t, Config{
			StableAfter: rapid.IntRange(5, 80).Draw(rt, "stable after"), Beam: rapid.IntRange(1, 30).Draw(rt, "beam"),
		})
		s := d.NewStream()
		if rapid.Bool().Draw(rt, "hot words") {
			s.SetHotwords(g)
		}
		rows := babble(rapid.Uint64().Draw(rt, "seed"), 120)
		var known []Character
		check := func(h Hypothesis, stable int) {
			require.LessOrEqual(rt, stable, len(h.Characters))
			for i := range known {
				now := h.Characters[i]
				now.Hotword = known[i].Hotword
				require.Equal(rt, known[i], now, "character %d", i)
			}
			require.GreaterOrEqual(rt, stable, len(known))
			known = slices.Clone(h.Characters[:stable])
			from := 0
			for _, c := range h.Characters {
				require.GreaterOrEqual(rt, c.Start, from)
				require.Greater(rt, c.End, c.Start)
				require.True(rt, c.Confidence >= 0 && c.Confidence <= 1)
				from = c.End
			}
		}
		for _, r := range rows {
			require.NoError(rt, s.Push(background, [][]float32{r}))
			check(s.Hypotheses(1)[0], s.Stable())
		}
		final, err := s.Finish(background, 3)
		require.NoError(rt, err)
		for _, h := range final {
			check(h, s.Stable())
		}
		require.Positive(rt, len(known), "something settles in 120 frames")
	})
}

// exact adds up all alignments of every text of these tokens, by brute force.
func exact(rows [][]float32, among []int) (sums map[string]float64, most float64) {
	sums = map[string]float64{}
	var walk func(t int, p float64, last int, text string)
	walk = func(t int, p float64, last int, text string) {
		if t == len(rows) {
			sums[text] += p
			return
		}
		walk(t+1, p*math.Exp(float64(rows[t][0])), 0, text)
		for _, v := range among {
			next := text
			if v != last {
				next += tokens[v]
			}
			walk(t+1, p*math.Exp(float64(rows[t][v])), v, next)
		}
	}
	walk(0, 1, 0, "")
	for _, p := range sums {
		most = max(most, p)
	}
	return sums, most
}

// TestSearchAddsUpAllAlignments compares with brute force where nothing but the acoustics counts.
func TestSearchAddsUpAllAlignments(t *testing.T) {
	lex, err := lexicon.New([]lexicon.Token{{}, {Text: tokens[1]}, {Text: tokens[2]}}, 0, lexicon.Options{})
	require.NoError(t, err)
	d, err := New(lex, Config{Beam: 500, Width: 1000, Floor: -50, Shares: Shares{Token: 1}, StableAfter: 1000})
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		rows := make([][]float32, rapid.IntRange(1, 7).Draw(rt, "frames"))
		for i := range rows {
			var sum float64
			p := make([]float64, 3)
			for k := range p {
				p[k] = rapid.Float64Range(0.02, 1).Draw(rt, "p")
				sum += p[k]
			}
			rows[i] = make([]float32, 3)
			for k := range p {
				rows[i][k] = float32(math.Log(p[k] / sum))
			}
		}
		sums, most := exact(rows, []int{1, 2})
		s := d.NewStream()
		require.NoError(rt, s.Push(background, rows))
		h := s.Hypotheses(1)[0]
		require.InDelta(rt, math.Log(sums[h.Text()]), float64(h.Acoustic), 1e-3)
		require.InDelta(rt, math.Log(most), float64(h.Acoustic), 1e-3)
	})
}

func TestMemoryIsBounded(t *testing.T) {
	d := testDecoder(t, Config{})
	s := d.NewStream()
	s.SetHotwords(testGraph(t, "张三", "法院院长"))
	rows := babble(3, 1000)
	most, taken, last := 0, 0, 0
	for minute := range 60 {
		require.NoError(t, s.Push(background, rows))
		for _, c := range s.Take() {
			require.GreaterOrEqual(t, c.Start, last)
			last = c.End
			taken++
		}
		if minute < 5 {
			most = max(most, len(s.tree.nodes))
		}
		require.Less(t, len(s.settled), 10)
	}
	assert.Greater(t, taken, 5000)
	assert.LessOrEqual(t, len(s.tree.nodes), 2*most, "prefixes after an hour")
	assert.LessOrEqual(t, len(s.record), d.Config().Second.MaxFrames)
	assert.LessOrEqual(t, cap(s.units), 2*d.Config().Second.MaxFrames)
	final, err := s.Finish(background, 1)
	require.NoError(t, err)
	assert.NotEmpty(t, final)
	s.Reset()
	assert.Zero(t, s.Frames())
	assert.Equal(t, 1, s.nodes())
}

func TestNothingIsAllocatedPerFrame(t *testing.T) {
	d := testDecoder(t, Config{})
	s := d.NewStream()
	s.SetHotwords(testGraph(t, "张三", "法院院长"))
	rows := babble(4, 2000)
	turn := func() {
		s.Reset()
		if err := s.Push(background, rows); err != nil {
			panic(err)
		}
	}
	turn()
	// The bounds are those of a push of 2,000 frames, not of a frame.
	assert.Less(t, testing.AllocsPerRun(5, turn), 20.0)
}

func TestBadRows(t *testing.T) {
	s := testDecoder(t, Config{}).NewStream()
	require.ErrorContains(t, s.Push(background, [][]float32{row(0), {1, 2}}), "row 1 of 2: 2 values, but the model has 16 tokens")
	assert.Equal(t, 1, s.Frames())
	nan := row(0.9, "法")
	for i := range nan {
		nan[i] = float32(math.NaN())
	}
	odd := row(0.9, "法")
	odd[3], odd[5] = float32(math.NaN()), float32(math.Inf(1))
	nothing := make([]float32, len(tokens))
	for i := range nothing {
		nothing[i] = float32(math.Inf(-1))
	}
	require.NoError(t, s.Push(background, [][]float32{nan, nothing, row(0), row(0.9, "院"), odd, row(0)}))
	h := s.Hypotheses(1)[0]
	assert.False(t, math.IsNaN(float64(h.Score)))
	assert.NotEmpty(t, h.Text())
}

func TestSilence(t *testing.T) {
	s := testDecoder(t, Config{}).NewStream()
	h := s.Hypotheses(3)
	require.Len(t, h, 1)
	assert.Empty(t, h[0].Text())
	for range 100 {
		require.NoError(t, s.Push(background, [][]float32{row(0)}))
	}
	assert.Equal(t, 100, s.Trailing())
	final, err := s.Finish(background, 1)
	require.NoError(t, err)
	require.Len(t, final, 1)
	assert.Empty(t, final[0].Characters)
	assert.Zero(t, s.Stable())
	assert.Nil(t, s.Take())
	require.NoError(t, s.Push(background, say("法", "院")))
	assert.Equal(t, 3, s.Trailing())
}

func TestBest(t *testing.T) {
	s := testDecoder(t, Config{}).NewStream()
	rows := say("章", "三")
	rows[0], rows[1] = row(0.9, "章", "法"), row(0.6, "章", "法")
	require.NoError(t, s.Push(background, rows))
	final, err := s.Finish(background, 4)
	require.NoError(t, err)
	require.Len(t, final, 4)
	seen := map[string]bool{}
	for i, h := range final {
		assert.False(t, seen[h.Text()], "twice %s", h.Text())
		seen[h.Text()] = true
		if i > 0 {
			assert.LessOrEqual(t, h.Score, final[i-1].Score)
		}
	}
}

func TestLatinWordsAndBytes(t *testing.T) {
	lex, err := lexicon.New([]lexicon.Token{{}, {Text: "he", WordStart: true}, {Text: "llo"}, {Text: "wor", WordStart: true}, {Text: "ld"},
		{Text: "\xe6\xb3"}, {Text: "\x95"}, {Text: "院"}}, 0, lexicon.Options{})
	require.NoError(t, err)
	d, err := New(lex, Config{})
	require.NoError(t, err)
	g, unusable := hotword.Compile([]hotword.Phrase{{Text: "HELLO World法院"}}, hotword.Options{Lexicon: lex})
	require.Empty(t, unusable)
	for _, hot := range []*hotword.Graph{nil, g} {
		s := d.NewStream()
		s.SetHotwords(hot)
		for i := 1; i < 8; i++ {
			heard, silent := make([]float32, 8), make([]float32, 8)
			for k := range heard {
				heard[k], silent[k] = -9, -9
			}
			heard[i], silent[0] = -0.01, -0.01
			require.NoError(t, s.Push(background, [][]float32{heard, heard, silent}))
		}
		h := s.Hypotheses(1)[0]
		require.Len(t, h.Characters, 4)
		if hot == nil {
			assert.Equal(t, "hello world法院", h.Text())
			continue
		}
		assert.Equal(t, "HELLO World法院", h.Text(), "a hot word is written as it was given")
		for _, c := range h.Characters {
			assert.Equal(t, "HELLO World法院", c.Hotword)
		}
	}
}

// TestHotWordsOfTheSecondPassChangeWhereTheyDid says a name twice, and gives it as a hot word in between.
func TestHotWordsOfTheSecondPassChangeWhereTheyDid(t *testing.T) {
	d := testDecoder(t, Config{})
	s := d.NewStream()
	require.NoError(t, s.Push(background, say("章", "三")))
	require.NoError(t, s.Push(background, slices.Repeat([][]float32{row(0)}, 60)))
	s.SetHotwords(weighedGraph(t, 4, "张伞"))
	require.NoError(t, s.Push(background, say("章", "三")))
	final, err := s.Finish(background, 1)
	require.NoError(t, err)
	assert.Equal(t, "章三张伞", final[0].Text())
	assert.Empty(t, final[0].Characters[0].Hotword)
	assert.Equal(t, "张伞", final[0].Characters[2].Hotword)
	assert.Equal(t, "张伞", final[0].Characters[3].Hotword)
}

type scorer func([]string) ([]float32, error)

func (f scorer) Rescore(_ context.Context, texts []string) ([]float32, error) { return f(texts) }

func TestRescoring(t *testing.T) {
	rows := say("章", "三")
	likes := func(best string) scorer {
		return func(texts []string) ([]float32, error) {
			scores := make([]float32, len(texts))
			for i, text := range texts {
				if scores[i] = -100; text == best {
					scores[i] = -1
				}
			}
			return scores, nil
		}
	}
	for _, want := range []string{"张三", "章散"} {
		s := testDecoder(t, Config{Second: Second{Rescorer: likes(want), Rescored: 100}}).NewStream()
		h := decodeAll(t, s, rows)
		assert.Equal(t, want, h.Text())
	}
	for _, broken := range []scorer{
		func([]string) ([]float32, error) { return nil, errors.New("no memory") },
		func([]string) ([]float32, error) { return []float32{1}, nil },
	} {
		s := testDecoder(t, Config{Second: Second{Rescorer: broken}}).NewStream()
		require.NoError(t, s.Push(background, rows))
		_, err := s.Finish(background, 1)
		require.ErrorContains(t, err, "decode:")
	}
}

func TestConfigurations(t *testing.T) {
	for _, c := range []Config{
		{Beam: -1}, {Beam: 2000}, {Second: Second{Beam: 5000}}, {TopTokens: 17}, {StableAfter: -1}, {Shares: Shares{Tone: 1}},
		{Width: -3}, {Floor: 2}, {AcousticScale: -1}, {Width: math.NaN()},
	} {
		_, err := New(testLexicon(t), c)
		assert.ErrorContains(t, err, "decode: ", "%+v", c)
	}
}
