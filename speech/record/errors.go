package record

import (
	"errors"
	"fmt"
)

// What errors of this package wrap. Each is returned with what it is about and what can be done.
var (
	// ErrNotFound: there is no such record or turn.
	ErrNotFound = errors.New("not found")
	// ErrExists: there is a record of that id.
	ErrExists = errors.New("exists already")
	// ErrInvalid: an argument is not within its limits.
	ErrInvalid = errors.New("invalid")
	// ErrConflict: somebody else changed it since. The error is a [*ConflictError].
	ErrConflict = errors.New("changed meanwhile")
	// ErrFinished: the record is finished, and changes only after it is reopened.
	ErrFinished = errors.New("finished")
	// ErrBusy: another stream is being heard into the record.
	ErrBusy = errors.New("busy")
	// ErrTakenOver: another stream has taken the place of this one.
	ErrTakenOver = errors.New("taken over")
	// ErrFull: there is no room on the disk. The change did not happen; all that was acknowledged is there and can be read, and the next change
	// is tried anew.
	ErrFull = errors.New("full")
	// ErrDamaged: the record is not as it was written. The error is a [*DamageError].
	ErrDamaged = errors.New("damaged")
	// ErrLocked: another process has the record open.
	ErrLocked = errors.New("locked")
	// ErrReadOnly: the store was opened for reading, or the folder can't be written.
	ErrReadOnly = errors.New("read-only")
	// ErrClosed: the store or the record was closed.
	ErrClosed = errors.New("closed")
)

// ConflictError says what a change was based on, and what is there now. It wraps [ErrConflict].
type ConflictError struct {
	Base    int64 // revision that the caller saw
	Present int64 // revision that is there now
	Turn    *Turn // as it is now; nil where the case was to be changed
}

func (e *ConflictError) Error() string {
	what := "the case"
	if e.Turn != nil {
		what = fmt.Sprintf("turn %d", e.Turn.ID)
	}
	return fmt.Sprintf("%s: %v: the change is based on revision %d, the latest one is %d; look at that and decide anew", what, ErrConflict, e.Base, e.Present)
}

func (e *ConflictError) Unwrap() error { return ErrConflict }

// DamageError says where a journal is not as it was written. It wraps [ErrDamaged].
type DamageError struct {
	Path   string
	Entry  int64 // number of the first bad entry, from 1; 0: the file's header
	Offset int64 // at which it begins, bytes
	Detail string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%s: %v: entry %d at byte %d: %s; restore the record from a backup", e.Path, ErrDamaged, e.Entry, e.Offset, e.Detail)
}

func (e *DamageError) Unwrap() error { return ErrDamaged }
