package gallery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/courtsense/courtsense/vision/gallery/search"
)

// Enrol keeps a face: of a new person, or a further template of one in the gallery, whose retention begins anew. It returns
// when that is on the disk, and the next search sees it. Other persons who look like this one from the record's threshold
// on are answered, or refuse the enrolment; of two alike who are enrolled at the same time the later one is told.
func (s *Store) Enrol(ctx context.Context, gallery string, r EnrolRecord) (Enrolled, error) {
	if err := r.validate(); err != nil {
		return Enrolled{}, err
	}
	g, look, err := s.look(ctx, gallery, r)
	if err != nil {
		return Enrolled{}, err
	}
	if look.expired {
		// What was to be deleted by now must not live on with the new template.
		if _, err := s.remove(ctx, g, r.Person, true); err != nil && !errors.Is(err, ErrNotFound) {
			return Enrolled{}, err
		}
	}
	var enrolled Enrolled
	r.Template = slices.Clone(r.Template)
	err = s.submit(ctx, &change{key: changeKey{gallery, r.Person}, apply: func(ctx context.Context, b *batch) error {
		var err error
		enrolled, err = s.enrol(ctx, b, g, r, look)
		return err
	}})
	if err != nil {
		return Enrolled{}, err
	}
	return enrolled, nil
}

// look is what a gallery was like before an enrolment was handed to the writer.
type look struct {
	added   uint64
	alike   []alike
	expired bool // the person is in the gallery, and should not be any more
}

// alike is a person whose templates are near.
type alike struct {
	person string
	cosine float64
}

func (s *Store) look(ctx context.Context, gallery string, r EnrolRecord) (*state, look, error) {
	g, release, err := s.use(ctx, gallery)
	if err != nil {
		return nil, look{}, err
	}
	defer release()
	if err := g.compares(r.Model, r.Template); err != nil {
		return nil, look{}, err
	}
	l := look{added: g.added}
	if p := g.people[r.Person]; p != nil {
		l.expired = g.expired(p, s.cfg.Now())
	}
	l.alike, err = s.duplicates(ctx, g, r)
	return g, l, err
}

// compares reports why a template can't be compared with all that the gallery should hold, or nil; mu is held.
func (g *state) compares(m ModelRef, template []float32) error {
	if err := g.whole(); err != nil {
		return err
	}
	spec := g.manifest.spec
	if err := spec.accepts(m); err != nil {
		return err
	}
	if err := search.CheckVector(template, spec.Model.Dimensions); err != nil {
		return fmt.Errorf("%w: gallery %q: template: %w", ErrInvalid, g.name, err)
	}
	return nil
}

// duplicates searches for others; g.mu is held, or the caller is the writer.
func (s *Store) duplicates(ctx context.Context, g *state, r EnrolRecord) ([]alike, error) {
	if r.DuplicateThreshold == 0 {
		return nil, nil
	}
	now := s.cfg.Now()
	hits, err := g.index.Nearest(ctx, r.Template, maxDuplicates, func(owner int32) bool {
		p := g.handles[owner]
		return p.id == r.Person || g.expired(p, now)
	})
	if err != nil {
		return nil, fmt.Errorf("gallery %s: look for duplicates: %w", g.name, err)
	}
	var found []alike
	for _, h := range hits {
		if float32(h.Cosine) >= r.DuplicateThreshold {
			found = append(found, alike{g.handles[h.Owner].id, h.Cosine})
		}
	}
	return found, nil
}

// since completes what was found before with what came since: by earlier changes, and by this transaction's.
func (s *Store) since(ctx context.Context, g *state, st *stage, r EnrolRecord, l look) ([]alike, error) {
	if r.DuplicateThreshold == 0 {
		return nil, nil
	}
	found := slices.DeleteFunc(l.alike, func(f alike) bool { return g.people[f.person] == nil })
	if g.added-l.added > uint64(len(g.recent)) {
		var err error
		if found, err = s.duplicates(ctx, g, r); err != nil {
			return nil, err
		}
		l.added = g.added
	}
	for _, a := range slices.Concat(g.recent, st.added) {
		if a.seq <= l.added || a.person == r.Person {
			continue
		}
		c := search.Cosine(r.Template, a.vector)
		if float32(c) < r.DuplicateThreshold {
			continue
		}
		if i := slices.IndexFunc(found, func(f alike) bool { return f.person == a.person }); i >= 0 {
			found[i].cosine = max(found[i].cosine, c)
		} else {
			found = append(found, alike{a.person, c})
		}
	}
	slices.SortFunc(found, func(a, b alike) int {
		return cmp.Or(cmp.Compare(b.cosine, a.cosine), cmp.Compare(a.person, b.person))
	})
	return found[:min(len(found), maxDuplicates)], nil
}

// enrol is the writer's.
func (s *Store) enrol(ctx context.Context, b *batch, g *state, r EnrolRecord, l look) (Enrolled, error) {
	if err := s.ready(ctx, g); err != nil {
		return Enrolled{}, err
	}
	if err := g.whole(); err != nil {
		return Enrolled{}, err
	}
	st := b.stage(g)
	found, err := s.since(ctx, g, st, r, l)
	if err != nil {
		return Enrolled{}, err
	}
	candidates := g.candidates(found)
	if len(candidates) > 0 && r.RefuseDuplicates {
		return Enrolled{}, &DuplicateError{Gallery: g.name, Person: r.Person, Candidates: candidates}
	}
	now := s.now()
	old := g.people[r.Person]
	p := person{personRecord: personRecord{id: r.Person, labels: maps.Clone(r.Labels), created: now, enrolled: now}, templates: 1}
	if old == nil {
		limit := min(cmp.Or(g.manifest.spec.MaxPersons, s.cfg.Limits.Persons), s.cfg.Limits.Persons)
		if st.manifest.persons >= limit {
			return Enrolled{}, fmt.Errorf("gallery %q: %w: it may have %d persons; remove some, or raise the limit", g.name, ErrLimit, limit)
		}
		p.row = s.nextPerson
		s.nextPerson++
	} else {
		if old.templates >= s.cfg.Limits.TemplatesPerPerson {
			return Enrolled{}, fmt.Errorf("gallery %q: person %q: %w: they may have %d templates; remove the person and enrol them anew", g.name, r.Person, ErrLimit, s.cfg.Limits.TemplatesPerPerson)
		}
		p.row, p.handle, p.created, p.templates = old.row, old.handle, old.created, old.templates+1
		p.labels = maps.Clone(old.labels)
		if p.labels == nil {
			p.labels = map[string]string{}
		}
		maps.Copy(p.labels, r.Labels)
		if err := validateLabels(p.labels); err != nil {
			return Enrolled{}, fmt.Errorf("gallery %q: person %q, with the labels on record: %w", g.name, r.Person, err)
		}
	}
	if err := s.writeEnrolled(ctx, g, st, r, old, &p); err != nil {
		return Enrolled{}, b.failed(err)
	}
	st.added = append(st.added, addition{seq: g.added + uint64(len(st.added)) + 1, person: p.id, vector: r.Template})
	b.then(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		kept := old
		if old == nil {
			kept = &p
			g.put(kept)
		} else {
			*old = p
		}
		if err := g.remember(kept, r.Template); err != nil {
			s.log.Error("galleries: an enrolled template is not searched until the file is opened anew", "gallery", g.name, "error", err)
		}
	})
	return Enrolled{Person: g.personOf(&p), Duplicates: candidates}, nil
}

// writeEnrolled writes the person's record and the template, and enters both in the gallery's.
func (s *Store) writeEnrolled(ctx context.Context, g *state, st *stage, r EnrolRecord, old, p *person) error {
	c := g.ciphers[g.key]
	sealed := seal(c.aead, p.encode(), g.personContext(p.row))
	p.element = newElement(g.manifest.setKey, "person", p.row, sealed)
	var err error
	if old == nil {
		if p.place, err = s.slots.put(ctx, sealed); err != nil {
			return err
		}
		if err := s.db.exec(ctx, "INSERT INTO persons VALUES (?, ?, ?, ?)", p.row, g.id, g.key, p.place.slot); err != nil {
			return err
		}
		st.manifest.persons++
	} else {
		if p.place, err = s.slots.replace(ctx, old.place, sealed); err != nil {
			return err
		}
		if err := s.db.exec(ctx, "UPDATE persons SET key = ?, slot = ? WHERE id = ?", g.key, p.place.slot, p.row); err != nil {
			return err
		}
		st.manifest.set.toggle(old.element)
	}
	st.manifest.set.toggle(p.element)

	row := s.nextTemplate
	s.nextTemplate++
	t := templateRecord{created: p.enrolled, quality: r.Quality, purpose: r.Purpose, consent: r.Consent, vector: r.Template}
	sealed = seal(c.aead, t.encode(), g.templateContext(p.row, row))
	at, err := s.slots.put(ctx, sealed)
	if err != nil {
		return err
	}
	if err := s.db.exec(ctx, "INSERT INTO templates VALUES (?, ?, ?, ?, ?)", row, g.id, p.row, g.key, at.slot); err != nil {
		return err
	}
	st.manifest.templates++
	st.manifest.set.toggle(newElement(g.manifest.setKey, "template", row, sealed))
	return nil
}

// candidates describes persons; those who came in the same transaction have their id only.
func (g *state) candidates(found []alike) []Candidate {
	all := make([]Candidate, len(found))
	for i, f := range found {
		all[i] = Candidate{Person: Person{ID: f.person, Templates: 1}, Cosine: float32(f.cosine)}
		if p := g.people[f.person]; p != nil {
			all[i].Person = g.personOf(p)
		}
	}
	return all
}
