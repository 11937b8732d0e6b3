package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

func (b *Batcher) work() {
	for {
		f := b.next()
		if f == nil {
			return
		}
		b.fly(f)
	}
}

// next waits for a run that a worker is to do. It returns nil when the batcher is closed and its queue is empty.
func (b *Batcher) next() *flight {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		var first *request
		var wait time.Duration
		if b.active < b.cfg.Instances {
			first, wait = b.ready()
		}
		switch {
		case first != nil:
			f := b.take(first)
			if len(f.requests) == 0 {
				continue
			}
			if b.queue.Len() > 0 && b.active < b.cfg.Instances {
				b.wake.Signal() // the signal of what is left may have woken this worker
			}
			return f
		case b.closed && b.queue.Len() == 0:
			return nil
		case wait > 0:
			b.alarm.Reset(wait)
		}
		b.wake.Wait()
	}
}

// ready returns the oldest request that should start now, else how long until one should; 0 when none waits.
func (b *Batcher) ready() (first *request, wait time.Duration) {
	if b.cfg.MaxDelay <= 0 || b.closed {
		if e := b.queue.Front(); e != nil {
			return e.Value.(*request), 0
		}
		return nil, 0
	}
	now := time.Now()
	for e := b.queue.Front(); e != nil; e = e.Next() {
		r := e.Value.(*request)
		if r.alone {
			return r, 0
		}
		c := b.classes[r.class]
		if c.waiting.Front() != r.inClass {
			continue // its class was looked at before
		}
		left := b.cfg.MaxDelay - now.Sub(r.arrived)
		if c.rows >= min(c.demand, b.cfg.MaxBatch) || left <= 0 {
			return r, 0
		}
		if wait == 0 || left < wait {
			wait = left
		}
	}
	return nil, wait
}

// take takes first and its companions out of the queue. Callers hold mu. The flight is empty when their contexts had all
// ended.
func (b *Batcher) take(first *request) *flight {
	f := &flight{}
	now := time.Now()
	add := func(r *request) {
		b.dequeue(r)
		if err := r.ctx.Err(); err != nil {
			r.err = b.fail(ReasonOf(err), fmt.Errorf("%w in the queue after %v", err, now.Sub(r.arrived).Round(time.Microsecond)))
			close(r.done)
			return
		}
		r.flight, r.taken = f, now
		f.requests = append(f.requests, r)
		f.rows += r.rows
	}
	if first.alone {
		add(first)
	} else {
		c := b.classes[first.class]
		for e := c.waiting.Front(); e != nil; {
			r := e.Value.(*request)
			if f.rows+r.rows > b.cfg.MaxBatch {
				break // not skipped: a big request must not starve behind small ones
			}
			e = e.Next()
			add(r)
		}
	}
	if len(f.requests) == 0 {
		return f
	}
	b.active++
	f.present = len(f.requests)
	b.flying += f.present
	if f.present > 1 {
		f.released = make(chan struct{})
		f.ctx, f.cancel = flightContext(f.requests)
	}
	for _, r := range f.requests {
		r.batchRows = f.rows
		r.held = r.done
		if f.released != nil {
			r.held = f.released
		}
	}
	return f
}

// flightContext returns the context of a joined run, which the last caller to leave ends. A caller that can't leave
// keeps the run alive, and a context that can't end is cheaper to run under.
func flightContext(requests []*request) (context.Context, context.CancelFunc) {
	for _, r := range requests {
		if r.ctx.Done() == nil {
			return context.Background(), func() {}
		}
	}
	return context.WithCancel(context.Background())
}

// fly runs f and answers its requests.
func (b *Batcher) fly(f *flight) {
	if len(f.requests) == 1 {
		b.flyAlone(f.requests[0])
	} else {
		b.flyJoined(f)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.active--
	b.flying -= len(f.requests)
	switch {
	case b.closed:
		b.wake.Broadcast()
	case b.queue.Len() > 0:
		b.wake.Signal()
	}
	if c, ok := b.classes[f.requests[0].class]; ok && !f.requests[0].alone {
		c.demand = f.rows + c.rows
	}
}

func (b *Batcher) flyAlone(r *request) {
	start := time.Now()
	out, err := b.call(r.ctx, r.inputs)
	b.cfg.Observer.RunFinished(RunStats{Model: b.cfg.Model, Reason: reasonOrOK(err), Requests: 1, Rows: r.rows, Run: time.Since(start)})
	b.answer(r, out, err)
}

func (b *Batcher) flyJoined(f *flight) {
	defer f.cancel()
	start := time.Now()
	parts := make([]Tensors, len(f.requests))
	counts := make([]int, len(f.requests))
	for i, r := range f.requests {
		parts[i], counts[i] = r.inputs, r.rows
	}
	joined := b.join.join(parts, f.rows)
	close(f.released)

	ran := time.Now()
	out, err := b.call(f.ctx, joined)
	stats := RunStats{Model: b.cfg.Model, Requests: len(f.requests), Rows: f.rows, Join: ran.Sub(start), Run: time.Since(ran)}
	b.join.release(joined)
	var results []Tensors
	if err == nil {
		if results, err = b.join.split(out, counts, f.rows); err != nil {
			err = b.fail(Backend, err)
		}
	}
	stats.Reason = reasonOrOK(err)
	b.cfg.Observer.RunFinished(stats)

	for i, r := range f.requests {
		switch {
		case err == nil:
			b.answer(r, results[i], nil)
		case stats.Reason == Backend || stats.Reason == Invalid:
			b.repeat(r, err)
		default:
			b.answer(r, nil, err)
		}
	}
}

// repeat runs one request of a failed joined run by itself, unless its caller has gone and with it the inputs.
func (b *Batcher) repeat(r *request, joinedErr error) {
	b.mu.Lock()
	gone := r.left
	if !gone {
		r.held = r.done
	}
	b.mu.Unlock()
	if gone {
		b.answer(r, nil, joinedErr)
		return
	}
	b.flyAlone(r)
}

// answer hands r its result.
func (b *Batcher) answer(r *request, out Tensors, err error) {
	if err == nil && out == nil {
		err = errors.New("the executor gave neither outputs nor an error")
	}
	var f *Failure
	if err != nil && !errors.As(err, &f) {
		err = b.fail(ReasonOf(err), err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r.out, r.err = out, err
	close(r.done)
}

// call runs the executor; a panic in it is a failure of this run only.
func (b *Batcher) call(ctx context.Context, inputs Tensors) (out Tensors, err error) {
	defer func() {
		if p := recover(); p != nil {
			b.cfg.Logger.ErrorContext(ctx, "executor panicked", "model", b.cfg.Model, "panic", p, "stack", string(debug.Stack()))
			out, err = nil, b.fail(Backend, fmt.Errorf("the executor panicked: %v", p))
		}
	}()
	return b.x.Run(ctx, inputs)
}

func reasonOrOK(err error) Reason {
	if err == nil {
		return ""
	}
	return ReasonOf(err)
}
