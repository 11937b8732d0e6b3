package models

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/courtsense/courtsense/models/embedded"
)

// CatalogName is the file in a store whose entries are merged over the built-in catalogue.
const CatalogName = "catalog.yaml"

// Store finds the models of a catalogue. It is safe for concurrent use and never writes.
type Store struct {
	dir      string
	catalog  *Catalog
	embedded fs.FS
	tessdata []string
	log      *slog.Logger

	digests         digests
	embeddedDigests sync.Map // path in the embedded file system -> embeddedDigest
}

type embeddedDigest struct {
	sum  string
	size int64
}

// Option changes how a store is opened.
type Option func(*Store)

// WithEmbedded replaces the weights compiled into the program; paths in it are entry paths without "embedded/".
func WithEmbedded(fsys fs.FS) Option { return func(s *Store) { s.embedded = fsys } }

// WithTessdata replaces the folders searched for Tesseract's data, which are TESSDATA_PREFIX and the usual ones.
func WithTessdata(dirs ...string) Option { return func(s *Store) { s.tessdata = dirs } }

// WithLogger says where warnings about damaged or unverifiable files go; the default is slog.Default().
func WithLogger(l *slog.Logger) Option { return func(s *Store) { s.log = l } }

// DefaultDir is the store used when none is named: ${XDG_DATA_HOME:-~/.local/share}/courtsense/models.
func DefaultDir() (string, error) {
	if base := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "courtsense", "models"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no folder for models: %w (set XDG_DATA_HOME or name one with --models)", err)
	}
	return filepath.Join(home, ".local", "share", "courtsense", "models"), nil
}

// Open opens the store in dir ("" for [DefaultDir]); c nil means [Builtin]. A folder that does not exist is an empty
// store: embedded and system models still work. DIR/catalog.yaml, when there, is merged over c: an entry with a known id
// replaces it where it stands, new entries come first, because whoever adds a model wants it used. For the same reason the
// folders of speech recognisers that lie in the store as they were downloaded come before all; see docs/models.md.
func Open(c *Catalog, dir string, opts ...Option) (*Store, error) {
	var err error
	if c == nil {
		if c, err = Builtin(); err != nil {
			return nil, err
		}
	}
	if dir == "" {
		if dir, err = DefaultDir(); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("model store: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("model store %s is not a folder", dir)
	}
	s := &Store{dir: dir, catalog: c, embedded: embedded.Files, tessdata: tessdataDirs(), log: slog.Default()}
	own, err := os.ReadFile(filepath.Join(dir, CatalogName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("model store: %w", err)
	default:
		extra, err := ParseCatalog(own)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, CatalogName), err)
		}
		s.catalog = c.merge(extra)
	}
	for _, o := range opts {
		o(s)
	}
	s.catalog = s.catalog.merge(&Catalog{Models: s.folders()})
	return s, nil
}

// Dir returns the store's folder, which may not exist yet.
func (s *Store) Dir() string { return s.dir }

// Catalog returns the merged catalogue. It must not be changed.
func (s *Store) Catalog() *Catalog { return s.catalog }

// Resolve returns the model called id from the first source that has all its files intact. The error wraps [ErrUnknown]
// or [ErrUnavailable] and holds a [MismatchError] for each damaged file.
func (s *Store) Resolve(id string) (Artifact, error) {
	e, err := s.catalog.Entry(id)
	if err != nil {
		return Artifact{}, err
	}
	return s.resolve(e)
}

// Select returns the best available model for a task: the first in the catalogue's order that resolves. A damaged one is
// passed over with a warning. The error wraps [ErrUnavailable] and says what each candidate lacks.
func (s *Store) Select(task string) (Artifact, error) {
	all, err := s.SelectAll(task)
	if err != nil {
		return Artifact{}, err
	}
	return all[0], nil
}

// SelectAll returns the best available model of every slot of a task, in the catalogue's order: the models of an
// ensemble, the languages of an engine. There is at least one, or an error as from [Store.Select].
func (s *Store) SelectAll(task string) ([]Artifact, error) {
	var found []Artifact
	var failures []error
	filled := map[string]bool{}
	for _, e := range s.catalog.Task(task) {
		if filled[e.Slot] {
			continue
		}
		a, err := s.resolve(e)
		if err != nil {
			failures = append(failures, err)
			s.warn(e, err)
			continue
		}
		filled[e.Slot] = true
		found = append(found, a)
	}
	if len(found) > 0 {
		return found, nil
	}
	if len(failures) == 0 {
		return nil, fmt.Errorf("%w: the catalogue has no model for task %q%s", ErrUnavailable, task, suggest(task, Tasks()))
	}
	return nil, fmt.Errorf("%w: no model for task %s:\n%w", ErrUnavailable, task, errors.Join(failures...))
}

// Status says what a store knows of an entry.
type Status struct {
	Entry     Entry
	Available bool   // some source has all files, of the right size
	Source    Source // where; "" when not available
	Checked   bool   // the SHA-256 of every file was compared
	Active    bool   // what Select or SelectAll returns for its task
	Reason    string // why it is active, or why not
	Err       error  // what is wrong with a damaged model; nil when it is merely absent
}

// List returns the status of every entry, in the catalogue's order. It hashes what it must to know which models are
// active; the others are only looked for. [Verify] hashes everything.
func (s *Store) List() []Status {
	type place struct{ task, slot string }
	active := map[place]string{}
	out := make([]Status, 0, len(s.catalog.Models))
	for _, e := range s.catalog.Models {
		st := Status{Entry: e}
		at := place{e.Task, e.Slot}
		if winner, taken := active[at]; taken {
			src, _, err := s.locate(e)
			st.Available, st.Source = err == nil, src
			if err == nil {
				st.Reason = winner + " comes first in the catalogue"
			} else {
				st.Reason, st.Err = s.explain(err)
			}
			out = append(out, st)
			continue
		}
		a, err := s.resolve(e)
		if err != nil {
			st.Reason, st.Err = s.explain(err)
		} else {
			active[at] = e.ID
			st.Available, st.Source, st.Active, st.Checked = true, a.Source, true, a.verified()
			st.Reason = "first available for " + e.Task
			if e.Slot != "" {
				st.Reason += " (" + e.Slot + ")"
			}
			if !st.Checked && a.Source == SourceDisk {
				st.Reason += "; no SHA-256 is known for it, 'courtsense models pull' records one"
			}
		}
		out = append(out, st)
	}
	return out
}

func (s *Store) explain(err error) (string, error) {
	var m *MismatchError
	if errors.As(err, &m) {
		return m.Error(), m
	}
	return strings.TrimPrefix(err.Error(), ErrUnavailable.Error()+": "), nil
}

func (s *Store) warn(e Entry, err error) {
	var m *MismatchError
	if errors.As(err, &m) {
		s.log.Warn("model passed over", "model", e.ID, "task", e.Task, "error", m)
	}
}

// merge returns c with the entries of over on top, see [Open].
func (c *Catalog) merge(over *Catalog) *Catalog {
	byID := map[string]Entry{}
	for _, e := range over.Models {
		byID[e.ID] = e
	}
	rest := make([]Entry, 0, len(c.Models))
	for _, e := range c.Models {
		if o, ok := byID[e.ID]; ok {
			e = o
			delete(byID, e.ID)
		}
		rest = append(rest, e)
	}
	out := &Catalog{Format: c.Format}
	for _, e := range over.Models {
		if _, isNew := byID[e.ID]; isNew {
			out.Models = append(out.Models, e)
		}
	}
	out.Models = append(out.Models, rest...)
	return out
}
