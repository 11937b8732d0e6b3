package gallery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/courtsense/courtsense/vision/gallery/search"
)

// Config configures a [Store].
type Config struct {
	// Path is the file. It is made when there is none; its folder must exist.
	Path string
	// Keys encrypts.
	Keys *Keyring
	// Search multiplies; nil means search.NewPlain(). It stays its owner's to close, after the store.
	Search search.Searcher
	// Limits bound what is kept.
	Limits Limits
	// Logger gets what the operator should know, without anything about a person; nil means slog.Default().
	Logger *slog.Logger
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Store is a file of galleries. It is safe for concurrent use, and the file is its own until Close.
//
// A call that changes something returns when that is on the disk; concurrent ones share the wait. What one call was
// acknowledged, every later one sees. A gallery's templates are read and decrypted when it is first used, or by Load, and
// stay in memory.
type Store struct {
	cfg      Config
	db       *database
	uid      []byte
	storeKey []byte
	log      *slog.Logger

	mu        sync.RWMutex // guards galleries and closing
	galleries map[string]*state
	closing   error // of Close

	gate    sync.RWMutex // held for reading while a change is handed over, so that Close comes before or after it
	closed  bool         // guarded by gate
	changes chan *change
	writer  chan struct{} // closed when the writer has ended

	// The writer's own.
	nextPerson, nextTemplate int64
	slots                    slots
	purge                    bool // deleted bytes may still be in the log
}

// Open opens a file of galleries, or makes one. [ErrLocked] says that somebody has it open, [ErrWrongKey] that the keyring
// lacks a key that it was encrypted with, [ErrCorrupt] that it is damaged; in each case nothing was changed. A gallery whose
// own record is damaged does not keep the others from being used.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Path == "" || cfg.Keys == nil {
		return nil, fmt.Errorf("%w: a gallery store needs a path and a keyring", ErrInvalid)
	}
	if cfg.Search == nil {
		cfg.Search = search.NewPlain()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Limits.Persons = cmp.Or(cfg.Limits.Persons, defaultPersons)
	cfg.Limits.TemplatesPerPerson = cmp.Or(cfg.Limits.TemplatesPerPerson, defaultTemplates)
	s := &Store{
		cfg: cfg, log: cfg.Logger, galleries: map[string]*state{},
		changes: make(chan *change, maxTogether), writer: make(chan struct{}),
	}
	var err error
	if s.db, err = openDatabase(ctx, cfg.Path, cfg.Limits.FileBytes, s.initialise); err != nil {
		return nil, fmt.Errorf("open galleries: %w", err)
	}
	if err := s.readKeys(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open galleries: %w", s.db.translate(err)), s.db.close())
	}
	go s.write()
	return s, nil
}

// initialise gives a new file its key.
func (s *Store) initialise(ctx context.Context, db *database) error {
	uid, key := randomBytes(16), randomBytes(keyBytes)
	return db.exec(ctx, "INSERT INTO store VALUES (1, ?, ?, ?)", uid, s.cfg.Keys.active, s.wrap(s.cfg.Keys.active, key, "store key", uid))
}

func (s *Store) wrap(master string, key []byte, what string, fields ...any) []byte {
	return seal(newAEAD(s.cfg.Keys.keys[master], useWrap), key, contextOf(what, append(fields, master)...))
}

func (s *Store) unwrap(master string, wrapped []byte, what string, fields ...any) ([]byte, error) {
	key, ok := s.cfg.Keys.keys[master]
	if !ok {
		return nil, fmt.Errorf("%w: %s was encrypted with key %q, the keyring has %q; add that key", ErrWrongKey, s.cfg.Path, master, s.cfg.Keys.IDs())
	}
	k, err := open(newAEAD(key, useWrap), wrapped, contextOf(what, append(fields, master)...))
	if err != nil {
		return nil, fmt.Errorf("%w: key %q of the keyring does not open the %s in %s: it is another key of that name, or the file was changed",
			ErrWrongKey, master, what, s.cfg.Path)
	}
	return k, nil
}

// readKeys opens the store's and the galleries' keys and records, so that a wrong key is found now.
func (s *Store) readKeys(ctx context.Context) error {
	var master string
	var wrapped []byte
	err := s.db.conn.QueryRowContext(ctx, "SELECT uid, master, wrapped FROM store WHERE id = 1").Scan(&s.uid, &master, &wrapped)
	if err != nil {
		return fmt.Errorf("read the store's key: %w", err)
	}
	if s.storeKey, err = s.unwrap(master, wrapped, "store key", s.uid); err != nil {
		return err
	}
	var sealed [][]byte
	var all []*state
	err = s.db.each(ctx, func(scan func(...any) error) error {
		g, b := newState(s), []byte(nil)
		if err := scan(&g.id, &g.name, &g.uid, &g.key, &b); err != nil {
			return err
		}
		all, sealed = append(all, g), append(sealed, b)
		return nil
	}, "SELECT id, name, uid, key, sealed FROM galleries")
	if err != nil {
		return err
	}
	for i, g := range all {
		if err := s.readGalleryKeys(ctx, g); err != nil {
			return err
		}
		g.readManifest(sealed[i])
		s.galleries[g.name] = g
	}
	for table, next := range map[string]*int64{"persons": &s.nextPerson, "templates": &s.nextTemplate} {
		// sqlite_sequence holds the greatest id that ever was, so that none is used twice.
		err := s.db.conn.QueryRowContext(ctx, "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?), 0), coalesce((SELECT max(id) FROM "+table+"), 0)) + 1", table).Scan(next)
		if err != nil {
			return err
		}
	}
	s.slots.db = s.db
	return s.slots.load(ctx)
}

func (s *Store) readGalleryKeys(ctx context.Context, g *state) error {
	return s.db.each(ctx, func(scan func(...any) error) error {
		var seq int64
		var master string
		var wrapped []byte
		if err := scan(&seq, &master, &wrapped); err != nil {
			return err
		}
		key, err := s.unwrap(master, wrapped, "gallery key", s.uid, g.uid, seq)
		if err != nil {
			return err
		}
		g.ciphers[seq], g.masters[seq] = newGalleryCipher(key), master
		return nil
	}, "SELECT seq, master, wrapped FROM gallery_keys WHERE gallery = ?", g.id)
}

// Close waits for what is being written, frees the memory and gives the file back; it is idempotent.
func (s *Store) Close() error {
	s.gate.Lock()
	if !s.closed {
		s.closed = true
		close(s.changes)
	}
	s.gate.Unlock()
	<-s.writer
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.galleries == nil {
		return s.closing
	}
	for _, g := range s.galleries {
		g.mu.Lock()
		s.closing = errors.Join(s.closing, g.drop())
		g.mu.Unlock()
	}
	s.galleries = nil
	s.closing = errors.Join(s.closing, s.db.translate(s.db.close()))
	return s.closing
}

var errClosed = fmt.Errorf("galleries: %w", ErrClosed)

// find returns a gallery by name.
func (s *Store) find(name string) (*state, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.galleries == nil {
		return nil, errClosed
	}
	g, ok := s.galleries[name]
	if !ok {
		return nil, fmt.Errorf("gallery %q: %w", name, ErrNotFound)
	}
	return g, nil
}

// CreateGallery creates an empty gallery.
func (s *Store) CreateGallery(ctx context.Context, spec GallerySpec) (Gallery, error) {
	if err := spec.validate(); err != nil {
		return Gallery{}, err
	}
	g := newState(s)
	g.name, g.uid, g.key, g.loaded = spec.Name, randomBytes(16), 1, true
	key := randomBytes(keyBytes)
	g.ciphers[1], g.masters[1] = newGalleryCipher(key), s.cfg.Keys.active
	g.manifest = manifest{spec: spec, created: s.now(), setKey: randomBytes(keyBytes)}
	err := s.submit(ctx, &change{alone: true, apply: func(ctx context.Context, b *batch) error {
		if _, err := s.find(spec.Name); err == nil {
			return fmt.Errorf("gallery %q: %w", spec.Name, ErrExists)
		}
		result, err := s.db.conn.ExecContext(ctx, "INSERT INTO galleries (name, uid, key, sealed) VALUES (?, ?, 1, ?)", g.name, g.uid, g.sealManifest(g.manifest))
		if err != nil {
			return b.failed(err)
		}
		if g.id, err = result.LastInsertId(); err != nil {
			return b.failed(err)
		}
		err = s.db.exec(ctx, "INSERT INTO gallery_keys VALUES (?, 1, ?, ?)", g.id, g.masters[1], s.wrap(g.masters[1], key, "gallery key", s.uid, g.uid, int64(1)))
		if err != nil {
			return b.failed(err)
		}
		b.then(func() {
			g.index = s.newIndex(spec)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.galleries[g.name] = g
		})
		return nil
	}})
	if err != nil {
		return Gallery{}, err
	}
	return Gallery{GallerySpec: spec, Created: g.manifest.created}, nil
}

func (s *Store) newIndex(spec GallerySpec) *search.Index {
	return search.NewIndex(search.Config{Dimensions: spec.Model.Dimensions, Searcher: s.cfg.Search, Logger: s.log})
}

// Gallery returns a gallery's record.
func (s *Store) Gallery(_ context.Context, name string) (Gallery, error) {
	g, err := s.find(name)
	if err != nil {
		return Gallery{}, err
	}
	return g.describe()
}

const (
	defaultPage = 50
	maxPage     = 1000
)

// ListGalleries returns galleries by name, at most pageSize (1 to 1000; 0 is 50), beginning after the page that gave
// pageToken. next is empty with the last page. A gallery whose record is damaged is listed by its name alone.
func (s *Store) ListGalleries(_ context.Context, pageSize int, pageToken string) (page []Gallery, next string, err error) {
	after, err := parsePage(&pageSize, pageToken)
	if err != nil {
		return nil, "", err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.galleries == nil {
		return nil, "", errClosed
	}
	for _, name := range slices.Sorted(maps.Keys(s.galleries)) {
		if name <= after && pageToken != "" {
			continue
		}
		if len(page) == pageSize {
			return page, pageTokenAfter(page[pageSize-1].Name), nil
		}
		g, err := s.galleries[name].describe()
		if err != nil {
			g = Gallery{GallerySpec: GallerySpec{Name: name}}
		}
		page = append(page, g)
	}
	return page, "", nil
}

func (s *Store) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Second) }
