package journal

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// use names the journal's key among those that the keyring lends. It is part of the file format.
const use = "courtsense gate journal 1"

// padding is what records are filled up to, so that their length does not tell who was known and who was not.
const padding = 512

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}

func newAEAD(key []byte) (cipher.AEAD, error) { return chacha20poly1305.NewX(key) }

func sealBytes(a cipher.AEAD, plain, place []byte) []byte {
	nonce := random(chacha20poly1305.NonceSizeX)
	return a.Seal(nonce, nonce, plain, place)
}

func openBytes(a cipher.AEAD, sealed, place []byte) ([]byte, error) {
	const n = chacha20poly1305.NonceSizeX
	if len(sealed) < n {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrCorrupt, len(sealed))
	}
	plain, err := a.Open(nil, sealed[:n], sealed[n:], place)
	if err != nil {
		return nil, fmt.Errorf("%w: it was changed, or belongs elsewhere", ErrCorrupt)
	}
	return plain, nil
}

// place ties a record to its table, number and time.
func place(uid []byte, table string, id, at int64) []byte {
	b := append([]byte(table), 0)
	b = binary.BigEndian.AppendUint64(b, uint64(id))
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	return append(b, uid...)
}

func (j *Journal) seal(record any, table string, id, at int64) ([]byte, error) {
	plain, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("gates' journal: %w", err)
	}
	// JSON may be followed by spaces.
	plain = append(plain, bytes.Repeat([]byte(" "), padding-len(plain)%padding)...)
	return sealBytes(j.aead, plain, place(j.uid, table, id, at)), nil
}

func (j *Journal) open(record any, sealed []byte, table string, id, at int64) error {
	plain, err := openBytes(j.aead, sealed, place(j.uid, table, id, at))
	if err == nil {
		err = json.Unmarshal(plain, record)
	}
	if err != nil {
		return fmt.Errorf("%s, record %d of %s: %w", j.db.path, id, table, err)
	}
	return nil
}
