package audio

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/courtsense/courtsense/pipeline/refusal"
	"github.com/courtsense/courtsense/speech/audio/flac"
)

// flacSource decodes native FLAC.
type flacSource struct {
	in    *bufio.Reader
	dec   *flac.Decoder
	inf   Info
	total uint64 // frames that the header announces, 0 when it does not say
	done  uint64
	scale float32
	out   []float32
}

func newFLAC(in *bufio.Reader) (source, error) {
	// The library would look for the header further on, and hold whatever block comes first.
	if head, err := in.Peek(8); err != nil {
		return nil, unexpected(err)
	} else if head[4]&0x7F != 0 || head[5] != 0 || head[6] != 0 || head[7] != 34 {
		return nil, refuse(refusal.Corrupt, "the FLAC stream does not begin with its stream information")
	}
	dec, err := flac.NewDecoder(in)
	if err != nil {
		return nil, err
	}
	i := dec.Info()
	s := &flacSource{in: in, dec: dec, total: i.Samples, scale: 1 / float32(int64(1)<<(i.BitsPerSample-1))}
	s.inf = Info{Encoding: FLAC, SampleRate: i.SampleRate, Channels: i.Channels, BitsPerSample: i.BitsPerSample, Frames: -1}
	if s.total > 0 {
		s.inf.Frames = int64(s.total)
	}
	return s, nil
}

func (s *flacSource) info() Info { return s.inf }

func (s *flacSource) close() { s.dec.Close() }

func (s *flacSource) next() ([]float32, error) {
	if s.total > 0 && s.done >= s.total {
		return nil, s.end()
	}
	block, err := s.dec.Next()
	if errors.Is(err, io.EOF) {
		return nil, s.end()
	}
	if err != nil {
		return nil, err
	}
	if cap(s.out) < len(block) {
		s.out = make([]float32, len(block))
	}
	out := s.out[:len(block)]
	for i, x := range block {
		out[i] = float32(x) * s.scale
	}
	s.done += uint64(len(block) / s.inf.Channels)
	if s.total > 0 && s.done > s.total {
		out = out[:len(out)-int(s.done-s.total)*s.inf.Channels]
	}
	return out, nil
}

// end looks at what the library read ahead and left over.
func (s *flacSource) end() error {
	rest := s.dec.Rest()
	switch {
	case s.done < s.total:
		return refuse(refusal.Truncated, "the FLAC header announces %d samples, the stream holds %d", s.total, s.done)
	case s.total == 0 && len(rest) > 1 && rest[0] == 0xFF && rest[1]&0xFC == 0xF8:
		return io.ErrUnexpectedEOF // the beginning of a frame
	}
	return endOfFile(bufio.NewReader(io.MultiReader(bytes.NewReader(rest), s.in)), FLAC)
}
