package audio

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

func float32Bytes(pcm []float32) []byte {
	var b []byte
	for _, x := range pcm {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// wave builds a WAV file; declared is the length that its data chunk announces.
func wave(tag, channels, rate, bits int, declared uint32, data []byte, chunks ...string) []byte {
	le := binary.LittleEndian
	b := []byte("RIFF\xff\xff\xff\xffWAVE")
	for _, c := range chunks {
		b = append(b, c...)
	}
	b = append(b, "fmt \x10\x00\x00\x00"...)
	b = le.AppendUint16(b, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	b = le.AppendUint16(b, uint16(bits))
	b = append(b, "data"...)
	b = le.AppendUint32(b, declared)
	return append(b, data...)
}

func TestSampleFormats(t *testing.T) {
	f64 := binary.LittleEndian.AppendUint64(nil, math.Float64bits(-.25))
	for _, c := range []struct {
		what      string
		tag, bits int
		data      []byte
		want      float32
	}{
		{"unsigned 8 bit", 1, 8, []byte{0}, -1},
		{"16 bit", 1, 16, []byte{0, 0x80}, -1},
		{"16 bit, largest", 1, 16, []byte{0xff, 0x7f}, 32767. / 32768},
		{"24 bit", 1, 24, []byte{0, 0, 0x40}, .5},
		{"32 bit", 1, 32, []byte{0, 0, 0, 0xc0}, -.5},
		{"float", 3, 32, float32Bytes([]float32{.125}), .125},
		{"double", 3, 64, f64, -.25},
		{"A-law", 6, 8, []byte{0xAA}, 32256. / 32768},
		{"A-law, smallest", 6, 8, []byte{0x55}, -8. / 32768},
		{"mu-law", 7, 8, []byte{0x80}, 32124. / 32768},
		{"mu-law, negative", 7, 8, []byte{0x00}, -32124. / 32768},
		{"mu-law, zero", 7, 8, []byte{0xff}, 0},
	} {
		info, pcm := decode(t, wave(c.tag, 1, 8000, c.bits, uint32(len(c.data)), c.data), Config{})
		assert.Equal(t, []float32{c.want}, pcm, c.what)
		assert.Equal(t, int64(1), info.Frames, c.what)
	}
}

func TestWAVHeadersOfAllKinds(t *testing.T) {
	data := make([]byte, 200)
	ext := wave(0xFFFE, 1, 16000, 16, 200, data)
	ext = append(ext[:36:36], append([]byte("\x16\x00\x10\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"), ext[36:]...)...)
	ext[16] = 40
	rf64 := []byte("RF64\xff\xff\xff\xffWAVEds64\x1c\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\xc8\x00\x00\x00\x00\x00\x00\x00" +
		"\x64\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00")
	rf64 = append(rf64, wave(1, 1, 16000, 16, 0xFFFFFFFF, data)[12:]...)
	odd := append(wave(1, 1, 16000, 8, 199, data[:199]), "\x00LIST\x04\x00\x00\x00INFO"...)
	for _, c := range []struct {
		what    string
		b       []byte
		samples int
		reason  refusal.Reason
	}{
		{"plain", wave(1, 1, 16000, 16, 200, data), 100, ""},
		{"extensible", ext, 100, ""},
		{"RF64", rf64, 100, ""},
		{"chunks before", wave(1, 1, 16000, 16, 200, data, "LIST\x03\x00\x00\x00abc\x00", "JUNK\x02\x00\x00\x00xy"), 100, ""},
		{"chunks after, padded", odd, 199, ""},
		{"unknown length, ffmpeg", wave(1, 1, 16000, 16, 0xFFFFFFFF, data), 100, ""},
		{"unknown length, sox", wave(1, 1, 16000, 16, 0x7FFFF000, data), 100, ""},
		{"unknown length, zero", wave(1, 1, 16000, 16, 0, data), 100, ""},
		{"no samples", wave(1, 1, 16000, 16, 0, nil), 0, refusal.Empty},
		{"announces more", wave(1, 1, 16000, 16, 5000, data), 100, refusal.Truncated},
		{"announces less", wave(1, 1, 16000, 16, 100, bytes.Repeat([]byte{0xEE}, 200)), 50, refusal.Corrupt},
		{"length is no multiple of a sample", wave(1, 1, 16000, 16, 199, data[:199]), 99, refusal.Truncated},
		{"ADPCM", wave(2, 1, 16000, 4, 200, data), 0, refusal.Corrupt},
		{"GSM", wave(0x31, 1, 8000, 8, 200, data), 0, refusal.UnsupportedType},
		{"no channels", wave(1, 0, 8000, 16, 200, data), 0, refusal.Corrupt},
		{"rate 0", wave(1, 1, 0, 16, 200, data), 0, refusal.InvalidValue},
		{"9 channels", wave(1, 9, 16000, 8, 198, data[:198]), 0, refusal.InvalidValue},
		{"data first", []byte("RIFF\x00\x00\x00\x00WAVEdata\x02\x00\x00\x00ab"), 0, refusal.Corrupt},
		{"big-endian", []byte("RIFX\x00\x00\x00\x00WAVEfmt "), 0, refusal.UnsupportedType},
	} {
		_, pcm, err := decodeAll(bytes.NewReader(c.b), Config{}, DefaultLimits())
		assert.Equal(t, c.reason, reasonOf(err), "%s: %v", c.what, err)
		assert.Len(t, pcm, c.samples, c.what)
	}
}
