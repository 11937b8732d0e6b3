package punctuate

import "context"

// Stream punctuates text that comes bit by bit. It is used from one goroutine at a time.
type Stream struct {
	p       *Punctuator
	context []int64 // ids of the characters before the pending ones, as many as the network looks back
	pending []rune  // characters whose marks are not settled
}

// NewStream returns a stream at the begin of a text.
func (p *Punctuator) NewStream() *Stream {
	return &Stream{p: p, context: make([]int64, p.left)}
}

// Push takes more text and returns what is settled by it, with its marks: everything that [Punctuator.LookAhead] characters follow. Characters
// are as in a text that is punctuated at once, however the text is cut.
func (s *Stream) Push(ctx context.Context, text string) (string, error) {
	s.pending = append(s.pending, []rune(text)...)
	settled := len(s.pending)
	for follow := 0; settled > 0 && follow < s.p.right; {
		settled--
		if counts(s.pending[settled]) {
			follow++
		}
	}
	return s.take(ctx, settled, false)
}

// Finish returns the rest, with a mark at its end, and makes the stream ready for another text.
func (s *Stream) Finish(ctx context.Context) (string, error) {
	out, err := s.take(ctx, len(s.pending), true)
	clear(s.context)
	return out, err
}

func (s *Stream) take(ctx context.Context, n int, whole bool) (string, error) {
	if n == 0 {
		return "", nil
	}
	ids := append([]int64(nil), s.context...)
	var places []int
	ahead := 0
	for i, r := range s.pending {
		if !counts(r) {
			continue
		}
		if i >= n {
			if ahead++; ahead > s.p.right {
				break
			}
		} else {
			places = append(places, i)
		}
		ids = append(ids, s.p.id(r))
	}
	ids = append(ids, make([]int64, s.p.right-min(ahead, s.p.right))...)
	marks := make([]rune, n)
	if len(places) > 0 {
		rows, err := s.p.score(ctx, ids[:len(s.context)+len(places)+s.p.right])
		if err != nil {
			return "", err
		}
		for k, i := range places {
			last := whole && k == len(places)-1
			switch {
			case marked(s.pending, i):
			case last:
				marks[i] = Marks[best(rows[k], 2, 5)]
			case i+1 < len(s.pending) && narrow(s.pending[i]) && narrow(s.pending[i+1]):
			default:
				marks[i] = Marks[best(rows[k], 0, len(Marks))]
			}
		}
	}
	var out []rune
	for i, r := range s.pending[:n] {
		if out = append(out, r); marks[i] != 0 {
			out = append(out, marks[i])
		}
	}
	s.context = append([]int64(nil), ids[len(places):len(places)+len(s.context)]...)
	s.pending = append([]rune(nil), s.pending[n:]...)
	return string(out), nil
}
