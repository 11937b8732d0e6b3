package correct

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/courtsense/courtsense/ocr"
)

// english holds words that are frequent in English contracts, letters and court papers, in small letters.
//
//go:embed english.txt
var english string

var englishWords = sync.OnceValue(func() map[string]struct{} {
	words := map[string]struct{}{}
	for _, w := range strings.Fields(english) {
		words[w] = struct{}{}
	}
	return words
})

const (
	leastWord    = 4
	mostWord     = 24
	mostDoubtful = 5 // letters of a word; a word with more is guesswork
	mostOpen     = 4 // letters of a word that are tried, the least sure ones
	mostOther    = 3 // other readings of a letter that are tried
	// A list of words decides among readings that the recogniser all but ruled out: a long word has few neighbours.
	sureLetter     = 0.9999 // confidence from which a letter is left alone
	leastLetter    = 0.0001 // confidence from which another letter is tried
	doubtfulLetter = 0.01   // confidence of another letter from which one is in doubt
	// What a word in the list adds to a word's score, for each letter and at most, and what large and small letters where they belong add.
	inListLetter = 1.2
	inListMost   = 8
	isRegular    = 2.5
)

// known tells whether a word, or the word that it is a form of, is in the list.
func known(word string) bool {
	w := strings.ToLower(word)
	words := englishWords()
	if _, ok := words[w]; ok {
		return true
	}
	for _, ending := range [...]struct{ form, base string }{{"s", ""}, {"es", ""}, {"ed", ""}, {"ed", "e"}, {"ing", ""}, {"ing", "e"}, {"ly", ""}, {"ies", "y"}, {"ied", "y"}, {"er", ""}, {"or", ""}} {
		if base, ok := strings.CutSuffix(w, ending.form); ok && len(base)+len(ending.base) >= leastWord {
			if _, ok := words[base+ending.base]; ok {
				return true
			}
		}
	}
	return false
}

func wordScore(word []byte) float32 {
	if len(word) < leastWord {
		if slices.Contains([]string{"If", "In", "Is", "It"}, string(word)) {
			return isRegular // no word begins with l and a consonant
		}
		return 0
	}
	if !regular(word) {
		return 0
	}
	if known(string(word)) {
		return isRegular + min(inListMost, inListLetter*float32(len(word)))
	}
	return isRegular
}

// regular tells whether a word's letters are all small, all large, or large only at its beginning.
func regular(word []byte) bool {
	large := 0
	for _, b := range word {
		if b <= 'Z' {
			large++
		}
	}
	return large == 0 || large == len(word) || large == 1 && word[0] <= 'Z'
}

// marksWord tells whether a character may stand around a word.
func marksWord(r rune) bool {
	return strings.ContainsRune(",.;:!?()\"'“”‘’（）《》，。；：！？、*", r)
}

// spelled finds misread letters of words in Latin letters: by the words that English court papers hold, and by the rule that the
// letters of a word are all small, all large, or large only at its beginning.
func (c *Corrector) spelled(fs []flow) []change {
	var out []change
	for i, f := range fs {
		for from, to := range f.words() {
			if a, b, ok := letters(f, from, to); ok {
				out = append(out, c.spelledWord(f, i, a, b)...)
			}
		}
	}
	return out
}

// letters returns the part of a piece between blanks that is a word, without the marks around it; false when it is anything else, such
// as an address, a number or Chinese.
func letters(f flow, from, to int) (int, int, bool) {
	for from < to && marksWord(f[from].r) {
		from++
	}
	for to > from && marksWord(f[to-1].r) {
		to--
	}
	if to-from > mostWord || to-from < leastWord && !(to-from == 2 && f[from].r == 'l') {
		return 0, 0, false
	}
	for _, g := range f[from:to] {
		if !isLetter(g.r) {
			return 0, 0, false
		}
	}
	return from, to, true
}

// spelledWord tries the readings of a word's doubtful letters.
func (c *Corrector) spelledWord(f flow, number, from, to int) []change {
	text := make([]byte, 0, mostWord)
	type letter struct {
		at      int
		options []letterOption
	}
	var open []letter
	doubtful := 0
	for i := from; i < to; i++ {
		text = append(text, byte(f[i].r))
		o := c.otherLetters(f[i])
		if len(o) < 2 || f.around(i) < c.config.Context {
			continue
		}
		open = append(open, letter{i, o})
		if f[i].confidence < c.config.Doubt && o[1].Confidence >= doubtfulLetter {
			doubtful++
		}
	}
	if len(open) == 0 || doubtful > mostDoubtful || known(string(text)) && regular(text) {
		return nil
	}
	slices.SortStableFunc(open, func(a, b letter) int { return cmp.Compare(f[a.at].confidence, f[b.at].confidence) })
	open = open[:min(len(open), mostOpen)]
	start := float32(0)
	for _, l := range open {
		start += l.options[0].own
	}
	start += wordScore(text)
	best, picked := start, make([]int, len(open))
	picks := make([]int, len(open))
	var try func(k int, sum float32)
	try = func(k int, sum float32) {
		if k == len(open) {
			if sum += wordScore(text); sum > best {
				best = sum
				copy(picked, picks)
			}
			return
		}
		was := text[open[k].at-from]
		for n, o := range open[k].options {
			text[open[k].at-from], picks[k] = o.letter, n
			try(k+1, sum+o.own)
		}
		text[open[k].at-from], picks[k] = was, 0
	}
	try(0, 0)
	var out []change
	for k, n := range picked {
		if n > 0 {
			text[open[k].at-from] = open[k].options[n].letter
		}
	}
	for k, n := range picked {
		if n > 0 {
			out = append(out, change{place: place{flow: number, at: open[k].at}, to: open[k].options[n].Candidate, original: start, corrected: best, why: fmt.Sprintf("“%s” is spelled so", text)})
		}
	}
	return out
}

// letterOption is a reading of one letter with the part of its score that does not depend on the word.
type letterOption struct {
	letter byte
	ocr.Candidate
	own float32
}

// otherLetters returns what was read at a glyph and the other letters that it may be.
func (c *Corrector) otherLetters(g glyph) []letterOption {
	if g.confidence >= sureLetter {
		return nil
	}
	out := []letterOption{{byte(g.r), ocr.Candidate{Char: string(g.r), Confidence: g.confidence}, c.config.Han.Stay + c.config.Han.Recognition*logarithm(g.confidence)}}
	for _, o := range g.candidates {
		if len(out) > mostOther {
			break
		}
		if len(o.Char) == 1 && isLetter(rune(o.Char[0])) && o.Char[0] != byte(g.r) && o.Confidence >= leastLetter {
			out = append(out, letterOption{o.Char[0], o, c.config.Han.Recognition * logarithm(o.Confidence)})
		}
	}
	return out
}
