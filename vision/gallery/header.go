package gallery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// opened are the files that this process has open. Closing any descriptor of a file gives up the process's POSIX locks on
// it, so a file that is open here may not be looked at a second time.
var opened struct {
	sync.Mutex
	paths map[string]struct{}
}

// claim takes a file for one store of this process, until release is called.
func claim(path string) (release func(), err error) {
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%w: gallery file: %w; its folder must exist", ErrReadOnly, err)
	}
	name := filepath.Join(folder, filepath.Base(path))
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	opened.Lock()
	defer opened.Unlock()
	if _, taken := opened.paths[name]; taken {
		return nil, fmt.Errorf("%w: this process has %s open already", ErrLocked, path)
	}
	if opened.paths == nil {
		opened.paths = map[string]struct{}{}
	}
	opened.paths[name] = struct{}{}
	return func() {
		opened.Lock()
		defer opened.Unlock()
		delete(opened.paths, name)
	}, nil
}

// The file's header (https://www.sqlite.org/fileformat2.html, 1.3).
const (
	headerBytes     = 100
	magic           = "SQLite format 3\x00"
	atPageSize      = 16
	atChanges       = 24
	atPages         = 28
	atUserVersion   = 60
	atApplicationID = 68
	atValidFor      = 92
)

// inspectHeader refuses a file that is not one of galleries, before SQLite may take it for one and change it.
func inspectHeader(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: gallery file: %w", ErrReadOnly, err)
	} else if err != nil {
		return fmt.Errorf("gallery file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("gallery file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is not a file", ErrInvalid, path)
	}
	var b [headerBytes]byte
	if n, err := io.ReadFull(f, b[:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %s is cut short to %d bytes; restore it from a backup, or delete it to begin anew", ErrCorrupt, path, n)
	} else if err != nil {
		return fmt.Errorf("gallery file: %w", err)
	}
	number := func(at int) int64 { return int64(binary.BigEndian.Uint32(b[at:])) }
	if string(b[:len(magic)]) != magic || number(atApplicationID) != applicationID {
		return fmt.Errorf("%w: %s is not a file of galleries", ErrCorrupt, path)
	}
	if v := number(atUserVersion); v != formatVersion {
		return fmt.Errorf("%w: %s has format version %d, this program knows %d", ErrInvalid, path, v, formatVersion)
	}
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		return nil // the log holds newer pages; the size is looked at when they are in the file
	}
	want := int64(binary.BigEndian.Uint16(b[atPageSize:])) * number(atPages)
	if number(atChanges) == number(atValidFor) && info.Size() < want {
		return fmt.Errorf("%w: %s is cut short: it has %d bytes of %d; restore it from a backup", ErrCorrupt, path, info.Size(), want)
	}
	return nil
}
