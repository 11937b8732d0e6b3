package pipeline

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// BatchConfig configures a [Batcher].
type BatchConfig struct {
	// Model is the catalogue id for failures and metrics.
	Model string
	// MaxBatch is the largest number of rows in one run; 0 and 1 run every request by itself.
	MaxBatch int
	// MaxDelay is how long a request may wait for companions that are likely to come; 0 joins only what queued while
	// earlier runs were busy. A lone caller never waits.
	MaxDelay time.Duration
	// QueueLimit is how many requests may wait; one more is refused with REJECTED at once. 0 means 256.
	QueueLimit int
	// Instances is how many runs may be under way at a time. 0 means 1.
	Instances int
	// Axes holds the batch axis of each input and output, -1 where requests are not joined: such an input must be
	// equal in all requests of a batch, such an output is copied to all of them. A tensor not named has axis 0.
	Axes map[string]int
	// Pool lends the memory of joined inputs; nil makes a pool.
	Pool *BufferPool
	// Observer is told of every request and run; nil tells nobody.
	Observer Observer
	// Logger gets the stack of a panic in the executor; nil means slog.Default().
	Logger *slog.Logger
}

const defaultQueueLimit = 256

var errBatcherClosed = errors.New("the model is being unloaded")

// Batcher joins concurrent requests of equal shape class into single runs of an executor, which it owns. It is itself an
// [Executor]: to a caller it looks as if the model ran for it alone.
//
// Requests are served in the order of arrival, the class of the oldest one first. A request whose context ends is taken
// out of the queue; during a run its caller is let go at once and the run goes on for the others. Only when all callers
// of a run have left is it stopped. A request that runs by itself reads its caller's memory, so there Run returns only
// when the executor has stopped.
//
// A request that finds nothing to wait for runs in its caller's goroutine; the others are run by workers.
//
// When a joined run fails in the runtime, its requests are repeated one by one: bad input fails alone.
type Batcher struct {
	x       Executor
	cfg     BatchConfig
	join    joiner
	workers sync.WaitGroup
	close   sync.Once
	closing error

	mu      sync.Mutex
	wake    *sync.Cond // workers wait on it for requests, for companions and for Close
	alarm   *time.Timer
	queue   list.List // of *request, oldest first
	classes map[string]*shapeClass
	active  int            // runs under way, at most Instances
	flying  int            // requests in them
	inline  sync.WaitGroup // runs in their callers' goroutines; Add is guarded by mu and closed
	closed  bool
}

// shapeClass holds the waiting requests that may run together.
type shapeClass struct {
	key     string
	waiting list.List // of *request, oldest first
	rows    int       // sum over waiting
	demand  int       // rows that were wanted when the class's last run ended: its own and those waiting
}

// maxIdleClasses bounds the classes that are remembered for their demand alone: picture sizes are endless.
const maxIdleClasses = 64

// request is one caller's call. What follows done is guarded by Batcher.mu until done is closed.
type request struct {
	ctx     context.Context //nolint:containedctx // of the call, for as long as the call lasts
	inputs  Tensors
	rows    int
	class   string
	alone   bool // may not be joined
	arrived time.Time
	done    chan struct{} // closed when out and err are set

	inQueue, inClass *list.Element
	flight           *flight
	held             <-chan struct{} // closed when the inputs are no longer read; nil while queued
	left             bool            // the caller has gone, or is about to
	taken            time.Time

	out       Tensors
	err       error
	batchRows int
}

// flight is one run that is under way.
type flight struct {
	requests []*request
	rows     int
	present  int // callers that still wait; guarded by Batcher.mu

	// Of joined runs only: a run of one request goes by the request's own context and reads its memory to the end.
	ctx      context.Context //nolint:containedctx // of the run, which this value is
	cancel   context.CancelFunc
	released chan struct{} // closed when the requests' inputs are no longer read
}

var _ Executor = (*Batcher)(nil)

// NewBatcher starts cfg.Instances workers around x. Close stops them and closes x.
func NewBatcher(x Executor, cfg BatchConfig) *Batcher {
	if cfg.QueueLimit <= 0 {
		cfg.QueueLimit = defaultQueueLimit
	}
	if cfg.Instances <= 0 {
		cfg.Instances = 1
	}
	if cfg.Pool == nil {
		cfg.Pool = new(BufferPool)
	}
	if cfg.Observer == nil {
		cfg.Observer = noObserver{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	b := &Batcher{x: x, cfg: cfg, classes: map[string]*shapeClass{}}
	b.join = newJoiner(x.Signature(), cfg.Axes, cfg.Pool)
	if b.cfg.MaxBatch < 1 || !b.join.joinable() {
		b.cfg.MaxBatch = 1
	}
	b.wake = sync.NewCond(&b.mu)
	b.alarm = time.AfterFunc(time.Hour, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.wake.Broadcast()
	})
	b.alarm.Stop()
	for range b.cfg.Instances {
		b.workers.Go(b.work)
	}
	return b
}

// Signature implements [Executor].
func (b *Batcher) Signature() Signature { return b.x.Signature() }

// Describe implements [Described].
func (b *Batcher) Describe() Description { return Describe(b.x) }

// Load is a batcher's momentary load, in requests.
type Load struct{ Queued, Running int }

// Load returns how many requests wait and how many are being run.
func (b *Batcher) Load() Load {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Load{Queued: b.queue.Len(), Running: b.flying}
}

// Run implements [Executor]. A request may hold several rows; more than MaxBatch of them are INVALID.
func (b *Batcher) Run(ctx context.Context, inputs Tensors) (out Tensors, err error) {
	r := &request{ctx: ctx, inputs: inputs, arrived: time.Now(), done: make(chan struct{})}
	defer func() {
		// The engine sends such a request on to the model's next version, so it is not yet finished.
		if !errors.Is(err, errBatcherClosed) {
			b.observe(r, err)
		}
	}()
	if err := b.prepare(r); err != nil {
		return nil, err
	}
	here, err := b.admit(r)
	if err != nil {
		return nil, err
	}
	if here != nil {
		defer b.inline.Done()
		if len(here.requests) > 0 {
			b.fly(here)
		}
		return r.out, r.err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if err := b.leave(r); err != nil {
			return nil, err
		}
	}
	return r.out, r.err
}

func (b *Batcher) fail(reason Reason, err error) error {
	return &Failure{Reason: reason, Model: b.cfg.Model, Err: err}
}

func (b *Batcher) prepare(r *request) error {
	if err := r.ctx.Err(); err != nil {
		return b.fail(ReasonOf(err), err)
	}
	if err := b.join.sig.Check(r.inputs); err != nil {
		return b.fail(Invalid, err)
	}
	rows, err := b.join.rows(r.inputs)
	if err != nil {
		return b.fail(Invalid, err)
	}
	if rows > b.cfg.MaxBatch {
		return b.fail(Invalid, fmt.Errorf("%d rows in one request exceed the largest batch, %d: send them as several", rows, b.cfg.MaxBatch))
	}
	r.rows = rows
	if b.cfg.MaxBatch == 1 {
		r.alone = true
		return nil
	}
	key, ok := b.join.class(r.inputs)
	r.class, r.alone = key, !ok
	return nil
}

// admit puts r into the queue, or returns the run that the caller is to do at once.
func (b *Batcher) admit(r *request) (*flight, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, b.fail(Rejected, errBatcherClosed)
	}
	free := b.cfg.Instances - b.active
	if b.queue.Len() >= b.cfg.QueueLimit+free {
		return nil, b.fail(Rejected, fmt.Errorf("%d requests are waiting already (queue limit %d): try again later",
			b.queue.Len(), b.cfg.QueueLimit))
	}
	companions := false // that are worth waiting for
	r.inQueue = b.queue.PushBack(r)
	if !r.alone {
		c := b.class(r.class)
		r.inClass = c.waiting.PushBack(r)
		c.rows += r.rows
		companions = b.cfg.MaxDelay > 0 && c.rows < min(c.demand, b.cfg.MaxBatch)
	}
	if free > 0 && b.queue.Len() == 1 && !companions {
		// Without a change of goroutine the call is faster, and the model's weights stay in this core's cache.
		b.inline.Add(1)
		return b.take(r), nil
	}
	if free > 0 {
		b.wake.Signal()
	}
	return nil, nil
}

func (b *Batcher) class(key string) *shapeClass {
	c, ok := b.classes[key]
	if !ok {
		if len(b.classes) >= maxIdleClasses {
			for k, old := range b.classes {
				if old.waiting.Len() == 0 {
					delete(b.classes, k)
				}
			}
		}
		c = &shapeClass{key: key}
		b.classes[key] = c
	}
	return c
}

// dequeue takes r out of the queue. Callers hold mu.
func (b *Batcher) dequeue(r *request) {
	b.queue.Remove(r.inQueue)
	r.inQueue = nil
	if r.inClass != nil {
		c := b.classes[r.class]
		c.waiting.Remove(r.inClass)
		c.rows -= r.rows
		r.inClass = nil
	}
}

// leave ends the wait of a caller whose context ended. It returns nil when the result came first.
func (b *Batcher) leave(r *request) error {
	where := "in the queue"
	b.mu.Lock()
	if r.inQueue != nil {
		b.dequeue(r)
		b.mu.Unlock()
	} else {
		select {
		case <-r.done:
			b.mu.Unlock()
			return nil
		default:
		}
		where = "during the run"
		r.left = true
		r.flight.present--
		if r.flight.present == 0 && r.flight.cancel != nil {
			r.flight.cancel()
		}
		held := r.held
		b.mu.Unlock()
		<-held
	}
	err := r.ctx.Err()
	return b.fail(ReasonOf(err), fmt.Errorf("%w %s after %v", err, where, time.Since(r.arrived).Round(time.Microsecond)))
}

func (b *Batcher) observe(r *request, err error) {
	s := RequestStats{Model: b.cfg.Model, Rows: r.rows}
	if err != nil {
		s.Reason = ReasonOf(err)
	}
	now := time.Now()
	b.mu.Lock()
	if taken := r.taken; taken.IsZero() {
		s.Queue = now.Sub(r.arrived)
	} else {
		s.Queue, s.Run, s.BatchRows = taken.Sub(r.arrived), now.Sub(taken), r.batchRows
	}
	b.mu.Unlock()
	b.cfg.Observer.RequestFinished(s)
}

// Close refuses new requests, lets the waiting ones finish, and closes the executor.
func (b *Batcher) Close() error {
	b.close.Do(func() {
		b.mu.Lock()
		b.closed = true
		b.wake.Broadcast()
		b.mu.Unlock()
		b.workers.Wait()
		b.inline.Wait()
		b.alarm.Stop()
		b.closing = b.x.Close()
	})
	return b.closing
}
