package proposal

import (
	"slices"
	"strings"
)

// What makes a run of characters a rare word.
const (
	shortestRare = 2
	longestRare  = 6
	leastRare    = 3   // times that it occurs
	leastCosts   = 6.0 // nats a character that the background model gives for it, at its first places
	leastSides   = 2   // different characters on either side
)

type run struct {
	count       int
	left, right map[rune]bool
	costs       float64 // nats, of the first places
	measured    int
}

// findRare counts runs of characters that no other kind holds.
func (p *Proposer) findRare(f *findings, all []sentence) {
	if p.background == nil {
		return
	}
	runs := map[string]*run{}
	for pass := range 2 {
		f.each(all, func(s sentence) {
			if pass == 0 {
				countPairs(s.text, runs)
			} else {
				p.countRuns(s.text, runs)
			}
		})
		if pass == 0 {
			for text, r := range runs {
				if r.count < leastRare {
					delete(runs, text)
				}
			}
		}
	}
	var words []string
	for text, r := range runs {
		if r.count >= leastRare && len(r.left) >= leastSides && len(r.right) >= leastSides && r.measured > 0 && r.costs/float64(r.measured) >= leastCosts {
			if _, known := f.byText[text]; known {
				continue
			}
			words = append(words, text)
		}
	}
	slices.SortFunc(words, func(a, b string) int {
		if d := len(b) - len(a); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for i, w := range words {
		part := slices.ContainsFunc(words[:i], func(longer string) bool {
			return strings.Contains(longer, w) && float64(runs[longer].count) >= 0.6*float64(runs[w].count)
		})
		if !part && !inside(f.order, w) {
			f.add(RareWord, w)
		}
	}
}

// inside tells whether a word is a part of something found before.
func inside(found []string, word string) bool {
	return slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, word) })
}

// countPairs counts pairs of characters, so that only runs of frequent pairs have to be counted.
func countPairs(text []rune, runs map[string]*run) {
	for i := 0; i+2 <= len(text); i++ {
		if !wordlike(text[i]) || !wordlike(text[i+1]) {
			continue
		}
		key := string(text[i : i+2])
		r := runs[key]
		if r == nil {
			r = &run{}
			runs[key] = r
		}
		r.count++
	}
}

// countRuns counts the runs of 2 to 6 characters all of whose pairs are frequent, with what stands beside them and what they cost.
func (p *Proposer) countRuns(text []rune, runs map[string]*run) {
	costs := p.costs(text)
	for i := range text {
		for n := shortestRare; n <= longestRare && i+n <= len(text); n++ {
			if pair := runs[string(text[i+n-2:i+n])]; pair == nil {
				break
			}
			if !edges(text[i], text[i+n-1]) {
				continue
			}
			key := string(text[i : i+n])
			r := runs[key]
			if r == nil {
				r = &run{}
				runs[key] = r
			}
			if n > 2 {
				r.count++
			}
			if r.left == nil {
				r.left, r.right = map[rune]bool{}, map[rune]bool{}
			}
			if len(r.left) < leastSides {
				r.left[beside(text, i-1)] = true
			}
			if len(r.right) < leastSides {
				r.right[beside(text, i+n)] = true
			}
			if r.measured < 8 {
				sum := 0.0
				for _, c := range costs[i : i+n] {
					sum += c
				}
				r.costs += sum / float64(n)
				r.measured++
			}
		}
	}
}

// costs are the nats that the background model gives for each character where it stands.
func (p *Proposer) costs(text []rune) []float64 {
	out := make([]float64, len(text))
	s := p.background.Start()
	for i, r := range text {
		if !wordlike(r) {
			continue
		}
		var logp float32
		logp, s = p.background.Score(s, r)
		out[i] = -float64(logp)
	}
	return out
}

func beside(text []rune, i int) rune {
	if i < 0 || i >= len(text) {
		return 0
	}
	return text[i]
}

func wordlike(r rune) bool {
	return r >= 0x4e00 && r <= 0x9fff && r != '某' || isLatin(r)
}

// edges tells whether a word may begin and end so.
func edges(first, last rune) bool {
	return !strings.ContainsRune(grammar, first) && !strings.ContainsRune(grammar, last)
}

// grammar are characters that words seldom begin or end with.
const grammar = "的了和与及或等其之在对于由被将以为所者不应可是有该本各并且但而如若当从自按依向给又也还都只就后前上下内中外第条款项年月日时个一二三四五六七八九十百千万两这那此每把使让同经因未无能已作到说着过"
