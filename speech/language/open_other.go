//go:build !unix

package language

import (
	"io"
	"os"
)

func mapped(f *os.File, size int) ([]byte, func([]byte) error, error) {
	b, err := io.ReadAll(io.LimitReader(f, int64(size)))
	return b, nil, err
}
