package speexdsp

/*
#cgo pkg-config: speexdsp
#include <speex/speex_preprocess.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// Options say what is done to the sound.
type Options struct {
	// Suppress is by how much noise is lowered, in dB, 0 for not at all.
	Suppress int
	// Level is the level that speech is brought to, as the root mean square of 16-bit samples; 0 leaves it as it is.
	Level float64
	// MaxGain bounds how far quiet speech is raised, in dB; only with Level.
	MaxGain int
}

// Preprocessor is one channel. It is not safe for concurrent use. The owner closes it.
type Preprocessor struct {
	state *C.SpeexPreprocessState
	frame int
}

// New makes a preprocessor for frames of so many samples at a rate in Hz. Frames of 10 to 20 ms are what the library is
// made for.
func New(rate, frame int, o Options) (*Preprocessor, error) {
	if rate < 1000 || rate > 192000 || frame < rate/200 || frame > rate/20 {
		return nil, fmt.Errorf("speexdsp: frames of %d samples at %d Hz: want 5 to 50 ms at 1 to 192 kHz", frame, rate)
	}
	if o.Suppress < 0 || o.Suppress > 100 || o.MaxGain < 0 || o.MaxGain > 100 || !(o.Level >= 0 && o.Level <= 32768) {
		return nil, fmt.Errorf("speexdsp: suppression of %d dB, level %v and gain of %d dB are not within 0..100, 0..32768, 0..100", o.Suppress, o.Level, o.MaxGain)
	}
	p := &Preprocessor{state: C.speex_preprocess_state_init(C.int(frame), C.int(rate)), frame: frame}
	if p.state == nil {
		return nil, errors.New("speexdsp: out of memory")
	}
	flag := func(on bool) C.spx_int32_t {
		if on {
			return 1
		}
		return 0
	}
	err := errors.Join(
		p.set(C.SPEEX_PREPROCESS_SET_DENOISE, flag(o.Suppress > 0)),
		p.set(C.SPEEX_PREPROCESS_SET_AGC, flag(o.Level > 0)),
	)
	if o.Suppress > 0 {
		err = errors.Join(err, p.set(C.SPEEX_PREPROCESS_SET_NOISE_SUPPRESS, C.spx_int32_t(-o.Suppress)))
	}
	if o.Level > 0 {
		level := C.float(o.Level)
		err = errors.Join(err, p.control(C.SPEEX_PREPROCESS_SET_AGC_LEVEL, unsafe.Pointer(&level)),
			p.set(C.SPEEX_PREPROCESS_SET_AGC_MAX_GAIN, C.spx_int32_t(o.MaxGain)))
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Preprocessor) set(request C.int, value C.spx_int32_t) error {
	return p.control(request, unsafe.Pointer(&value))
}

func (p *Preprocessor) control(request C.int, value unsafe.Pointer) error {
	if C.speex_preprocess_ctl(p.state, request, value) != 0 {
		return fmt.Errorf("speexdsp: this build of the library does not know setting %d", int(request))
	}
	return nil
}

// Process replaces a frame by the one before it, cleaned: what comes out lies one frame behind what goes in.
func (p *Preprocessor) Process(frame []int16) error {
	if p.state == nil {
		return errors.New("speexdsp: preprocessor is closed")
	}
	if len(frame) != p.frame {
		return fmt.Errorf("speexdsp: frame of %d samples, want %d", len(frame), p.frame)
	}
	C.speex_preprocess_run(p.state, (*C.spx_int16_t)(&frame[0]))
	return nil
}

// Close frees the preprocessor. It is idempotent.
func (p *Preprocessor) Close() {
	if p.state != nil {
		C.speex_preprocess_state_destroy(p.state)
		p.state = nil
	}
}
