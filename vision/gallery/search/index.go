package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"sync"
)

const (
	// blockRows is how many rows are prepared together: enough that a run's fixed cost is small beside the product, few
	// enough that the rows that wait to fill a block are cheap to multiply as they are.
	blockRows = 8192
	// rowStep and the powers of two of queries bound the number of shapes that the runtime meets and remembers.
	rowStep = 256
	// firstRows is the room that an index begins with.
	firstRows = rowStep
)

// Config configures an [Index].
type Config struct {
	Dimensions int
	// Searcher multiplies; nil means NewPlain(). It stays its owner's to close, after the index.
	Searcher Searcher
	// Threads is how many blocks are multiplied at a time; 0 means one a core.
	Threads int
	// Logger is told when rows can't be prepared; nil means slog.Default().
	Logger *slog.Logger
}

// Index holds vectors of length 1 and finds the nearest. It is safe for concurrent use: a search sees all that was added
// and removed before it began, and nothing of what comes while it runs.
//
// New rows are multiplied as they are. Each 8,192 of them are prepared in the background ([Searcher.Prepare]); so is again,
// without it, a block that something was removed from, and a block that is half empty is dissolved: memory grows with what
// is in the index only. A removed vector is overwritten at once, and its prepared copy is freed when that is done.
type Index struct {
	cfg Config

	mu     sync.RWMutex // held for reading by searches
	blocks []*block     // the last one takes new rows
	live   int
	closed bool

	turns combiner

	wake   chan struct{}
	idle   *sync.Cond // of mu; told when maintenance has found nothing to do
	busy   bool       // maintenance is due or under way
	cancel context.CancelFunc
	done   chan struct{}
}

// nobody owns a removed row.
const nobody = -1

// block is up to blockRows rows. All is guarded by Index.mu.
type block struct {
	rows     []float32 // room for a multiple of rowStep rows; those that are not used, or removed, are zeros
	owners   []int32
	dead     int
	prepared Prepared // nil until the block is full and maintenance has come by
	stale    bool     // prepared holds removed rows
	refused  bool     // the searcher did not prepare it
	version  int      // counts changes of the rows
}

// NewIndex returns an empty index, which the caller closes.
func NewIndex(cfg Config) *Index {
	if cfg.Searcher == nil {
		cfg.Searcher = NewPlain()
	}
	if cfg.Threads <= 0 {
		cfg.Threads = runtime.GOMAXPROCS(0)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	ctx, cancel := context.WithCancel(context.Background())
	x := &Index{cfg: cfg, wake: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	x.idle = sync.NewCond(&x.mu)
	go x.maintain(ctx)
	return x
}

// CheckVector reports why v can't be in an index, or nil: it must have as many dimensions, be finite and of length 1 within
// 0.001.
func CheckVector(v []float32, dimensions int) error {
	if len(v) != dimensions {
		return fmt.Errorf("the vector has %d dimensions, want %d", len(v), dimensions)
	}
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if norm := math.Sqrt(sum); !(norm >= 2-maxNorm && norm <= maxNorm) {
		return fmt.Errorf("the vector has length %.4g, want 1", norm)
	}
	return nil
}

// Add adds a vector of an owner, 0 or more, who may have others. The vector is copied. It must satisfy [CheckVector].
func (x *Index) Add(owner int32, v []float32) error {
	if err := CheckVector(v, x.cfg.Dimensions); err != nil {
		return err
	}
	if owner < 0 {
		return fmt.Errorf("owner %d is negative", owner)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return errClosed
	}
	x.add(owner, v)
	return nil
}

var errClosed = errors.New("gallery search: the index is closed")

func (x *Index) add(owner int32, v []float32) {
	if len(x.blocks) == 0 || len(x.blocks[len(x.blocks)-1].owners) == blockRows {
		x.blocks = append(x.blocks, &block{})
	}
	d, last := x.cfg.Dimensions, x.blocks[len(x.blocks)-1]
	n := len(last.owners)
	if len(last.rows) < (n+1)*d {
		grown := make([]float32, min(max(2*n, firstRows), blockRows)*d)
		copy(grown, last.rows)
		clear(last.rows)
		last.rows = grown
	}
	copy(last.rows[n*d:], v)
	last.owners = append(last.owners, owner)
	last.version++
	x.live++
	if len(last.owners) == blockRows {
		x.due()
	}
}

// Remove removes all vectors of some owners and returns how many there were.
func (x *Index) Remove(owners ...int32) int {
	gone := make(map[int32]struct{}, len(owners))
	for _, o := range owners {
		gone[o] = struct{}{}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	removed, d := 0, x.cfg.Dimensions
	for _, b := range x.blocks {
		before := b.dead
		for i, o := range b.owners {
			if _, ok := gone[o]; o == nobody || !ok {
				continue
			}
			b.owners[i] = nobody
			clear(b.rows[i*d : (i+1)*d])
			b.dead++
		}
		if b.dead > before {
			b.version++
			b.stale = b.prepared != nil
			removed += b.dead - before
		}
	}
	x.live -= removed
	if removed > 0 {
		x.due()
	}
	return removed
}

// Len returns the number of vectors.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.live
}

// Vectors calls visit with every vector and its owner, which it must not keep. No vector is added or removed meanwhile.
func (x *Index) Vectors(visit func(owner int32, v []float32)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	d := x.cfg.Dimensions
	for _, b := range x.blocks {
		for i, o := range b.owners {
			if o != nobody {
				visit(o, b.rows[i*d:(i+1)*d])
			}
		}
	}
}

// Close ends maintenance and frees the rows; it is idempotent and waits for running searches.
func (x *Index) Close() error {
	x.cancel()
	<-x.done
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	var err error
	for _, b := range x.blocks {
		clear(b.rows)
		if b.prepared != nil {
			err = errors.Join(err, b.prepared.Close())
		}
	}
	x.blocks, x.live = nil, 0
	x.idle.Broadcast()
	return err
}

// due wakes maintenance; mu is held.
func (x *Index) due() {
	x.busy = true
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// Settle waits until everything that is full is prepared and everything that was removed is freed.
func (x *Index) Settle(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.idle.Broadcast()
	})
	defer stop()
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.busy && !x.closed {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		x.idle.Wait()
	}
	return nil
}

func (x *Index) maintain(ctx context.Context) {
	defer close(x.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-x.wake:
		}
		for ctx.Err() == nil && x.prepareOne(ctx) {
		}
	}
}

// prepareOne does one step of maintenance and reports whether there may be another.
func (x *Index) prepareOne(ctx context.Context) bool {
	x.mu.Lock()
	x.dissolve()
	i := slices.IndexFunc(x.blocks, func(b *block) bool {
		return len(b.owners) == blockRows && !b.refused && (b.prepared == nil || b.stale)
	})
	if i < 0 {
		x.busy = false
		x.idle.Broadcast()
		x.mu.Unlock()
		return false
	}
	b := x.blocks[i]
	version, rows := b.version, slices.Clone(b.rows)
	x.mu.Unlock()

	prepared, err := x.cfg.Searcher.Prepare(ctx, rows, x.cfg.Dimensions)
	clear(rows)
	if err != nil && ctx.Err() == nil {
		x.cfg.Logger.Warn("gallery search: templates are searched without preparation, which is slower", "error", err)
	}

	x.mu.Lock()
	old := prepared
	if !slices.Contains(x.blocks, b) || b.version != version && prepared != nil {
		// It was changed meanwhile; the next step does it again.
	} else {
		old, b.prepared, b.stale, b.refused = b.prepared, prepared, false, prepared == nil
	}
	x.mu.Unlock()
	if old != nil {
		if err := old.Close(); err != nil {
			x.cfg.Logger.Warn("gallery search: free prepared templates", "error", err)
		}
	}
	return true
}

// dissolve moves what is left of half-empty blocks to the end; mu is held. The last block, which takes new rows, is looked
// at too, so that an index that lost most of what it had becomes small.
func (x *Index) dissolve() {
	var sparse []*block
	x.blocks = slices.DeleteFunc(x.blocks, func(b *block) bool {
		if 2*b.dead <= len(b.owners) {
			return false
		}
		sparse = append(sparse, b)
		return true
	})
	// The last block must stay the one with room.
	if n := len(x.blocks); n > 0 && len(sparse) > 0 {
		slices.SortStableFunc(x.blocks, func(a, b *block) int { return len(b.owners) - len(a.owners) })
	}
	d := x.cfg.Dimensions
	for _, b := range sparse {
		for i, o := range b.owners {
			if o != nobody {
				x.live--
				x.add(o, b.rows[i*d:(i+1)*d])
			}
		}
		clear(b.rows)
		if b.prepared != nil {
			if err := b.prepared.Close(); err != nil {
				x.cfg.Logger.Warn("gallery search: free prepared templates", "error", err)
			}
		}
	}
}
