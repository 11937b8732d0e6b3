package gallery

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/courtsense/courtsense/vision/gallery/search"
)

// state is one gallery in memory. Only the writer changes it, under mu.
type state struct {
	store *Store
	id    int64
	name  string
	uid   []byte

	mu       sync.RWMutex
	key      int64 // seq of the key that new records are encrypted with
	ciphers  map[int64]*galleryCipher
	masters  map[int64]string // ids of the keys that the gallery's keys are wrapped with
	manifest manifest
	broken   error // the manifest can't be read
	gone     bool  // the gallery was deleted

	loaded  bool
	damaged []Damage
	people  map[string]*person
	handles []*person // by the owner in the index; nil where free
	free    []int32
	index   *search.Index
	added   uint64     // templates that were added since it was loaded
	recent  []addition // the last of them
}

// person is a person in memory.
type person struct {
	personRecord
	row       int64
	place     place
	handle    int32
	templates int
	element   element // of the person's record in the gallery's set
}

// addition is a template that was added a short while ago.
type addition struct {
	seq    uint64 // added after it
	person string
	vector []float32
}

// maxRecent is how many additions a gallery remembers, so that the search for duplicates of an enrolment that waits for the
// disk need not be repeated for each that came before it.
const maxRecent = 256

func newState(s *Store) *state {
	return &state{store: s, ciphers: map[int64]*galleryCipher{}, masters: map[int64]string{}, people: map[string]*person{}}
}

func (g *state) manifestContext() []byte {
	return contextOf("gallery", g.store.uid, g.uid, g.name, g.key)
}

func (g *state) personContext(row int64) []byte {
	m := g.manifest.spec.Model
	return contextOf("person", g.uid, row, m.ID, m.SHA256, int64(m.Dimensions))
}

func (g *state) templateContext(person, row int64) []byte {
	m := g.manifest.spec.Model
	return contextOf("template", g.uid, person, row, m.ID, m.SHA256, int64(m.Dimensions))
}

func (g *state) sealManifest(m manifest) []byte {
	return seal(g.ciphers[g.key].aead, m.encode(), g.manifestContext())
}

func (g *state) readManifest(sealed []byte) {
	var plain []byte
	var err error
	if c := g.ciphers[g.key]; c == nil {
		err = fmt.Errorf("its key %d is missing", g.key)
	} else if plain, err = open(c.aead, sealed, g.manifestContext()); err == nil {
		g.manifest, err = parseManifest(g.name, plain)
	}
	if err != nil {
		g.broken = fmt.Errorf("gallery %q: %w: its record can't be read: %w; restore %s from a backup, or delete the gallery", g.name, ErrCorrupt, err, g.store.cfg.Path)
	}
}

func (g *state) describe() (Gallery, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if err := g.usable(); err != nil {
		return Gallery{}, err
	}
	return Gallery{GallerySpec: g.manifest.spec, Persons: g.manifest.persons, Templates: g.manifest.templates, Created: g.manifest.created}, nil
}

// usable reports why the gallery can't be used at all; mu is held.
func (g *state) usable() error {
	if g.gone {
		return fmt.Errorf("gallery %q: %w", g.name, ErrNotFound)
	}
	return g.broken
}

// whole reports why the gallery can't be searched; mu is held. A search that leaves out a person who is on record would be
// wrong without anybody's knowing.
func (g *state) whole() error {
	if err := g.usable(); err != nil || len(g.damaged) == 0 {
		return err
	}
	return fmt.Errorf("gallery %q: %w: %d records are damaged, the first: %v; restore %s from a backup, or give them up by repairing the gallery",
		g.name, ErrCorrupt, len(g.damaged), g.damaged[0], g.store.cfg.Path)
}

func (g *state) expires(p *person) time.Time {
	if g.manifest.spec.Retention == 0 {
		return time.Time{}
	}
	return p.enrolled.Add(g.manifest.spec.Retention)
}

func (g *state) expired(p *person, now time.Time) bool {
	return g.manifest.spec.Retention != 0 && !now.Before(g.expires(p))
}

func (g *state) personOf(p *person) Person {
	return Person{
		ID: p.id, Labels: maps.Clone(p.labels), Templates: p.templates, Created: p.created, Enrolled: p.enrolled, Expires: g.expires(p),
	}
}

// put gives a new person a handle; mu is held.
func (g *state) put(p *person) {
	if n := len(g.free); n > 0 {
		p.handle, g.free = g.free[n-1], g.free[:n-1]
		g.handles[p.handle] = p
	} else {
		p.handle = int32(len(g.handles))
		g.handles = append(g.handles, p)
	}
	g.people[p.id] = p
}

// remember adds a template to the index; mu is held.
func (g *state) remember(p *person, vector []float32) error {
	if err := g.index.Add(p.handle, vector); err != nil {
		return err
	}
	g.added++
	if len(g.recent) == maxRecent {
		g.recent = append(g.recent[:0], g.recent[1:]...)
	}
	g.recent = append(g.recent, addition{seq: g.added, person: p.id, vector: vector})
	return nil
}

// forget takes persons out of memory; mu is held.
func (g *state) forget(gone ...*person) {
	handles, names := make([]int32, len(gone)), make(map[string]struct{}, len(gone))
	for i, p := range gone {
		handles[i], names[p.id] = p.handle, struct{}{}
		delete(g.people, p.id)
		g.handles[p.handle] = nil
	}
	g.index.Remove(handles...)
	g.free = append(g.free, handles...)
	recent := g.recent[:0]
	for _, a := range g.recent {
		if _, ok := names[a.person]; !ok {
			recent = append(recent, a)
		}
	}
	clear(g.recent[len(recent):])
	g.recent = recent
}

// drop frees the gallery's memory; mu is held.
func (g *state) drop() error {
	var err error
	if g.index != nil {
		err = g.index.Close()
	}
	g.gone, g.index, g.people, g.handles, g.recent = true, nil, nil, nil, nil
	return err
}

func pageTokenAfter(name string) string { return base64.RawURLEncoding.EncodeToString([]byte(name)) }

func parsePage(size *int, token string) (after string, err error) {
	if *size == 0 {
		*size = defaultPage
	}
	if *size < 1 || *size > maxPage {
		return "", fmt.Errorf("%w: page size %d is not within 1 and %d", ErrInvalid, *size, maxPage)
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", errors.Join(fmt.Errorf("%w: the page token is not one that was given", ErrInvalid), err)
	}
	return string(b), nil
}
