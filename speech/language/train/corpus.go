package train

import (
	"context"
	"fmt"
	"hash/fnv"
	"iter"
	"slices"

	"github.com/courtsense/courtsense/speech/language"
	"github.com/courtsense/courtsense/speech/language/spoken"
)

// Source is one kind of text.
type Source struct {
	Name   string
	Texts  iter.Seq[string] // paragraphs, as they are written
	Weight float64          // share in the mixture; 0 in all sources: found by Config.Tune
}

// Symbols of a corpus before characters get their numbers. They are no characters that [spoken.Form] gives.
const (
	stop  = rune(language.Boundary)
	pause = spoken.Pause
)

// corpus is a source as it is counted: characters with a stop after each sentence.
type corpus struct {
	name   string
	text   []rune
	weight float64
}

// tuneShare is how many paragraphs there are for one that weights are fitted to.
const tuneShare = 50

// readCorpus reads a source once. With split, a share of the paragraphs, by their hash, goes into a corpus of its own.
func readCorpus(ctx context.Context, s Source, split bool, read func(characters int)) (c, held corpus, err error) {
	c, held = corpus{name: s.Name, weight: s.Weight}, corpus{name: s.Name}
	for paragraph := range s.Texts {
		if ctx.Err() != nil {
			return c, held, context.Cause(ctx)
		}
		form := spoken.Form(paragraph)
		if form == "" {
			continue
		}
		into := &c
		if split {
			h := fnv.New32a()
			_, _ = h.Write([]byte(paragraph)) // a hash takes everything
			if h.Sum32()%tuneShare == 0 {
				into = &held
			}
		}
		before := len(into.text)
		into.text = append(into.text, []rune(form)...)
		into.text = append(into.text, stop)
		if len(into.text) > MaxCharacters {
			return c, held, fmt.Errorf("%s: more than %d characters, the limit of a source", s.Name, MaxCharacters)
		}
		read(len(into.text) - before)
	}
	return c, held, nil
}

// Numbers of tokens. Characters follow.
const (
	tokenBoundary = 0
	tokenOther    = 1
	firstToken    = 2
)

// vocabulary numbers the characters that the model will know.
type vocabulary struct {
	characters []rune // by token - firstToken
	tokens     map[rune]uint64
	base       uint64 // above all tokens
}

func newVocabulary(corpora []corpus, least int) vocabulary {
	counts := map[rune]int{}
	for _, c := range corpora {
		for _, r := range c.text {
			if r != stop && r != pause {
				counts[r]++
			}
		}
	}
	v := vocabulary{tokens: map[rune]uint64{stop: tokenBoundary}}
	for r, n := range counts {
		// A model's file holds characters of the basic plane.
		if n >= least && r <= 0xffff {
			v.characters = append(v.characters, r)
		}
	}
	slices.Sort(v.characters)
	for i, r := range v.characters {
		v.tokens[r] = uint64(firstToken + i)
	}
	v.base = uint64(firstToken + len(v.characters))
	return v
}

func (v vocabulary) token(r rune) uint64 {
	if t, ok := v.tokens[r]; ok {
		return t
	}
	return tokenOther
}

// text is the characters of an n-gram's tokens; ok is false when it holds one that the model doesn't know.
func (v vocabulary) text(key uint64, n int) (out []rune, ok bool) {
	out = make([]rune, n)
	for i := n - 1; i >= 0; i-- {
		switch t := key % v.base; t {
		case tokenBoundary:
			out[i] = language.Boundary
		case tokenOther:
			return nil, false
		default:
			out[i] = v.characters[t-firstToken]
		}
		key /= v.base
	}
	return out, true
}

// sentences yields each sentence's tokens, the boundary before and after included, and where in it a speaker may pause: the
// index of the token after the pause. The slices are used again.
func (v vocabulary) sentences(c corpus) iter.Seq2[[]uint64, []int] {
	return func(yield func([]uint64, []int) bool) {
		tokens, pauses := []uint64{tokenBoundary}, []int(nil)
		for _, r := range c.text {
			switch {
			case r == pause:
				pauses = append(pauses, len(tokens))
			case r == stop && len(tokens) == 1:
			case r == stop:
				if !yield(append(tokens, tokenBoundary), pauses) {
					return
				}
				tokens, pauses = tokens[:1], pauses[:0]
			default:
				tokens = append(tokens, v.token(r))
			}
		}
	}
}
