package gallery

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"slices"
)

// Remove deletes a person with all templates. It returns when their bytes are overwritten in the file and gone from its
// log, with a receipt for it; no later search finds them.
func (s *Store) Remove(ctx context.Context, gallery, id string) (Receipt, error) {
	g, err := s.find(gallery)
	if err != nil {
		return Receipt{}, err
	}
	return s.remove(ctx, g, id, false)
}

// remove deletes a person; with expiredOnly not one who has been enrolled again meanwhile.
func (s *Store) remove(ctx context.Context, g *state, id string, expiredOnly bool) (Receipt, error) {
	receipt, records := Receipt{Gallery: g.name, Person: id, Persons: 1}, sha256.New()
	err := s.submit(ctx, &change{key: changeKey{g.name, id}, purge: true, apply: func(ctx context.Context, b *batch) error {
		if err := s.ready(ctx, g); err != nil {
			return err
		}
		p := g.people[id]
		if p == nil || expiredOnly && !g.expired(p, s.cfg.Now()) {
			return fmt.Errorf("gallery %q: person %q: %w", g.name, id, ErrNotFound)
		}
		st := b.stage(g)
		n, err := s.deletePerson(ctx, g, st, p, records)
		if err != nil {
			return b.failed(err)
		}
		receipt.Templates = n
		b.then(func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.forget(p)
		})
		return nil
	}})
	if err != nil {
		return Receipt{}, err
	}
	return s.sign(receipt, records), nil
}

// deletePerson deletes a person's records, and returns how many templates there were.
func (s *Store) deletePerson(ctx context.Context, g *state, st *stage, p *person, records hash.Hash) (int, error) {
	set := st.manifest.set
	set.toggle(p.element)
	if _, err := s.erase(ctx, "persons", "id = ?", records, nil, p.row); err != nil {
		return 0, err
	}
	n, err := s.erase(ctx, "templates", "gallery = ? AND person = ?", records, func(row int64, sealed []byte) {
		set.toggle(newElement(g.manifest.setKey, "template", row, sealed))
	}, g.id, p.row)
	if err != nil {
		return 0, err
	}
	st.manifest.set = set
	st.manifest.persons--
	st.manifest.templates -= n
	return n, nil
}

// eraseTogether is how many records erase holds at a time.
const eraseTogether = 1000

// erase overwrites and deletes the records of some rows, in the order of their numbers, adds them to the hash and returns how
// many there were.
func (s *Store) erase(ctx context.Context, table, where string, records hash.Hash, visit func(row int64, sealed []byte), args ...any) (int, error) {
	type record struct {
		row   int64
		place place
	}
	total := 0
	for {
		var found []record
		err := s.db.each(ctx, func(scan func(...any) error) error {
			var r record
			var slot *int64
			var sealed []byte
			if err := scan(&r.row, &slot, &sealed); err != nil {
				return err
			}
			if slot != nil {
				r.place = place{*slot, len(sealed)}
			}
			_, _ = records.Write(sealed) // a hash takes all
			if visit != nil && len(sealed) >= sealOverhead {
				visit(r.row, sealed)
			}
			found = append(found, r)
			return nil
		}, "SELECT r.id, s.id, s.bytes FROM (SELECT id, slot FROM "+table+" WHERE "+where+" ORDER BY id LIMIT ?) r LEFT JOIN slots s ON s.id = r.slot ORDER BY r.id", append(args, eraseTogether)...)
		if err != nil {
			return 0, err
		}
		for _, r := range found {
			if err := s.slots.wipe(ctx, r.place); err != nil {
				return 0, err
			}
			if err := s.db.exec(ctx, "DELETE FROM "+table+" WHERE id = ?", r.row); err != nil {
				return 0, err
			}
		}
		if total += len(found); len(found) < eraseTogether {
			return total, nil
		}
	}
}

// DeleteGallery deletes a gallery with its keys and, when force is set, its persons: without, one that holds persons is
// refused with [ErrNotEmpty]. It works for damaged galleries too.
func (s *Store) DeleteGallery(ctx context.Context, name string, force bool) (Receipt, error) {
	g, err := s.find(name)
	if err != nil {
		return Receipt{}, err
	}
	receipt, records := Receipt{Gallery: name}, sha256.New()
	err = s.submit(ctx, &change{alone: true, purge: true, apply: func(ctx context.Context, b *batch) error {
		if g.gone {
			return g.usable()
		}
		if g.broken == nil && g.manifest.persons > 0 && !force {
			return fmt.Errorf("gallery %q: %w: it has %d persons; ask for them to be deleted too", name, ErrNotEmpty, g.manifest.persons)
		}
		if g.broken != nil && !force {
			return g.broken
		}
		// The keys first: without them nothing that may be left anywhere can be read.
		err := s.db.exec(ctx, "DELETE FROM gallery_keys WHERE gallery = ?", g.id)
		if err == nil {
			receipt.Persons, err = s.erase(ctx, "persons", "gallery = ?", records, nil, g.id)
		}
		if err == nil {
			receipt.Templates, err = s.erase(ctx, "templates", "gallery = ?", records, nil, g.id)
		}
		if err == nil {
			err = s.db.exec(ctx, "DELETE FROM galleries WHERE id = ?", g.id)
		}
		if err != nil {
			return b.failed(err)
		}
		b.then(func() {
			s.mu.Lock()
			delete(s.galleries, name)
			s.mu.Unlock()
			g.mu.Lock()
			defer g.mu.Unlock()
			if err := g.drop(); err != nil {
				s.log.Warn("galleries: free the memory of a deleted gallery", "gallery", name, "error", err)
			}
		})
		return nil
	}})
	if err != nil {
		return Receipt{}, err
	}
	return s.sign(receipt, records), nil
}

// Repair gives up the damaged records of a gallery, so that the others can be used again. The receipt says how many records
// it deleted; who they were nobody can say, so compare the gallery with your own list of persons afterwards.
func (s *Store) Repair(ctx context.Context, gallery string) (Receipt, error) {
	g, err := s.find(gallery)
	if err != nil {
		return Receipt{}, err
	}
	receipt, records := Receipt{Gallery: gallery}, sha256.New()
	err = s.submit(ctx, &change{alone: true, purge: true, apply: func(ctx context.Context, b *batch) error {
		if err := g.usable(); err != nil {
			return err
		}
		c, err := s.giveUp(ctx, g, &receipt, records)
		if err != nil {
			return b.failed(err)
		}
		st := b.stage(g)
		st.manifest.persons, st.manifest.templates, st.manifest.set = len(c.people), c.vectors, c.set
		b.then(func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			// It is read again when it is next used.
			if err := g.unload(); err != nil {
				s.log.Warn("galleries: free the memory of a repaired gallery", "gallery", gallery, "error", err)
			}
		})
		return nil
	}})
	if err != nil {
		return Receipt{}, fmt.Errorf("repair gallery %q: %w", gallery, err)
	}
	return s.sign(receipt, records), nil
}

// giveUp erases damaged records and returns what is left. Two rows may claim one slot, so that erasing one damages the other:
// it goes on until nothing is damaged.
func (s *Store) giveUp(ctx context.Context, g *state, receipt *Receipt, records hash.Hash) (contents, error) {
	for {
		c, err := s.read(ctx, g, keepNone)
		if err != nil {
			return contents{}, err
		}
		erased := 0
		for _, d := range c.damaged {
			switch d.Kind {
			case "person":
				n, err := s.erase(ctx, "persons", "id = ?", records, nil, d.Row)
				if err != nil {
					return contents{}, err
				}
				receipt.Persons += n
				erased += n
			case "template":
				n, err := s.erase(ctx, "templates", "id = ?", records, nil, d.Row)
				if err != nil {
					return contents{}, err
				}
				receipt.Templates += n
				erased += n
			}
		}
		if erased == 0 {
			return c, nil
		}
	}
}

// unload frees the gallery's memory until it is next used; mu is held.
func (g *state) unload() error {
	var err error
	if g.index != nil {
		err = g.index.Close()
	}
	g.index, g.people, g.handles, g.free, g.recent, g.damaged, g.loaded = nil, map[string]*person{}, nil, nil, nil, nil, false
	return err
}

// Expire deletes the persons whose retention has ended, and returns their receipts. Until then they are kept out of every
// answer already.
func (s *Store) Expire(ctx context.Context) ([]Receipt, error) {
	s.mu.RLock()
	var all []*state
	for _, g := range s.galleries {
		all = append(all, g)
	}
	s.mu.RUnlock()
	var receipts []Receipt
	var errs []error
	for _, g := range all {
		done, err := s.expire(ctx, g)
		receipts = append(receipts, done...)
		if err != nil && !errors.Is(err, ErrNotFound) {
			errs = append(errs, fmt.Errorf("expire persons of gallery %q: %w", g.name, err))
		}
	}
	return receipts, errors.Join(errs...)
}

func (s *Store) expire(ctx context.Context, g *state) ([]Receipt, error) {
	g.mu.RLock()
	forever := g.broken != nil || g.manifest.spec.Retention == 0
	g.mu.RUnlock()
	if forever {
		return nil, nil
	}
	g, release, err := s.use(ctx, g.name)
	if err != nil {
		return nil, err
	}
	now := s.cfg.Now()
	var ids []string
	for id, p := range g.people {
		if g.expired(p, now) {
			ids = append(ids, id)
		}
	}
	release()
	slices.Sort(ids)
	var receipts []Receipt
	for _, id := range ids {
		r, err := s.remove(ctx, g, id, true)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return receipts, err
		}
		receipts = append(receipts, r)
	}
	return receipts, nil
}
