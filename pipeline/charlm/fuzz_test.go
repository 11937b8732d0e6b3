package charlm

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"
)

// sealed appends the checksum that a file without it must have.
func sealed(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)) }

func FuzzParse(f *testing.F) {
	b, err := small(f).Encode()
	require.NoError(f, err)
	f.Add(b[:len(b)-4])
	f.Add(b[:40])
	f.Add([]byte(magic + "\x01\x00\x00\x00\xff\xff\xff\x7f\xff\xff\xff\x7f\xff\xff\xff\x7f\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		// The checksum is made right: a fuzzer would never get past it.
		m, err := Parse(sealed(b))
		if err != nil {
			require.ErrorIs(t, err, ErrFormat)
			return
		}
		again, err := m.Encode()
		require.NoError(t, err)
		_, err = Parse(again)
		require.NoError(t, err)
	})
}
