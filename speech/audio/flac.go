package audio

import (
	"bufio"
	"errors"
	"io"

	"github.com/mewkiz/flac"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// flacSource decodes native FLAC (RFC 9639); the library checks the CRC of every frame.
type flacSource struct {
	in     *bufio.Reader
	stream *flac.Stream
	inf    Info
	total  uint64 // frames that the header announces, 0 when it does not say
	done   uint64
	scale  float32
	out    []float32
}

func newFLAC(in *bufio.Reader) (source, error) {
	// The library would read whatever block comes first, of any announced size, into memory; the format says which it is.
	if head, err := in.Peek(8); err != nil {
		return nil, unexpected(err)
	} else if head[4]&0x7F != 0 || head[5] != 0 || head[6] != 0 || head[7] != 34 {
		return nil, refuse(refusal.Corrupt, "the FLAC stream does not begin with its stream information")
	}
	s, err := flac.New(in)
	if err != nil {
		return nil, unexpected(err)
	}
	bits := int(s.Info.BitsPerSample)
	if bits < 4 || bits > 32 {
		return nil, refuse(refusal.Corrupt, "the FLAC header declares %d bits a sample", bits)
	}
	frames := int64(-1)
	if s.Info.NSamples > 0 {
		frames = int64(s.Info.NSamples)
	}
	return &flacSource{
		in: in, stream: s, total: s.Info.NSamples, scale: 1 / float32(int64(1)<<(bits-1)),
		inf: Info{Encoding: FLAC, SampleRate: int(s.Info.SampleRate), Channels: int(s.Info.NChannels), BitsPerSample: bits, Frames: frames},
	}, nil
}

func (s *flacSource) info() Info { return s.inf }

func (s *flacSource) close() {}

func (s *flacSource) next() ([]float32, error) {
	if s.total > 0 && s.done >= s.total {
		return nil, endOfFile(s.in, FLAC)
	}
	f, err := s.stream.ParseNext()
	if err == io.EOF && s.done < s.total {
		return nil, refuse(refusal.Truncated, "the FLAC header announces %d samples, the stream holds %d", s.total, s.done)
	}
	if err != nil {
		return nil, err
	}
	ch := s.inf.Channels
	if len(f.Subframes) != ch || f.BitsPerSample != 0 && int(f.BitsPerSample) != s.inf.BitsPerSample ||
		f.SampleRate != 0 && int(f.SampleRate) != s.inf.SampleRate {
		return nil, errors.New("a FLAC frame disagrees with the header about channels, bits or rate")
	}
	n := len(f.Subframes[0].Samples)
	if cap(s.out) < n*ch {
		s.out = make([]float32, n*ch)
	}
	out := s.out[:n*ch]
	for c, sub := range f.Subframes {
		if len(sub.Samples) != n {
			return nil, errors.New("a FLAC frame has channels of different lengths")
		}
		for i, x := range sub.Samples {
			out[i*ch+c] = float32(x) * s.scale
		}
	}
	s.done += uint64(n)
	if s.total > 0 && s.done > s.total {
		out = out[:len(out)-int(s.done-s.total)*ch]
	}
	return out, nil
}
