package gallery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Rotation is what Rotate did.
type Rotation struct {
	Galleries int // that got a new key
	Records   int // that were encrypted anew
}

// rotateTogether is how many records are encrypted anew in one transaction; other changes come in between.
const rotateTogether = 256

// Rotate brings everything under the keyring's active key: each gallery that is under another gets a new key of its own, and
// all its records are encrypted anew with it. Galleries stay in use meanwhile. It can be stopped at any time, by a crash
// too, and is completed by being called again; until it is complete the keyring must hold the old key too. When nothing is
// left to do it does nothing.
func (s *Store) Rotate(ctx context.Context) (Rotation, error) {
	s.mu.RLock()
	all := slices.SortedFunc(maps.Values(s.galleries), func(a, b *state) int { return int(a.id - b.id) })
	s.mu.RUnlock()
	var done Rotation
	for _, g := range all {
		renewed, n, err := s.rotateGallery(ctx, g)
		done.Records += n
		if renewed {
			done.Galleries++
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return done, fmt.Errorf("rotate the key of gallery %q: %w", g.name, err)
		}
	}
	// The store's key goes last: as long as the file needs the old key, it says so.
	err := s.submit(ctx, &change{alone: true, purge: true, apply: func(ctx context.Context, b *batch) error {
		active := s.cfg.Keys.active
		err := s.db.exec(ctx, "UPDATE store SET master = ?, wrapped = ? WHERE id = 1 AND master <> ?", active, s.wrap(active, s.storeKey, "store key", s.uid), active)
		if err != nil {
			return b.failed(err)
		}
		return nil
	}})
	return done, err
}

func (s *Store) rotateGallery(ctx context.Context, g *state) (renewed bool, records int, err error) {
	err = s.submit(ctx, &change{alone: true, apply: func(ctx context.Context, b *batch) error {
		if err := g.usable(); err != nil {
			return err
		}
		renewed = g.masters[g.key] != s.cfg.Keys.active
		if !renewed {
			return nil
		}
		return s.renewKey(ctx, b, g)
	}})
	if err != nil {
		return false, 0, err
	}
	g.mu.RLock()
	old := len(g.ciphers) > 1
	g.mu.RUnlock()
	for old {
		n := 0
		err = s.submit(ctx, &change{alone: true, apply: func(ctx context.Context, b *batch) error {
			var err error
			n, err = s.reencrypt(ctx, b, g)
			return err
		}})
		if err != nil {
			return renewed, records, err
		}
		records += n
		old = n > 0
	}
	return renewed, records, s.submit(ctx, &change{alone: true, purge: true, apply: func(ctx context.Context, b *batch) error {
		return s.dropKeys(ctx, b, g)
	}})
}

// renewKey gives the gallery a new key, which its record and new records use from now on.
func (s *Store) renewKey(ctx context.Context, b *batch, g *state) error {
	seq, active, key := slices.Max(slices.Collect(maps.Keys(g.ciphers)))+1, s.cfg.Keys.active, randomBytes(keyBytes)
	err := s.db.exec(ctx, "INSERT INTO gallery_keys VALUES (?, ?, ?, ?)", g.id, seq, active, s.wrap(active, key, "gallery key", s.uid, g.uid, seq))
	if err != nil {
		return b.failed(err)
	}
	// The gallery's own record is written with the key that the state has then.
	before := g.key
	g.mu.Lock()
	g.ciphers[seq], g.masters[seq], g.key = newGalleryCipher(key), active, seq
	g.mu.Unlock()
	b.otherwise(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.ciphers, seq)
		delete(g.masters, seq)
		g.key = before
	})
	b.stage(g)
	return nil
}

// reencrypt moves some records to the gallery's key and returns how many.
func (s *Store) reencrypt(ctx context.Context, b *batch, g *state) (int, error) {
	if err := g.usable(); err != nil {
		return 0, err
	}
	st := b.stage(g)
	done := 0
	type record struct {
		row, owner, key int64
		place           place
		sealed          []byte
	}
	for _, kind := range []string{"person", "template"} {
		table, owner := "persons", "id"
		if kind == "template" {
			table, owner = "templates", "person"
		}
		var found []record
		err := s.db.each(ctx, func(scan func(...any) error) error {
			var r record
			err := scan(&r.row, &r.owner, &r.key, &r.place.slot, &r.sealed)
			r.place.size = len(r.sealed)
			found = append(found, r)
			return err
		}, "SELECT r.id, r."+owner+", r.key, r.slot, s.bytes FROM "+table+" r LEFT JOIN slots s ON s.id = r.slot WHERE r.gallery = ? AND r.key < ? LIMIT ?", g.id, g.key, rotateTogether-done)
		if err != nil {
			return 0, b.failed(err)
		}
		for _, r := range found {
			context := g.personContext(r.row)
			if kind == "template" {
				context = g.templateContext(r.owner, r.row)
			}
			plain, err := g.openRecord(r.key, r.sealed, context)
			if err != nil {
				return 0, b.failed(fmt.Errorf("%w: %s %d: %w; repair the gallery first", ErrCorrupt, kind, r.row, err))
			}
			sealed := seal(g.ciphers[g.key].aead, plain, context)
			// The size is the same, so it stays where it is.
			if _, err := s.slots.replace(ctx, r.place, sealed); err != nil {
				return 0, b.failed(err)
			}
			if err := s.db.exec(ctx, "UPDATE "+table+" SET key = ? WHERE id = ?", g.key, r.row); err != nil {
				return 0, b.failed(err)
			}
			entry := newElement(g.manifest.setKey, kind, r.row, sealed)
			st.manifest.set.toggle(newElement(g.manifest.setKey, kind, r.row, r.sealed))
			st.manifest.set.toggle(entry)
			if kind == "person" {
				s.renewPerson(b, g, plain, entry)
			}
		}
		done += len(found)
	}
	return done, nil
}

// renewPerson keeps what is in memory of a person in step with the file.
func (s *Store) renewPerson(b *batch, g *state, plain []byte, entry element) {
	r, err := parsePerson(plain)
	if err != nil || g.people[r.id] == nil {
		return
	}
	p := g.people[r.id]
	b.then(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		p.element = entry
	})
}

// dropKeys deletes the keys that no record needs.
func (s *Store) dropKeys(ctx context.Context, b *batch, g *state) error {
	if err := g.usable(); err != nil {
		return err
	}
	if err := s.db.exec(ctx, "DELETE FROM gallery_keys WHERE gallery = ? AND seq < ?", g.id, g.key); err != nil {
		return b.failed(err)
	}
	b.then(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for seq := range g.ciphers {
			if seq < g.key {
				delete(g.ciphers, seq)
				delete(g.masters, seq)
			}
		}
	})
	return nil
}

// Retain calls Expire every interval, and once at the start, until ctx ends. What fails is logged and tried again.
func (s *Store) Retain(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		receipts, err := s.Expire(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.Error("galleries: delete expired persons", "error", err)
		}
		if len(receipts) > 0 {
			s.log.Info("galleries: expired persons were deleted", "persons", len(receipts))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
