package eval

import (
	"slices"
)

// HotWordUse says what hot words changed. A hot word counts as said where it stands in the truth, longer ones before shorter
// ones; as heard where the aligned part of the result is equal; as falsely inserted where it stands in the result and not in
// the truth there, and did not without the hot words.
type HotWordUse struct {
	HotWords    int      `json:"hot_words"`
	Distractors int      `json:"distractors"`
	Occurrences int      `json:"occurrences"`
	RecallPlain Interval `json:"recall_without"`
	Recall      Interval `json:"recall_with"`
	Gain        Interval `json:"recall_gain"`
	// FalseInsertions are counted in the result with hot words; the rate is the share of the utterances that have one.
	FalseInsertions     int      `json:"wronginsertions"`
	FalseInsertion      Interval `json:"wronginsertion_rate"`
	FalseWords          []string `json:"wrongwords"`
	CERPlain            Interval `json:"cer_without"`
	ElsewherePlain      float64  `json:"cer_elsewhere_without"` // of the characters that belong to no hot word
	Elsewhere           float64  `json:"cer_elsewhere_with"`
	ElsewhereGrowth     Interval `json:"cer_elsewhere_growth"`
	ElsewhereCharacters int      `json:"characters_elsewhere"`
}

// wordUtterance is the count of one utterance; [0] without and [1] with the hot words.
type wordUtterance struct {
	said, elsewhere int
	heard           [2]int
	errors          [2]int // elsewhere
	edits           [2]int
	characters      int
	inserted        int
}

type wordCount struct {
	hot, distractors int
	words            [][]rune // longest first
	utterances       []wordUtterance
	inserted         []string
}

func newWordCount(hot, distractors []string) *wordCount {
	c := &wordCount{hot: len(hot), distractors: len(distractors)}
	for _, w := range slices.Concat(hot, distractors) {
		if r := Spoken(w); len(r) > 0 {
			c.words = append(c.words, r)
		}
	}
	slices.SortStableFunc(c.words, func(a, b []rune) int { return len(b) - len(a) })
	return c
}

// place is where a word stands.
type place struct{ from, to int }

// find returns the places of the words in a text; they don't overlap, and longer words go first.
func (c *wordCount) find(text []rune) []place {
	taken := make([]bool, len(text))
	var out []place
	for _, w := range c.words {
		for i := 0; i+len(w) <= len(text); i++ {
			if slices.Equal(text[i:i+len(w)], w) && !slices.Contains(taken[i:i+len(w)], true) {
				out = append(out, place{i, i + len(w)})
				for k := range w {
					taken[i+k] = true
				}
			}
		}
	}
	return out
}

func (c *wordCount) add(truth, plain, hot []rune) {
	u := wordUtterance{characters: len(truth)}
	said := c.find(truth)
	inWord := make([]bool, len(truth))
	for _, p := range said {
		for i := p.from; i < p.to; i++ {
			inWord[i] = true
		}
	}
	u.said, u.elsewhere = len(said), len(truth)
	for _, w := range inWord {
		if w {
			u.elsewhere--
		}
	}
	var before map[string]int
	for k, result := range [][]rune{plain, hot} {
		from, inserted := align(truth, result)
		for i := range truth {
			missed := from[i] < 0 || truth[i] != result[from[i]]
			if missed {
				u.edits[k]++
			}
			if missed && !inWord[i] {
				u.errors[k]++
			}
		}
		for _, gap := range inserted {
			u.edits[k]++
			// What is inserted within a word is the word's error.
			if !(gap > 0 && gap < len(truth) && inWord[gap-1] && inWord[gap]) {
				u.errors[k]++
			}
		}
		matched := map[int]bool{} // places in the result where a word of the truth was heard
		for _, p := range said {
			whole := true
			for i := p.from; i < p.to && whole; i++ {
				whole = from[i] >= 0 && truth[i] == result[from[i]] && (i == p.from || from[i] == from[i-1]+1)
			}
			if whole {
				u.heard[k]++
				for i := p.from; i < p.to; i++ {
					matched[from[i]] = true
				}
			}
		}
		wrong := map[string]int{}
		for _, p := range c.find(result) {
			if !matched[p.from] {
				wrong[string(result[p.from:p.to])]++
			}
		}
		if k == 0 {
			before = wrong
			continue
		}
		for word, n := range wrong {
			for range n - before[word] {
				u.inserted++
				c.inserted = append(c.inserted, word)
			}
		}
	}
	c.utterances = append(c.utterances, u)
}

func (c *wordCount) report() *HotWordUse {
	r := &HotWordUse{HotWords: c.hot, Distractors: c.distractors, FalseWords: []string{}}
	if len(c.utterances) == 0 {
		return r
	}
	slices.Sort(c.inserted)
	r.FalseWords = append(r.FalseWords, c.inserted...)
	r.FalseInsertions = len(c.inserted)
	for _, u := range c.utterances {
		r.Occurrences += u.said
		r.ElsewhereCharacters += u.elsewhere
	}
	ratio := func(draw []int, part, whole func(wordUtterance) int) float64 {
		a, b := 0, 0
		for _, i := range draw {
			a += part(c.utterances[i])
			b += whole(c.utterances[i])
		}
		return float64(a) / float64(max(b, 1))
	}
	interval := func(part, whole func(wordUtterance) int) Interval {
		return resampled(len(c.utterances), func(draw []int) float64 { return ratio(draw, part, whole) })
	}
	said := func(u wordUtterance) int { return u.said }
	r.RecallPlain = interval(func(u wordUtterance) int { return u.heard[0] }, said)
	r.Recall = interval(func(u wordUtterance) int { return u.heard[1] }, said)
	r.Gain = interval(func(u wordUtterance) int { return u.heard[1] - u.heard[0] }, said)
	r.FalseInsertion = interval(func(u wordUtterance) int { return min(u.inserted, 1) }, func(wordUtterance) int { return 1 })
	r.CERPlain = interval(func(u wordUtterance) int { return u.edits[0] }, func(u wordUtterance) int { return u.characters })
	elsewhere := func(u wordUtterance) int { return u.elsewhere }
	r.ElsewherePlain = interval(func(u wordUtterance) int { return u.errors[0] }, elsewhere).Value
	r.Elsewhere = interval(func(u wordUtterance) int { return u.errors[1] }, elsewhere).Value
	r.ElsewhereGrowth = interval(func(u wordUtterance) int { return u.errors[1] - u.errors[0] }, elsewhere)
	return r
}

// align lays result onto truth with the fewest edits: from[i] is the place in result of truth[i], -1 where it was left out,
// and inserted are the gaps of truth (0: before its first character) into which a character of result falls.
func align(truth, result []rune) (from, inserted []int) {
	n, m := len(truth), len(result)
	cost := make([]int32, (n+1)*(m+1))
	at := func(i, j int) *int32 { return &cost[i*(m+1)+j] }
	for i := range n + 1 {
		for j := range m + 1 {
			switch {
			case i == 0:
				*at(i, j) = int32(j)
			case j == 0:
				*at(i, j) = int32(i)
			default:
				diagonal := *at(i-1, j-1)
				if truth[i-1] != result[j-1] {
					diagonal++
				}
				*at(i, j) = min(diagonal, *at(i-1, j)+1, *at(i, j-1)+1)
			}
		}
	}
	from = make([]int, n)
	for i, j := n, m; i > 0 || j > 0; {
		here := *at(i, j)
		switch {
		case i > 0 && j > 0 && truth[i-1] == result[j-1] && *at(i-1, j-1) == here:
			i, j = i-1, j-1
			from[i] = j
		case i > 0 && j > 0 && *at(i-1, j-1)+1 == here && truth[i-1] != result[j-1]:
			i, j = i-1, j-1
			from[i] = j
		case j > 0 && *at(i, j-1)+1 == here:
			j--
			inserted = append(inserted, i)
		default:
			i--
			from[i] = -1
		}
	}
	return from, inserted
}
