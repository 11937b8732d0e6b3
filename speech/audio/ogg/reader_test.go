package ogg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	continued = 1
	first     = 2
	last      = 4
)

func page(flags byte, serial, seq uint32, granule int64, lacing []byte, body []byte) []byte {
	b := append([]byte("OggS\x00"), flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(granule))
	b = binary.LittleEndian.AppendUint32(b, serial)
	b = binary.LittleEndian.AppendUint32(b, seq)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = append(b, byte(len(lacing)))
	b = append(append(b, lacing...), body...)
	binary.LittleEndian.PutUint32(b[22:], Checksum(b))
	return b
}

func TestPacketsSpanPagesAndOtherStreamsAreSkipped(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789"), 30)
	var b []byte
	b = append(b, page(first, 7, 0, 0, []byte{4}, []byte("head"))...)
	b = append(b, page(first, 8, 0, 0, []byte{5}, []byte("other"))...)
	b = append(b, page(0, 7, 1, -1, []byte{2, 255}, append([]byte("ab"), long[:255]...))...)
	b = append(b, page(continued|last, 7, 2, 99, []byte{45, 0, 1}, append(bytes.Clone(long[255:]), 'z'))...)
	r := NewReader(bytes.NewReader(b))
	var got []string
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		for _, packet := range p.Packets {
			got = append(got, string(packet.Data))
		}
		if p.Last {
			assert.Equal(t, int64(99), p.Granule)
		}
	}
	assert.Equal(t, []string{"head", "ab", string(long), "", "z"}, got)
}

func TestDamageIsReported(t *testing.T) {
	head := page(first, 7, 0, 0, []byte{4}, []byte("head"))
	flipped := bytes.Clone(head)
	flipped[len(flipped)-1] ^= 1
	for what, c := range map[string]struct {
		b    []byte
		want error
	}{
		"checksum":          {flipped, ErrCorrupt},
		"no page":           {append(bytes.Clone(head), make([]byte, 40)...), ErrCorrupt},
		"a page is missing": {append(bytes.Clone(head), page(0, 7, 2, 0, []byte{1}, []byte("x"))...), ErrCorrupt},
		"never begun":       {append(bytes.Clone(head), page(continued, 7, 1, 0, []byte{1}, []byte("x"))...), ErrCorrupt},
		"cut in a page":     {head[:30], io.ErrUnexpectedEOF},
		"cut in a packet":   {append(bytes.Clone(head), page(0, 7, 1, -1, []byte{255}, make([]byte, 255))...), io.ErrUnexpectedEOF},
	} {
		r := NewReader(bytes.NewReader(c.b))
		var err error
		for err == nil {
			_, err = r.Next()
		}
		assert.ErrorIs(t, err, c.want, what)
	}
}

func TestLongPacketsAreCut(t *testing.T) {
	var b []byte
	b = append(b, page(first, 7, 0, 0, []byte{1}, []byte("h"))...)
	full := bytes.Repeat([]byte{255}, 255)
	for seq := range uint32(20) {
		flags := byte(0)
		if seq > 0 {
			flags = continued
		}
		b = append(b, page(flags, 7, seq+1, -1, full, make([]byte, 255*255))...)
	}
	b = append(b, page(continued, 7, 21, 5, []byte{3}, make([]byte, 3))...)
	r := NewReader(bytes.NewReader(b))
	for {
		p, err := r.Next()
		require.NoError(t, err)
		if p.Granule == 5 {
			require.Len(t, p.Packets, 1)
			assert.True(t, p.Packets[0].Long)
			assert.Len(t, p.Packets[0].Data, maxPacket)
			return
		}
	}
}
