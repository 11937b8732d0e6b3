package hotword

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/courtsense/courtsense/speech/decode/lexicon"
)

// Phrase is a phrase that is likely to be said.
type Phrase struct {
	Text string
	// Weight is how strongly it is preferred: the natural logarithm added to a path's score per token (a Han character, or three
	// letters or digits), -10 to 10. 0 is the default of the options. What is outside the range counts as its end. Below 0 the
	// phrase is made harder to recognise.
	Weight float32
}

// Limits of phrases.
const (
	// MaxCharacters is the most characters of a phrase, as it is spoken.
	MaxCharacters = 100
	// MaxPhrases is the default most phrases of a graph.
	MaxPhrases = 10000
	// MaxWeight is the greatest weight, and -MaxWeight the least.
	MaxWeight = 10
)

const (
	minCharacters = 2
	// letterShare is the share of a token that a letter or digit counts: acoustic models write Latin words in pieces of about three.
	letterShare = 1. / 3
)

// Reason is why a phrase can't be used.
type Reason string

// Reasons, as the API names them.
const (
	// NoTokens: a character that the acoustic model neither writes nor hears.
	NoTokens Reason = "NO_TOKENS"
	// TooShort: less than two characters, which would be found everywhere.
	TooShort Reason = "TOO_SHORT"
	// TooLong: more than MaxCharacters.
	TooLong Reason = "TOO_LONG"
	// Duplicate: the same phrase earlier in the list.
	Duplicate Reason = "DUPLICATE"
	// Conflict: the same phrase with another weight earlier in the list; the first is used.
	Conflict Reason = "CONFLICT"
	// TooMany: the graph is full.
	TooMany Reason = "TOO_MANY"
)

// Unusable is a phrase that is not in the graph.
type Unusable struct {
	// Phrase is the text as it was given.
	Phrase string
	Reason Reason
	// Detail is the same in a sentence.
	Detail string
}

// normal is the phrase as it is compared: composed, without blanks, punctuation and case.
func normal(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '%' || r == '.' || r == '\'':
			return r
		case r == '％':
			return '%'
		case unicode.IsSpace(r), unicode.IsPunct(r), unicode.IsSymbol(r), unicode.IsControl(r):
			return -1
		case '０' <= r && r <= '９':
			return r - '０' + '0'
		case 'Ａ' <= r && r <= 'Ｚ':
			return r - 'Ａ' + 'a'
		case 'ａ' <= r && r <= 'ｚ':
			return r - 'ａ' + 'a'
		}
		return lexicon.Fold(r)
	}, norm.NFC.String(text))
}

// units is how many tokens a character counts for in the weight.
func units(r rune) float32 {
	if lexicon.Letter(r) {
		return letterShare
	}
	return 1
}

// examine reads a phrase into the ways to say it, or tells why it can't be used.
func examine(text string, lex *lexicon.Lexicon) (key string, ways [][]rune, _ *Unusable) {
	if !utf8.ValidString(text) {
		return "", nil, &Unusable{Phrase: text, Reason: NoTokens, Detail: "the phrase is not UTF-8 text"}
	}
	if n := utf8.RuneCountInString(text); n > 8*MaxCharacters {
		return "", nil, &Unusable{Phrase: text, Reason: TooLong, Detail: fmt.Sprintf("the phrase has %d characters; the most is %d", n, MaxCharacters)}
	}
	key = normal(text)
	var first *Unusable
	for _, way := range spoken(key) {
		if bad := unsayable(way, lex); bad != nil {
			bad.Phrase = text
			first = cmp.Or(first, bad)
			continue
		}
		ways = append(ways, way)
	}
	if len(ways) == 0 {
		return "", nil, first
	}
	return key, ways, nil
}

// unsayable tells why one way to say a phrase can't be used, or nil.
func unsayable(way []rune, lex *lexicon.Lexicon) *Unusable {
	if n := len(way); n > MaxCharacters {
		return &Unusable{Reason: TooLong, Detail: fmt.Sprintf("the phrase has %d characters as it is spoken; the most is %d", n, MaxCharacters)}
	} else if n < minCharacters {
		return &Unusable{Reason: TooShort, Detail: fmt.Sprintf("the phrase has %d characters that are spoken; the least is %d, since a single one is found everywhere", n, minCharacters)}
	}
	for _, r := range way {
		if !lex.Sounds(r) {
			return &Unusable{Reason: NoTokens, Detail: fmt.Sprintf("the model has no token for %q and none that sounds like it", r)}
		}
	}
	return nil
}

func (o Options) weight(w float32) float32 {
	if w == 0 || math.IsNaN(float64(w)) {
		w = o.DefaultWeight
	}
	return min(max(w, -MaxWeight), MaxWeight)
}
