//go:build unix

package decode

import (
	"fmt"
	"math"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models/embedded"
	"github.com/courtsense/courtsense/speech/acoustic"
	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/hotword"
)

// frameSeconds is the length of the embedded model's frames.
const frameSeconds = 0.03

func embeddedLexicon(t testing.TB) *lexicon.Lexicon {
	t.Helper()
	b, err := embedded.Files.ReadFile("speech-ctc.tokens.txt")
	require.NoError(t, err)
	table, err := acoustic.ParseTokens(b)
	require.NoError(t, err)
	l, err := lexicon.FromModel(table, lexicon.Options{})
	require.NoError(t, err)
	return l
}

// mumble is a minute of rows as the embedded model gives them for speech that is hard to understand: 4.5 characters a second,
// each with a dozen rivals.
func mumble(lex *lexicon.Lexicon) [][]float32 {
	r := rand.New(rand.NewPCG(1, 2))
	var chinese []int
	for i := range lex.Tokens() {
		if lex.Han(lexicon.Unit(i)) != 0 {
			chinese = append(chinese, i)
		}
	}
	rows := make([][]float32, int(60/frameSeconds))
	for at := range rows {
		v := make([]float32, lex.Tokens())
		for i := range v {
			v[i] = -14
		}
		if at%7 < 2 {
			left := 1.0
			for k := range 12 {
				p := left * (0.4 - 0.02*float64(k))
				v[chinese[(at/7*31+k*97+r.IntN(3))%len(chinese)]], left = float32(math.Log(p)), left-p
			}
			v[lex.Blank()] = float32(math.Log(left))
		} else {
			v[lex.Blank()] = -0.0001
		}
		rows[at] = v
	}
	return rows
}

// somePhrases are random ones of two to four characters.
func somePhrases(lex *lexicon.Lexicon, n int) *hotword.Graph {
	r := rand.New(rand.NewPCG(3, 4))
	var chinese []rune
	for i := range lex.Tokens() {
		if c := lex.Han(lexicon.Unit(i)); c != 0 {
			chinese = append(chinese, c)
		}
	}
	list := make([]hotword.Phrase, n)
	for i := range list {
		text := make([]rune, 2+r.IntN(3))
		for k := range text {
			text[k] = chinese[r.IntN(len(chinese))]
		}
		list[i].Text = string(text)
	}
	g, _ := hotword.Compile(list, hotword.Options{Lexicon: lex})
	return g
}

// processorSeconds is the time that the process has spent on a CPU: what else runs on the machine doesn't count.
func processorSeconds() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkSearch decodes a minute of hard speech. "cores/stream" is how much of a core one real-time stream keeps busy.
func BenchmarkSearch(b *testing.B) {
	lex := embeddedLexicon(b)
	rows := mumble(lex)
	for _, c := range []struct {
		beam, phrases int
	}{{40, 0}, {40, 100}, {40, 10000}, {100, 0}} {
		b.Run(fmt.Sprintf("beam=%d/hotwords=%d", c.beam, c.phrases), func(b *testing.B) {
			d, err := New(lex, Config{LM: embeddedLM(b), Beam: c.beam})
			require.NoError(b, err)
			s := d.NewStream()
			if c.phrases > 0 {
				s.SetHotwords(somePhrases(lex, c.phrases))
			}
			b.ReportAllocs()
			before := processorSeconds()
			for b.Loop() {
				s.Reset()
				if err := s.Push(background, rows); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processorSeconds()-before)/float64(b.N)/(float64(len(rows))*frameSeconds), "cores/stream")
		})
	}
}

func BenchmarkInterimResult(b *testing.B) {
	lex := embeddedLexicon(b)
	d, err := New(lex, Config{LM: embeddedLM(b)})
	require.NoError(b, err)
	s := d.NewStream()
	require.NoError(b, s.Push(background, mumble(lex)[:600]))
	for b.Loop() {
		s.Hypotheses(1)
	}
}
