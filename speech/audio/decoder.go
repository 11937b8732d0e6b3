package audio

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// maxAmplitude is the largest float sample taken for sound: 24 dB over full scale, so that hot recordings pass and
// streams in 16-bit integer scale (a frequent mistake) do not.
const maxAmplitude = 16

// source decodes one encoding. next returns the following block of interleaved samples, which is valid until the next
// call; io.EOF ends the stream. Samples may come together with an error.
type source interface {
	info() Info
	next() ([]float32, error)
	close()
}

// Decoder reads the samples of one stream. It is not safe for concurrent use.
type Decoder struct {
	meter   *meter
	src     source
	info    Info
	frames  int64 // decoded so far, per channel
	limit   int64 // frames allowed
	maxDur  time.Duration
	pending []float32
	err     error // what follows pending; io.EOF at the end
}

// NewDecoder reads the header of the stream and returns a decoder for it. It reads from r only as much as it needs and
// blocks when r does; to give up early, make r fail. The caller owns the decoder and closes it; r stays the caller's.
//
// It refuses an empty stream (EMPTY), content that it does not know (UNSUPPORTED_TYPE), a damaged header (CORRUPT,
// TRUNCATED), content outside lim (INVALID_VALUE) and content that disagrees with cfg (INVALID_CONFIG). Errors of r
// itself are returned wrapped.
func NewDecoder(r io.Reader, cfg Config, lim Limits) (d *Decoder, err error) {
	m := &meter{r: r, max: lim.MaxBytes}
	d = &Decoder{meter: m, maxDur: lim.MaxDuration}
	defer func() {
		if p := recover(); p != nil {
			err = d.panicked(p)
		}
		if err != nil {
			d.Close()
			d, err = nil, d.explain(unexpected(err)) // a header is never over too early by right
		}
	}()
	in := bufio.NewReaderSize(m, 16<<10)
	found, err := sniff(in)
	if err != nil {
		return d, err
	}
	enc := cfg.Encoding
	switch {
	case enc == Auto && found == Auto:
		return d, unrecognised(in)
	case enc == Auto:
		enc = found
	case enc.Raw() && found != Auto && found != MP3, !enc.Raw() && found != enc:
		// Two bytes can make raw samples look like an MP3 frame; the other signatures are too long for chance.
		e := refusal.New(refusal.InvalidConfig, "the configuration declares %s, the content is %s", cfg.Encoding, contentName(found))
		e.Field = fieldEncoding
		return d, e
	}
	switch enc {
	case WAV:
		d.src, err = newWAV(in)
	case FLAC:
		d.src, err = newFLAC(in)
	case MP3:
		d.src, err = newMP3(in)
	case OggOpus:
		d.src, err = newOggOpus(in, &cfg)
	default:
		d.src, err = newRaw(in, enc, cfg)
	}
	if err != nil {
		return d, err
	}
	d.info = d.src.info()
	if err = d.info.check(cfg, lim); err != nil {
		return d, err
	}
	d.limit = math.MaxInt64
	if lim.MaxDuration > 0 {
		d.limit = int64(lim.MaxDuration.Seconds() * float64(d.info.SampleRate))
	}
	return d, nil
}

// Info describes the stream.
func (d *Decoder) Info() Info { return d.info }

// Read fills dst with interleaved samples in whole frames (one sample for each channel) and returns how many samples it
// wrote, 0 only together with an error. It returns io.EOF at the end and a refusal where the content is damaged,
// too long or holds a sample that is no number; everything before that point was delivered by earlier calls.
func (d *Decoder) Read(dst []float32) (int, error) {
	if len(dst) < d.info.Channels {
		return 0, io.ErrShortBuffer
	}
	for len(d.pending) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		d.fill()
	}
	n := min(len(dst)/d.info.Channels*d.info.Channels, len(d.pending))
	copy(dst, d.pending[:n])
	d.pending = d.pending[n:]
	return n, nil
}

// Close frees the decoder's native memory. It is idempotent and does not close the reader.
func (d *Decoder) Close() {
	if d.src != nil {
		d.src.close()
	}
}

func (d *Decoder) fill() {
	block, err := d.decode()
	if err != nil {
		d.err = d.explain(err)
	}
	block, bad := d.screen(block)
	if bad != nil {
		d.err = bad
	}
	d.frames += int64(len(block) / d.info.Channels)
	if errors.Is(d.err, io.EOF) && d.frames == 0 {
		d.err = refuse(refusal.Empty, "the %s stream holds no samples", d.info.Encoding)
	}
	d.pending = block
}

func (d *Decoder) decode() (block []float32, err error) {
	defer func() {
		if p := recover(); p != nil {
			block, err = nil, d.panicked(p)
		}
	}()
	return d.src.next()
}

// screen cuts the block at the first sample that can't be passed on, and says why.
func (d *Decoder) screen(block []float32) ([]float32, error) {
	var err error
	ch := d.info.Channels
	if over := d.frames + int64(len(block)/ch) - d.limit; over > 0 {
		block = block[:len(block)-int(over)*ch]
		e := refuse(refusal.TooLong, "the sound is longer than %v (config limits.max_audio_seconds): split it", d.maxDur)
		e.Limit, e.Got = int64(d.maxDur.Seconds()), int64(d.maxDur.Seconds())+1
		err = e
	}
	for i, x := range block {
		if x >= -maxAmplitude && x <= maxAmplitude {
			continue
		}
		frame := d.frames + int64(i/ch)
		e := refuse(refusal.InvalidValue, "sample %d of channel %d (at %.3f s) is %v: samples must be numbers within -1..1",
			frame, i%ch, float64(frame)/float64(d.info.SampleRate), x)
		e.Got = frame
		return block[:i/ch*ch], e
	}
	return block, err
}

func (d *Decoder) panicked(p any) error {
	e := refuse(refusal.Corrupt, "the decoder gave up on damaged content")
	e.Err = fmt.Errorf("panic: %v", p)
	return e
}

// explain turns what a codec reported into io.EOF, a refusal or the reader's own error, which codecs may swallow.
func (d *Decoder) explain(err error) error {
	if cause := d.meter.err; cause != nil && !errors.Is(cause, io.EOF) {
		if _, ok := refusal.As(cause); ok {
			return cause
		}
		return fmt.Errorf("read audio: %w", cause)
	}
	if _, ok := refusal.As(err); ok || errors.Is(err, io.EOF) {
		return err
	}
	e := refuse(refusal.Corrupt, "the audio is damaged %s", d.position())
	if errors.Is(err, io.ErrUnexpectedEOF) {
		e = refuse(refusal.Truncated, "the audio ends too early, %s", d.position())
	}
	e.Err = err
	return e
}

func (d *Decoder) position() string {
	if d.info.SampleRate == 0 {
		return "in its header"
	}
	return fmt.Sprintf("after %.3f s", float64(d.frames)/float64(d.info.SampleRate))
}

func refuse(reason refusal.Reason, format string, args ...any) *refusal.Error {
	e := refusal.New(reason, format, args...)
	e.Field = fieldContent
	return e
}

// meter counts and bounds the bytes of a stream and remembers how it ended.
type meter struct {
	r      io.Reader
	n, max int64
	err    error
}

func (m *meter) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	n, err := m.r.Read(p)
	m.n += int64(n)
	if over := m.n - m.max; m.max > 0 && over > 0 {
		e := refuse(refusal.TooLarge, "the audio is larger than %d bytes (config limits.max_audio_bytes): split it", m.max)
		e.Limit, e.Got = m.max, m.n
		n, err = max(0, n-int(over)), e
	}
	m.err = err
	return n, err
}
