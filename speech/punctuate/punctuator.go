package punctuate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// Marks are the marks that are put, by the network's classes; class 0 is none.
var Marks = []rune{0, '，', '。', '？', '！', '：', '；', '、'}

// What may end a text: 。？！：；.
const (
	firstEnd = 2
	lastEnd  = 7
)

const (
	unknown = 1 // id of a character that is not in the list; 0 lies before and behind a text

	// edge is how many places outside of the text the network sees on either side.
	edge = 4
	// piece is how many words are scored in one call, and margin how many more the network sees on either side.
	piece, margin = 320, 64
)

// Punctuator is a network that punctuates. It may be used from several goroutines at once.
type Punctuator struct {
	x         pipeline.Executor
	known     vocabulary
	evidence  *evidence // nil: the network alone
	share     float32   // of the evidence beside the network
	threshold float64
}

// New reads a network of the family punctuator, with words, first, last and kinds [N, T] int64 and logits [N, T, 8], its characters and words, and
// a table of evidence that is heard beside it, nil for none. The entry's threshold, 0 to 1, is the probability of any mark above which one is put, its
// evidence, 0 to 1, what share the table has.
func New(x pipeline.Executor, e models.Entry, tokens, table []byte) (*Punctuator, error) {
	if e.Family != models.FamilyPunctuator {
		return nil, fmt.Errorf("family %q is not %s", e.Family, models.FamilyPunctuator)
	}
	if err := e.Parameters.Check("threshold"); err != nil {
		return nil, err
	}
	p := &Punctuator{x: x, threshold: e.Parameters.Float("threshold", 0), share: float32(e.Parameters.Float("evidence", .5))}
	if !(p.threshold > 0 && p.threshold < 1) || !(p.share >= 0 && p.share <= 1) {
		return nil, fmt.Errorf("threshold %g and evidence %g must lie between 0 and 1", p.threshold, p.share)
	}
	var err error
	if p.known, err = parseVocabulary(tokens); err != nil {
		return nil, err
	}
	if table != nil {
		if p.evidence, err = parseEvidence(table); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// counts tells which characters the network reads; blanks and marks it does not.
func counts(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// judge decides on the marks, by class, behind characters[from:to], one after the other: choose is told the place and the logarithms of the marks'
// probabilities, and answers which stands there. Before from marks are given; inside words there are none. Characters are lower-case letters and digits.
func (p *Punctuator) judge(ctx context.Context, characters []rune, marks []int, from, to int, choose func(at int, row scores) int) error {
	tokens := p.known.cut(characters)
	// The marks behind the tokens.
	before := make([]int, len(tokens))
	var logits []float32
	first, last := 0, 0
	for i, t := range tokens {
		switch {
		case t.end >= to:
			return nil
		case t.end < from:
			before[i] = marks[t.end]
			continue
		}
		if i >= last {
			first, last = max(0, i-margin), min(i+piece, len(tokens))
			var err error
			if logits, err = p.run(ctx, tokens[first:min(last+margin, len(tokens))]); err != nil {
				return err
			}
		}
		var row, evidence scores
		copy(row[:], logits[(edge+i-first)*len(Marks):])
		row.logSoftmax()
		if p.evidence != nil {
			p.evidence.around(&evidence, tokens, i)
			p.evidence.history(&evidence, tokens, before, i)
			evidence.logSoftmax()
			for m := range row {
				row[m] = (1-p.share)*row[m] + p.share*evidence[m]
			}
			row.logSoftmax()
		}
		before[i] = choose(t.end, row)
		marks[t.end] = before[i]
	}
	return nil
}

// run gives the scores [edge+len(tokens)+edge][8].
func (p *Punctuator) run(ctx context.Context, tokens []token) ([]float32, error) {
	n := len(tokens) + 2*edge
	in := pipeline.Tensors{}
	for name, field := range map[string]func(token) int64{
		"words": func(t token) int64 { return t.word },
		"first": func(t token) int64 { return t.first },
		"last":  func(t token) int64 { return t.last },
		"kinds": func(t token) int64 { return t.kind },
	} {
		row := make([]int64, n)
		for i, t := range tokens {
			row[edge+i] = field(t)
		}
		in[name] = pipeline.Tensor{Shape: []int64{1, int64(n)}, Int64: row}
	}
	out, err := p.x.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	logits := out["logits"].Float32
	if len(logits) != n*len(Marks) {
		return nil, fmt.Errorf("the punctuator answered %d scores for %d places, want %d", len(logits), n, n*len(Marks))
	}
	return logits, nil
}

// pick is the class of the mark behind the character i of a text, and whether it stands there already; end says that a sentence ends there.
func (p *Punctuator) pick(runes []rune, i int, row scores, end bool) (class int, there bool) {
	if r := following(runes, i); r != 0 {
		return max(0, slices.Index(Marks, r)), true
	}
	switch {
	case end:
		return best(row[:], firstEnd, lastEnd), false
	case i+1 < len(runes) && narrow(runes[i]) && narrow(runes[i+1]):
		return 0, false
	case 1-math.Exp(float64(row[0])) > p.threshold:
		return best(row[:], 1, len(Marks)), false
	}
	return 0, false
}

// read gives the characters of a text that count, in lower case, and their places.
func read(text []rune) (characters []rune, places []int) {
	for i, r := range text {
		if counts(r) {
			characters, places = append(characters, unicode.ToLower(r)), append(places, i)
		}
	}
	return characters, places
}

// Behind gives the mark behind each character of a text, 0 for none. There is none where the text has one already, between Latin letters or
// digits, inside the places of kept (pairs of begin and end in characters), and at the end unless whole says that a sentence, or a member of a list,
// ends there.
func (p *Punctuator) Behind(ctx context.Context, text string, kept [][2]int, whole bool) ([]rune, error) {
	runes := []rune(text)
	characters, places := read(runes)
	out := make([]rune, len(runes))
	inside := make([]bool, len(runes))
	for _, k := range kept {
		for i := max(0, k[0]); i < min(k[1], len(runes))-1; i++ {
			inside[i] = true
		}
	}
	err := p.judge(ctx, characters, make([]int, len(characters)), 0, len(characters), func(n int, row scores) int {
		i, last := places[n], n == len(places)-1
		if inside[i] || last && !whole {
			return 0
		}
		class, there := p.pick(runes, i, row, last)
		if !there {
			out[i] = Marks[class]
		}
		return class
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Text puts the marks into a text.
func (p *Punctuator) Text(ctx context.Context, text string, kept [][2]int, whole bool) (string, error) {
	marks, err := p.Behind(ctx, text, kept, whole)
	if err != nil {
		return "", err
	}
	return join([]rune(text), marks), nil
}

func join(runes, marks []rune) string {
	var b strings.Builder
	for i, r := range runes {
		b.WriteRune(r)
		if marks[i] != 0 {
			b.WriteRune(marks[i])
		}
	}
	return b.String()
}

// best is the greatest from first to before end.
func best(row []float32, first, end int) int {
	at := first
	for i := first; i < end; i++ {
		if row[i] > row[at] {
			at = i
		}
	}
	return at
}

// following is the mark that stands behind the character i already, 0 for none.
func following(runes []rune, i int) rune {
	for i++; i < len(runes); i++ {
		if unicode.IsPunct(runes[i]) {
			return runes[i]
		}
		if !unicode.IsSpace(runes[i]) {
			break
		}
	}
	return 0
}

func narrow(r rune) bool { return r < 0x80 && counts(r) }
