package soxr

/*
#cgo pkg-config: soxr
#include <soxr.h>
*/
import "C"

import (
	"errors"
	"fmt"
)

// Resampler is one stream. It is not safe for concurrent use. The owner closes it.
type Resampler struct {
	p        C.soxr_t
	channels int
}

// New makes a resampler from rate `from` to rate `to`, both in Hz.
func New(from, to, channels int) (*Resampler, error) {
	if from < 1 || to < 1 || channels < 1 {
		return nil, fmt.Errorf("resample %d channels from %d to %d Hz: all must be positive", channels, from, to)
	}
	var failure C.soxr_error_t
	quality := C.soxr_quality_spec(C.SOXR_HQ, 0)
	p := C.soxr_create(C.double(from), C.double(to), C.uint(channels), &failure, nil, &quality, nil) //nolint:gocritic // what it sees is code that cgo generates
	if failure != nil {
		return nil, fmt.Errorf("create resampler: %s", C.GoString((*C.char)(failure)))
	}
	return &Resampler{p: p, channels: channels}, nil
}

// Process takes in the interleaved samples of src and writes what is ready to dst. It returns the samples per channel
// that it read and wrote. With an empty src it drains: repeat until it writes nothing, after that the stream is over.
func (r *Resampler) Process(dst, src []float32) (read, written int, err error) {
	if r.p == nil {
		return 0, 0, errors.New("resampler is closed")
	}
	if len(dst) < r.channels {
		return 0, 0, errors.New("resampler has no room for output")
	}
	var in C.soxr_in_t
	if len(src) > 0 {
		in = C.soxr_in_t(&src[0])
	}
	var idone, odone C.size_t
	failure := C.soxr_process(r.p, in, C.size_t(len(src)/r.channels), &idone, C.soxr_out_t(&dst[0]), C.size_t(len(dst)/r.channels), &odone)
	if failure != nil {
		return 0, 0, fmt.Errorf("resample: %s", C.GoString((*C.char)(failure)))
	}
	return int(idone), int(odone), nil
}

// Close frees the resampler. It is idempotent.
func (r *Resampler) Close() {
	if r.p != nil {
		C.soxr_delete(r.p)
		r.p = nil
	}
}
