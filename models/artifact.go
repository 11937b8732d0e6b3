package models

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
)

// Source says where a model's bytes come from.
type Source string

// The sources, in the order in which they are tried.
const (
	SourceDisk     Source = "disk"     // the store's folder
	SourceEmbedded Source = "embedded" // compiled into the program
	SourceSystem   Source = "system"   // an operating system package
	SourceRemote   Source = "remote"   // another process
)

// Artifact is a model that can be used: an entry and its files, each already checked against its SHA-256.
type Artifact struct {
	Entry  Entry
	Source Source
	SHA256 string  // hex, of the file that identifies the model (role model, encoder or traineddata); "" for a remote one
	Remote *Remote // set when Source is remote

	files map[string]located
}

// located is one file's place: on disk when fsys is nil.
type located struct {
	path  string
	fsys  fs.FS
	want  string // SHA-256 that Bytes insists on: the known one, else the one found when the model was resolved
	size  int64
	known bool // want comes from the catalogue or the lock file
}

// Bytes reads the file with a role. It hashes what it read, so that what a session is built from is what the catalogue
// (or, for a file without a known hash, this Artifact) names, even when the file changed since the store looked at it; a
// difference is a [MismatchError].
func (a Artifact) Bytes(role string) ([]byte, error) {
	f, err := a.located(role)
	if err != nil {
		return nil, err
	}
	var b []byte
	if f.fsys != nil {
		b, err = fs.ReadFile(f.fsys, f.path)
	} else {
		b, err = os.ReadFile(f.path)
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", a.Entry.ID, err)
	}
	sum := sha256.Sum256(b)
	if got := hex.EncodeToString(sum[:]); got != f.want {
		return nil, &MismatchError{ID: a.Entry.ID, Path: f.path, Want: f.want, Got: got, WantSize: f.size, GotSize: int64(len(b))}
	}
	return b, nil
}

// Path returns where the file with a role lies on disk, for libraries that insist on opening it themselves. It fails
// for embedded and remote models: use [Artifact.Bytes].
func (a Artifact) Path(role string) (string, error) {
	f, err := a.located(role)
	if err != nil {
		return "", err
	}
	if f.fsys != nil {
		return "", fmt.Errorf("model %s is compiled into the program: its %s has no path", a.Entry.ID, role)
	}
	return f.path, nil
}

func (a Artifact) located(role string) (located, error) {
	f, ok := a.files[role]
	if !ok {
		return located{}, fmt.Errorf("model %s from %s has no file with role %q", a.Entry.ID, a.Source, role)
	}
	return f, nil
}
