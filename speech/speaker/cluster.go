package speaker

import (
	"cmp"
	"math"
	"slices"
)

// agglomerate joins vectors bottom-up by the mean similarity of their pairs (average linkage), always the two groups that are
// most similar, until all are one. Weights say how many vectors each one stands for. Memory grows with the square of the
// number of vectors, time as well (nearest-neighbour chain, Murtagh 1983).
func agglomerate(vectors [][]float32, weights []float64) tree {
	n := len(vectors)
	similarity := make([][]float32, n)
	for i := range similarity {
		similarity[i] = make([]float32, n)
		for j := range i {
			c := product(vectors[i], vectors[j])
			similarity[i][j], similarity[j][i] = c, c
		}
	}
	size := slices.Clone(weights)
	alive := make([]bool, n)
	for i := range alive {
		alive[i] = true
	}
	var joins []joint
	var chain []int
	for len(joins) < n-1 {
		if len(chain) == 0 {
			chain = append(chain, slices.Index(alive, true))
		}
		top := chain[len(chain)-1]
		best := -1
		if len(chain) > 1 {
			best = chain[len(chain)-2] // of equals, the one before: else the chain could go round
		}
		for j, ok := range alive {
			if ok && j != top && (best < 0 || similarity[top][j] > similarity[top][best]) {
				best = j
			}
		}
		if len(chain) < 2 || best != chain[len(chain)-2] {
			chain = append(chain, best)
			continue
		}
		chain = chain[:len(chain)-2]
		keep, gone := min(top, best), max(top, best)
		joins = append(joins, joint{keep, gone, similarity[top][best], min(size[keep], size[gone])})
		alive[gone] = false
		total := size[keep] + size[gone]
		for j, ok := range alive {
			if ok && j != keep {
				s := float32((size[keep]*float64(similarity[keep][j]) + size[gone]*float64(similarity[gone][j])) / total)
				similarity[keep][j], similarity[j][keep] = s, s
			}
		}
		size[keep] = total
	}
	// The chain finds joins out of order; average linkage never makes a later join of the same groups more similar.
	slices.SortStableFunc(joins, func(x, y joint) int { return cmp.Compare(y.similarity, x.similarity) })
	return tree{n, joins}
}

// tree is how n vectors become one group, the most similar joins first.
type tree struct {
	n     int
	joins []joint
}

// joint is one step of the agglomeration: the groups of two vectors become one.
type joint struct {
	a, b       int
	similarity float32
	lesser     float64 // weight of the lighter of the two groups
}

// threshold moves a similarity by at most reach to where it parts groups of at least least most clearly: into the middle of
// the widest stretch without such a join.
func (t tree) threshold(similarity, reach float32, least float64) float32 {
	above, widest, best := similarity+reach, float32(0), similarity
	low := similarity - reach
	look := func(below float32) {
		if top, bottom := min(above, similarity+reach), max(below, low); top-bottom > widest {
			widest, best = top-bottom, (top+bottom)/2
		}
		above = below
	}
	for _, j := range t.joins {
		if j.lesser >= least {
			look(j.similarity)
		}
	}
	look(low)
	return best
}

// cut returns each vector's group, numbered by first appearance: groups are joined while they are at least as similar as
// threshold, and while there are more than most; where exactly is positive, until there are so many.
func (t tree) cut(threshold float32, most, exactly int) []int {
	n := t.n
	parent := make([]int, n)
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	groups := n
	for _, j := range t.joins {
		wanted := j.similarity >= threshold || most > 0 && groups > most
		if exactly > 0 {
			wanted = groups > exactly
		}
		if !wanted {
			break
		}
		parent[find(j.b)] = find(j.a)
		groups--
	}
	label, numbers := make([]int, n), map[int]int{}
	for i := range label {
		root := find(i)
		if _, ok := numbers[root]; !ok {
			numbers[root] = len(numbers)
		}
		label[i] = numbers[root]
	}
	return label
}

// centroids are the mean directions of groups, weighted; a group without weight has none (nil).
func centroids(vectors [][]float32, weights []float64, label []int, groups int) [][]float32 {
	sums := make([][]float32, groups)
	for i, v := range vectors {
		k := label[i]
		if k < 0 || weights[i] <= 0 {
			continue
		}
		if sums[k] == nil {
			sums[k] = make([]float32, len(v))
		}
		for d, x := range v {
			sums[k][d] += x * float32(weights[i])
		}
	}
	for k, s := range sums {
		if s != nil && !unit(s) {
			sums[k] = nil
		}
	}
	return sums
}

// viterbi finds the likeliest sequence of states for scores [time][state], where another state at time t than at t-1 costs
// change[t].
func viterbi(scores [][]float32, change []float32) []int {
	if len(scores) == 0 {
		return nil
	}
	states := len(scores[0])
	total := slices.Clone(scores[0])
	from := make([][]int, len(scores))
	for t := 1; t < len(scores); t++ {
		best := 0
		for k := range states {
			if total[k] > total[best] {
				best = k
			}
		}
		next := make([]float32, states)
		from[t] = make([]int, states)
		for k := range states {
			next[k], from[t][k] = total[k], k
			if total[best]-change[t] > next[k] {
				next[k], from[t][k] = total[best]-change[t], best
			}
			next[k] += scores[t][k]
		}
		total = next
	}
	path := make([]int, len(scores))
	last := float32(math.Inf(-1))
	for k, v := range total {
		if v > last {
			last, path[len(path)-1] = v, k
		}
	}
	for t := len(path) - 1; t > 0; t-- {
		path[t-1] = from[t][path[t]]
	}
	return path
}
