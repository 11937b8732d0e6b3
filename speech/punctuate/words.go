package punctuate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	longest   = 7   // characters of the longest word
	otherCost = 18. // cost of a character that is no word of the list
	lengths   = 8   // kinds of words are told apart by their length, too, up to this less one
	maxWords  = 1e6 // more than that is no list of ours
	maxKind   = 255
	maxCost   = 1e5 // hundredths
	maxGroup  = 599
)

// word is a row of the list of words.
type word struct {
	id, kind int64
	cost     float64 // negative natural logarithm of its share of all words
	groups   [2]int  // words that stand among the same words share them: a fine one and a coarse one; 0 for none
}

// vocabulary is what a network knows: characters by their line, and words by their order.
type vocabulary struct {
	characters map[rune]int64
	words      map[string]word
}

// parseVocabulary reads characters, one a line by id, the first two being names of what is none, and behind them words: "word kind cost fine coarse",
// the cost in hundredths, the fine and the coarse group of words that stand among the same words.
func parseVocabulary(content []byte) (v vocabulary, err error) {
	v = vocabulary{characters: map[rune]int64{}, words: map[string]word{}}
	for i, line := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
		fields := strings.Fields(line)
		if len(fields) != 5 {
			if r := []rune(line); len(r) == 1 && i > unknown {
				v.characters[r[0]] = int64(i)
			}
			continue
		}
		var numbers [4]int
		for k, limit := range [4]int{maxKind, maxCost, maxGroup, maxGroup} {
			if numbers[k], err = strconv.Atoi(fields[1+k]); err != nil || numbers[k] < 0 || numbers[k] > limit {
				return v, fmt.Errorf("line %d: %q of a word is not 0 to %d", i+1, fields[1+k], limit)
			}
		}
		if n := utf8.RuneCountInString(fields[0]); n > longest || len(v.words) >= maxWords {
			return v, fmt.Errorf("line %d: a word of %d characters (at most %d), or more than %.0f words", i+1, n, longest, maxWords)
		}
		v.words[fields[0]] = word{id: int64(len(v.words) + 1), kind: int64(numbers[0]), cost: float64(numbers[1]) / 100, groups: [2]int{numbers[2], numbers[3]}}
	}
	if len(v.characters) == 0 {
		return v, fmt.Errorf("the list of characters is empty")
	}
	return v, nil
}

// character is the id of a character in lower case.
func (v vocabulary) character(r rune) int64 {
	if id, ok := v.characters[r]; ok {
		return id
	}
	return unknown
}

// token is a word of a text, as the network reads it.
type token struct {
	end                     int // its last character's place
	word, first, last, kind int64
	groups                  [2]int
}

// cut cuts characters into the words whose shares have the greatest product: the shortest path from the begin to the end.
func (v vocabulary) cut(characters []rune) []token {
	n := len(characters)
	best, back := make([]float64, n+1), make([]int, n+1)
	for i := 1; i <= n; i++ {
		best[i] = math.Inf(1)
	}
	text, at := string(characters), make([]int, 0, n+1)
	for i := range text {
		at = append(at, i)
	}
	at = append(at, len(text))
	for i := range n {
		for j := i + 1; j <= min(n, i+longest); j++ {
			w, known := v.words[text[at[i]:at[j]]]
			if !known {
				if j > i+1 {
					continue
				}
				w.cost = otherCost
			}
			if cost := best[i] + w.cost; cost < best[j] {
				best[j], back[j] = cost, i
			}
		}
	}
	var out []token
	for j := n; j > 0; j = back[j] {
		i := back[j]
		w := v.words[text[at[i]:at[j]]]
		out = append(out, token{end: j - 1, word: w.id, first: v.character(characters[i]), last: v.character(characters[j-1]),
			kind: w.kind*lengths + int64(min(j-i-1, lengths-1)), groups: w.groups})
	}
	slices.Reverse(out)
	return out
}
