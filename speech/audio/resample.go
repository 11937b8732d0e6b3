package audio

import (
	"errors"

	"github.com/courtsense/courtsense/speech/audio/soxr"
)

// Rate is the sample rate of everything behind the decoder, in Hz.
const Rate = 16000

// Resampler brings a stream to [Rate]. The result does not depend on how the stream was cut, bit for bit, and its length
// is exact: n samples at rate r become n*16000/r, rounded to the nearest. It holds back up to 120 ms of 8 kHz and 40 ms of
// 44.1 or 48 kHz sound, which its filter needs. It is not safe for concurrent use.
type Resampler struct {
	rate, channels int
	native         *soxr.Resampler // nil when the rate is right already
	pending        []float32       // less than a block
	block          int             // samples, all channels
	scratch        []float32
	out            []float32
	read, written  int64 // frames
	done           bool
}

// NewResampler makes a resampler for interleaved samples at rate Hz. The caller closes it.
func NewResampler(rate, channels int) (*Resampler, error) {
	r := &Resampler{rate: rate, channels: channels}
	if rate == Rate {
		return r, nil
	}
	native, err := soxr.New(rate, Rate, channels)
	if err != nil {
		return nil, err
	}
	// libsoxr is fed blocks of 10 ms, so that its internal order of work never depends on the sender's chunks.
	frames := max(1, rate/100)
	r.native, r.block = native, frames*channels
	r.scratch = make([]float32, (frames*Rate/rate+64)*channels)
	return r, nil
}

// Push takes interleaved samples in whole frames and returns those that are ready, valid until the next call.
func (r *Resampler) Push(in []float32) ([]float32, error) {
	if r.done {
		return nil, errors.New("resampler is flushed")
	}
	r.read += int64(len(in) / r.channels)
	if r.native == nil {
		return in, nil
	}
	r.out = r.out[:0]
	for len(in) > 0 {
		n := min(len(in), r.block-len(r.pending))
		r.pending = append(r.pending, in[:n]...)
		in = in[n:]
		if len(r.pending) < r.block {
			break
		}
		if err := r.process(r.pending); err != nil {
			return nil, err
		}
		r.pending = r.pending[:0]
	}
	return r.out, nil
}

// Flush ends the stream and returns the rest of it.
func (r *Resampler) Flush() ([]float32, error) {
	if r.done || r.native == nil {
		r.done = true
		return nil, nil
	}
	r.done = true
	r.out = r.out[:0]
	if len(r.pending) > 0 {
		if err := r.process(r.pending); err != nil {
			return nil, err
		}
	}
	for {
		_, n, err := r.native.Process(r.scratch, nil)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		r.emit(n)
	}
	want := (r.read*Rate + int64(r.rate)/2) / int64(r.rate)
	for ; r.written < want; r.written++ {
		r.out = append(r.out, make([]float32, r.channels)...)
	}
	// The library may give one frame more; it is the last one returned, so cutting here is enough.
	if over := int(r.written-want) * r.channels; over > 0 {
		r.out = r.out[:max(0, len(r.out)-over)]
	}
	return r.out, nil
}

func (r *Resampler) process(in []float32) error {
	for len(in) > 0 {
		read, n, err := r.native.Process(r.scratch, in)
		if err != nil {
			return err
		}
		if read == 0 && n == 0 {
			return errors.New("resampler stands still")
		}
		in = in[read*r.channels:]
		r.emit(n)
	}
	return nil
}

func (r *Resampler) emit(frames int) {
	r.out = append(r.out, r.scratch[:frames*r.channels]...)
	r.written += int64(frames)
}

// Close frees native memory. It is idempotent.
func (r *Resampler) Close() {
	if r.native != nil {
		r.native.Close()
	}
}
