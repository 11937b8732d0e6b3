package decode

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models/embedded"
	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/hotword"
	"github.com/courtsense/courtsense/speech/language"
)

func embeddedLM(t testing.TB) language.Model {
	t.Helper()
	b, err := embedded.Files.ReadFile("speech-lm.bin")
	require.NoError(t, err)
	m, err := language.Parse(b)
	require.NoError(t, err)
	return m
}

// stage is a recogniser that hears what a script says. Its tokens are the characters that are heard anywhere in the script.
type stage struct {
	lex    *lexicon.Lexicon
	tokens map[rune]int
	d      *Decoder
}

func newStage(t testing.TB, script string) *stage {
	t.Helper()
	s := &stage{tokens: map[rune]int{}}
	all := []lexicon.Token{{}}
	for _, line := range strings.Split(script, "\n") {
		heard, ok := strings.CutPrefix(line, "heard: ")
		if !ok {
			continue
		}
		for _, r := range heard {
			if _, known := s.tokens[r]; !known && !strings.ContainsRune("[] ", r) {
				s.tokens[r] = len(all)
				all = append(all, lexicon.Token{Text: string(r)})
			}
		}
	}
	var err error
	s.lex, err = lexicon.New(all, 0, lexicon.Options{})
	require.NoError(t, err)
	s.d, err = New(s.lex, Config{LM: embeddedLM(t)})
	require.NoError(t, err)
	return s
}

// rows are those of a stretch of speech: 0.99 for clear characters, and equal parts for unclear ones.
func (s *stage) rows(heard string) [][]float32 {
	frame := func(p float64, among []rune) []float32 {
		v := make([]float32, s.lex.Tokens())
		for i := range v {
			v[i] = -14
		}
		for _, r := range among {
			v[s.tokens[r]] = float32(math.Log(p / float64(len(among))))
		}
		v[0] = float32(math.Log(1 - p))
		return v
	}
	var rows [][]float32
	var among []rune
	unclear := false
	for _, r := range heard {
		switch {
		case r == '[':
			unclear, among = true, nil
			continue
		case r == ']':
			unclear = false
		case unclear:
			among = append(among, r)
			continue
		case unicode.IsSpace(r):
			continue
		default:
			among = []rune{r}
		}
		rows = append(rows, frame(0.99, among))
		for range 4 {
			rows = append(rows, frame(0.001, nil))
		}
	}
	return rows
}

func phrases(t testing.TB, list string) (all []hotword.Phrase) {
	for _, p := range strings.Split(list, ",") {
		text, weight, weighted := strings.Cut(strings.TrimSpace(p), "=")
		h := hotword.Phrase{Text: text}
		if weighted {
			w, err := strconv.ParseFloat(weight, 32)
			require.NoError(t, err)
			h.Weight = float32(w)
		}
		all = append(all, h)
	}
	return all
}

func TestHotWords(t *testing.T) {
	b, err := os.ReadFile("testdata/hotwords.txt")
	require.NoError(t, err)
	stage := newStage(t, string(b))
	var stream *Stream
	var graph *hotword.Graph
	var result *Hypothesis
	begin := func() {
		stream, result = stage.d.NewStream(), nil
		graph, _ = hotword.Compile(nil, hotword.Options{Lexicon: stage.lex})
	}
	begin()
	marked := false
	for number, line := range strings.Split(string(b), "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "":
			if result != nil && !marked {
				assert.Empty(t, marks(result), "before line %d", number+1)
			}
			marked = false
			begin()
		case strings.HasPrefix(line, "#"):
		case key == "hot words" || key == "add":
			if result != nil {
				begin()
			}
			more, unusable := graph.Add(phrases(t, value))
			require.Empty(t, unusable, line)
			graph = more
			stream.SetHotwords(graph)
		case key == "remove":
			graph = graph.Remove(strings.Split(value, ", "))
			stream.SetHotwords(graph)
		case key == "heard":
			require.NoError(t, stream.Push(background, stage.rows(value)))
		case key == "text":
			final, err := stream.Finish(background, 3)
			require.NoError(t, err)
			result = &final[0]
			var others []string
			for i := range final[1:] {
				others = append(others, final[1+i].Text())
			}
			assert.Equal(t, value, result.Text(), "line %d; after it: %v", number+1, others)
		case key == "marked":
			marked = true
			assert.Equal(t, strings.Split(value, ", "), marks(result), "line %d", number+1)
		default:
			t.Fatalf("line %d: %q", number+1, line)
		}
	}
}

// marks are the hot words of a text, in order.
func marks(h *Hypothesis) (all []string) {
	before := ""
	for _, c := range h.Characters {
		if c.Hotword != "" && c.Hotword != before {
			all = append(all, c.Hotword)
		}
		before = c.Hotword
	}
	return all
}
