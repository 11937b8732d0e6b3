package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// embeddedPrefix starts the path of every file that is compiled into the program.
const embeddedPrefix = "embedded/"

// resolve tries the sources in order and hashes what it finds.
func (s *Store) resolve(e Entry) (Artifact, error) {
	var failures []error
	for _, try := range s.sources(e) {
		files, err := try.find()
		if err == nil {
			var a Artifact
			if a, err = s.check(e, try.source, files); err == nil {
				return a, nil
			}
		}
		failures = append(failures, err)
	}
	return Artifact{}, s.unavailable(e, failures)
}

// locate is resolve without the hashing: the files are there and as long as they should be.
func (s *Store) locate(e Entry) (Source, map[string]located, error) {
	var failures []error
	for _, try := range s.sources(e) {
		files, err := try.find()
		if err == nil {
			return try.source, files, nil
		}
		failures = append(failures, err)
	}
	return "", nil, s.unavailable(e, failures)
}

func (s *Store) unavailable(e Entry, failures []error) error {
	var m *MismatchError
	if err := errors.Join(failures...); errors.As(err, &m) {
		return fmt.Errorf("%w: %w", ErrUnavailable, m)
	}
	hint := "it has no URL: copy it there or pull it with --mirror"
	if missing := s.missing(e); len(missing) > 0 && len(missing) < len(e.Files) {
		return fmt.Errorf("%w: %s is not whole in %s: %s missing", ErrUnavailable, e.ID, s.dir, strings.Join(missing, ", "))
	}
	switch {
	case e.System && !pullable(e):
		hint = "install the operating system's package"
	case pullable(e):
		hint = fmt.Sprintf("get it with 'courtsense models pull %s'", e.ID)
	}
	return fmt.Errorf("%w: %s is not in %s; %s", ErrUnavailable, e.ID, s.dir, hint)
}

// missing lists the paths of the entry's files that are not on disk.
func (s *Store) missing(e Entry) []string {
	var out []string
	for _, f := range e.Files {
		if _, err := os.Stat(filepath.Join(s.dir, filepath.FromSlash(f.Path))); err != nil {
			out = append(out, f.Path)
		}
	}
	return out
}

func pullable(e Entry) bool {
	for _, f := range e.Files {
		if f.URL == "" {
			return false
		}
	}
	return len(e.Files) > 0
}

type attempt struct {
	source Source
	find   func() (map[string]located, error)
}

func (s *Store) sources(e Entry) []attempt {
	var out []attempt
	if len(e.Files) > 0 {
		out = append(out, attempt{SourceDisk, func() (map[string]located, error) { return s.onDisk(e) }})
	}
	if e.Embedded {
		out = append(out, attempt{SourceEmbedded, func() (map[string]located, error) { return s.compiledIn(e) }})
	}
	if e.System {
		out = append(out, attempt{SourceSystem, func() (map[string]located, error) { return s.onSystem(e) }})
	}
	if e.Remote != nil {
		out = append(out, attempt{SourceRemote, func() (map[string]located, error) { return nil, nil }})
	}
	return out
}

func (s *Store) onDisk(e Entry) (map[string]located, error) {
	files := make(map[string]located, len(e.Files))
	for _, f := range e.Files {
		at := located{path: filepath.Join(s.dir, filepath.FromSlash(f.Path)), want: f.SHA256, size: f.Size}
		if f.TrustOnFirstUse() {
			lock, err := ReadLock(s.dir)
			if err != nil {
				return nil, err
			}
			if rec, ok := lock.File(f.Path); ok {
				at.want, at.size = rec.SHA256, rec.Size
			}
		}
		info, err := os.Stat(at.path)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is not a file", at.path)
		}
		if at.size > 0 && info.Size() != at.size {
			return nil, &MismatchError{ID: e.ID, Path: at.path, Want: at.want, WantSize: at.size, GotSize: info.Size()}
		}
		files[f.Role] = at
	}
	return files, nil
}

func (s *Store) compiledIn(e Entry) (map[string]located, error) {
	files := make(map[string]located, len(e.Files))
	for _, f := range e.Files {
		at := located{path: strings.TrimPrefix(f.Path, embeddedPrefix), fsys: s.embedded, want: f.SHA256, size: f.Size}
		if _, err := fs.Stat(s.embedded, at.path); err != nil {
			return nil, err
		}
		files[f.Role] = at
	}
	return files, nil
}

// onSystem finds files that a package manager owns: there is no hash to hold them to, but theirs is reported.
func (s *Store) onSystem(e Entry) (map[string]located, error) {
	files := make(map[string]located, len(e.Files))
	for _, f := range e.Files {
		found := ""
		for _, dir := range s.tessdata {
			p := filepath.Join(dir, path.Base(f.Path))
			if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
				found = p
				break
			}
		}
		if found == "" {
			return nil, fmt.Errorf("%s: %w in %s", path.Base(f.Path), fs.ErrNotExist, strings.Join(s.tessdata, ", "))
		}
		files[f.Role] = located{path: found}
	}
	return files, nil
}

// check hashes every file and refuses the model when one differs.
func (s *Store) check(e Entry, src Source, files map[string]located) (Artifact, error) {
	a := Artifact{Entry: e, Source: src, files: files}
	if src == SourceRemote {
		a.Remote = e.Remote
		return a, nil
	}
	main, _ := e.primary()
	for role, f := range files {
		sum, size, err := s.digest(f)
		if err != nil {
			return Artifact{}, err
		}
		if f.want != "" && sum != f.want {
			return Artifact{}, &MismatchError{ID: e.ID, Path: f.path, Want: f.want, Got: sum, WantSize: f.size, GotSize: size}
		}
		if role == main.Role {
			a.SHA256 = sum
		}
		f.known, f.want = f.want != "", sum
		files[role] = f
	}
	return a, nil
}

// verified reports whether every file was held to a known hash.
func (a Artifact) verified() bool {
	for _, f := range a.files {
		if !f.known {
			return false
		}
	}
	return len(a.files) > 0
}

func (s *Store) digest(f located) (string, int64, error) {
	if f.fsys == nil {
		return s.digests.of(f.path)
	}
	if d, ok := s.embeddedDigests.Load(f.path); ok {
		return d.(embeddedDigest).sum, d.(embeddedDigest).size, nil
	}
	sum, size, err := hashIn(f.fsys, f.path)
	if err == nil {
		s.embeddedDigests.Store(f.path, embeddedDigest{sum, size})
	}
	return sum, size, err
}

// tessdataDirs lists where Tesseract looks, most wanted first.
func tessdataDirs() []string {
	var dirs []string
	if p := os.Getenv("TESSDATA_PREFIX"); p != "" {
		dirs = append(dirs, p, filepath.Join(p, "tessdata"))
	}
	// Debian and Ubuntu put the major version in the path; the newest comes last in the glob's order.
	versions, _ := filepath.Glob("/usr/share/tesseract-ocr/*/tessdata")
	for i := len(versions) - 1; i >= 0; i-- {
		dirs = append(dirs, versions[i])
	}
	return append(dirs, "/usr/share/tessdata", "/usr/local/share/tessdata", "/opt/homebrew/share/tessdata")
}
