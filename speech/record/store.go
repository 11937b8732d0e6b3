package record

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Options configure a [Store]. The zero value is usable.
type Options struct {
	// KeepAudio keeps the sound of hearings beside their journals: 115 MB an hour and channel.
	KeepAudio bool
	// ReadOnly takes no locks and changes nothing; a record is as it was when Get read it. It works beside a process that writes.
	ReadOnly bool
	// Clock tells the time; nil means time.Now.
	Clock func() time.Time
	// Logger gets what the operator should know, without anything about a person; nil means slog.Default().
	Logger *slog.Logger
	// IdleRecords stay open when nobody uses them, because opening one reads its whole journal; 0 means 16.
	IdleRecords int

	wrap    func(*os.File) file  // lets tests stand between the store and the disk
	elapsed func() time.Duration // since the process began, more than 0; nil: not known, as with a Clock of the caller's
}

const (
	defaultIdle   = 16
	newPrefix     = ".new-"
	newForgotten  = time.Hour
	folderRights  = 0o700
	journalRights = 0o600
)

// started has the monotonic clock's reading, which nobody sets.
var started = time.Now()

// Store is a folder of records. It is safe for concurrent use. A record that is open for writing is its own until it is closed; the folder may be shared
// with other stores.
type Store struct {
	dir string
	o   Options

	mu     sync.Mutex
	open   map[string]*slot
	idle   []*slot // that nobody uses, the longest unused first
	closed bool
	lists  summaries
}

// slot is a record that is open, or being opened.
type slot struct {
	id    string
	ready chan struct{} // closed when live or err is set
	live  *live
	err   error
	users int // guarded by the store's mu
}

// Open opens a folder of records, and makes it when there is none.
func Open(dir string, o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock, o.elapsed = time.Now, func() time.Duration { return time.Since(started) }
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.IdleRecords == 0 {
		o.IdleRecords = defaultIdle
	}
	if o.wrap == nil {
		o.wrap = func(f *os.File) file { return f }
	}
	if !o.ReadOnly {
		if err := os.MkdirAll(dir, folderRights); err != nil {
			return nil, translate(dir, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	s := &Store{dir: dir, o: o, open: map[string]*slot{}}
	for _, e := range entries {
		if !o.ReadOnly && strings.HasPrefix(e.Name(), newPrefix) {
			s.forget(e)
		}
	}
	return s, nil
}

// forget removes a record that was never begun: its process died while it made the folder.
func (s *Store) forget(e fs.DirEntry) {
	info, err := e.Info()
	if err != nil || time.Since(info.ModTime()) < newForgotten {
		return
	}
	if err := os.RemoveAll(filepath.Join(s.dir, e.Name())); err != nil {
		s.o.Logger.Warn("records: remove an unfinished folder", "error", err)
	}
}

// Create begins a record. An empty id draws one. The caller closes it.
func (s *Store) Create(ctx context.Context, id string, c Case, by Edit) (*Record, error) {
	if id == "" {
		drawn, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("draw a record id: %w", err)
		}
		id = drawn.String()
	}
	if err := errors.Join(validateID(id), by.validate(), c.validate(), ctx.Err()); err != nil {
		return nil, err
	}
	if s.o.ReadOnly {
		return nil, fmt.Errorf("record %s: %w: the store was opened for reading", id, ErrReadOnly)
	}
	if err := s.make(id, c, by); err != nil {
		return nil, err
	}
	return s.Get(ctx, id)
}

// make writes a record with its first entry. The folder gets its name when all is on the disk.
func (s *Store) make(id string, c Case, by Edit) (err error) {
	e := &entry{Number: 1, Revision: 1, Act: Created, At: s.o.Clock().Round(0).UTC(), Author: by.Author, Reason: by.Reason, ID: id, Case: &c}
	payload, err := e.encode()
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(s.dir, id)); err == nil {
		return fmt.Errorf("record %s: %w", id, ErrExists)
	}
	folder, err := os.MkdirTemp(s.dir, newPrefix)
	if err != nil {
		return translate(s.dir, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	path := filepath.Join(folder, journalName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, journalRights)
	if err != nil {
		return translate(path, err)
	}
	wrapped := s.o.wrap(f)
	_, err = wrapped.WriteAt([]byte(journalHeader), 0)
	if err == nil {
		err = (&journal{f: wrapped, path: path, end: int64(len(journalHeader)), head: chainStart()}).append(payload)
	}
	if err = errors.Join(translate(path, err), f.Close()); err != nil {
		return err
	}
	if err := syncFolder(folder); err != nil {
		return err
	}
	if err := os.Rename(folder, filepath.Join(s.dir, id)); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("record %s: %w", id, ErrExists)
		}
		return translate(s.dir, err)
	}
	return syncFolder(s.dir)
}

func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return translate(folder, err)
	}
	defer f.Close()
	return translate(folder, f.Sync())
}

// Get opens a record. The caller closes it.
func (s *Store) Get(ctx context.Context, id string) (*Record, error) {
	if err := errors.Join(validateID(id), ctx.Err()); err != nil {
		return nil, err
	}
	if s.o.ReadOnly {
		l, err := openLive(s.o, s.dir, id)
		if err != nil {
			return nil, err
		}
		return &Record{live: l, store: s, done: make(chan struct{})}, nil
	}
	sl, first, err := s.claim(id)
	if err != nil {
		return nil, err
	}
	if first {
		s.load(sl)
	}
	select {
	case <-sl.ready:
	case <-ctx.Done():
		s.release(sl)
		return nil, ctx.Err()
	}
	if sl.err != nil {
		return nil, sl.err
	}
	return &Record{live: sl.live, store: s, slot: sl, done: make(chan struct{})}, nil
}

// claim counts one more user of a record; first tells that the caller has to load it.
func (s *Store) claim(id string) (sl *slot, first bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, fmt.Errorf("records: %w", ErrClosed)
	}
	sl, ok := s.open[id]
	if !ok {
		sl = &slot{id: id, ready: make(chan struct{})}
		s.open[id] = sl
	}
	sl.users++
	s.idle = slices.DeleteFunc(s.idle, func(o *slot) bool { return o == sl })
	return sl, !ok, nil
}

// retain counts one more use of a record that is in use.
func (s *Store) retain(sl *slot) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl.users++
	return func() { s.release(sl) }
}

func (s *Store) load(sl *slot) {
	l, err := openLive(s.o, s.dir, sl.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.closed {
		err = errors.Join(fmt.Errorf("records: %w", ErrClosed), l.close())
	}
	if sl.live, sl.err = l, err; err != nil {
		sl.live = nil
		delete(s.open, sl.id)
	}
	close(sl.ready)
}

// release gives up a use of a record. The records that were unused longest are closed.
func (s *Store) release(sl *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl.users--
	if s.closed || sl.users > 0 || s.open[sl.id] != sl {
		return
	}
	s.idle = append(s.idle, sl)
	for len(s.idle) > s.o.IdleRecords {
		oldest := s.idle[0]
		s.idle = s.idle[1:]
		delete(s.open, oldest.id)
		s.shut(oldest)
	}
}

// shut closes a record that is in no use, or at the end.
func (s *Store) shut(sl *slot) {
	<-sl.ready
	if sl.live == nil {
		return
	}
	s.lists.keep(s, sl.live)
	if err := sl.live.close(); err != nil {
		s.o.Logger.Warn("record: close", "record", sl.id, "error", err)
	}
}

// Close closes all records; calls on them give [ErrClosed], and their subscriptions end. It is idempotent.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	open := make([]*slot, 0, len(s.open))
	for _, sl := range s.open {
		open = append(open, sl)
	}
	s.open, s.idle = map[string]*slot{}, nil
	s.mu.Unlock()
	// A record that is being opened just now is closed by who opens it.
	for _, sl := range open {
		s.shut(sl)
	}
	return nil
}
