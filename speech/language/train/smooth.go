package train

import (
	"context"
	"math"
)

// alphabet is among how many characters the chance is spread that is left for unknown ones: the Chinese characters of Unicode's
// first block.
const alphabet = 20992

// discounts of modified Kneser-Ney: what is taken off counts of 1, 2, and 3 and more (Chen & Goodman 1999, equation 26).
func discounts(t *table) [4]float64 {
	var n [5]float64
	for _, c := range t.adjusted {
		if c < 5 {
			n[c]++
		}
	}
	d := [4]float64{0, 0.5, 1, 1.5} // where there are too few n-grams to tell
	if n[1] == 0 || n[2] == 0 || n[3] == 0 || n[4] == 0 {
		return d
	}
	y := n[1] / (n[1] + 2*n[2])
	for i := 1; i <= 3; i++ {
		if v := float64(i) - float64(i+1)*y*n[i+1]/n[i]; v > 0 && v < float64(i) {
			d[i] = v
		}
	}
	return d
}

// smooth computes the probabilities of a source's n-grams, interpolated with the shorter ones', and their backoff weights.
func smooth(ctx context.Context, v vocabulary, tables []*table) error {
	order := len(tables) - 1
	for n := 1; n <= order; n++ {
		tables[n].logp = make([]float32, len(tables[n].keys))
		tables[n].backoff = make([]float32, len(tables[n].keys))
	}
	for n := 1; n <= order; n++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		t := tables[n]
		d := discounts(t)
		below := power(v.base, n-1)
		before := 0 // index in tables[n-1]
		for first := 0; first < len(t.keys); {
			last, total, left := first, 0.0, 0.0
			history := t.keys[first] / v.base
			for ; last < len(t.keys) && t.keys[last]/v.base == history; last++ {
				c := t.adjusted[last]
				total += float64(c)
				left += d[min(c, 3)]
			}
			free := left / total
			for i := first; i < last; i++ {
				c := t.adjusted[i]
				p := (float64(c) - d[min(c, 3)]) / total
				if n == 1 {
					p += free / alphabet
				} else {
					j, _ := tables[n-1].find(t.keys[i] % below)
					p += free * math.Exp(float64(tables[n-1].logp[j]))
				}
				t.logp[i] = float32(math.Log(p))
			}
			if n > 1 {
				for tables[n-1].keys[before] != history {
					before++
				}
				tables[n-1].backoff[before] = float32(math.Log(free))
			}
			first = last
		}
	}
	return nil
}

// unknown is the natural log-probability of one of the characters that a source doesn't know.
func unknown(unigrams *table) float32 {
	known := 0.0
	characters := 0
	for i, key := range unigrams.keys {
		if key == tokenOther {
			continue // what unknown characters of the texts had is all unknown ones'
		}
		known += math.Exp(float64(unigrams.logp[i]))
		if key >= firstToken {
			characters++
		}
	}
	return rest(known, characters)
}

// rest shares what is left of the probability among the characters that are left.
func rest(known float64, characters int) float32 {
	return float32(math.Log(max(1e-9, 1-known) / float64(max(1, alphabet-characters))))
}

// score is the natural log-probability of an n-gram's last token after the others, with backing off; it is used where an
// n-gram isn't among the source's own.
func score(v vocabulary, tables []*table, key uint64, n int, other float32) float32 {
	sum := float32(0)
	for ; n >= 1; n-- {
		if i, ok := tables[n].find(key); ok {
			return sum + tables[n].logp[i]
		}
		if n > 1 {
			if i, ok := tables[n-1].find(key / v.base); ok {
				sum += tables[n-1].backoff[i]
			}
		}
		key %= power(v.base, n-1)
	}
	return sum + other
}
