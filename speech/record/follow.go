package record

import (
	"context"
	"fmt"
	"slices"
)

// Changes are the changes after a revision, in order; after 0 they are all. What they point to must not be changed.
func (r *Record) Changes(after int64) []Change {
	changes, _, _ := r.live.after(after)
	return slices.Clone(changes)
}

// after returns the changes after a revision, and a channel that is closed with the next one. ended tells that there will be none.
func (l *live) after(revision int64) (changes []Change, next <-chan struct{}, ended bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	all := l.fold.changes
	from := min(max(revision, 0), int64(len(all)))
	return all[from:len(all):len(all)], l.changed, l.ended
}

// Subscribe gives the changes after a revision, those that are there and those that come, in order and each once. The channel is closed when ctx, the
// handle or the store ends. Who reads slowly holds up nobody.
func (r *Record) Subscribe(ctx context.Context, after int64) (<-chan Change, error) {
	if present := r.Snapshot().Revision; after < 0 || after > present {
		return nil, invalid("record %s: there is no revision %d to go on from; it has 1 to %d", r.live.id, after, present)
	}
	select {
	case <-r.done:
		return nil, fmt.Errorf("record %s: %w", r.live.id, ErrClosed)
	default:
	}
	out := make(chan Change)
	go func() {
		defer close(out)
		for {
			changes, next, ended := r.live.after(after)
			for _, c := range changes {
				select {
				case out <- c:
					after = c.Revision.Number
				case <-ctx.Done():
					return
				case <-r.done:
					return
				}
			}
			if ended {
				return
			}
			select {
			case <-next:
			case <-ctx.Done():
				return
			case <-r.done:
				return
			}
		}
	}()
	return out, nil
}
