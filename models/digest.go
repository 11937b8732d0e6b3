package models

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// digests remembers the hashes of files on disk for as long as size and modification time stay the same, so that each
// is read once. The zero value is ready.
type digests struct {
	mu   sync.Mutex
	seen map[digestKey]string
}

type digestKey struct {
	path    string
	size    int64
	modTime time.Time
}

// of returns the hash and size of a file. The lock is not held while reading: two callers may hash one file twice,
// which costs less than making one wait for the other's different file.
func (d *digests) of(path string) (sum string, size int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", 0, err
	}
	key := digestKey{path, info.Size(), info.ModTime()}
	d.mu.Lock()
	sum, ok := d.seen[key]
	d.mu.Unlock()
	if ok {
		return sum, info.Size(), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	if sum, size, err = hashOf(f); err != nil {
		return "", 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil {
		d.seen = make(map[digestKey]string)
	}
	d.seen[key] = sum
	return sum, size, nil
}

func hashOf(r io.Reader) (sum string, size int64, err error) {
	h := sha256.New()
	size, err = io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

func hashIn(fsys fs.FS, name string) (sum string, size int64, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	return hashOf(f)
}
