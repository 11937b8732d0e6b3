package gallery

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// Every encrypted value is a random 24-byte nonce and the output of XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): so
// long a nonce never repeats by chance, however many records there are.
//
//	master key (keyring) --HKDF--> wraps the store's key and each gallery's keys
//	gallery key          --HKDF--> encrypts the gallery's record, persons and templates
//	store key            --HKDF--> authenticates receipts
const sealOverhead = chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead

// Uses of derived keys. They are part of the file format.
const (
	useWrap     = "courtsense gallery 1 wrap"
	useRecords  = "courtsense gallery 1 records"
	useReceipts = "courtsense gallery 1 receipts"
)

func derive(key []byte, use string) []byte {
	k, err := hkdf.Key(sha256.New, key, nil, use, keyBytes)
	if err != nil {
		panic(err) // only for lengths that HKDF can't give
	}
	return k
}

func newAEAD(key []byte, use string) cipher.AEAD {
	a, err := chacha20poly1305.NewX(derive(key, use))
	if err != nil {
		panic(err) // only for keys of another length
	}
	return a
}

func seal(a cipher.AEAD, plain, context []byte) []byte {
	nonce := randomBytes(chacha20poly1305.NonceSizeX)
	return a.Seal(nonce, nonce, plain, context)
}

func open(a cipher.AEAD, sealed, context []byte) ([]byte, error) {
	if len(sealed) < sealOverhead {
		return nil, fmt.Errorf("%d bytes are too few", len(sealed))
	}
	nonce, rest := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	plain, err := a.Open(nil, nonce, rest, context)
	if err != nil {
		return nil, fmt.Errorf("it was changed, or belongs elsewhere, or the key is another: %w", err)
	}
	return plain, nil
}

// contextOf is the associated data that ties a value to its place: what it is, and fields that can't run into each other.
func contextOf(what string, fields ...any) []byte {
	b := appendText(nil, what)
	for _, f := range fields {
		switch f := f.(type) {
		case string:
			b = appendText(b, f)
		case []byte:
			b = appendText(b, string(f))
		case int64:
			b = binary.BigEndian.AppendUint64(b, uint64(f))
		default:
			panic(fmt.Sprintf("no associated data of type %T", f))
		}
	}
	return b
}

// galleryCipher encrypts one gallery's records under one of its keys.
type galleryCipher struct {
	key  []byte
	aead cipher.AEAD
}

func newGalleryCipher(key []byte) *galleryCipher {
	return &galleryCipher{key: key, aead: newAEAD(key, useRecords)}
}

// element is a record's part of its gallery's set: without the set's key nobody can tell which records make a given sum,
// so that records which are taken out, put in or exchanged are noticed.
type element [sha256.Size]byte

func newElement(setKey []byte, kind string, id int64, sealed []byte) element {
	h := hmac.New(sha256.New, setKey)
	_, _ = h.Write(contextOf(kind, id, sealed[:chacha20poly1305.NonceSizeX], sealed[len(sealed)-chacha20poly1305.Overhead:])) // a hash takes all
	var e element
	h.Sum(e[:0])
	return e
}

// toggle puts an element in or takes it out.
func (e *element) toggle(other element) {
	for i, b := range other {
		e[i] ^= b
	}
}
