package language

import "unicode/utf8"

// Model is a language model of characters. Implementations are safe for concurrent use and don't allocate while they score.
type Model interface {
	// Start is the state at the beginning of an utterance.
	Start() State
	// Score returns the natural log-probability of a character in a state, and the state after it. Latin letters count alike
	// in both cases. [Boundary] is the end of an utterance; the state after it is Start.
	Score(s State, r rune) (logp float32, next State)
	// Known tells whether the model has seen the character. Of those that it hasn't, all are equally unlikely.
	Known(r rune) bool
}

// Batcher is a model that scores many characters in one state faster than one by one.
type Batcher interface {
	// ScoreAll writes the natural log-probabilities of the characters in the state to logp, which is as long.
	ScoreAll(s State, characters []rune, logp []float32)
}

// ScoreAll scores characters in one state by the model's own way if it has one.
func ScoreAll(m Model, s State, characters []rune, logp []float32) {
	if b, ok := m.(Batcher); ok {
		b.ScoreAll(s, characters, logp)
		return
	}
	for i, r := range characters {
		logp[i], _ = m.Score(s, r)
	}
}

// After is the state after a character, the same for every model.
func After(s State, r rune) State { return after(s, code(r)) }

// State is what a model remembers of an utterance: the last characters, 16 bits each, the last one lowest. States of all models
// mean the same, and equal states score alike.
type State uint64

// Boundary is the end of an utterance, where a text has a full stop.
const Boundary = '\n'

// MaxOrder is the longest run of characters that a model counts, the one that is scored included: a state holds one fewer.
const MaxOrder = 5

// Codes are what a state holds of a character: its number in Unicode, but for these.
const (
	codeNone     = 0 // nothing: the utterance begins after it
	codeBoundary = 1
	codeOther    = 2 // a character beyond the basic plane, or none at all
)

// start is the state at the beginning, the same for every model.
const start = State(codeBoundary)

func code(r rune) uint16 {
	switch {
	case r >= 'A' && r <= 'Z':
		return uint16(r + 'a' - 'A')
	case r == Boundary:
		return codeBoundary
	case r > codeOther && r <= 0xffff && utf8.ValidRune(r) && r != utf8.RuneError:
		return uint16(r)
	}
	return codeOther
}

// after is the state that follows.
func after(s State, c uint16) State {
	if c == codeBoundary {
		return start
	}
	return s<<16 | State(c)
}

// Sum is the natural log-probability of a text from its beginning, without its end.
func Sum(m Model, text string) float64 {
	sum, s := 0.0, m.Start()
	for _, r := range text {
		var p float32
		p, s = m.Score(s, r)
		sum += float64(p)
	}
	return sum
}
