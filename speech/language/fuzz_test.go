package language

import (
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// FuzzParse holds that no file makes the program crash, neither when it is read nor when it is used. The checksum is put right
// first, since it would refuse nearly everything.
func FuzzParse(f *testing.F) {
	good := small(f, "a model")
	f.Add(good)
	for _, n := range []int{4, 12, 40, len(good) / 2, len(good) - 5} {
		f.Add(good[:n])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 4 {
			b = append([]byte(nil), b...)
			binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.ChecksumIEEE(b[:len(b)-4]))
		}
		g, err := Parse(b)
		if err != nil {
			return
		}
		s := g.Start()
		for _, r := range "法院人\n囧法院A𠀀人法院" {
			var p float32
			p, s = g.Score(s, r)
			if p != p {
				t.Fatalf("%q has the probability NaN", r)
			}
		}
	})
}
