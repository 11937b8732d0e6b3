package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// The files of a record's folder.
const (
	journalName = "journal"
	soundName   = "audio"
)

// live is an open record, which all its handles share.
type live struct {
	o      Options
	id     string
	folder string
	size   int64 // of the journal's whole entries when it was opened

	write   sync.Mutex    // one change at a time; what follows is its holder's
	journal *journal      // nil: open for reading
	lock    io.Closer     // nil: open for reading
	torn    int64         // bytes that were cut off when it was opened, until an entry says so
	elapsed time.Duration // of the process, at the last entry that it wrote; 0: none yet
	feed    *Feed         // that is heard into it
	closed  bool

	sound sound

	mu      sync.RWMutex // guards what follows; fold is changed with write held too
	fold    *fold
	state   *State        // of fold, until the next change
	changed chan struct{} // closed with the next change, and at the end
	ended   bool
}

// openLive opens a record. For writing, it is locked: two processes that append to one journal would destroy it.
func openLive(o Options, dir, id string) (*live, error) {
	l := &live{o: o, id: id, folder: filepath.Join(dir, id), fold: newFold(), changed: make(chan struct{})}
	path := filepath.Join(l.folder, journalName)
	mode := os.O_RDWR
	if o.ReadOnly {
		mode = os.O_RDONLY
	}
	f, err := os.OpenFile(path, mode, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("record %s: %w in %s", id, ErrNotFound, dir)
	}
	if err != nil {
		return nil, translate(path, err)
	}
	if err := l.read(f, path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if o.ReadOnly {
		return l, f.Close()
	}
	return l, nil
}

func (l *live) read(f *os.File, path string) error {
	if !l.o.ReadOnly {
		if err := lockFile(f, path); err != nil {
			return err
		}
	}
	info, err := f.Stat()
	if err != nil {
		return translate(path, err)
	}
	s, err := newScanner(f, info.Size(), path)
	if err != nil {
		return err
	}
	err = l.fold.replay(s, nil)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errTorn) {
		return err
	}
	l.size = s.at
	if s.n == 0 {
		return s.damaged("the journal has no entry")
	}
	if l.fold.state.ID != l.id {
		return s.damaged(fmt.Sprintf("it is the record %q, in a folder of another name", l.fold.state.ID))
	}
	if l.o.ReadOnly {
		return nil
	}
	l.lock, l.torn = f, info.Size()-s.at
	l.journal = &journal{f: l.o.wrap(f), path: path, end: s.at, head: s.head, unclean: l.torn > 0}
	if l.torn > 0 {
		l.o.Logger.Warn("record: the last entry was not written to its end and was never acknowledged; it is cut off", "record", l.id, "entry", s.n+1, "bytes", l.torn)
	}
	return nil
}

// lockFile takes the file for this opening of it alone. The kernel gives it back with the process, however that ends.
func lockFile(f *os.File, path string) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return fmt.Errorf("%w: another process, or another store of this one, has %s open for writing; ask that one", ErrLocked, path)
		default:
			return translate(path, err)
		}
	}
}

// commit writes one entry, which build makes with the record locked against other changes, and makes it visible.
func (l *live) commit(ctx context.Context, build func() (*entry, error)) (Change, error) {
	l.write.Lock()
	defer l.write.Unlock()
	return l.commitLocked(ctx, build)
}

func (l *live) commitLocked(ctx context.Context, build func() (*entry, error)) (Change, error) {
	if err := ctx.Err(); err != nil {
		return Change{}, err
	}
	if err := l.writable(); err != nil {
		return Change{}, err
	}
	e, err := build()
	if err != nil {
		return Change{}, err
	}
	elapsed := l.stamp(e)
	payload, err := e.encode()
	if err != nil {
		return Change{}, err
	}
	// What is in memory is what was read from the bytes that are written: nothing of the caller's is shared, and reading the journal again can't
	// give another record.
	if e, err = decodeEntry(payload); err != nil {
		return Change{}, err
	}
	if err := l.fold.check(e); err != nil {
		return Change{}, fmt.Errorf("record %s: %w", l.id, err)
	}
	if err := l.journal.append(payload); err != nil {
		return Change{}, err
	}
	l.torn, l.elapsed = 0, elapsed
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fold.apply(e, l.journal.head)
	l.state = nil
	close(l.changed)
	l.changed = make(chan struct{})
	if !e.revises() {
		return Change{}, nil
	}
	return l.fold.changes[e.Revision-1], nil
}

func (l *live) writable() error {
	switch {
	case l.closed:
		return fmt.Errorf("record %s: %w", l.id, ErrClosed)
	case l.journal == nil:
		return fmt.Errorf("record %s: %w: the store was opened for reading", l.id, ErrReadOnly)
	}
	return nil
}

// clockStep is how far the clock may go wrong between two entries without being noted: time servers correct by less.
const clockStep = time.Second

// stamp numbers an entry and gives it its time. Where the clock was set since the entry before, it says how far: backward steps are always seen,
// forward ones within one process, by a clock that nobody sets.
func (l *live) stamp(e *entry) (elapsed time.Duration) {
	e.Number = l.fold.entries + 1
	if e.revises() {
		e.Revision = l.fold.state.Revision + 1
	}
	e.TornBytes = l.torn
	e.At = l.o.Clock().Round(0).UTC()
	wall := e.At.Sub(l.fold.last)
	if l.o.elapsed != nil {
		elapsed = l.o.elapsed()
	}
	if l.elapsed > 0 {
		if step := wall - (elapsed - l.elapsed); step.Abs() >= clockStep {
			e.ClockStep = step
			return elapsed
		}
	}
	if l.fold.entries > 0 && wall < 0 {
		e.ClockStep = wall
	}
	return elapsed
}

// snapshot is the state as it is now.
func (l *live) snapshot() State {
	l.mu.RLock()
	s := l.state
	l.mu.RUnlock()
	if s == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.state == nil {
			l.state = l.fold.snapshot()
		}
		s = l.state
	}
	return *s
}

// close gives the record back.
func (l *live) close() error {
	l.write.Lock()
	defer l.write.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.mu.Lock()
	l.ended = true
	close(l.changed)
	l.mu.Unlock()
	err := l.sound.close()
	if l.lock != nil {
		err = errors.Join(err, l.lock.Close())
	}
	return err
}
