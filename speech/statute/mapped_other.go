//go:build !unix

package statute

import (
	"io"
	"os"
)

func mapped(f *os.File, size int) ([]byte, func([]byte) error, error) {
	b := make([]byte, size)
	_, err := io.ReadFull(f, b)
	return b, nil, err
}
