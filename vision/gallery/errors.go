package gallery

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// What errors of this package wrap. Each is returned with what it is about and what can be done.
var (
	// ErrNotFound: there is no such gallery or person.
	ErrNotFound = errors.New("not found")
	// ErrExists: there is a gallery of that name.
	ErrExists = errors.New("exists already")
	// ErrInvalid: a name, label, template or number is not within its limits.
	ErrInvalid = errors.New("invalid")
	// ErrNotEmpty: the gallery holds persons.
	ErrNotEmpty = errors.New("not empty")
	// ErrDuplicate: another person in the gallery looks like this one. The error is a [*DuplicateError].
	ErrDuplicate = errors.New("duplicate")
	// ErrModelMismatch: the template is not of the gallery's model.
	ErrModelMismatch = errors.New("model mismatch")
	// ErrLimit: the gallery, or the person, has as much as it may have.
	ErrLimit = errors.New("limit reached")
	// ErrWrongKey: the keyring has not the key that the file was encrypted with. Nothing was changed.
	ErrWrongKey = errors.New("wrong key")
	// ErrCorrupt: the file is not as it was written. Nothing was changed.
	ErrCorrupt = errors.New("corrupt")
	// ErrLocked: another process, or another Store of this one, has the file open.
	ErrLocked = errors.New("locked")
	// ErrFull: there is no room on the disk, or the file has its greatest size. Nothing that was acknowledged is lost.
	ErrFull = errors.New("full")
	// ErrReadOnly: the file or its folder can't be written.
	ErrReadOnly = errors.New("read-only")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("closed")
)

// DuplicateError says who in the gallery looks like the person who was to be enrolled. It wraps [ErrDuplicate].
type DuplicateError struct {
	Gallery    string
	Person     string
	Candidates []Candidate // the nearest first
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("gallery %s: %v: %d other persons look like the one who is to be enrolled", e.Gallery, ErrDuplicate, len(e.Candidates))
}

func (e *DuplicateError) Unwrap() error { return ErrDuplicate }

// translate names what SQLite complains about.
func translate(path string, err error) error {
	var failure *sqlite.Error
	if err == nil || !errors.As(err, &failure) {
		return err
	}
	switch failure.Code() & 0xff {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return fmt.Errorf("%w: another process has %s open; stop it, or give each its own file", ErrLocked, path)
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w: %s can't grow: make room on the disk or raise the limit on its size (%w)", ErrFull, path, err)
	case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM:
		return fmt.Errorf("%w: %s and its folder must be writable by this process (%w)", ErrReadOnly, path, err)
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("%w: %s is damaged; restore it from a backup (%w)", ErrCorrupt, path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}
