package gallery

import (
	"context"
	"fmt"
)

// maxTogether is how many changes share one transaction, and so one wait for the disk.
const maxTogether = 256

// change is what a call wants written. The writer applies it in a transaction.
type change struct {
	ctx context.Context //nolint:containedctx // of the call, for as long as the call lasts
	// apply checks the change against what is in memory and writes it. Changes of one transaction do not see each other
	// there, so that no two may have the same key. An error leaves the other changes alone, unless it is the file's.
	apply func(context.Context, *batch) error
	key   changeKey
	alone bool // it shares its transaction with no other
	purge bool // it deletes, and is done only when the bytes are overwritten
	done  chan error
}

// changeKey is what a change is about.
type changeKey struct{ gallery, person string }

// batch is a transaction under way.
type batch struct {
	store  *Store
	after  []func() // what to do in memory once it is on the disk
	undo   []func() // what to do in memory when it could not be written
	staged map[*state]*stage
	broken bool // the transaction failed as a whole
}

// stage is what a transaction has made of a gallery's record so far.
type stage struct {
	manifest manifest
	added    []addition
}

// failed marks the whole transaction as failed.
func (b *batch) failed(err error) error {
	b.broken = true
	return err
}

func (b *batch) then(do func()) { b.after = append(b.after, do) }

func (b *batch) otherwise(do func()) { b.undo = append(b.undo, do) }

func (b *batch) stage(g *state) *stage {
	st, ok := b.staged[g]
	if !ok {
		st = &stage{manifest: g.manifest}
		b.staged[g] = st
	}
	return st
}

// submit hands a change to the writer and waits until it is on the disk. A call that ends before its change was begun is
// not applied; one that is under way is waited for, because nobody could say otherwise whether it happened.
func (s *Store) submit(ctx context.Context, c *change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.ctx, c.done = ctx, make(chan error, 1)
	if err := s.hand(c); err != nil {
		return err
	}
	return <-c.done
}

func (s *Store) hand(c *change) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return errClosed
	}
	select {
	case s.changes <- c:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// write applies changes until Close.
func (s *Store) write() {
	defer close(s.writer)
	var next *change
	for {
		c := next
		if next = nil; c == nil {
			var ok bool
			if c, ok = <-s.changes; !ok {
				return
			}
		}
		together, keys := []*change{c}, map[changeKey]struct{}{c.key: {}}
	gather:
		for !c.alone && len(together) < maxTogether {
			select {
			case other, ok := <-s.changes:
				if !ok {
					break gather
				}
				if _, taken := keys[other.key]; taken || other.alone {
					next = other
					break gather
				}
				together, keys[other.key] = append(together, other), struct{}{}
			default:
				break gather
			}
		}
		s.transact(together)
	}
}

// transact writes changes in one transaction and tells their callers.
func (s *Store) transact(together []*change) {
	// The callers' contexts do not end it: what one of them gave up, the others still want.
	ctx := context.Background()
	b := &batch{store: s, staged: map[*state]*stage{}}
	errs := make([]error, len(together))
	whole := s.db.exec(ctx, "BEGIN IMMEDIATE")
	for i := 0; whole == nil && i < len(together); i++ {
		c := together[i]
		if errs[i] = c.ctx.Err(); errs[i] != nil {
			continue
		}
		if errs[i] = c.apply(ctx, b); b.broken {
			whole = errs[i]
		}
	}
	if whole == nil {
		whole = b.writeManifests(ctx)
	}
	if whole == nil {
		whole = s.db.exec(ctx, "COMMIT")
	}
	if whole != nil {
		whole = s.db.translate(whole)
		// SQLite has ended the transaction itself after some failures; then there is nothing to roll back.
		if err := s.db.exec(ctx, "ROLLBACK"); err != nil {
			s.log.Debug("galleries: roll back", "error", err)
		}
		for _, do := range b.undo {
			do()
		}
		if err := s.slots.load(ctx); err != nil {
			s.log.Error("galleries: read the list of free places", "error", s.db.translate(err))
		}
		for _, c := range together {
			c.done <- whole
		}
		return
	}
	for _, do := range b.after {
		do()
	}
	s.overwrite(ctx, together, errs)
	for i, c := range together {
		c.done <- errs[i]
	}
}

// overwrite empties the log after deletions.
func (s *Store) overwrite(ctx context.Context, together []*change, errs []error) {
	for i, c := range together {
		s.purge = s.purge || c.purge && errs[i] == nil
	}
	if !s.purge {
		return
	}
	err := s.db.translate(s.db.checkpoint(ctx))
	s.purge = err != nil
	for i, c := range together {
		if c.purge && errs[i] == nil && err != nil {
			errs[i] = fmt.Errorf("it was removed, but its bytes could not be overwritten yet; that is tried again after the next change: %w", err)
		}
	}
}

// writeManifests writes the records of the galleries that were changed, and has them in memory after the commit.
func (b *batch) writeManifests(ctx context.Context) error {
	for g, st := range b.staged {
		err := b.store.db.exec(ctx, "UPDATE galleries SET key = ?, sealed = ? WHERE id = ?", g.key, g.sealManifest(st.manifest), g.id)
		if err != nil {
			return err
		}
		b.then(func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.manifest = st.manifest
		})
	}
	return nil
}
