package audio

import (
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// blockFrames is the most frames that a PCM source returns at once: 85 ms at 48 kHz.
const blockFrames = 4096

// sampleFormat converts stored samples to float32.
type sampleFormat struct {
	bytes   int // a sample
	convert func(dst []float32, src []byte)
}

var (
	formatU8 = sampleFormat{1, func(dst []float32, src []byte) {
		each(dst, func(i int) float32 { return (float32(src[i]) - 128) / 128 })
	}}
	formatS16 = sampleFormat{2, func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = float32(int16(binary.LittleEndian.Uint16(src[2*i:]))) / (1 << 15)
		}
	}}
	formatS24 = sampleFormat{3, func(dst []float32, src []byte) {
		each(dst, func(i int) float32 {
			b := src[3*i : 3*i+3]
			return float32(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 31)
		})
	}}
	formatS32 = sampleFormat{4, func(dst []float32, src []byte) {
		each(dst, func(i int) float32 { return float32(int32(binary.LittleEndian.Uint32(src[4*i:]))) / (1 << 31) })
	}}
	formatF32 = sampleFormat{4, func(dst []float32, src []byte) {
		each(dst, func(i int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:])) })
	}}
	formatF64 = sampleFormat{8, func(dst []float32, src []byte) {
		each(dst, func(i int) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:]))) })
	}}
	formatMulaw = sampleFormat{1, func(dst []float32, src []byte) { each(dst, func(i int) float32 { return mulawTable[src[i]] }) }}
	formatAlaw  = sampleFormat{1, func(dst []float32, src []byte) { each(dst, func(i int) float32 { return alawTable[src[i]] }) }}
)

func each(dst []float32, sample func(int) float32) {
	for i := range dst {
		dst[i] = sample(i)
	}
}

var rawFormats = map[Encoding]sampleFormat{
	Linear16: formatS16, Linear24: formatS24, Linear32: formatS32, Float32: formatF32, Mulaw: formatMulaw, Alaw: formatAlaw,
}

// mulawTable and alawTable expand ITU-T G.711 codes.
var mulawTable, alawTable = func() (mu, a [256]float32) {
	for code := range 256 {
		c := ^uint8(code)
		v := (int(c&15)<<3+0x84)<<(c>>4&7) - 0x84
		if c&0x80 != 0 {
			v = -v
		}
		mu[code] = float32(v) / (1 << 15)

		c = uint8(code) ^ 0x55
		v = int(c&15)<<4 + 8
		if e := c >> 4 & 7; e > 0 {
			v = (v + 0x100) << (e - 1)
		}
		if c&0x80 == 0 {
			v = -v
		}
		a[code] = float32(v) / (1 << 15)
	}
	return mu, a
}()

// pcm decodes stored samples, with or without a container around them.
type pcm struct {
	in     io.Reader
	format sampleFormat
	inf    Info
	left   int64 // bytes of samples still to come, -1 when unknown
	buf    []byte
	have   int // bytes in buf
	out    []float32
	after  func() error // reads what follows the samples, nil when nothing may
}

func newPCM(in io.Reader, f sampleFormat, inf Info, bytes int64, after func() error) *pcm {
	size := blockFrames * f.bytes * inf.Channels
	return &pcm{in: in, format: f, inf: inf, left: bytes, buf: make([]byte, size), out: make([]float32, blockFrames*inf.Channels), after: after}
}

func newRaw(in io.Reader, enc Encoding, cfg Config) (source, error) {
	f, ok := rawFormats[enc]
	if !ok {
		e := refusal.New(refusal.InvalidConfig, "%s is not an encoding", enc)
		e.Field = fieldEncoding
		return nil, e
	}
	inf := Info{Encoding: enc, SampleRate: cfg.SampleRate, Channels: max(cfg.Channels, 1), BitsPerSample: 8 * f.bytes, Frames: -1}
	if cfg.SampleRate == 0 {
		e := refusal.New(refusal.InvalidConfig, "%s has no header: declare its sample rate", enc)
		e.Field = fieldRate
		return nil, e
	}
	if inf.Channels > 255 || cfg.Channels < 0 {
		e := refusal.New(refusal.InvalidValue, "%d channels are declared, 1 to 8 are accepted", cfg.Channels)
		e.Field = fieldChannels
		return nil, e
	}
	return newPCM(in, f, inf, -1, nil), nil
}

func (p *pcm) info() Info { return p.inf }

func (p *pcm) close() {}

func (p *pcm) next() ([]float32, error) {
	frame := p.format.bytes * p.inf.Channels
	for {
		room := p.buf[p.have:]
		if p.left >= 0 && int64(len(room)) > p.left {
			room = room[:p.left]
		}
		var n int
		err := io.EOF
		if len(room) > 0 {
			n, err = p.in.Read(room)
		}
		p.have += n
		if p.left >= 0 {
			p.left -= int64(n)
		}
		if whole := p.have / frame * frame; whole > 0 {
			out := p.out[:whole/p.format.bytes]
			p.format.convert(out, p.buf[:whole])
			p.have = copy(p.buf, p.buf[whole:p.have])
			return out, nil
		}
		if err != nil {
			return nil, p.end(err, frame)
		}
	}
}

func (p *pcm) end(err error, frame int) error {
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case p.left > 0:
		return refuse(refusal.Truncated, "the %s header announces %d more bytes of samples than the stream holds", p.inf.Encoding, p.left)
	case p.have > 0:
		return refuse(refusal.Truncated, "the stream ends inside a sample: %d bytes are left over, a frame of %d channels takes %d", p.have, p.inf.Channels, frame)
	case p.after != nil:
		return p.after()
	}
	return io.EOF
}
