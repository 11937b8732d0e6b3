package train

import (
	"context"
	"math"
	"slices"
)

// model is a source after smoothing.
type model struct {
	tables  []*table
	unknown float32
}

// mixed is all n-grams of one length of all sources, with the mixture's probabilities.
type mixed struct {
	keys    []uint64
	weight  []float32 // how often it occurs, by the sources' shares in the mixture, of all characters
	raw     []uint32  // how often it occurs in all sources together
	logp    []float32
	backoff []float32
	before  []int32 // index of the n-gram without its last token, among those one shorter
	after   []int32 // and without its first
	keep    []bool
}

// mix joins the sources' models. What a source hasn't seen has the probability that its backing off gives.
func mix(ctx context.Context, v vocabulary, models []model, weights []float64, step func(done float64)) ([]*mixed, error) {
	order := len(models[0].tables) - 1
	out := make([]*mixed, order+1)
	var shorter [][]float32 // by source: the probabilities of the n-grams one shorter
	total := make([]float64, len(models))
	for k, m := range models {
		for _, c := range m.tables[1].raw {
			total[k] += float64(c)
		}
	}
	for n := 1; n <= order; n++ {
		x := &mixed{}
		for _, m := range models {
			x.keys = append(x.keys, m.tables[n].keys...)
		}
		slices.Sort(x.keys)
		x.keys = slices.Clip(slices.Compact(x.keys))
		size := len(x.keys)
		x.weight, x.raw, x.logp, x.backoff, x.keep = make([]float32, size), make([]uint32, size), make([]float32, size), make([]float32, size), make([]bool, size)
		if n > 1 {
			x.link(v, out[n-1], n)
		}
		sum := make([]float64, size)
		own := make([][]float32, len(models))
		for k, m := range models {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			own[k] = make([]float32, size)
			t, next, history := m.tables[n], 0, 0
			for i, key := range x.keys {
				switch {
				case next < len(t.keys) && t.keys[next] == key:
					own[k][i] = t.logp[next]
					x.weight[i] += float32(weights[k] * float64(t.raw[next]) / total[k])
					x.raw[i] += t.raw[next]
					next++
				case n == 1:
					own[k][i] = m.unknown
				default:
					before := m.tables[n-1]
					for history < len(before.keys) && before.keys[history] < key/v.base {
						history++
					}
					own[k][i] = shorter[k][x.after[i]]
					if history < len(before.keys) && before.keys[history] == key/v.base {
						own[k][i] += before.backoff[history]
					}
				}
				sum[i] += weights[k] * math.Exp(float64(own[k][i]))
			}
			step((float64(n-1) + float64(k+1)/float64(len(models))) / float64(order))
		}
		for i, p := range sum {
			x.logp[i] = float32(math.Log(p))
		}
		out[n], shorter = x, own
	}
	for n := 2; n <= order; n++ {
		for i := range out[n].keep {
			out[n].keep[i] = true
		}
		out[n].normalise(out[n-1])
	}
	return out, nil
}

// link finds for each n-gram those that it consists of.
func (x *mixed) link(v vocabulary, shorter *mixed, n int) {
	x.before, x.after = make([]int32, len(x.keys)), make([]int32, len(x.keys))
	below, history := power(v.base, n-1), 0
	for i, key := range x.keys {
		for shorter.keys[history] != key/v.base {
			history++
		}
		x.before[i] = int32(history)
		j, _ := slices.BinarySearch(shorter.keys, key%below)
		x.after[i] = int32(j)
	}
}

// normalise computes the backoff weights of the n-grams one shorter so that the probabilities after each sum to one: what the
// n-grams that are kept leave, over what the shorter ones give to those that aren't.
func (x *mixed) normalise(shorter *mixed) {
	clear(shorter.backoff)
	for first := 0; first < len(x.keys); {
		last, seen, covered := first, 0.0, 0.0
		for ; last < len(x.keys) && x.before[last] == x.before[first]; last++ {
			if x.keep[last] {
				seen += math.Exp(float64(x.logp[last]))
				covered += math.Exp(float64(shorter.logp[x.after[last]]))
			}
		}
		shorter.backoff[x.before[first]] = float32(math.Log(max(1e-6, 1-seen) / max(1e-6, 1-covered)))
		first = last
	}
}

// prune keeps what matters most within a size in bytes, and nothing that occurs more rarely than the cut-offs say. What a kept
// n-gram consists of is kept too, for the search goes from the short ones to the long.
func prune(ctx context.Context, v vocabulary, all []*mixed, cutoffs []int, bytes int) error {
	order := len(all) - 1
	matters := make([][]float32, order+1)
	highest := float32(0)
	for n := 2; n <= order; n++ {
		x := all[n]
		matters[n] = make([]float32, len(x.keys))
		for i, key := range x.keys {
			gain := x.weight[i] * (x.logp[i] - all[n-1].backoff[x.before[i]] - all[n-1].logp[x.after[i]])
			if v.foreign(key) || int(x.raw[i]) < cutoff(cutoffs, n) {
				gain = -1
			}
			matters[n][i] = gain
			highest = max(highest, gain)
		}
	}
	choose := func(least float64) int {
		for n := order; n >= 2; n-- {
			x := all[n]
			for i := range x.keep {
				x.keep[i] = matters[n][i] >= float32(least) && matters[n][i] > 0
			}
			if n < order {
				for i, kept := range all[n+1].keep {
					if kept {
						x.keep[all[n+1].before[i]], x.keep[all[n+1].after[i]] = true, true
					}
				}
			}
		}
		return fileSize(all)
	}
	low, high := 0.0, float64(highest)+1e-30
	if choose(low) > bytes {
		// Bisected in the logarithm, for what matters runs over many powers of ten.
		low = 1e-16
		for range 40 {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			middle := math.Sqrt(low * high)
			if choose(middle) > bytes {
				low = middle
			} else {
				high = middle
			}
			if high/low < 1.002 {
				break
			}
		}
		choose(high)
	}
	for n := 2; n <= order; n++ {
		all[n].normalise(all[n-1])
	}
	return nil
}

// foreign tells whether an n-gram holds a character that the model doesn't know.
func (v vocabulary) foreign(key uint64) bool {
	for ; key > 0; key /= v.base {
		if key%v.base == tokenOther {
			return true
		}
	}
	return false
}

func cutoff(cutoffs []int, n int) int {
	if len(cutoffs) == 0 {
		return 1
	}
	return cutoffs[min(n-2, len(cutoffs)-1)]
}

// fileSize is what the n-grams that are kept take in a file, but for some hundred bytes.
func fileSize(all []*mixed) int {
	size := 12 * len(all[1].keys)
	for n := 2; n < len(all); n++ {
		entries := 0
		for _, kept := range all[n].keep {
			if kept {
				entries++
			}
		}
		size += entries*3 + entries/3 + 1024
		if n < len(all)-1 {
			size += entries + 1024
		}
	}
	return size
}
