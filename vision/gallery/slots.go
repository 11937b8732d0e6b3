package gallery

import (
	"context"
)

// Encrypted records lie in slots: rows of a table of their own which are overwritten, and never deleted. SQLite moves rows
// between pages when rows beside them are deleted or grow, and leaves copies behind that PRAGMA secure_delete does not see; a
// row that keeps its size stays where it is. So a record that is overwritten is gone from the file. What was freed is used
// for new records of the same size, which padding makes likely.

// slotStep is what records are padded to a multiple of before encryption, bytes.
const slotStep = 128

// pad adds zeros up to the next multiple of slotStep.
func pad(b []byte) []byte {
	return append(b, make([]byte, (slotStep-len(b)%slotStep)%slotStep)...)
}

// place is where a record lies.
type place struct {
	slot int64
	size int
}

// slots is the writer's list of free places.
type slots struct {
	db   *database
	next int64
	free map[int][]int64 // by size
}

// load reads the list; it is called at the start, and when a transaction that changed it was rolled back.
func (s *slots) load(ctx context.Context) error {
	s.free = map[int][]int64{}
	if err := s.db.conn.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) + 1 FROM slots").Scan(&s.next); err != nil {
		return err
	}
	return s.db.each(ctx, func(scan func(...any) error) error {
		var p place
		if err := scan(&p.slot, &p.size); err != nil {
			return err
		}
		s.free[p.size] = append(s.free[p.size], p.slot)
		return nil
	}, "SELECT slot, size FROM free")
}

// put writes a record to a free place.
func (s *slots) put(ctx context.Context, sealed []byte) (place, error) {
	size := len(sealed)
	n := len(s.free[size])
	if n == 0 {
		p := place{s.next, size}
		s.next++
		return p, s.db.exec(ctx, "INSERT INTO slots VALUES (?, ?)", p.slot, sealed)
	}
	p := place{s.free[size][n-1], size}
	s.free[size] = s.free[size][:n-1]
	if err := s.db.exec(ctx, "DELETE FROM free WHERE slot = ?", p.slot); err != nil {
		return place{}, err
	}
	return p, s.db.exec(ctx, "UPDATE slots SET bytes = ? WHERE id = ?", sealed, p.slot)
}

// replace writes a record in place of another, elsewhere if it has another size.
func (s *slots) replace(ctx context.Context, old place, sealed []byte) (place, error) {
	if old.size == len(sealed) {
		return old, s.db.exec(ctx, "UPDATE slots SET bytes = ? WHERE id = ?", sealed, old.slot)
	}
	if err := s.wipe(ctx, old); err != nil {
		return place{}, err
	}
	return s.put(ctx, sealed)
}

// wipe overwrites a record with zeros and frees its place.
func (s *slots) wipe(ctx context.Context, p place) error {
	if p.slot == 0 {
		return nil // the record was missing
	}
	if err := s.db.exec(ctx, "UPDATE slots SET bytes = zeroblob(length(bytes)) WHERE id = ?", p.slot); err != nil {
		return err
	}
	result, err := s.db.conn.ExecContext(ctx, "INSERT OR IGNORE INTO free VALUES (?, ?)", p.slot, p.size)
	if err != nil {
		return err
	}
	// In a file that was tampered with, two rows may have had one slot.
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	s.free[p.size] = append(s.free[p.size], p.slot)
	return nil
}
