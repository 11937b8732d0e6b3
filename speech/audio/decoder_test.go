package audio

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

func file(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(tb, err)
	return b
}

// decodeAll returns everything that comes before the error, which is nil at a proper end.
func decodeAll(r io.Reader, cfg Config, lim Limits) (Info, []float32, error) {
	d, err := NewDecoder(r, cfg, lim)
	if err != nil {
		return Info{}, nil, err
	}
	defer d.Close()
	var all []float32
	buf := make([]float32, 1000)
	for {
		n, err := d.Read(buf)
		all = append(all, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return d.Info(), all, nil
		}
		if err != nil {
			return d.Info(), all, err
		}
	}
}

func decode(tb testing.TB, b []byte, cfg Config) (Info, []float32) {
	tb.Helper()
	info, pcm, err := decodeAll(bytes.NewReader(b), cfg, DefaultLimits())
	require.NoError(tb, err)
	return info, pcm
}

func reasonOf(err error) refusal.Reason {
	if e, ok := refusal.As(err); ok {
		return e.Reason
	}
	return ""
}

// tone fits a sine of the frequency to the channel: its amplitude, how many samples it lags behind one that starts at the
// first sample, and the ratio of its power to that of everything else in dB. It looks at the middle, so that encoders'
// ramps don't count.
func tone(pcm []float32, channels, channel, rate int, hz float64) (gain, lag, snr float64) {
	n := len(pcm) / channels
	from, to := n/4, n*3/4
	var ss, sc, cc, xs, xc, xx float64
	for i := from; i < to; i++ {
		s, c := math.Sincos(2 * math.Pi * hz * float64(i) / float64(rate))
		x := float64(pcm[i*channels+channel])
		ss, sc, cc, xs, xc, xx = ss+s*s, sc+s*c, cc+c*c, xs+x*s, xc+x*c, xx+x*x
	}
	det := ss*cc - sc*sc
	a, b := (xs*cc-xc*sc)/det, (xc*ss-xs*sc)/det
	fit := a*xs + b*xc
	return math.Hypot(a, b), math.Atan2(-b, a) / (2 * math.Pi * hz) * float64(rate), 10 * math.Log10(fit/math.Max(xx-fit, 1e-30))
}

func TestContainersGiveTheToneTheyWereMadeFrom(t *testing.T) {
	for _, c := range []struct {
		name           string
		enc            Encoding
		rate, channels int
		frames         int
		snr            float64
	}{
		{"mono16k.wav", WAV, 16000, 1, 8000, 80},
		{"mono16k-float.wav", WAV, 16000, 1, 8000, 80},
		{"mono16k-piped.wav", WAV, 16000, 1, 8000, 80},
		{"mono16k-24bit.flac", FLAC, 16000, 1, 8000, 100},
		{"mono24k.flac", FLAC, 24000, 1, 12000, 80},
		{"mono16k-piped.flac", FLAC, 16000, 1, 8000, 80},
		{"stereo44k.flac", FLAC, 44100, 2, 22050, 80},
		{"stereo44k.mp3", MP3, 44100, 2, 22050, 25},
		{"mono22k.mp3", MP3, 22050, 1, 11025, 25},
		{"mono8k.mp3", MP3, 8000, 1, 4000, 25},
		{"stereo.opus", OggOpus, 48000, 2, 24000, 20},
		{"surround.opus", OggOpus, 48000, 6, 24000, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			info, pcm := decode(t, file(t, c.name), Config{})
			assert.Equal(t, []int{int(c.enc), c.rate, c.channels}, []int{int(info.Encoding), info.SampleRate, info.Channels})
			assert.Equal(t, c.frames, len(pcm)/c.channels)
			for ch, hz := range []float64{440, 660}[:min(c.channels, 2)] {
				if c.channels == 6 {
					hz = 440
				}
				gain, lag, snr := tone(pcm, c.channels, ch, c.rate, hz)
				t.Logf("channel %d: gain %.4f, lag %.2f samples, SNR %.1f dB", ch, gain, lag, snr)
				assert.InDelta(t, .5, gain, .03)  // LAME scales by 0.95
				assert.Less(t, math.Abs(lag), 3.) // Opus codes a lone channel two samples early; all others are exact
				assert.Greater(t, snr, c.snr)
			}
		})
	}
}

func TestChunkingOfTheBytesDoesNotMatter(t *testing.T) {
	names, err := filepath.Glob("testdata/[ms]*[0-9a-z].[wfmo]*")
	require.NoError(t, err)
	for _, name := range names {
		b := file(t, filepath.Base(name))
		_, want := decode(t, b, Config{})
		_, got, err := decodeAll(iotest.DataErrReader(iotest.OneByteReader(bytes.NewReader(b))), Config{}, DefaultLimits())
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
}

func TestTruncatedFilesGiveWhatTheyHaveAndARefusal(t *testing.T) {
	for _, name := range []string{"mono16k.wav", "mono16k-24bit.flac", "mono16k-piped.flac", "stereo44k.mp3", "stereo.opus"} {
		b := file(t, name)
		_, whole := decode(t, b, Config{})
		cut := len(b) * 2 / 3
		if name == "mono16k-piped.flac" { // most of it is padding before the sound
			cut = len(b) - 300
		}
		_, got, err := decodeAll(bytes.NewReader(b[:cut]), Config{}, DefaultLimits())
		assert.Equal(t, refusal.Truncated, reasonOf(err), "%s: %v", name, err)
		if name != "stereo.opus" { // half a second of Opus is one page, and no packet is read from a page with a bad checksum
			assert.Greater(t, len(got), len(whole)/3, name)
		}
		require.LessOrEqual(t, len(got), len(whole), name)
		assert.True(t, slices.Equal(whole[:len(got)], got), name)
		for n := range min(len(b), 300) {
			_, _, err := decodeAll(bytes.NewReader(b[:n]), Config{}, DefaultLimits())
			assert.Contains(t, []refusal.Reason{refusal.Truncated, refusal.Empty, refusal.UnsupportedType, refusal.Corrupt}, reasonOf(err), "%s[:%d]: %v", name, n, err)
		}
	}
}

func TestDamageInTheMiddleIsRefused(t *testing.T) {
	for _, name := range []string{"mono16k-24bit.flac", "stereo44k.flac", "stereo.opus"} {
		b := bytes.Clone(file(t, name))
		b[len(b)/2] ^= 0x55
		_, _, err := decodeAll(bytes.NewReader(b), Config{}, DefaultLimits())
		assert.Equal(t, refusal.Corrupt, reasonOf(err), "%s: %v", name, err)
	}
}

func TestTwoFilesInOneStreamAreRefusedAfterTheFirst(t *testing.T) {
	for _, name := range []string{"mono16k.wav", "mono16k-24bit.flac", "stereo44k.flac"} {
		b := file(t, name)
		_, want := decode(t, b, Config{})
		_, got, err := decodeAll(bytes.NewReader(append(bytes.Clone(b), b...)), Config{}, DefaultLimits())
		assert.Equal(t, refusal.Corrupt, reasonOf(err), "%s: %v", name, err)
		assert.Equal(t, want, got, name)
	}
	opus := file(t, "stereo.opus")
	_, one := decode(t, opus, Config{})
	_, two := decode(t, append(bytes.Clone(opus), opus...), Config{})
	assert.Equal(t, append(slices.Clone(one), one...), two, "Ogg streams may be chained")
}

func TestDeclarationsMustAgreeWithTheContent(t *testing.T) {
	wav, flac, opus := file(t, "mono16k.wav"), file(t, "stereo44k.flac"), file(t, "stereo.opus")
	for _, c := range []struct {
		what   string
		b      []byte
		cfg    Config
		reason refusal.Reason
		text   string
	}{
		{"agreeing", wav, Config{WAV, 16000, 1}, "", ""},
		{"rate", wav, Config{SampleRate: 8000}, refusal.InvalidConfig, "declares 8000 Hz, the WAV content has 16000 Hz"},
		{"channels", flac, Config{Channels: 1}, refusal.InvalidConfig, "declares 1 channels, the FLAC content has 2"},
		{"container", wav, Config{Encoding: FLAC}, refusal.InvalidConfig, "declares FLAC, the content is WAV"},
		{"raw over a container", wav, Config{Linear16, 16000, 1}, refusal.InvalidConfig, "declares LINEAR16, the content is WAV"},
		{"container over raw", make([]byte, 100), Config{Encoding: MP3}, refusal.InvalidConfig, "no type that is recognised"},
		{"raw without rate", make([]byte, 100), Config{Encoding: Linear16}, refusal.InvalidConfig, "declare its sample rate"},
		{"raw unnamed", make([]byte, 100), Config{}, refusal.UnsupportedType, "LINEAR16"},
		{"rate too high", make([]byte, 100), Config{Linear16, 96000, 1}, refusal.InvalidValue, "8000 to 48000"},
		{"channels too many", make([]byte, 100), Config{Linear16, 16000, 9}, refusal.InvalidValue, "1 to 8"},
		{"Opus by its own rate", opus, Config{SampleRate: 48000}, "", ""},
		{"Opus by a false rate", opus, Config{SampleRate: 8000}, refusal.InvalidConfig, "8000"},
		{"MP4", []byte("\x00\x00\x00\x20ftypM4A isomiso2"), Config{}, refusal.UnsupportedType, "MP4/M4A is not read"},
		{"nothing", nil, Config{}, refusal.Empty, "no bytes"},
		{"half a sample", make([]byte, 101), Config{Linear16, 16000, 1}, refusal.Truncated, "inside a sample"},
	} {
		_, _, err := decodeAll(bytes.NewReader(c.b), c.cfg, DefaultLimits())
		assert.Equal(t, c.reason, reasonOf(err), "%s: %v", c.what, err)
		if c.text != "" {
			assert.ErrorContains(t, err, c.text, c.what)
		}
	}
}

func TestSamplesThatAreNoSoundAreRefusedWithTheirPosition(t *testing.T) {
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(-1)), 20000} {
		pcm := make([]float32, 2*1000)
		pcm[2*700+1] = bad
		_, got, err := decodeAll(bytes.NewReader(float32Bytes(pcm)), Config{Float32, 16000, 2}, DefaultLimits())
		e, ok := refusal.As(err)
		require.True(t, ok)
		assert.Equal(t, refusal.InvalidValue, e.Reason)
		assert.Equal(t, int64(700), e.Got)
		assert.Contains(t, e.Msg, "sample 700 of channel 1")
		assert.Len(t, got, 2*700)
	}
}

func TestLimitsHoldAndWhatFitsIsDelivered(t *testing.T) {
	lim := DefaultLimits()
	lim.MaxDuration = 250e6
	for _, name := range []string{"mono16k.wav", "stereo44k.flac", "stereo44k.mp3", "stereo.opus"} {
		info, got, err := decodeAll(bytes.NewReader(file(t, name)), Config{}, lim)
		assert.Equal(t, refusal.TooLong, reasonOf(err), name)
		assert.Equal(t, info.SampleRate/4, len(got)/info.Channels, name)
	}
	lim = DefaultLimits()
	lim.MaxBytes = 8044
	_, got, err := decodeAll(bytes.NewReader(file(t, "mono16k.wav")), Config{}, lim)
	assert.Equal(t, refusal.TooLarge, reasonOf(err))
	assert.Len(t, got, 4000)
}

func TestFailuresOfTheReaderAreNotBlamedOnTheContent(t *testing.T) {
	broken := errors.New("connection reset")
	for _, name := range []string{"mono16k.wav", "stereo44k.flac", "stereo44k.mp3", "stereo.opus"} {
		b := file(t, name)
		_, _, err := decodeAll(io.MultiReader(bytes.NewReader(b[:len(b)/2]), iotest.ErrReader(broken)), Config{}, DefaultLimits())
		assert.ErrorIs(t, err, broken, name)
		assert.Empty(t, reasonOf(err), name)
	}
}
