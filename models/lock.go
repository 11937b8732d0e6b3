package models

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// LockName is the file in a store that records the hashes of files for which the catalogue has none.
const LockName = "catalog.lock.yaml"

// Lock is the content of the lock file: what was trusted on first use, and when.
type Lock struct {
	Files []LockedFile `yaml:"files"`
}

// LockedFile is one recorded hash.
type LockedFile struct {
	Path   string    `yaml:"path"` // as in [File.Path]
	SHA256 string    `yaml:"sha256"`
	Size   int64     `yaml:"size"`
	URL    string    `yaml:"url,omitempty"`
	Pulled time.Time `yaml:"pulled"`
}

// ReadLock reads the lock file of a store; an absent one is empty.
func ReadLock(dir string) (Lock, error) {
	b, err := os.ReadFile(filepath.Join(dir, LockName))
	if errors.Is(err, fs.ErrNotExist) {
		return Lock{}, nil
	}
	if err != nil {
		return Lock{}, err
	}
	var l Lock
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&l); err != nil && !errors.Is(err, io.EOF) {
		return Lock{}, fmt.Errorf("%s: %w", filepath.Join(dir, LockName), err)
	}
	for _, f := range l.Files {
		if !isSHA256(f.SHA256) {
			return Lock{}, fmt.Errorf("%s: sha256 of %s is %q, want 64 lower-case hex digits", filepath.Join(dir, LockName), f.Path, f.SHA256)
		}
	}
	return l, nil
}

// File returns the record for a path.
func (l Lock) File(path string) (LockedFile, bool) {
	i := slices.IndexFunc(l.Files, func(f LockedFile) bool { return f.Path == path })
	if i < 0 {
		return LockedFile{}, false
	}
	return l.Files[i], true
}

// With returns a lock in which f replaces any record for its path.
func (l Lock) With(f LockedFile) Lock {
	files := slices.DeleteFunc(slices.Clone(l.Files), func(o LockedFile) bool { return o.Path == f.Path })
	files = append(files, f)
	slices.SortFunc(files, func(a, b LockedFile) int { return strings.Compare(a.Path, b.Path) })
	return Lock{Files: files}
}

// Write replaces the lock file of a store in one step.
func (l Lock) Write(dir string) error {
	b, err := yaml.Marshal(l)
	if err != nil {
		return err
	}
	head := "# Hashes recorded when these files were first pulled; the catalogue has none for them.\n"
	return writeAtomically(filepath.Join(dir, LockName), append([]byte(head), b...))
}

// writeAtomically leaves the old file or the new one, never a part, even when the machine stops.
func writeAtomically(name string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

func isSHA256(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}
