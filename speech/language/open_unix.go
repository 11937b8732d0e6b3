//go:build unix

package language

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapped(f *os.File, size int) ([]byte, func([]byte) error, error) {
	if size == 0 {
		return nil, nil, nil
	}
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	return b, unix.Munmap, err
}
