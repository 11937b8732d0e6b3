package gallery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"time"
)

// Receipt proves that something was deleted. The store signs it and keeps nothing of it.
type Receipt struct {
	Gallery            string
	Person             string // "" when the whole gallery was deleted, or damaged records were
	Persons, Templates int    // how many were deleted
	Time               time.Time
	// RecordsSHA256 is over the deleted records as they were in the file, encrypted: persons by number, then templates by
	// number; lower-case hexadecimal.
	RecordsSHA256 string
	// Signature is an HMAC-SHA256 over the other fields under a key of the store's own, lower-case hexadecimal.
	Signature string
}

func (s *Store) signature(r Receipt) []byte {
	h := hmac.New(sha256.New, derive(s.storeKey, useReceipts))
	_, _ = h.Write(contextOf("receipt", s.uid, r.Gallery, r.Person, int64(r.Persons), int64(r.Templates), r.Time.Unix(), r.RecordsSHA256)) // a hash takes all
	return h.Sum(nil)
}

// sign completes a receipt.
func (s *Store) sign(r Receipt, records hash.Hash) Receipt {
	r.Time, r.RecordsSHA256 = s.now(), hex.EncodeToString(records.Sum(nil))
	r.Signature = hex.EncodeToString(s.signature(r))
	return r
}

// ErrForged says that a receipt is not one that this store gave.
var ErrForged = errors.New("not a receipt of this store")

// Verify returns nil when this store gave the receipt as it is, else [ErrForged]. Rotation of keys does not invalidate it.
func (s *Store) Verify(r Receipt) error {
	got, err := hex.DecodeString(r.Signature)
	if err != nil || !hmac.Equal(got, s.signature(r)) {
		return fmt.Errorf("receipt of gallery %q: %w", r.Gallery, ErrForged)
	}
	return nil
}
