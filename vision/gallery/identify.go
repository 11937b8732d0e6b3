package gallery

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Identify returns the k persons, 1 to 1000, whose nearest template is nearest to the probe's, best first; fewer when there
// are fewer. Whether one of them is the probe is for the caller to decide, by the model's calibration. It is exact, and
// refuses with [ErrCorrupt] rather than leave out a person whose record is damaged. Of equals either may come first.
func (s *Store) Identify(ctx context.Context, gallery string, p Probe, k int) ([]Candidate, error) {
	if k < 1 || k > maxCandidates {
		return nil, fmt.Errorf("%w: %d candidates are wanted, 1 to %d can be had", ErrInvalid, k, maxCandidates)
	}
	g, release, err := s.use(ctx, gallery)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := g.compares(p.Model, p.Template); err != nil {
		return nil, err
	}
	var skip func(int32) bool
	if g.manifest.spec.Retention != 0 {
		now := s.cfg.Now()
		skip = func(owner int32) bool { return g.expired(g.handles[owner], now) }
	}
	hits, err := g.index.Nearest(ctx, p.Template, k, skip)
	if err != nil {
		return nil, fmt.Errorf("identify in gallery %q: %w", gallery, err)
	}
	found := make([]Candidate, len(hits))
	for i, h := range hits {
		found[i] = Candidate{Person: g.personOf(g.handles[h.Owner]), Cosine: float32(h.Cosine)}
	}
	return found, nil
}

// Person returns a person's record.
func (s *Store) Person(ctx context.Context, gallery, id string) (Person, error) {
	g, release, err := s.use(ctx, gallery)
	if err != nil {
		return Person{}, err
	}
	defer release()
	p := g.people[id]
	if p == nil || g.expired(p, s.cfg.Now()) {
		return Person{}, fmt.Errorf("gallery %q: person %q: %w", gallery, id, ErrNotFound)
	}
	return g.personOf(p), nil
}

// ListPersons returns persons by id, in pages as [Store.ListGalleries] does.
func (s *Store) ListPersons(ctx context.Context, gallery string, pageSize int, pageToken string) (page []Person, next string, err error) {
	after, err := parsePage(&pageSize, pageToken)
	if err != nil {
		return nil, "", err
	}
	g, release, err := s.use(ctx, gallery)
	if err != nil {
		return nil, "", err
	}
	defer release()
	if err := g.whole(); err != nil {
		return nil, "", err
	}
	// The first pageSize+1 ids after the token: the list is kept sorted while it is that long at most.
	now, ids := s.cfg.Now(), make([]string, 0, pageSize+2)
	for id, p := range g.people {
		if id <= after || len(ids) > pageSize && id > ids[pageSize] || g.expired(p, now) {
			continue
		}
		at, _ := slices.BinarySearchFunc(ids, id, strings.Compare)
		ids = slices.Insert(ids, at, id)
		ids = ids[:min(len(ids), pageSize+1)]
	}
	if len(ids) > pageSize {
		next = pageTokenAfter(ids[pageSize-1])
		ids = ids[:pageSize]
	}
	for _, id := range ids {
		page = append(page, g.personOf(g.people[id]))
	}
	return page, next, nil
}
