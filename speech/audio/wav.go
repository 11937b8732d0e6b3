package audio

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// WAVE format tags (Microsoft, Multiple Channel Audio Data and WAVE Files).
const (
	tagPCM        = 1
	tagFloat      = 3
	tagAlaw       = 6
	tagMulaw      = 7
	tagExtensible = 0xFFFE
)

// unknownLength is where declared data lengths stop being believed: writers that can't seek back leave 0xFFFFFFFF
// (ffmpeg) or a number just under 2 GiB (sox).
const unknownLength = 0x7FFF0000

// newWAV reads RIFF and RF64 (EBU Tech 3306) headers up to the samples, without seeking.
func newWAV(in *bufio.Reader) (source, error) {
	var riff [12]byte
	if _, err := io.ReadFull(in, riff[:]); err != nil {
		return nil, err
	}
	var format []byte
	long := int64(-1) // the data length of an RF64 file
	for {
		id, size, err := chunkHeader(in)
		if err != nil {
			return nil, unexpected(err)
		}
		switch {
		case id == "fmt ":
			if size < 16 || size > 1<<12 {
				return nil, refuse(refusal.Corrupt, "the WAV format chunk has %d bytes", size)
			}
			format = make([]byte, size)
			if _, err := io.ReadFull(in, format); err != nil {
				return nil, unexpected(err)
			}
			size &= 1
		case id == "ds64" && size >= 24 && size <= 1<<16:
			ds := make([]byte, size)
			if _, err := io.ReadFull(in, ds); err != nil {
				return nil, unexpected(err)
			}
			long = int64(binary.LittleEndian.Uint64(ds[8:]) & (1<<63 - 1))
			size &= 1
		case id == "data":
			if format == nil {
				return nil, refuse(refusal.Corrupt, "the WAV data chunk comes before the format chunk")
			}
			if size == 0xFFFFFFFF && long >= 0 && string(riff[:4]) == "RF64" {
				return wavSamples(in, format, long)
			}
			if size >= unknownLength || size == 0 && moreFollows(in) {
				return wavSamples(in, format, -1)
			}
			return wavSamples(in, format, size)
		default:
			size += size & 1
		}
		if _, err := io.CopyN(io.Discard, in, size); err != nil {
			return nil, unexpected(err)
		}
	}
}

func wavSamples(in *bufio.Reader, format []byte, bytes int64) (source, error) {
	le := binary.LittleEndian
	tag, channels, rate := int(le.Uint16(format)), int(le.Uint16(format[2:])), int(le.Uint32(format[4:]))
	align, bits := int(le.Uint16(format[12:])), int(le.Uint16(format[14:]))
	if tag == tagExtensible && len(format) >= 40 {
		tag = int(le.Uint16(format[24:])) // the first two bytes of the sub-format GUID
	}
	if channels == 0 || align == 0 || align%channels != 0 {
		return nil, refuse(refusal.Corrupt, "the WAV header contradicts itself: %d channels in frames of %d bytes", channels, align)
	}
	// Samples narrower than their container are left-justified in it, so the container's width decides.
	width := align / channels
	var f sampleFormat
	switch {
	case tag == tagPCM && width <= 4 && bits >= 1 && bits <= 8*width:
		f = []sampleFormat{formatU8, formatS16, formatS24, formatS32}[width-1]
	case tag == tagFloat && bits == 32:
		f = formatF32
	case tag == tagFloat && bits == 64:
		f = formatF64
	case tag == tagAlaw && bits == 8:
		f = formatAlaw
	case tag == tagMulaw && bits == 8:
		f = formatMulaw
	default:
		return nil, refuse(refusal.UnsupportedType, "WAV format tag %#x with %d bits is not read: use PCM, float, A-law or mu-law", tag, bits)
	}
	if f.bytes != width {
		return nil, refuse(refusal.Corrupt, "the WAV header contradicts itself: %d-bit samples in frames of %d bytes for %d channels", bits, align, channels)
	}
	if channels > 255 {
		return nil, refuse(refusal.InvalidValue, "the WAV header declares %d channels", channels)
	}
	inf := Info{Encoding: WAV, SampleRate: rate, Channels: channels, BitsPerSample: bits, Frames: -1}
	after := func() error { return io.EOF }
	if bytes >= 0 {
		inf.Frames = bytes / int64(align)
		after = func() error { return wavTail(in, bytes) }
	}
	return newPCM(in, f, inf, bytes, after), nil
}

// wavTail accepts the chunks (tags, cue points) that may follow the samples, and refuses anything else: it would be
// sound that the header's length hides, or a second file.
func wavTail(in *bufio.Reader, bytes int64) error {
	if bytes&1 == 1 {
		if b, err := in.Peek(1); err == nil && b[0] == 0 {
			_, _ = in.Discard(1)
		}
	}
	for {
		id, size, err := chunkHeader(in)
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		if err == nil && (id == "RIFF" || id == "RF64" || !printable(id)) || errors.Is(err, io.ErrUnexpectedEOF) {
			return refuse(refusal.Corrupt, "the WAV header announces %d bytes of samples, but more follow them: send one file a stream, with its true length", bytes)
		}
		if err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, in, size+size&1); err != nil {
			if errors.Is(err, io.EOF) {
				return io.EOF // a last chunk of tags that is cut short, or lacks its padding, costs no sound
			}
			return err
		}
	}
}

func chunkHeader(in io.Reader) (id string, size int64, err error) {
	var h [8]byte
	if _, err := io.ReadFull(in, h[:]); err != nil {
		return "", 0, err
	}
	return string(h[:4]), int64(binary.LittleEndian.Uint32(h[4:])), nil
}

func printable(id string) bool {
	for _, c := range []byte(id) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func moreFollows(in *bufio.Reader) bool {
	_, err := in.Peek(1)
	return err == nil
}

// unexpected marks the end of the stream inside a structure.
func unexpected(err error) error {
	if _, refused := refusal.As(err); !refused && errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
