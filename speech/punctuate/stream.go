package punctuate

import "context"

const (
	block  = 8   // characters whose marks are settled together
	ahead  = 13  // characters that must follow them
	before = 192 // characters before them that are read
)

// LookAhead is how many characters must follow one before a stream surely has settled its mark.
const LookAhead = ahead + block - 1

// Stream punctuates text that comes bit by bit. It is used from one goroutine at a time.
type Stream struct {
	p       *Punctuator
	context []rune // the characters before the pending ones, in lower case
	marks   []int  // those behind them, by class
	pending []rune // what is not settled
}

// NewStream returns a stream at the begin of a text.
func (p *Punctuator) NewStream() *Stream { return &Stream{p: p} }

// Push takes more text and returns what is settled by it, with its marks: whole blocks of 8 characters that 13 more follow. Each block is judged by
// just these and the 192 before it, so that the marks are the same however the text is cut; [Punctuator.Text] sees all that follows, and may judge
// otherwise.
func (s *Stream) Push(ctx context.Context, text string) (string, error) {
	s.pending = append(s.pending, []rune(text)...)
	out := ""
	for {
		characters, places := read(s.pending)
		if len(characters) < block+ahead {
			return out, nil
		}
		part, err := s.take(ctx, characters[:block+ahead], places[:block], false)
		// What is settled stays settled, so that the caller loses nothing by trying again.
		if out += part; err != nil {
			return out, err
		}
	}
}

// take gives the pending text up to the last of places, which are those of the first of characters, with its marks, and goes on behind it.
func (s *Stream) take(ctx context.Context, characters []rune, places []int, whole bool) (string, error) {
	n := len(s.context)
	seen := append(append([]rune(nil), s.context...), characters...)
	marks := append(append([]int(nil), s.marks...), make([]int, len(characters))...)
	end := len(s.pending)
	if !whole {
		end = places[len(places)-1] + 1
	}
	out := make([]rune, end)
	err := s.p.judge(ctx, seen, marks, n, n+len(places), func(at int, row scores) int {
		i := places[at-n]
		class, there := s.p.pick(s.pending, i, row, whole && at == n+len(places)-1)
		if !there {
			out[i] = Marks[class]
		}
		return class
	})
	if err != nil {
		return "", err
	}
	text := join(s.pending[:end], out)
	s.pending = append([]rune(nil), s.pending[end:]...)
	keep := n + len(places)
	s.context, s.marks = seen[max(0, keep-before):keep], marks[max(0, keep-before):keep]
	return text, nil
}

// Finish returns the rest, with a mark at its end, and makes the stream ready for another text.
func (s *Stream) Finish(ctx context.Context) (string, error) {
	characters, places := read(s.pending)
	out, err := s.take(ctx, characters, places, true)
	if err != nil {
		return "", err
	}
	s.context, s.marks = nil, nil
	return out, nil
}
