package language

import (
	"fmt"
	"os"
)

// Open maps a file into memory and reads it as [Parse] does. The caller closes the model; the file must not be changed before,
// only replaced by another of its name.
func Open(path string) (*NGram, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w: it is not a file", path, ErrFormat)
	}
	if info.Size() > MaxSize {
		return nil, fmt.Errorf("%s: %w: %d bytes, the limit is %d", path, ErrFormat, info.Size(), MaxSize)
	}
	b, release, err := mapped(f, int(info.Size()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	g, err := Parse(b)
	if err != nil {
		if release != nil {
			_ = release(b) // the error before says more
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	g.release = release
	return g, nil
}
