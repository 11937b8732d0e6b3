package gallery

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
)

// Damage is a record that is not as it was written.
type Damage struct {
	Kind   string // "person", "template" or "gallery"
	Row    int64  // its number in the file; 0 for the gallery as a whole
	Person int64  // number of the person it belongs to; 0 when unknown
	Err    error
}

func (d Damage) String() string { return fmt.Sprintf("%s %d: %v", d.Kind, d.Row, d.Err) }

// contents is what a gallery's records in the file are.
type contents struct {
	people  map[int64]*person // by row
	vectors int               // templates that are whole
	damaged []Damage
	set     element // of all that is whole

	persons, templates int              // rows, damaged ones too
	ids                map[string]int64 // rows of persons by id
	unread             map[int64]bool   // rows of persons that are damaged
	keep               func(*person, []float32) error
}

// Load reads a gallery's templates into memory, so that the first search need not.
func (s *Store) Load(ctx context.Context, gallery string) error {
	_, release, err := s.use(ctx, gallery)
	if err == nil {
		release()
	}
	return err
}

// use returns a gallery that is in memory and stays as it is until release is called.
func (s *Store) use(ctx context.Context, name string) (g *state, release func(), err error) {
	for {
		if g, err = s.find(name); err != nil {
			return nil, nil, err
		}
		g.mu.RLock()
		if err := g.usable(); err != nil {
			g.mu.RUnlock()
			return nil, nil, err
		}
		if g.loaded {
			return g, g.mu.RUnlock, nil
		}
		g.mu.RUnlock()
		err = s.submit(ctx, &change{alone: true, apply: func(ctx context.Context, _ *batch) error { return s.ready(ctx, g) }})
		if err != nil {
			return nil, nil, err
		}
	}
}

// ready is the writer's: it reads the gallery into memory if that was not done.
func (s *Store) ready(ctx context.Context, g *state) error {
	if err := g.usable(); err != nil || g.loaded {
		return err
	}
	index := s.newIndex(g.manifest.spec)
	c, err := s.read(ctx, g, func(p *person, v []float32) error { return index.Add(p.handle, v) })
	if err == nil {
		err = index.Settle(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("load gallery %q: %w", g.name, s.db.translate(err)), index.Close())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.handles = make([]*person, len(c.people))
	for _, p := range c.people {
		g.handles[p.handle], g.people[p.id] = p, p
	}
	g.index, g.loaded, g.damaged = index, true, c.damaged
	if len(c.damaged) > 0 {
		s.log.Error("gallery has damaged records and can't be searched", "gallery", g.name, "records", len(c.damaged))
	}
	return nil
}

// read reads and decrypts a gallery's records. Those that can't be read are reported, not left out quietly: so are ones that
// were taken away, added or exchanged, by the gallery's own record of how many there are and which. Persons get handles from 0 on;
// keep is given each template.
func (s *Store) read(ctx context.Context, g *state, keep func(*person, []float32) error) (contents, error) {
	c := contents{people: map[int64]*person{}, ids: map[string]int64{}, unread: map[int64]bool{}, keep: keep}
	err := s.db.each(ctx, func(scan func(...any) error) error {
		var row, key, slot int64
		var sealed []byte
		err := scan(&row, &key, &slot, &sealed)
		if err == nil {
			c.takePerson(g, row, key, place{slot, len(sealed)}, sealed)
		}
		return err
	}, "SELECT p.id, p.key, p.slot, s.bytes FROM persons p LEFT JOIN slots s ON s.id = p.slot WHERE p.gallery = ? ORDER BY p.id", g.id)
	if err != nil {
		return contents{}, err
	}
	err = s.db.each(ctx, func(scan func(...any) error) error {
		var row, owner, key int64
		var sealed []byte
		err := scan(&row, &owner, &key, &sealed)
		if err == nil {
			err = c.takeTemplate(g, row, owner, key, sealed)
		}
		return err
	}, "SELECT t.id, t.person, t.key, s.bytes FROM templates t LEFT JOIN slots s ON s.id = t.slot WHERE t.gallery = ? ORDER BY t.person, t.id", g.id)
	if err != nil {
		return contents{}, err
	}
	m := g.manifest
	if len(c.damaged) == 0 && (c.persons != m.persons || c.templates != m.templates || subtle.ConstantTimeCompare(c.set[:], m.set[:]) != 1) {
		c.damaged = append(c.damaged, Damage{Kind: "gallery", Err: fmt.Errorf("%d persons with %d templates are on record, the file has %d with %d, or others: records were taken out, put in or exchanged",
			m.persons, m.templates, c.persons, c.templates)})
	}
	return c, nil
}

func (c *contents) takePerson(g *state, row, key int64, at place, sealed []byte) {
	c.persons++
	p, err := g.openPerson(row, key, at, sealed)
	if err == nil {
		if other, ok := c.ids[p.id]; ok {
			err = fmt.Errorf("person %d has the same id", other)
		}
	}
	if err != nil {
		c.unread[row] = true
		c.damaged = append(c.damaged, Damage{Kind: "person", Row: row, Person: row, Err: err})
		return
	}
	p.handle = int32(len(c.people))
	c.ids[p.id], c.people[row] = row, p
	c.set.toggle(p.element)
}

func (c *contents) takeTemplate(g *state, row, owner, key int64, sealed []byte) error {
	c.templates++
	t, err := g.openTemplate(owner, row, key, sealed)
	p := c.people[owner]
	if err == nil && p == nil {
		if err = fmt.Errorf("its person %d is missing", owner); c.unread[owner] {
			err = fmt.Errorf("its person %d is damaged", owner)
		}
	}
	if err != nil {
		c.damaged = append(c.damaged, Damage{Kind: "template", Row: row, Person: owner, Err: err})
		return nil //nolint:nilerr // it is reported as damage
	}
	p.templates++
	c.vectors++
	c.set.toggle(newElement(g.manifest.setKey, "template", row, sealed))
	return c.keep(p, t.vector)
}

// keepNone is for those who only count.
func keepNone(*person, []float32) error { return nil }

func (g *state) openPerson(row, key int64, at place, sealed []byte) (*person, error) {
	plain, err := g.openRecord(key, sealed, g.personContext(row))
	if err != nil {
		return nil, err
	}
	r, err := parsePerson(plain)
	if err != nil {
		return nil, err
	}
	return &person{personRecord: r, row: row, place: at, element: newElement(g.manifest.setKey, "person", row, sealed)}, nil
}

func (g *state) openTemplate(person, row, key int64, sealed []byte) (templateRecord, error) {
	plain, err := g.openRecord(key, sealed, g.templateContext(person, row))
	if err != nil {
		return templateRecord{}, err
	}
	return parseTemplate(plain, g.manifest.spec.Model.Dimensions)
}

func (g *state) openRecord(key int64, sealed, context []byte) ([]byte, error) {
	c := g.ciphers[key]
	if c == nil {
		return nil, fmt.Errorf("its key %d is missing", key)
	}
	return open(c.aead, sealed, context)
}

// Report is what Check found in the file.
type Report struct {
	Persons, Templates int      // that are whole
	Damaged            []Damage // that are not
}

// Check reads every record of a gallery from the file and decrypts it, and changes nothing. Damage is no error.
func (s *Store) Check(ctx context.Context, gallery string) (Report, error) {
	g, err := s.find(gallery)
	if err != nil {
		return Report{}, err
	}
	var report Report
	err = s.submit(ctx, &change{alone: true, apply: func(context.Context, *batch) error {
		if err := g.usable(); err != nil {
			return err
		}
		c, err := s.read(ctx, g, keepNone)
		if err != nil {
			return s.db.translate(err)
		}
		report = Report{Persons: len(c.people), Templates: c.vectors, Damaged: c.damaged}
		return nil
	}})
	if err != nil {
		return Report{}, fmt.Errorf("check gallery %q: %w", gallery, err)
	}
	return report, nil
}
