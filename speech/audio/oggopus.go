package audio

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/courtsense/courtsense/pipeline/refusal"
	"github.com/courtsense/courtsense/speech/audio/ogg"
	"github.com/courtsense/courtsense/speech/audio/opus"
)

// oggOpus decodes Opus in Ogg (RFC 7845). Positions are in samples at 48 kHz.
type oggOpus struct {
	pages   *ogg.Reader
	inf     Info
	layout  opus.Layout
	dec     *opus.Decoder
	queue   []ogg.Packet // of the current page
	skip    int          // samples still to drop at the start
	keep    int64        // samples of the current page to keep
	start   int64        // position at which the stream begins, -1 until the first page of sound
	total   int64        // position at the end of the current page
	out     []float32
	headers int // header packets of the current logical stream still to come
}

func newOggOpus(in *bufio.Reader, cfg *Config) (source, error) {
	s := &oggOpus{pages: ogg.NewReader(in), start: -1}
	p, err := s.pages.Next()
	if err != nil {
		return nil, unexpected(err)
	}
	if len(p.Packets) != 1 {
		return nil, errors.New("the first Ogg page holds no header")
	}
	inputRate, err := s.begin(p.Packets[0].Data)
	if err != nil {
		return nil, err
	}
	// Opus has no sample rate of its own: senders rightly declare the rate that they fed to the encoder.
	if cfg.SampleRate != 0 && cfg.SampleRate == inputRate {
		cfg.SampleRate = opus.SampleRate
	}
	s.inf = Info{Encoding: OggOpus, SampleRate: opus.SampleRate, Channels: s.layout.Channels, Frames: -1}
	return s, nil
}

// begin reads an identification header and makes the decoder of a logical stream.
func (s *oggOpus) begin(b []byte) (inputRate int, err error) {
	if !bytes.HasPrefix(b, []byte("OpusHead")) {
		return 0, refuse(refusal.UnsupportedType, "the Ogg stream holds %s, only Opus is read", oggCodec(b))
	}
	if len(b) < 19 || b[8]>>4 != 0 {
		return 0, errors.New("the Opus header is too short or of an unknown version")
	}
	l := opus.Layout{Channels: int(b[9]), Streams: 1, Gain: int(int16(binary.LittleEndian.Uint16(b[16:])))}
	switch family := b[18]; {
	case family == 0 && (l.Channels == 1 || l.Channels == 2):
		l.Coupled, l.Mapping = l.Channels-1, []byte{0, 1}[:l.Channels]
	case (family == 1 || family == 255) && len(b) >= 21+l.Channels:
		l.Streams, l.Coupled, l.Mapping = int(b[19]), int(b[20]), bytes.Clone(b[21:21+l.Channels])
	default:
		return 0, refuse(refusal.UnsupportedType, "Opus channel mapping family %d with %d channels is not read", family, l.Channels)
	}
	if l.Channels < 1 || l.Channels > 8 {
		e := refuse(refusal.InvalidValue, "OGG_OPUS has %d channels, 1 to 8 are accepted", l.Channels)
		e.Field, e.Limit, e.Got = fieldChannels, 8, int64(l.Channels)
		return 0, e
	}
	if s.dec != nil && l.Channels != s.layout.Channels {
		return 0, fmt.Errorf("a chained Opus stream changes from %d to %d channels", s.layout.Channels, l.Channels)
	}
	dec, err := opus.NewDecoder(l)
	if err != nil {
		return 0, err
	}
	s.close()
	s.dec, s.layout, s.out = dec, l, make([]float32, opus.MaxFrames*l.Channels)
	s.skip, s.headers, s.start, s.total = int(binary.LittleEndian.Uint16(b[10:])), 1, -1, 0
	return int(binary.LittleEndian.Uint32(b[12:])), nil
}

func oggCodec(b []byte) string {
	for name, signature := range map[string]string{"Vorbis": "\x01vorbis", "FLAC": "\x7fFLAC", "Speex": "Speex   ", "Theora video": "\x80theora"} {
		if bytes.HasPrefix(b, []byte(signature)) {
			return name
		}
	}
	return "an unknown codec"
}

func (s *oggOpus) info() Info { return s.inf }

func (s *oggOpus) close() {
	if s.dec != nil {
		s.dec.Close()
	}
}

func (s *oggOpus) next() ([]float32, error) {
	for {
		for len(s.queue) > 0 {
			packet := s.queue[0]
			s.queue = s.queue[1:]
			n, err := s.dec.Decode(s.out, packet.Data)
			if err != nil {
				return nil, err
			}
			n = int(min(int64(n), max(0, s.keep)))
			s.keep -= int64(n)
			drop := min(s.skip, n)
			s.skip -= drop
			if n > drop {
				return s.out[drop*s.layout.Channels : n*s.layout.Channels], nil
			}
		}
		if err := s.readPage(); err != nil {
			return nil, err
		}
	}
}

// readPage queues the packets of the next page and works out how much of their sound counts: the position of the last
// page cuts its end (RFC 7845, section 4.4).
func (s *oggOpus) readPage() error {
	p, err := s.pages.Next()
	if err != nil {
		return err
	}
	if p.First {
		if len(p.Packets) != 1 {
			return errors.New("the first page of a chained Ogg stream holds no header")
		}
		_, err := s.begin(p.Packets[0].Data)
		return err
	}
	for s.headers > 0 && len(p.Packets) > 0 {
		if !bytes.HasPrefix(p.Packets[0].Data, []byte("OpusTags")) {
			return errors.New("the Opus comment header is missing")
		}
		p.Packets = p.Packets[1:]
		s.headers--
	}
	before := s.total
	for _, packet := range p.Packets {
		if packet.Long {
			return errors.New("an Opus packet is longer than any can be")
		}
		n, err := packetFrames(packet.Data)
		if err != nil {
			return err
		}
		s.total += int64(n)
	}
	s.queue, s.keep = p.Packets, s.total-before
	if s.start < 0 && len(p.Packets) > 0 && p.Granule >= 0 {
		// A recording that was cut from a broadcast begins at any position; one that fits on its only page begins at 0.
		s.start = max(0, p.Granule-s.total)
	}
	if p.Last && s.start >= 0 && p.Granule >= 0 {
		s.keep = max(0, min(s.keep, p.Granule-s.start-before))
	}
	return nil
}

// packetFrames returns the samples per channel at 48 kHz of a packet by its table-of-contents byte (RFC 6716, section 3.1).
func packetFrames(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, errors.New("an Opus packet is empty")
	}
	config := b[0] >> 3
	var size int
	switch {
	case config < 12:
		size = [4]int{480, 960, 1920, 2880}[config&3]
	case config < 16:
		size = 480 << (config & 1)
	default:
		size = 120 << (config & 3)
	}
	count := 1
	switch b[0] & 3 {
	case 1, 2:
		count = 2
	case 3:
		if len(b) < 2 {
			return 0, errors.New("an Opus packet is cut short")
		}
		count = int(b[1] & 63)
	}
	if count == 0 || count*size > opus.MaxFrames {
		return 0, fmt.Errorf("an Opus packet declares %d frames of %d samples", count, size)
	}
	return count * size, nil
}
