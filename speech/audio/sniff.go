package audio

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// sniff recognises a container by its first bytes, after skipping an ID3v2 tag. It returns Auto for anything else.
func sniff(in *bufio.Reader) (Encoding, error) {
	if err := skipID3v2(in); err != nil {
		return Auto, err
	}
	head, err := in.Peek(12)
	if len(head) == 0 && err != nil {
		if errors.Is(err, io.EOF) {
			return Auto, refuse(refusal.Empty, "the audio stream holds no bytes")
		}
		return Auto, err
	}
	switch {
	case len(head) == 12 && (string(head[:4]) == "RIFF" || string(head[:4]) == "RF64") && string(head[8:]) == "WAVE":
		return WAV, nil
	case bytes.HasPrefix(head, []byte("fLaC")):
		return FLAC, nil
	case bytes.HasPrefix(head, []byte("OggS")):
		return OggOpus, nil
	case looksLikeMP3(in):
		return MP3, nil
	}
	return Auto, nil
}

// skipID3v2 discards ID3v2 tags (id3.org, ID3v2.4 section 3.1) without holding them in memory.
func skipID3v2(in *bufio.Reader) error {
	for {
		head, _ := in.Peek(10)
		if len(head) < 10 || string(head[:3]) != "ID3" || (head[6]|head[7]|head[8]|head[9])&0x80 != 0 {
			return nil
		}
		size := int64(head[6])<<21 | int64(head[7])<<14 | int64(head[8])<<7 | int64(head[9])
		if head[5]&0x10 != 0 {
			size += 10 // a footer repeats the header
		}
		if _, err := io.CopyN(io.Discard, in, size+10); err != nil {
			return refuse(refusal.Truncated, "the stream ends inside its ID3 tag of %d bytes", size)
		}
	}
}

var foreignSignatures = []struct {
	offset    int
	signature string
	name      string
}{
	{0, "FORM", "AIFF"},
	{0, "RIFX", "big-endian WAV (RIFX)"},
	{0, ".snd", "Sun AU"},
	{0, "caff", "Apple CAF"},
	{0, "#!AMR", "AMR"},
	{0, "\x1aE\xdf\xa3", "WebM/Matroska"},
	{4, "ftyp", "MP4/M4A"},
	{0, "0&\xb2u", "WMA/ASF"},
	{0, "\xff\xf1", "AAC (ADTS)"},
	{0, "\xff\xf9", "AAC (ADTS)"},
}

func unrecognised(in *bufio.Reader) error {
	head, _ := in.Peek(12)
	what := "the audio's type is not recognised"
	for _, f := range foreignSignatures {
		if len(head) > f.offset && bytes.HasPrefix(head[f.offset:], []byte(f.signature)) {
			what = f.name + " is not read"
		}
	}
	return refuse(refusal.UnsupportedType,
		"%s: send WAV, FLAC, MP3 or Ogg/Opus, or name a raw encoding such as LINEAR16 with its sample rate", what)
}

func contentName(found Encoding) string {
	if found == Auto {
		return "of no type that is recognised"
	}
	return found.String()
}

// endOfFile accepts what taggers append to a file (ID3v1, APEv2, padding) and refuses anything else, since it would be
// a second file whose sound nobody would hear.
func endOfFile(in *bufio.Reader, enc Encoding) error {
	for {
		head, err := in.Peek(8)
		if len(head) == 0 {
			return err
		}
		switch {
		case bytes.HasPrefix(head, []byte("TAG")), bytes.HasPrefix(head, []byte("APETAGEX")), bytes.HasPrefix(head, []byte("LYRICS")):
			if _, err := io.Copy(io.Discard, in); err != nil {
				return err
			}
			return io.EOF
		case head[0] == 0:
			_, _ = in.Discard(1)
		default:
			return refuse(refusal.Corrupt, "more content follows the end of the %s file: send one file a stream", enc)
		}
	}
}
