package opus

/*
#cgo pkg-config: opus
#include <opus_multistream.h>

static int courtsense_opus_gain(OpusMSDecoder *d, opus_int32 gain) {
	return opus_multistream_decoder_ctl(d, OPUS_SET_GAIN(gain));
}
*/
import "C"

import (
	"errors"
	"fmt"
)

// SampleRate is the rate of all decoded samples in Hz.
const SampleRate = 48000

// MaxFrames is the most samples per channel that one packet can hold (120 ms).
const MaxFrames = 5760

// Layout says how the channels lie in a packet's streams (RFC 7845, section 5.1.1).
type Layout struct {
	Channels int    // 1 to 8
	Streams  int    // Opus streams in a packet
	Coupled  int    // how many of them, the first ones, are stereo
	Mapping  []byte // for each channel, the decoded channel that it takes; 255 is silence
	Gain     int    // dB * 256, -32768 to 32767
}

// Decoder decodes the packets of one stream. It is not safe for concurrent use. The owner closes it.
type Decoder struct {
	p        *C.OpusMSDecoder
	channels int
}

// NewDecoder checks the layout and allocates a decoder.
func NewDecoder(l Layout) (*Decoder, error) {
	if l.Channels < 1 || l.Channels > 8 || len(l.Mapping) != l.Channels {
		return nil, fmt.Errorf("opus layout has %d channels and a mapping of %d, 1 to 8 are decoded", l.Channels, len(l.Mapping))
	}
	if l.Streams < 1 || l.Coupled < 0 || l.Coupled > l.Streams || l.Streams+l.Coupled > 255 {
		return nil, fmt.Errorf("opus layout has %d streams, %d of them coupled", l.Streams, l.Coupled)
	}
	for _, m := range l.Mapping {
		if m != 255 && int(m) >= l.Streams+l.Coupled {
			return nil, fmt.Errorf("opus layout takes a channel from decoded channel %d of %d", m, l.Streams+l.Coupled)
		}
	}
	var code C.int
	p := C.opus_multistream_decoder_create(SampleRate, C.int(l.Channels), C.int(l.Streams), C.int(l.Coupled), (*C.uchar)(&l.Mapping[0]), &code)
	if code != C.OPUS_OK {
		return nil, message("create opus decoder", code)
	}
	d := &Decoder{p: p, channels: l.Channels}
	if code := C.courtsense_opus_gain(p, C.opus_int32(l.Gain)); code != C.OPUS_OK {
		d.Close()
		return nil, message("set opus gain", code)
	}
	return d, nil
}

// Decode writes the packet's samples, interleaved, to dst, which has room for [MaxFrames] samples of every channel, and
// returns how many samples each channel got.
func (d *Decoder) Decode(dst []float32, packet []byte) (int, error) {
	if d.p == nil {
		return 0, errors.New("opus decoder is closed")
	}
	if len(packet) == 0 || len(dst) < d.channels*MaxFrames {
		return 0, fmt.Errorf("opus packet has %d bytes, room for %d samples", len(packet), len(dst))
	}
	n := C.opus_multistream_decode_float(d.p, (*C.uchar)(&packet[0]), C.opus_int32(len(packet)), (*C.float)(&dst[0]), MaxFrames, 0)
	if n < 0 {
		return 0, message("decode opus packet", n)
	}
	return int(n), nil
}

// Close frees the decoder. It is idempotent.
func (d *Decoder) Close() {
	if d.p != nil {
		C.opus_multistream_decoder_destroy(d.p)
		d.p = nil
	}
}

func message(what string, code C.int) error {
	return fmt.Errorf("%s: %s", what, C.GoString(C.opus_strerror(code)))
}
