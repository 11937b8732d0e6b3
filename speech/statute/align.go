package statute

import (
	"github.com/courtsense/courtsense/speech/syllable"
)

// Scores of an alignment: of equal characters, equal sounds, other characters, and of a character that stands on one side only.
const (
	scoreEqual   = 2.0
	scoreSound   = 1.8
	scoreOther   = -1.6
	scoreOneSide = -1.9
)

// band is how many characters a recital may run ahead of the text or stay behind it.
const band = 24

// alignment says which part of a text is which part of an article, both in heard characters.
type alignment struct {
	from, to         int // of the text
	artFrom, artTo   int // of the article
	equal, sounds    int // characters that are equal, and that only sound equal
	other, oneSided  int
	numbers, negated int // other characters where numbers differ, and one-sided or other ones that negate
	score            float64
	with             []int32 // for each character from..to of the text the article's that it stands for; -1 for none
}

// length is how many characters the longer side has.
func (a alignment) length() int { return max(a.to-a.from, a.artTo-a.artFrom) }

// sounding is the share of the characters that sound alike.
func (a alignment) sounding() float64 {
	total := a.equal + a.sounds + a.other + a.oneSided
	if total == 0 {
		return 0
	}
	return float64(a.equal+a.sounds) / float64(total)
}

// align finds the best local alignment (Smith and Waterman: Identification of common molecular subsequences, 1981) of a text and an article,
// within a band around the diagonal on which most runs of three syllables agree.
func align(q, a heard) (alignment, bool) {
	diagonal, ok := diagonalOf(q, a)
	if !ok {
		return alignment{}, false
	}
	const width = 2*band + 1
	n := len(q.sounds)
	// Row i, column c stands for the article's character i+diagonal+c-band.
	score := make([]float32, (n+1)*width)
	step := make([]byte, (n+1)*width) // 0 begin, 1 both, 2 text only, 3 article only
	best, bestRow, bestColumn := float32(0), 0, 0
	for i := 1; i <= n; i++ {
		for c := range width {
			j := i + diagonal + c - band // articles' characters before and with this one
			if j < 1 || j > len(a.sounds) {
				continue
			}
			s, from := float32(0), byte(0)
			if v := score[(i-1)*width+c] + pair(q, a, i-1, j-1); v > s {
				s, from = v, 1
			}
			if c+1 < width {
				if v := score[(i-1)*width+c+1] + scoreOneSide; v > s {
					s, from = v, 2
				}
			}
			if c > 0 {
				if v := score[i*width+c-1] + scoreOneSide; v > s {
					s, from = v, 3
				}
			}
			score[i*width+c], step[i*width+c] = s, from
			if s > best {
				best, bestRow, bestColumn = s, i, c
			}
		}
	}
	if best == 0 {
		return alignment{}, false
	}
	out := alignment{score: float64(best), to: bestRow, artTo: bestRow + diagonal + bestColumn - band}
	with := make([]int32, bestRow)
	i, c := bestRow, bestColumn
	for step[i*width+c] != 0 {
		j := i + diagonal + c - band
		switch step[i*width+c] {
		case 1:
			switch {
			case q.runes[i-1] == a.runes[j-1]:
				out.equal++
			case alike(q, a, i-1, j-1):
				out.sounds++
			default:
				out.other++
				if numeral(q.runes[i-1]) && numeral(a.runes[j-1]) && !confused(q.runes[i-1], a.runes[j-1]) {
					out.numbers++
				}
				if negation(q.runes[i-1]) != negation(a.runes[j-1]) {
					out.negated++
				}
			}
			i--
			with[i] = int32(j - 1)
		case 2:
			out.oneSided++
			with[i-1] = -1
			if negation(q.runes[i-1]) {
				out.negated++
			}
			i, c = i-1, c+1
		case 3:
			out.oneSided++
			if negation(a.runes[j-1]) {
				out.negated++
			}
			c--
		}
	}
	out.from, out.artFrom = i, i+diagonal+c-band
	out.with = with[i:]
	return out, true
}

func pair(q, a heard, i, j int) float32 {
	switch {
	case q.runes[i] == a.runes[j]:
		return scoreEqual
	case alike(q, a, i, j):
		return scoreSound
	}
	return scoreOther
}

// alike tells whether two characters may sound alike: any of their readings agree.
func alike(q, a heard, i, j int) bool {
	if q.sounds[i] == a.sounds[j] {
		return true
	}
	for _, s := range q.more[i] {
		if s.Toneless() == a.sounds[j] {
			return true
		}
		for _, t := range a.more[j] {
			if s.Toneless() == t.Toneless() {
				return true
			}
		}
	}
	for _, t := range a.more[j] {
		if t.Toneless() == q.sounds[i] {
			return true
		}
	}
	return false
}

// diagonalOf finds by how much the article's places lead those of the text where most runs of three syllables agree.
func diagonalOf(q, a heard) (int, bool) {
	const run = 3
	if len(q.sounds) < run || len(a.sounds) < run {
		return 0, false
	}
	type triple [run]syllable.Syllable
	places := make(map[triple][]int32, len(q.sounds))
	for i := 0; i+run <= len(q.sounds); i++ {
		t := triple(q.sounds[i : i+run])
		places[t] = append(places[t], int32(i))
	}
	counts := make([]int32, len(q.sounds)+len(a.sounds)+1)
	for j := 0; j+run <= len(a.sounds); j++ {
		for _, i := range places[triple(a.sounds[j:j+run])] {
			counts[j-int(i)+len(q.sounds)]++
		}
	}
	// The busiest stretch of diagonals, weighted towards its middle.
	best, at := int32(0), 0
	for d := range counts {
		if counts[d] == 0 {
			continue
		}
		sum := 3 * counts[d]
		for k := 1; k <= 3; k++ {
			if d >= k {
				sum += counts[d-k]
			}
			if d+k < len(counts) {
				sum += counts[d+k]
			}
		}
		if sum > best {
			best, at = sum, d
		}
	}
	return at - len(q.sounds), best > 0
}

func numeral(r rune) bool {
	switch r {
	case '一', '二', '两', '三', '四', '五', '六', '七', '八', '九', '十', '百', '千', '万', '亿', '半':
		return true
	}
	return false
}

// confused tells of four and ten, which many speakers say alike.
func confused(a, b rune) bool { return a == '四' && b == '十' || a == '十' && b == '四' }

func negation(r rune) bool {
	switch r {
	case '不', '无', '非', '未', '没', '否':
		return true
	}
	return false
}
