package audio

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/courtsense/courtsense/pipeline/refusal"
	"github.com/courtsense/courtsense/speech/audio/mpeg"
)

// mp3DecoderDelay is what the synthesis filter bank of Layer III adds before the first sample (528 + 1).
const mp3DecoderDelay = 529

// mp3Header is the 4-byte header of a Layer III frame (ISO/IEC 11172-3, 2.4.1.3; ISO/IEC 13818-3).
type mp3Header uint32

func (h mp3Header) valid() bool {
	return h>>21 == 0x7FF && h.version() != 1 && h.layer() != 0 && h>>12&15 != 15 && h>>10&3 != 3
}

func (h mp3Header) version() int { return int(h >> 19 & 3) } // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
func (h mp3Header) layer() int   { return int(h >> 17 & 3) } // 1: Layer III

func (h mp3Header) rate() int {
	return [3]int{44100, 48000, 32000}[h>>10&3] >> [4]int{2, 0, 1, 0}[h.version()]
}

func (h mp3Header) channels() int {
	if h>>6&3 == 3 {
		return 1
	}
	return 2
}

func (h mp3Header) samples() int {
	if h.version() == 3 {
		return 1152
	}
	return 576
}

// size returns the bytes of the frame, header included, or 0 for a free bit rate.
func (h mp3Header) size() int {
	kbps := [2][15]int{
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
	}[min(h.samples()/1152, 1)][h>>12&15]
	if kbps == 0 {
		return 0
	}
	return h.samples()/8*kbps*1000/h.rate() + int(h>>9&1)
}

// sideInfo returns where the main data begins.
func (h mp3Header) sideInfo() int {
	n := 4
	switch {
	case h.version() == 3 && h.channels() == 2:
		n += 32
	case h.version() == 3 || h.channels() == 2:
		n += 17
	default:
		n += 9
	}
	if h>>16&1 == 0 {
		n += 2
	}
	return n
}

// same reports whether two frames can belong to one stream.
func (h mp3Header) same(o mp3Header) bool {
	return h.version() == o.version() && h.layer() == o.layer() && h.rate() == o.rate() && h.channels() == o.channels()
}

func peekMP3Header(in *bufio.Reader, at int) (mp3Header, bool) {
	b, err := in.Peek(at + 4)
	if err != nil {
		return 0, false
	}
	h := mp3Header(binary.BigEndian.Uint32(b[at:]))
	return h, h.valid()
}

// looksLikeMP3 wants two frame headers in a row, or a frame that fills the whole stream: one header is only two bytes
// of evidence.
func looksLikeMP3(in *bufio.Reader) bool {
	h, ok := peekMP3Header(in, 0)
	if !ok || h.layer() != 1 {
		return false
	}
	next, ok := peekMP3Header(in, h.size())
	if ok {
		return next.same(h)
	}
	_, err := in.Peek(h.size() + 4)
	return err != nil && h.size() > 0
}

// mp3Frames cuts the stream into whole Layer III frames. Decoders hide damage by searching for the next thing that looks
// like a frame; here it is reported.
type mp3Frames struct {
	in    *bufio.Reader
	first mp3Header
	count int // frames returned
	frame []byte
}

// next returns the following frame, valid until the next call.
func (f *mp3Frames) next() ([]byte, error) {
	if err := skipID3v2(f.in); err != nil {
		return nil, err
	}
	h, ok := peekMP3Header(f.in, 0)
	if !ok {
		if b, err := f.in.Peek(4); err != nil && len(b) > 0 && b[0] == 0xFF {
			return nil, unexpected(err)
		}
		return nil, endOfFile(f.in, MP3)
	}
	if !h.same(f.first) {
		return nil, refuse(refusal.Corrupt, "MP3 frame %d changes the layer, sample rate or channels of the stream", f.count)
	}
	n := h.size()
	if n < h.sideInfo() {
		return nil, refuse(refusal.UnsupportedType, "MP3 frame %d has a free bit rate, which is not read", f.count)
	}
	if cap(f.frame) < n {
		f.frame = make([]byte, 0, 2048)
	}
	f.frame = f.frame[:n]
	if _, err := io.ReadFull(f.in, f.frame); err != nil {
		return nil, unexpected(err)
	}
	f.count++
	return f.frame, nil
}

// mp3Source decodes Layer III and drops the samples that encoders add, so that times are those of the original.
type mp3Source struct {
	frames *mp3Frames
	dec    *mpeg.Decoder
	inf    Info
	want   int    // frames that the Xing header announces, 0 when there is none
	lead   int    // samples still to drop at the start
	tail   int    // samples to drop at the end
	frame  []byte // read but not yet decoded
	buf    []float32
	out    []float32 // decoded, the last tail frames of it held back
	used   int       // samples of out that were returned
}

func newMP3(in *bufio.Reader) (source, error) {
	h, _ := peekMP3Header(in, 0)
	if h.layer() != 1 {
		return nil, refuse(refusal.UnsupportedType, "MPEG audio is read as Layer III (MP3) only")
	}
	s := &mp3Source{frames: &mp3Frames{in: in, first: h}, lead: mp3DecoderDelay, buf: make([]float32, mpeg.MaxSamples)}
	s.inf = Info{Encoding: MP3, SampleRate: h.rate(), Channels: h.channels(), Frames: -1}
	frame, err := s.frames.next()
	if err != nil {
		return nil, err
	}
	if s.readXing(frame[h.sideInfo():]) {
		s.frames.count = 0 // it holds no sound
	} else {
		s.frame = frame
	}
	s.dec, err = mpeg.NewDecoder()
	return s, err
}

// readXing reads the encoder's count of frames and its delay and padding (the LAME tag), if the first frame has them.
func (s *mp3Source) readXing(b []byte) bool {
	if len(b) < 8 || string(b[:4]) != "Xing" && string(b[:4]) != "Info" {
		return false
	}
	flags, b := b[7], b[8:]
	for bit, size := range []int{4, 4, 100, 4} {
		if flags>>bit&1 == 0 {
			continue
		}
		if len(b) < size {
			return true
		}
		if bit == 0 {
			s.want = int(min(binary.BigEndian.Uint32(b), 1<<30))
		}
		b = b[size:]
	}
	if len(b) >= 24 && b[0] != 0 {
		delay, padding := int(b[21])<<4|int(b[22])>>4, int(b[22]&15)<<8|int(b[23])
		s.lead, s.tail = delay+mp3DecoderDelay, max(0, padding-mp3DecoderDelay)
		if s.want > 0 {
			s.inf.Frames = max(0, int64(s.want)*int64(s.frames.first.samples())-int64(delay+padding))
		}
	}
	return true
}

func (s *mp3Source) info() Info { return s.inf }

func (s *mp3Source) close() {
	if s.dec != nil {
		s.dec.Close()
	}
}

func (s *mp3Source) next() ([]float32, error) {
	s.out = s.out[:copy(s.out, s.out[s.used:])]
	s.used = 0
	for {
		err := s.decode()
		if err == nil {
			if s.used = max(0, len(s.out)-s.tail*s.inf.Channels); s.used > 0 {
				return s.out[:s.used], nil
			}
			continue
		}
		if errors.Is(err, io.EOF) && s.frames.count < s.want {
			err = refuse(refusal.Truncated, "the MP3 header announces %d frames, the stream holds %d", s.want, s.frames.count)
		}
		s.used = len(s.out)
		if errors.Is(err, io.EOF) {
			s.used = max(0, len(s.out)-s.tail*s.inf.Channels) // a file that breaks off has no padding at its end
		}
		return s.out[:s.used], err
	}
}

// decode appends the next frame's samples to out.
func (s *mp3Source) decode() error {
	frame := s.frame
	s.frame = nil
	if frame == nil {
		var err error
		if frame, err = s.frames.next(); err != nil {
			return err
		}
	}
	n, err := s.dec.Decode(s.buf, frame)
	drop := min(s.lead, n/s.inf.Channels)
	s.lead -= drop
	s.out = append(s.out, s.buf[drop*s.inf.Channels:n]...)
	return err
}
