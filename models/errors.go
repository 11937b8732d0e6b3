package models

import (
	"errors"
	"fmt"
)

// Errors to test for with errors.Is.
var (
	ErrUnknown     = errors.New("unknown model")       // the id is in no catalogue
	ErrUnavailable = errors.New("model not available") // no source has all its files
)

// MismatchError reports bytes that are not those the catalogue (or the lock file) names.
type MismatchError struct {
	ID, Path  string // entry and where the bytes were read
	Want, Got string // SHA-256, hex; both empty when the size alone differs
	WantSize  int64  // bytes, 0 when not known
	GotSize   int64
}

// Error implements error.
func (e *MismatchError) Error() string {
	const advice = "delete the file and run 'courtsense models pull %s', or correct the catalogue if this version is wanted"
	if e.Got == "" {
		return fmt.Sprintf("%s: %s is %d bytes, the catalogue says %d: "+advice, e.ID, e.Path, e.GotSize, e.WantSize, e.ID)
	}
	return fmt.Sprintf("%s: SHA-256 of %s is %s, the catalogue says %s: "+advice, e.ID, e.Path, e.Got, e.Want, e.ID)
}
