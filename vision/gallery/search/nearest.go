package search

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// Hit is an owner whom a search found.
type Hit struct {
	Owner  int32
	Cosine float64 // of the owner's best vector, -1 to 1
}

// smallProduct is how many multiplications are done in the caller's goroutine.
const smallProduct = 1 << 20

// Nearest returns the k owners, 1 or more, whose best vector is nearest to the query, best first; fewer when there are
// fewer. Equal cosines are ordered by owner. skip, unless nil, names owners who are to be left out; it is called from
// several goroutines. The answer is exact: comparing all vectors by [Cosine] gives the same.
//
// Concurrent calls share the work. A call whose context ends returns early.
func (x *Index) Nearest(ctx context.Context, query []float32, k int, skip func(owner int32) bool) ([]Hit, error) {
	if err := CheckVector(query, x.cfg.Dimensions); err != nil {
		return nil, err
	}
	if k < 1 {
		return nil, fmt.Errorf("k is %d, want 1 or more", k)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if skip == nil {
		skip = func(int32) bool { return false }
	}
	r := &request{query: query, k: k, skip: skip, done: make(chan struct{}), lead: make(chan struct{})}
	return x.turns.serve(ctx, r, x.answer)
}

// part is a run of rows of one block, and the approximate products of all queries with them.
type part struct {
	block       *block
	from, n     int // rows; n may pass the block's last row into the zeros behind it
	scores      []float32
	queryErrors []float32
}

// answer runs the product of all rows with all the requests' queries, and gives each its hits.
func (x *Index) answer(ctx context.Context, requests []*request) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	fail := func(err error) {
		for _, r := range requests {
			r.err = err
		}
	}
	if x.closed {
		fail(errClosed)
		return
	}
	d := x.cfg.Dimensions
	q := 1
	for q < len(requests) {
		q *= 2
	}
	queries := make([]float32, q*d)
	for j := range q {
		copy(queries[j*d:(j+1)*d], requests[min(j, len(requests)-1)].query)
	}

	parts := x.split()
	total := 0
	for _, p := range parts {
		total += p.n
	}
	buffer := x.turns.scores(total * q)
	threads := x.cfg.Threads
	if total*d*q <= smallProduct {
		threads = 1
	}
	for i := range parts {
		p := &parts[i]
		p.scores, buffer = buffer[:p.n*q], buffer[p.n*q:]
		p.queryErrors = make([]float32, q)
	}
	if err := each(threads, len(parts), func(i int) error { return x.multiply(ctx, &parts[i], queries) }); err != nil {
		fail(err)
		return
	}
	_ = each(threads, len(requests), func(j int) error {
		requests[j].hits = x.choose(parts, j, requests[j])
		return nil
	})
}

// split returns the rows in parts: prepared blocks whole, others so that all threads have some. Large parts come first.
func (x *Index) split() []part {
	var parts []part
	for _, b := range x.blocks {
		n := (len(b.owners) + rowStep - 1) / rowStep * rowStep
		if b.prepared != nil {
			parts = append(parts, part{block: b, n: n})
			continue
		}
		step := max((n/x.cfg.Threads+rowStep-1)/rowStep, 4) * rowStep
		for from := 0; from < n; from += step {
			parts = append(parts, part{block: b, from: from, n: min(step, n-from)})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return b.n - a.n })
	return parts
}

func (x *Index) multiply(ctx context.Context, p *part, queries []float32) error {
	if p.block.prepared != nil {
		return p.block.prepared.Dot(ctx, queries, p.scores, p.queryErrors)
	}
	d := x.cfg.Dimensions
	for j := range p.queryErrors {
		p.queryErrors[j] = floatError(d)
	}
	return x.cfg.Searcher.Dot(ctx, p.block.rows[p.from*d:(p.from+p.n)*d], queries, d, p.scores)
}

// choose finds the best owners for query j. First, the k-th best of the owners' lower bounds: whoever's upper bound is
// below it can't be among the best. Then all who are left are compared in full.
func (x *Index) choose(parts []part, j int, r *request) []Hit {
	floor := newBest(r.k)
	for _, p := range parts {
		scores, rowErrors := p.of(j)
		queryError := p.queryErrors[j]
		for i, owner := range p.owners() {
			lower := scores[i] - queryError
			if rowErrors != nil {
				lower -= rowErrors[i]
			}
			if float64(lower) > floor.least && owner != nobody && !r.skip(owner) {
				floor.offer(owner, float64(lower))
			}
		}
	}
	// One unit in the last place for the subtraction above and the addition below, each in float32.
	least := floor.least - roundings
	best, d := newBest(r.k), x.cfg.Dimensions
	for _, p := range parts {
		scores, rowErrors := p.of(j)
		queryError := p.queryErrors[j]
		for i, owner := range p.owners() {
			upper := scores[i] + queryError
			if rowErrors != nil {
				upper += rowErrors[i]
			}
			if float64(upper) < least || owner == nobody || r.skip(owner) {
				continue
			}
			row := (p.from + i) * d
			best.offer(owner, Cosine(r.query, p.block.rows[row:row+d]))
		}
	}
	return best.sorted()
}

// of returns the scores of query j and the rows' part of their errors, nil where there is none.
func (p part) of(j int) (scores, rowErrors []float32) {
	if p.block.prepared != nil {
		rowErrors = p.block.prepared.RowErrors()
	}
	return p.scores[j*p.n : (j+1)*p.n], rowErrors
}

func (p part) owners() []int32 {
	return p.block.owners[p.from:min(p.from+p.n, len(p.block.owners))]
}

// best keeps the k best owners, each with their best score.
type best struct {
	k     int
	hits  []Hit
	least float64 // below which nothing can enter; -Inf until there are k
	worst int     // position of the worst hit, once there are k
}

func newBest(k int) *best { return &best{k: k, least: math.Inf(-1)} }

func (b *best) offer(owner int32, score float64) {
	h := Hit{Owner: owner, Cosine: score}
	if len(b.hits) == b.k && compare(h, b.hits[b.worst]) >= 0 {
		return
	}
	if i := slices.IndexFunc(b.hits, func(o Hit) bool { return o.Owner == owner }); i >= 0 {
		b.hits[i].Cosine = max(b.hits[i].Cosine, score)
	} else if len(b.hits) < b.k {
		b.hits = append(b.hits, h)
	} else {
		b.hits[b.worst] = h
	}
	if len(b.hits) < b.k {
		return
	}
	b.worst = 0
	for i, o := range b.hits {
		if compare(o, b.hits[b.worst]) > 0 {
			b.worst = i
		}
	}
	b.least = b.hits[b.worst].Cosine
}

func (b *best) sorted() []Hit {
	slices.SortFunc(b.hits, compare)
	return b.hits
}

// compare orders the better hit first.
func compare(a, b Hit) int {
	return cmp.Or(cmp.Compare(b.Cosine, a.Cosine), cmp.Compare(a.Owner, b.Owner))
}

// each calls do for 0 to n-1 from several goroutines and returns the first error.
func each(threads, n int, do func(i int) error) error {
	if threads = min(threads, n); threads <= 1 {
		for i := range n {
			if err := do(i); err != nil {
				return err
			}
		}
		return nil
	}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	work := func() {
		for failed.Load() == nil {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			if err := do(i); err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		}
	}
	for range threads - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
