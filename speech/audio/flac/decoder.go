package flac

/*
#cgo pkg-config: flac
#include <FLAC/stream_decoder.h>
#include <stdint.h>

// The library passes its client data back as a pointer; here it is a cgo handle, which is a number.
FLAC__StreamDecoder *courtsense_flac_open(uintptr_t handle, FLAC__StreamDecoderInitStatus *status);
static unsigned courtsense_flac_bits(const FLAC__Frame *f) { return f->header.bits_per_sample; }
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"runtime/cgo"
	"unsafe"
)

// ErrCorrupt is wrapped by errors about the content.
var ErrCorrupt = errors.New("damaged FLAC")

// maxFrame bounds the bytes that are searched for the end of one frame: the longest holds 65,535 samples of 8 channels
// with 32 bits.
const maxFrame = 4 << 20

// Info is the stream's header.
type Info struct {
	SampleRate, Channels, BitsPerSample int
	Samples                             uint64 // per channel; 0 when the header does not say
}

// Decoder decodes one stream. It is not safe for concurrent use. The owner closes it.
type Decoder struct {
	p      *C.FLAC__StreamDecoder
	handle cgo.Handle
	in     io.Reader
	info   Info
	block  []int32
	got    bool   // block was filled by the last step
	fed    uint64 // bytes given to the library
	recent []byte // those after the last whole frame
	ended  bool   // the reader has no more
	err    error
}

// NewDecoder reads the header of the stream.
func NewDecoder(in io.Reader) (*Decoder, error) {
	d := &Decoder{in: in}
	d.handle = cgo.NewHandle(d)
	var status C.FLAC__StreamDecoderInitStatus
	d.p = C.courtsense_flac_open(C.uintptr_t(d.handle), &status)
	if d.p == nil {
		d.Close()
		return nil, fmt.Errorf("create FLAC decoder: status %d", int(status))
	}
	ok := C.FLAC__stream_decoder_process_until_end_of_metadata(d.p) != 0 && !d.ended
	if err := d.failure(ok); err != nil {
		d.Close()
		return nil, err
	}
	if d.info.SampleRate == 0 || d.info.Channels == 0 {
		d.Close()
		return nil, fmt.Errorf("%w: the stream information is missing", ErrCorrupt)
	}
	return d, nil
}

// Info returns the stream's header.
func (d *Decoder) Info() Info { return d.info }

// Next returns the next frame's samples, interleaved and valid until the next call. At the end of the samples that the
// header announces, or of the reader, it returns io.EOF; where the reader ends inside a frame, io.ErrUnexpectedEOF.
func (d *Decoder) Next() ([]int32, error) {
	if d.p == nil {
		return nil, errors.New("FLAC decoder is closed")
	}
	for d.got = false; !d.got; {
		ok := C.FLAC__stream_decoder_process_single(d.p) != 0
		if err := d.failure(ok); err != nil {
			return nil, err
		}
		if C.FLAC__stream_decoder_get_state(d.p) == C.FLAC__STREAM_DECODER_END_OF_STREAM && !d.got {
			return nil, io.EOF
		}
	}
	var end C.FLAC__uint64
	if C.FLAC__stream_decoder_get_decode_position(d.p, &end) != 0 {
		if keep := int(d.fed - uint64(end)); keep >= 0 && keep <= len(d.recent) {
			d.recent = append(d.recent[:0], d.recent[len(d.recent)-keep:]...)
		}
	}
	return d.block, nil
}

// Rest returns the bytes that were read but belong to no frame.
func (d *Decoder) Rest() []byte { return d.recent }

func (d *Decoder) failure(ok bool) error {
	if d.err != nil {
		return d.err
	}
	if !ok && d.ended {
		return io.ErrUnexpectedEOF
	}
	if !ok {
		return fmt.Errorf("%w: decoder state %d", ErrCorrupt, int(C.FLAC__stream_decoder_get_state(d.p)))
	}
	return nil
}

// Close frees the decoder. It is idempotent.
func (d *Decoder) Close() {
	if d.p != nil {
		C.FLAC__stream_decoder_delete(d.p)
		d.p = nil
	}
	if d.handle != 0 {
		d.handle.Delete()
		d.handle = 0
	}
}

func decoderOf(client unsafe.Pointer) *Decoder { return cgo.Handle(uintptr(client)).Value().(*Decoder) }

//export courtsenseFLACRead
func courtsenseFLACRead(_ *C.FLAC__StreamDecoder, buffer *C.FLAC__byte, size *C.size_t, client unsafe.Pointer) C.FLAC__StreamDecoderReadStatus {
	d := decoderOf(client)
	b := unsafe.Slice((*byte)(unsafe.Pointer(buffer)), int(*size))
	n, err := 0, error(nil)
	for n == 0 && err == nil {
		n, err = d.in.Read(b)
	}
	d.fed += uint64(n)
	d.recent = append(d.recent, b[:n]...)
	*size = C.size_t(n)
	switch {
	case d.info.SampleRate != 0 && len(d.recent) > maxFrame:
		d.err = fmt.Errorf("%w: a frame has no end", ErrCorrupt)
	case n > 0:
		return C.FLAC__STREAM_DECODER_READ_STATUS_CONTINUE
	case errors.Is(err, io.EOF):
		d.ended = true
		return C.FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM
	default:
		d.err = err
	}
	return C.FLAC__STREAM_DECODER_READ_STATUS_ABORT
}

//export courtsenseFLACTell
func courtsenseFLACTell(_ *C.FLAC__StreamDecoder, offset *C.FLAC__uint64, client unsafe.Pointer) C.FLAC__StreamDecoderTellStatus {
	*offset = C.FLAC__uint64(decoderOf(client).fed)
	return C.FLAC__STREAM_DECODER_TELL_STATUS_OK
}

//export courtsenseFLACWrite
func courtsenseFLACWrite(_ *C.FLAC__StreamDecoder, frame *C.FLAC__Frame, buffer **C.FLAC__int32, client unsafe.Pointer) C.FLAC__StreamDecoderWriteStatus {
	d := decoderOf(client)
	n, channels := int(frame.header.blocksize), int(frame.header.channels)
	if channels != d.info.Channels || int(frame.header.sample_rate) != d.info.SampleRate || int(C.courtsense_flac_bits(frame)) != d.info.BitsPerSample {
		d.err = fmt.Errorf("%w: a frame disagrees with the header about channels, bits or rate", ErrCorrupt)
		return C.FLAC__STREAM_DECODER_WRITE_STATUS_ABORT
	}
	if cap(d.block) < n*channels {
		d.block = make([]int32, n*channels)
	}
	d.block = d.block[:n*channels]
	for c, p := range unsafe.Slice(buffer, channels) {
		for i, x := range unsafe.Slice((*int32)(unsafe.Pointer(p)), n) {
			d.block[i*channels+c] = x
		}
	}
	d.got = true
	return C.FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE
}

//export courtsenseFLACMetadata
func courtsenseFLACMetadata(rate, channels, bits C.uint, samples C.FLAC__uint64, client unsafe.Pointer) {
	decoderOf(client).info = Info{SampleRate: int(rate), Channels: int(channels), BitsPerSample: int(bits), Samples: uint64(samples)}
}

//export courtsenseFLACError
func courtsenseFLACError(_ *C.FLAC__StreamDecoder, status C.FLAC__StreamDecoderErrorStatus, client unsafe.Pointer) {
	d := decoderOf(client)
	if d.err != nil {
		return
	}
	reason := "unknown damage"
	switch status {
	case C.FLAC__STREAM_DECODER_ERROR_STATUS_LOST_SYNC:
		reason = "no frame where one should begin"
		if d.ended {
			// A frame that breaks off is searched for another one.
			d.err = io.ErrUnexpectedEOF
			return
		}
	case C.FLAC__STREAM_DECODER_ERROR_STATUS_BAD_HEADER:
		reason = "a frame's header is invalid"
	case C.FLAC__STREAM_DECODER_ERROR_STATUS_FRAME_CRC_MISMATCH:
		reason = "a frame's checksum is wrong"
	case C.FLAC__STREAM_DECODER_ERROR_STATUS_UNPARSEABLE_STREAM:
		reason = "a frame uses features that are reserved"
	}
	d.err = fmt.Errorf("%w: %s", ErrCorrupt, reason)
}
