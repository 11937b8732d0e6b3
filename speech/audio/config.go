package audio

import (
	"fmt"
	"strings"
	"time"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// Encoding names a container or a raw sample format.
type Encoding uint8

// The encodings that are read. Raw formats have no header: they are little-endian, interleaved, and need Config.SampleRate.
const (
	Auto     Encoding = iota // a container, recognised by its content
	Linear16                 // raw signed 16-bit integers
	Linear24                 // raw signed 24-bit integers, packed
	Linear32                 // raw signed 32-bit integers
	Float32                  // raw IEEE 754 single precision, full scale -1..1
	Mulaw                    // raw ITU-T G.711 mu-law
	Alaw                     // raw ITU-T G.711 A-law
	WAV                      // RIFF/RF64 WAVE: integer PCM 8-32 bit, float 32/64 bit, A-law, mu-law
	FLAC                     // native FLAC
	MP3                      // MPEG-1, MPEG-2 and MPEG-2.5 Layer III
	OggOpus                  // Opus in Ogg (RFC 7845)
)

var encodingNames = [...]string{"AUTO", "LINEAR16", "LINEAR24", "LINEAR32", "FLOAT32", "MULAW", "ALAW", "WAV", "FLAC", "MP3", "OGG_OPUS"}

// String returns the name used in configurations: "LINEAR16", "OGG_OPUS".
func (e Encoding) String() string {
	if int(e) < len(encodingNames) {
		return encodingNames[e]
	}
	return fmt.Sprintf("encoding(%d)", uint8(e))
}

// ParseEncoding reads a name as [Encoding.String] writes it, in any case; "" is [Auto].
func ParseEncoding(name string) (Encoding, error) {
	if name == "" {
		return Auto, nil
	}
	for i, n := range encodingNames {
		if strings.EqualFold(name, n) {
			return Encoding(i), nil
		}
	}
	e := refusal.New(refusal.InvalidConfig, "encoding %q is unknown: use one of %s", name, strings.Join(encodingNames[:], ", "))
	e.Field = fieldEncoding
	return Auto, e
}

// Raw reports whether the encoding has no header of its own.
func (e Encoding) Raw() bool { return e >= Linear16 && e <= Alaw }

// The fields that refusals name.
const (
	fieldContent  = "audio.content"
	fieldEncoding = "config.encoding"
	fieldRate     = "config.sample_rate_hertz"
	fieldChannels = "config.audio_channel_count"
)

// Config is what the sender declares. Whatever is declared must agree with the content.
type Config struct {
	Encoding   Encoding // Auto: recognise a container; raw formats must be named
	SampleRate int      // Hz; 0: as the container says (raw formats: required)
	Channels   int      // 0: as the container says (raw formats: 1)
}

// Limits bound what one stream may cost.
type Limits struct {
	MaxBytes    int64         // encoded bytes
	MaxDuration time.Duration // of decoded sound
	MaxChannels int
	MinRate     int // Hz
	MaxRate     int // Hz
}

// DefaultLimits allows 8 to 48 kHz, 8 channels, 5 hours and 4 GiB (5 hours of 48 kHz 16-bit stereo are 3.5 GB).
func DefaultLimits() Limits {
	return Limits{MaxBytes: 4 << 30, MaxDuration: 5 * time.Hour, MaxChannels: 8, MinRate: 8000, MaxRate: 48000}
}

// Info describes a stream once its header was read.
type Info struct {
	Encoding      Encoding // never Auto
	SampleRate    int      // Hz
	Channels      int
	BitsPerSample int   // as stored; 0 for lossy encodings
	Frames        int64 // samples per channel that the header announces; -1 when it does not say
}

// check refuses an Info that is outside lim or disagrees with cfg.
func (i Info) check(cfg Config, lim Limits) error {
	refuse := func(reason refusal.Reason, field string, limit, got int, format string, args ...any) error {
		e := refusal.New(reason, format, args...)
		e.Field, e.Limit, e.Got = field, int64(limit), int64(got)
		return e
	}
	switch {
	case i.Channels < 1 || i.Channels > lim.MaxChannels:
		return refuse(refusal.InvalidValue, fieldChannels, lim.MaxChannels, i.Channels,
			"%s has %d channels, 1 to %d are accepted", i.Encoding, i.Channels, lim.MaxChannels)
	case i.SampleRate < lim.MinRate || i.SampleRate > lim.MaxRate:
		return refuse(refusal.InvalidValue, fieldRate, lim.MaxRate, i.SampleRate,
			"%s has a sample rate of %d Hz, %d to %d Hz are accepted", i.Encoding, i.SampleRate, lim.MinRate, lim.MaxRate)
	case cfg.SampleRate != 0 && cfg.SampleRate != i.SampleRate:
		return refuse(refusal.InvalidConfig, fieldRate, i.SampleRate, cfg.SampleRate,
			"the configuration declares %d Hz, the %s content has %d Hz: send the true rate or 0", cfg.SampleRate, i.Encoding, i.SampleRate)
	case cfg.Channels != 0 && cfg.Channels != i.Channels:
		return refuse(refusal.InvalidConfig, fieldChannels, i.Channels, cfg.Channels,
			"the configuration declares %d channels, the %s content has %d: send the true number or 0", cfg.Channels, i.Encoding, i.Channels)
	}
	return nil
}
