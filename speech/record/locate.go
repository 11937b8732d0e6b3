package record

import (
	"fmt"
	"sort"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Place is where something is said.
type Place struct {
	Turn      int64   `json:"turn"`
	Word      int     `json:"word"`      // in the turn's Words, from 0; -1 where it has none
	Character int     `json:"character"` // in the turn's Text, from 0
	Start     float64 `json:"start"`     // of the word, else of the turn, seconds
	End       float64 `json:"end"`
}

// Locate finds what is said at a time, seconds: a place in each turn that is spoken then; when nobody speaks, the last place before. Withdrawn and
// inserted turns are left out.
func (s State) Locate(at float64) []Place {
	var places []Place
	var before *Turn
	for i := range s.Turns {
		t := &s.Turns[i]
		switch {
		case t.Withdrawn || t.Inserted || t.Start > at:
		case at < t.End:
			places = append(places, t.locate(at))
		case before == nil || t.End >= before.End:
			before = t
		}
	}
	if len(places) == 0 && before != nil {
		places = append(places, before.locate(at))
	}
	return places
}

// locate is the last word that begins before a time.
func (t *Turn) locate(at float64) Place {
	p := Place{Turn: t.ID, Word: -1, Start: t.Start, End: t.End}
	if len(t.Words) == 0 {
		return p
	}
	p.Word = max(sort.Search(len(t.Words), func(i int) bool { return t.Words[i].Start > at })-1, 0)
	w := t.Words[p.Word]
	p.Start, p.End = w.Start, w.End
	for character, word := range t.aligned() {
		if word >= p.Word {
			p.Character = character
			break
		}
	}
	return p
}

// Span is when a part of a turn's text is said: characters from start to end, exclusive; seconds. Text that was corrected or written otherwise than it was
// said, such as numbers, takes the time of what stood there.
func (s State) Span(turn int64, start, end int) (from, to float64, err error) {
	t, ok := s.Turn(turn)
	if !ok {
		return 0, 0, fmt.Errorf("record %s: turn %d: %w", s.ID, turn, ErrNotFound)
	}
	if n := utf8.RuneCountInString(t.Text); start < 0 || end <= start || end > n {
		return 0, 0, invalid("turn %d: characters %d to %d, its text has %d", turn, start, end, n)
	}
	from, to = t.span(t.aligned(), start, end)
	return from, to, nil
}

func (t *Turn) span(words []int, start, end int) (from, to float64) {
	if len(t.Words) == 0 {
		return t.Start, t.End
	}
	first, last := words[start], words[end-1]
	from, to = t.Words[first].Start, t.Words[last].End
	return from, max(from, to)
}

// maxAligned bounds the work of an alignment: characters of the text times characters of the words. A turn of 20 s has 15,000.
const maxAligned = 4_000_000

// aligned gives for each character of the text the word that it is said in. The words, as they were recognised, and the text, as it was written and corrected,
// are aligned with the fewest changes; a character that nothing was said for takes the word before it. Nil without words.
func (t *Turn) aligned() []int {
	if len(t.Words) == 0 {
		return nil
	}
	text := []rune(t.Text)
	var said []rune
	var of []int // the word of a character of said
	for i, w := range t.Words {
		for _, r := range w.Text {
			said, of = append(said, r), append(of, i)
		}
	}
	words := make([]int, len(text))
	switch {
	case len(said) == 0:
	case len(text)*len(said) > maxAligned:
		for i := range text {
			words[i] = of[i*len(said)/len(text)]
		}
	default:
		for i, j := range align(text, said) {
			words[i] = of[j]
		}
	}
	return words
}

// align gives for each character of text one of said, in order. A punctuation mark goes with what is before it.
func align(text, said []rune) []int {
	n, m := len(text), len(said)
	cost := make([][]int32, n+1)
	cells := make([]int32, (n+1)*(m+1))
	for i := range cost {
		cost[i] = cells[i*(m+1) : (i+1)*(m+1)]
	}
	for j := range m + 1 {
		cost[0][j] = int32(j)
	}
	for i := 1; i <= n; i++ {
		cost[i][0] = int32(i)
		for j := 1; j <= m; j++ {
			cost[i][j] = min(cost[i-1][j-1]+exchange(text[i-1], said[j-1]), cost[i-1][j]+1, cost[i][j-1]+1)
		}
	}
	at := make([]int, n)
	for i, j := n, m; i > 0; {
		switch {
		case j > 0 && cost[i][j] == cost[i-1][j-1]+exchange(text[i-1], said[j-1]):
			i, j = i-1, j-1
			at[i] = j
		case cost[i][j] == cost[i-1][j]+1:
			i--
			at[i] = max(j-1, 0)
		default:
			j--
		}
	}
	return at
}

// exchange is what it costs that a character stands for one that was said. A mark stands for none.
func exchange(written, said rune) int32 {
	switch {
	case folded(written) == folded(said):
		return 0
	case !sounds(written):
		return 2
	}
	return 1
}

// folded makes full-width and capital letters like the others.
func folded(r rune) rune {
	if p := width.LookupRune(r).Folded(); p != 0 {
		r = p
	}
	return unicode.ToLower(r)
}

// sounds tells characters from blanks and marks, which nobody says.
func sounds(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }
