package search

import (
	"context"
	"slices"
	"sync"
)

// maxTogether is how many queries share one product. Most of its time goes into reading the rows, so that a second query
// costs a fraction of the first.
const maxTogether = 16

// combiner lets concurrent calls share runs: a call that comes while a run is under way waits, and the first one that
// waited then runs for all who did.
type combiner struct {
	mu      sync.Mutex
	running bool
	waiting []*request
	buffer  []float32 // of the run under way
}

// scores returns room for n products. Only the call that runs uses it.
func (c *combiner) scores(n int) []float32 {
	if cap(c.buffer) < n {
		c.buffer = make([]float32, n+n/8)
	}
	return c.buffer[:n]
}

// request is one call of Nearest.
type request struct {
	query []float32
	k     int
	skip  func(owner int32) bool
	hits  []Hit
	err   error
	done  chan struct{} // closed when hits and err are set
	lead  chan struct{} // closed when this call is to run for all who wait
}

// serve answers r, alone or together with others, by run.
func (c *combiner) serve(ctx context.Context, r *request, run func(context.Context, []*request)) ([]Hit, error) {
	c.mu.Lock()
	if c.running {
		c.waiting = append(c.waiting, r)
		c.mu.Unlock()
		select {
		case <-r.done:
			return r.hits, r.err
		case <-r.lead:
		case <-ctx.Done():
			if !c.leave(r) {
				return nil, ctx.Err()
			}
			// It was asked to lead, or is being answered: the others count on it, or it is done soon.
			select {
			case <-r.done:
				return nil, ctx.Err()
			case <-r.lead:
			}
		}
		c.mu.Lock()
	}
	c.running = true
	n := min(len(c.waiting), maxTogether-1)
	together := append([]*request{r}, c.waiting[:n]...)
	c.waiting = slices.Clone(c.waiting[n:])
	c.mu.Unlock()

	defer c.pass(together[1:])
	// The run is the others' too, and ends in milliseconds.
	run(context.WithoutCancel(ctx), together)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.hits, r.err
}

// pass lets the others of a run go, and the next who waits run.
func (c *combiner) pass(others []*request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, other := range others {
		close(other.done)
	}
	c.running = len(c.waiting) > 0
	if c.running {
		next := c.waiting[0]
		c.waiting = c.waiting[1:]
		close(next.lead)
	}
}

// leave takes r out of the queue and reports whether it was taken out of it before.
func (c *combiner) leave(r *request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, w := range c.waiting {
		if w == r {
			c.waiting = append(c.waiting[:i], c.waiting[i+1:]...)
			return false
		}
	}
	return true
}
