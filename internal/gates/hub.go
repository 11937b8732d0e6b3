package gates

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/courtsense/courtsense/vision/gate/journal"
)

// Item is an event as it is told.
type Item struct {
	journal.Record
	Crop []byte // JPEG of the best shot; nil where there is none, or it is no longer kept
}

// What ends following.
var (
	// ErrBehind: the follower does not keep up.
	ErrBehind = errors.New("the follower does not keep up with the events")
	// ErrClosed: the gates are being closed.
	ErrClosed = errors.New("the gates are being closed")
)

const (
	// waitingItems is how many events wait for one follower at most.
	waitingItems = 256
	// recentCrops is how many events' crops are kept in memory, for followers that come back.
	recentCrops = 256
	// replayed is how many events are read from the journal at once.
	replayed = 100
)

// hub tells events to followers. Whoever publishes never waits.
type hub struct {
	mu        sync.Mutex
	followers map[*follower]struct{}
	recent    []Item // the last ones, oldest first
	closed    bool
}

type follower struct {
	items  chan Item
	behind chan struct{} // closed when an item did not fit
	end    chan struct{} // closed with the hub
	late   bool
}

func newHub() *hub { return &hub{followers: map[*follower]struct{}{}} }

func (h *hub) publish(i Item) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.recent = append(h.recent, i); len(h.recent) > recentCrops {
		h.recent[0] = Item{} // lets its crop go
		h.recent = h.recent[1:]
	}
	for f := range h.followers {
		select {
		case f.items <- i:
		default:
			if !f.late {
				f.late = true
				close(f.behind)
			}
		}
	}
}

func (h *hub) follow() (*follower, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	f := &follower{items: make(chan Item, waitingItems), behind: make(chan struct{}), end: make(chan struct{})}
	h.followers[f] = struct{}{}
	return f, nil
}

func (h *hub) leave(f *follower) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.followers, f)
}

func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.followers)
}

// crop is the crop of a recent event.
func (h *hub) crop(seq int64) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.IndexFunc(h.recent, func(i Item) bool { return i.Seq == seq }); i >= 0 {
		return h.recent[i].Crop
	}
	return nil
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	for f := range h.followers {
		close(f.end)
	}
}

// OnlyNew follows from now on.
const OnlyNew = -1

// Follow calls deliver for each event after the one with the number, or from now on for [OnlyNew], in order and none twice,
// until ctx ends or deliver returns an error, which is returned. Every so often, even while nothing happens, deliver is called
// with nil. A follower that takes too long gets ErrBehind, and may follow again from where it was.
func (g *Gates) Follow(ctx context.Context, after int64, every time.Duration, deliver func(*Item) error) error {
	f, err := g.hub.follow()
	if err != nil {
		return err
	}
	defer g.hub.leave(f)
	last := int64(0)
	if after != OnlyNew {
		j, err := g.Journal(ctx)
		if err != nil {
			return err
		}
		for last = after; ; {
			records, err := j.After(ctx, last, replayed)
			if err != nil {
				return err
			}
			for _, r := range records {
				if err := deliver(&Item{r, g.hub.crop(r.Seq)}); err != nil {
					return err
				}
				last = r.Seq
			}
			if len(records) < replayed {
				break
			}
		}
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.behind:
			return ErrBehind
		case i := <-f.items:
			if i.Seq <= last {
				continue // it was in the journal already
			}
			if err := deliver(&i); err != nil {
				return err
			}
			last = i.Seq
		case <-f.end:
			// Nothing more comes; what has come is still told.
			for {
				select {
				case i := <-f.items:
					if i.Seq <= last {
						continue
					}
					if err := deliver(&i); err != nil {
						return err
					}
				default:
					return ErrClosed
				}
			}
		case <-tick.C:
			if err := deliver(nil); err != nil {
				return err
			}
		}
	}
}
