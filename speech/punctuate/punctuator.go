package punctuate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// Marks are the marks that are put, by the network's classes; class 0 is none.
var Marks = []rune{0, '，', '。', '？', '！', '：', '；', '、'}

const (
	outside = 0 // id of what lies before and behind a text
	unknown = 1 // id of a character that is not in the list

	// piece is how many characters are scored in one call.
	piece = 512
)

// Punctuator is a network that punctuates. It may be used from several goroutines at once.
type Punctuator struct {
	x           pipeline.Executor
	ids         map[rune]int64
	left, right int
}

// New reads a network of the family punctuator, with ids [N, left+T+right] int64 and logits [N, T, 8], and its characters, one a line by id.
func New(x pipeline.Executor, e models.Entry, tokens []byte) (*Punctuator, error) {
	if e.Family != models.FamilyPunctuator {
		return nil, fmt.Errorf("family %q is not %s", e.Family, models.FamilyPunctuator)
	}
	if err := e.Parameters.Check("left", "right"); err != nil {
		return nil, err
	}
	p := &Punctuator{x: x, ids: map[rune]int64{}, left: e.Parameters.Int("left", 0), right: e.Parameters.Int("right", 0)}
	if p.left < 1 || p.right < 1 || p.left > 4096 || p.right > 4096 {
		return nil, fmt.Errorf("left %d and right %d must be 1 to 4096", p.left, p.right)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(tokens), "\n"), "\n") {
		if r := []rune(line); len(r) == 1 && i > unknown {
			p.ids[r[0]] = int64(i)
		}
	}
	if len(p.ids) == 0 {
		return nil, fmt.Errorf("the list of characters is empty")
	}
	return p, nil
}

// LookAhead is how many characters must follow one before its mark is settled.
func (p *Punctuator) LookAhead() int { return p.right }

// counts tells which characters the network reads; blanks and marks it does not.
func counts(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func (p *Punctuator) id(r rune) int64 {
	if id, ok := p.ids[unicode.ToLower(r)]; ok {
		return id
	}
	return unknown
}

// score gives the scores [len(ids)-left-right][8] of the characters between the context on either side.
func (p *Punctuator) score(ctx context.Context, ids []int64) ([][]float32, error) {
	n := len(ids) - p.left - p.right
	out, err := p.x.Run(ctx, pipeline.Tensors{"ids": {Shape: []int64{1, int64(len(ids))}, Int64: ids}})
	if err != nil {
		return nil, err
	}
	logits := out["logits"].Float32
	if len(logits) != n*len(Marks) {
		return nil, fmt.Errorf("the punctuator answered %d scores for %d characters, want %d", len(logits), n, n*len(Marks))
	}
	return slices.Collect(slices.Chunk(logits, len(Marks))), nil
}

// Scores gives natural-logarithm scores, not normalised, of each mark behind each character of the text that counts: a letter or digit.
func (p *Punctuator) scores(ctx context.Context, text []rune) (rows [][]float32, places []int, err error) {
	ids := slices.Repeat([]int64{outside}, p.left)
	for i, r := range text {
		if counts(r) {
			ids, places = append(ids, p.id(r)), append(places, i)
		}
	}
	ids = append(ids, slices.Repeat([]int64{outside}, p.right)...)
	for from := 0; from < len(places); from += piece {
		n := min(piece, len(places)-from)
		part, err := p.score(ctx, ids[from:from+p.left+n+p.right])
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, part...)
	}
	return rows, places, nil
}

// Behind gives the mark behind each character of a text, 0 for none. There is none where the text has one already, between Latin letters or
// digits, inside the places of kept (pairs of begin and end in characters), and at the end unless whole says that a sentence ends there.
func (p *Punctuator) Behind(ctx context.Context, text string, kept [][2]int, whole bool) ([]rune, error) {
	runes := []rune(text)
	rows, places, err := p.scores(ctx, runes)
	if err != nil {
		return nil, err
	}
	out := make([]rune, len(runes))
	inside := make([]bool, len(runes))
	for _, k := range kept {
		for i := max(0, k[0]); i < min(k[1], len(runes))-1; i++ {
			inside[i] = true
		}
	}
	for n, i := range places {
		last := n == len(places)-1
		switch {
		case inside[i] || marked(runes, i):
		case last && whole:
			out[i] = Marks[best(rows[n], 2, 5)] // what ends a sentence: 。？！
		case last:
		case i+1 < len(runes) && narrow(runes[i]) && narrow(runes[i+1]):
		default:
			out[i] = Marks[best(rows[n], 0, len(Marks))]
		}
	}
	return out, nil
}

// Text puts the marks into a text. Blanks before a mark go.
func (p *Punctuator) Text(ctx context.Context, text string, kept [][2]int, whole bool) (string, error) {
	marks, err := p.Behind(ctx, text, kept, whole)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, r := range []rune(text) {
		b.WriteRune(r)
		if marks[i] != 0 {
			b.WriteRune(marks[i])
		}
	}
	return b.String(), nil
}

// best is the likeliest class from first to before end.
func best(row []float32, first, end int) int {
	at := first
	for i := first; i < end; i++ {
		if row[i] > row[at] {
			at = i
		}
	}
	return at
}

// marked tells whether a mark follows already.
func marked(runes []rune, i int) bool {
	for i++; i < len(runes); i++ {
		if unicode.IsPunct(runes[i]) {
			return true
		}
		if !unicode.IsSpace(runes[i]) {
			break
		}
	}
	return false
}

func narrow(r rune) bool { return r < 0x80 && counts(r) }
