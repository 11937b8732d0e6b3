package mpeg

/*
#cgo pkg-config: libmpg123
#include <mpg123.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// MaxSamples is room for what one frame holds (1152 samples of two channels), twice over: the first frame may come out
// together with the second.
const MaxSamples = 2 * 2 * 1152

var initialise = sync.OnceValue(func() C.int { return C.mpg123_init() })

// Decoder decodes one stream. It is not safe for concurrent use. The owner closes it.
type Decoder struct{ p *C.mpg123_handle }

// NewDecoder allocates a decoder.
func NewDecoder() (*Decoder, error) {
	if code := initialise(); code != C.MPG123_OK {
		return nil, message("initialise libmpg123", code)
	}
	var code C.int
	p := C.mpg123_new(nil, &code)
	if p == nil {
		return nil, message("create mp3 decoder", code)
	}
	d := &Decoder{p: p}
	// The caller removes tags and delay and has checked the frames, so that the library must not guess about either.
	const flags = C.MPG123_QUIET | C.MPG123_FORCE_FLOAT | C.MPG123_IGNORE_INFOFRAME | C.MPG123_NO_READAHEAD | C.MPG123_SKIP_ID3V2
	for _, set := range []func() C.int{
		func() C.int { return C.mpg123_param(p, C.MPG123_ADD_FLAGS, flags, 0) },
		func() C.int { return C.mpg123_param(p, C.MPG123_REMOVE_FLAGS, C.MPG123_GAPLESS, 0) },
		func() C.int { return C.mpg123_open_feed(p) },
	} {
		if code := set(); code != C.MPG123_OK {
			d.Close()
			return nil, message("set up mp3 decoder", code)
		}
	}
	return d, nil
}

// Decode feeds one whole frame and writes the samples that are ready, interleaved, to dst, which has room for
// [MaxSamples]. It returns their number, all channels counted.
func (d *Decoder) Decode(dst []float32, frame []byte) (int, error) {
	if d.p == nil {
		return 0, errors.New("mp3 decoder is closed")
	}
	if len(frame) == 0 || len(dst) < MaxSamples {
		return 0, fmt.Errorf("mp3 frame has %d bytes, room for %d samples", len(frame), len(dst))
	}
	if code := C.mpg123_feed(d.p, (*C.uchar)(&frame[0]), C.size_t(len(frame))); code != C.MPG123_OK {
		return 0, message("feed mp3 frame", code)
	}
	total := 0
	for {
		var bytes C.size_t
		code := C.mpg123_read(d.p, unsafe.Pointer(unsafe.SliceData(dst[total:])), C.size_t(4*len(dst[total:])), &bytes) //nolint:gocritic // what it sees is code that cgo generates
		total += int(bytes) / 4
		switch code {
		case C.MPG123_NEED_MORE:
			return total, nil
		case C.MPG123_OK, C.MPG123_NEW_FORMAT:
			if total == len(dst) {
				return total, nil
			}
		default:
			return total, message("decode mp3 frame", code)
		}
	}
}

// Close frees the decoder. It is idempotent.
func (d *Decoder) Close() {
	if d.p != nil {
		C.mpg123_delete(d.p)
		d.p = nil
	}
}

func message(what string, code C.int) error {
	return fmt.Errorf("%s: %s", what, C.GoString(C.mpg123_plain_strerror(code)))
}
