package correct

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/models/embedded"
	"github.com/courtsense/courtsense/ocr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// embeddedCorrector is the one that the catalogue describes.
func embeddedCorrector(t testing.TB) *Corrector {
	t.Helper()
	b, err := embedded.Files.ReadFile("char-lm.bin")
	require.NoError(t, err)
	m, err := Load(b)
	require.NoError(t, err)
	catalog, err := models.Builtin()
	require.NoError(t, err)
	e, err := catalog.Entry("text-correct-embedded")
	require.NoError(t, err)
	return New(m, Tuned(e))
}

// script returns the blocks of a file: lines that follow each other, without comments.
func script(t *testing.T, path string) [][]string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	var blocks [][]string
	var block []string
	for _, l := range append(strings.Split(string(b), "\n"), "") {
		switch {
		case strings.HasPrefix(l, "#"):
		case strings.TrimSpace(l) != "":
			block = append(block, strings.TrimSpace(l))
		case len(block) > 0:
			blocks, block = append(blocks, block), nil
		}
	}
	require.NotEmpty(t, blocks)
	return blocks
}

// line is a line of text whose symbols all have the confidence 0.99; blanks part words.
func line(text string, y float32) ocr.Line {
	l := ocr.Line{Text: text, Confidence: 0.9, Polygon: ocr.Box{X: 10, Y: y, W: float32(20 * len([]rune(text))), H: 20}.Polygon()}
	x := float32(10)
	for _, part := range strings.Fields(text) {
		w := ocr.Word{Text: part, Confidence: 0.9}
		for _, r := range part {
			w.Symbols = append(w.Symbols, ocr.Symbol{Char: string(r), Confidence: 0.99, Box: ocr.Box{X: x, Y: y, W: 20, H: 20}})
			x += 20
		}
		l.Words = append(l.Words, w)
	}
	return l
}

// doubt makes the first symbol that is what[0] and not yet in doubt a doubtful one.
func doubt(t *testing.T, l *ocr.Line, readings string) {
	t.Helper()
	var all []ocr.Candidate
	for _, r := range strings.Split(readings, ",") {
		char, confidence, ok := strings.Cut(strings.TrimSpace(r), " ")
		require.True(t, ok, readings)
		c, err := strconv.ParseFloat(confidence, 32)
		require.NoError(t, err)
		all = append(all, ocr.Candidate{Char: char, Confidence: float32(c)})
	}
	for w := range l.Words {
		for s := range l.Words[w].Symbols {
			if sym := &l.Words[w].Symbols[s]; sym.Char == all[0].Char && sym.Candidates == nil {
				sym.Confidence, sym.Candidates = all[0].Confidence, all[1:]
				return
			}
		}
	}
	t.Fatalf("%q is not in %q", all[0].Char, l.Text)
}

func TestCorrections(t *testing.T) {
	c := embeddedCorrector(t)
	for _, block := range script(t, "testdata/corrections.txt") {
		var l ocr.Line
		names, want := false, ""
		for _, s := range block {
			key, value, _ := strings.Cut(s, ":")
			switch value = strings.TrimSpace(value); key {
			case "read":
				l = line(value, 0)
			case "doubt":
				doubt(t, &l, value)
			case "names":
				names = true
			case "text":
				want = value
			default:
				t.Fatalf("%q in %q", key, block)
			}
		}
		before := l.Text
		p := ocr.Page{Lines: []ocr.Line{l}}
		require.NoError(t, c.Correct(context.Background(), &p, names))
		assert.Equal(t, want, p.Lines[0].Text, "%s\n%v", strings.Join(block, "\n"), p.Corrections)
		if before == want {
			assert.Empty(t, p.Corrections)
		}
		consistent(t, before, p)
	}
}

// consistent checks that the corrections say exactly what changed, and undo it.
func consistent(t *testing.T, before string, p ocr.Page) {
	t.Helper()
	l := p.Lines[0]
	var words []string
	for _, w := range l.Words {
		s := ""
		for _, sym := range w.Symbols {
			s += sym.Char
		}
		assert.Equal(t, s, w.Text)
		words = append(words, w.Text)
	}
	assert.Equal(t, l.Text, strings.Join(words, " "))
	text := []rune(l.Text)
	for _, c := range p.Corrections {
		assert.Equal(t, c.Corrected, string(text[c.Position]))
		assert.Equal(t, c.Corrected, l.Symbols()[c.Symbol].Char)
		assert.Equal(t, c.Original, l.Symbols()[c.Symbol].Candidates[0].Char)
		assert.Greater(t, c.CorrectedScore, c.OriginalScore)
		assert.Contains(t, c.Reason, c.Corrected)
		text[c.Position] = []rune(c.Original)[0]
	}
	assert.Equal(t, before, string(text))
}

func TestFields(t *testing.T) {
	for _, block := range script(t, "testdata/fields.txt") {
		text := []rune(strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, block[0]))
		spans := numbers(string(text), func(int) bool { return true })
		found, _ := findNames(text, func(i int, set string) bool { return strings.ContainsRune(set, text[i]) }, func(int) bool { return false })
		spans = append(spans, found...)
		for _, want := range block[1:] {
			kind, piece, ok := strings.Cut(want, ": ")
			require.True(t, ok, want)
			from := len([]rune(string(text)[:max(0, strings.Index(string(text), piece))]))
			to := from + len([]rune(piece))
			require.Equal(t, piece, string(text[from:to]), block[0])
			for i := from; i < to; i++ {
				at := slices.IndexFunc(spans, func(s span) bool {
					return s.from <= i && i < s.to && (kind == "free" || s.field.String() == kind)
				})
				if kind == "free" {
					assert.Equal(t, -1, at, "%s: %q: %c is protected%s", block[0], piece, text[i], describe(spans, at))
				} else {
					assert.NotEqual(t, -1, at, "%s: %q: %c is not protected as %s: %v", block[0], piece, text[i], kind, spans)
				}
			}
		}
	}
}

func describe(spans []span, at int) string {
	if at < 0 {
		return ""
	}
	return fmt.Sprintf(" as %s", spans[at].field)
}
