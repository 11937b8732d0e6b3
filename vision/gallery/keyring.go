package gallery

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// keyBytes is the length of every key.
const keyBytes = 32

// soleKey is the id of a key that was given without one.
const soleKey = "default"

var keyID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// Keyring holds the keys that galleries are encrypted with. New records are encrypted with the active one; the others open
// what was not rotated yet ([Store.Rotate]). It does not change.
type Keyring struct {
	active string
	keys   map[string][]byte
}

// NewKeyring returns a keyring of 32-byte keys by id. An id is 1 to 32 of a-z, 0-9, ".", "_" and "-".
func NewKeyring(active string, keys map[string][]byte) (*Keyring, error) {
	k := &Keyring{active: active, keys: map[string][]byte{}}
	for id, key := range keys {
		if !keyID.MatchString(id) {
			return nil, fmt.Errorf("%w: key id %q must be 1 to 32 of a-z, 0-9, \".\", \"_\" and \"-\"", ErrInvalid, id)
		}
		if len(key) != keyBytes {
			return nil, fmt.Errorf("%w: key %q has %d bytes, want %d", ErrInvalid, id, len(key), keyBytes)
		}
		if slices.Max(key) == 0 {
			return nil, fmt.Errorf("%w: key %q is all zeros", ErrInvalid, id)
		}
		k.keys[id] = slices.Clone(key)
	}
	if _, ok := k.keys[active]; !ok {
		return nil, fmt.Errorf("%w: the active key %q is not in the keyring", ErrInvalid, active)
	}
	return k, nil
}

// ParseKeyring reads keys, one a line or separated by commas, as "ID:KEY"; the first is the active one. KEY is 32 bytes in
// hexadecimal or base64. A single key may stand without its id, which then is "default". Empty lines and lines that begin
// with "#" are skipped. Errors never show a key.
func ParseKeyring(text string) (*Keyring, error) {
	keys, active := map[string][]byte{}, ""
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ',' })
	for i, part := range parts {
		part = strings.TrimSpace(part)
		if part == "" || part[0] == '#' {
			continue
		}
		id, encoded, named := strings.Cut(part, ":")
		if !named {
			id, encoded = soleKey, part
		}
		id = strings.TrimSpace(id)
		key, err := decodeKey(strings.TrimSpace(encoded))
		if err != nil {
			return nil, fmt.Errorf("%w: key %d: %w", ErrInvalid, i+1, err)
		}
		if _, ok := keys[id]; ok {
			return nil, fmt.Errorf("%w: key %d: there are two keys with this id; write each as ID:KEY", ErrInvalid, i+1)
		}
		if active == "" {
			active = id
		}
		keys[id] = key
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: there is no key; make one with 'openssl rand -base64 32'", ErrInvalid)
	}
	return NewKeyring(active, keys)
}

func decodeKey(s string) ([]byte, error) {
	if len(s) == hex.EncodedLen(keyBytes) {
		if key, err := hex.DecodeString(s); err == nil {
			return key, nil
		}
	}
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	key, err := base64.RawStdEncoding.Strict().DecodeString(s)
	if err != nil || len(key) != keyBytes {
		return nil, fmt.Errorf("want %d bytes as %d hexadecimal digits or as base64", keyBytes, hex.EncodedLen(keyBytes))
	}
	return key, nil
}

// LoadKeyring reads a file as [ParseKeyring] does. Nobody but its owner may have access to it.
func LoadKeyring(path string) (*Keyring, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("gallery key file %s: %w; make one with 'umask 077; openssl rand -base64 32 > %s'", path, err, path)
	}
	if err != nil {
		return nil, fmt.Errorf("gallery key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("gallery key file %s: %w: it is not a file", path, ErrInvalid)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("gallery key file %s: %w: its mode is %04o, which lets others than its owner at it; run 'chmod 600 %s'", path, ErrInvalid, mode, path)
	}
	if info.Size() > 1<<16 {
		return nil, fmt.Errorf("gallery key file %s: %w: it has %d bytes, which no keyring has", path, ErrInvalid, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("gallery key file: %w", err)
	}
	k, err := ParseKeyring(string(text))
	if err != nil {
		return nil, fmt.Errorf("gallery key file %s: %w", path, err)
	}
	return k, nil
}

// KeyringFromEnv reads an environment variable as [ParseKeyring] does.
func KeyringFromEnv(name string) (*Keyring, error) {
	k, err := ParseKeyring(os.Getenv(name))
	if err != nil {
		return nil, fmt.Errorf("gallery key in the environment variable %s: %w", name, err)
	}
	return k, nil
}

// IDs returns the ids of the keys, the active one first.
func (k *Keyring) IDs() []string {
	ids := slices.Sorted(maps.Keys(k.keys))
	i := slices.Index(ids, k.active)
	return slices.Insert(slices.Delete(ids, i, i+1), 0, k.active)
}

// String keeps keys out of logs.
func (k *Keyring) String() string { return fmt.Sprintf("keyring %v", k.IDs()) }

// GoString keeps keys out of logs.
func (k *Keyring) GoString() string { return k.String() }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}
