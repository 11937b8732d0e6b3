package models

import (
	"context"
	"errors"
	"io/fs"
)

// VerifyState is the outcome for one file.
type VerifyState string

// The outcomes of [Verify].
const (
	VerifyOK       VerifyState = "ok"       // the SHA-256 is the catalogue's or the lock file's
	VerifyMismatch VerifyState = "mismatch" // other bytes, or another length
	VerifyMissing  VerifyState = "missing"  // not in this source
	VerifyNoHash   VerifyState = "no-hash"  // there, but no SHA-256 is known
	VerifyError    VerifyState = "error"    // could not be read
)

// Verified is the outcome of [Verify] for one file.
type Verified struct {
	ID, Role, Path string // Path is where it was read: absolute on disk, inside the program for an embedded one
	Source         Source
	State          VerifyState
	SHA256         string // as read, "" when missing
	Size           int64
	Err            error // for mismatch and error
}

// Verify reads every file that any source has and compares its SHA-256, without trusting what was hashed before.
// Absent models are left out; an absent file of a model that is otherwise there is reported as missing. The error is
// that of ctx.
func Verify(ctx context.Context, s *Store) ([]Verified, error) {
	var out []Verified
	for _, e := range s.catalog.Models {
		for _, try := range s.sources(e) {
			if try.source == SourceRemote {
				continue
			}
			rows, found := []Verified{}, false
			for _, f := range e.Files {
				if err := ctx.Err(); err != nil {
					return out, err
				}
				row := s.verifyFile(e, f, try.source)
				found = found || row.State != VerifyMissing
				rows = append(rows, row)
			}
			if found {
				out = append(out, rows...)
			}
		}
	}
	return out, nil
}

func (s *Store) verifyFile(e Entry, f File, src Source) Verified {
	row := Verified{ID: e.ID, Role: f.Role, Path: f.Path, Source: src}
	one := e
	one.Files = []File{f}
	var find func(Entry) (map[string]located, error)
	switch src {
	case SourceDisk:
		find = s.onDisk
	case SourceEmbedded:
		find = s.compiledIn
	default:
		find = s.onSystem
	}
	files, err := find(one)
	var at located
	if err == nil {
		at = files[f.Role]
		row.Path = at.path
		if at.fsys != nil {
			row.SHA256, row.Size, err = hashIn(at.fsys, at.path)
		} else {
			row.SHA256, row.Size, err = (&digests{}).of(at.path)
		}
	}
	var m *MismatchError
	switch {
	case errors.As(err, &m):
		row.State, row.Path, row.Size, row.Err = VerifyMismatch, m.Path, m.GotSize, m
	case errors.Is(err, fs.ErrNotExist):
		row.State = VerifyMissing
	case err != nil:
		row.State, row.Err = VerifyError, err
	case at.want == "":
		row.State = VerifyNoHash
	case at.want != row.SHA256:
		row.State = VerifyMismatch
		row.Err = &MismatchError{ID: e.ID, Path: at.path, Want: at.want, Got: row.SHA256, WantSize: f.Size, GotSize: row.Size}
	default:
		row.State = VerifyOK
	}
	return row
}
