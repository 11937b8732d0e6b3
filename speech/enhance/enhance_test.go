package enhance

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

const gtcrn = "speech-enhancement-gtcrn"

func entry(tb testing.TB) models.Entry {
	tb.Helper()
	catalog, err := models.Builtin()
	require.NoError(tb, err)
	e, err := catalog.Entry(gtcrn)
	require.NoError(tb, err)
	return e
}

// published runs the published network; the test is skipped where it is absent.
func published(tb testing.TB) *Enhancer {
	tb.Helper()
	e := entry(tb)
	store, err := models.Open(nil, testinput.SharedModels(tb, e.Files[0].Path))
	require.NoError(tb, err)
	a, err := store.Resolve(gtcrn)
	require.NoError(tb, err)
	backend, err := onnx.NewBackend(onnx.Config{})
	if err != nil {
		tb.Skipf("needs ONNX Runtime: %v", err)
	}
	x, err := backend.Open(context.Background(), a, pipeline.Options{Device: "cpu", IntraThreads: 1})
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = x.Close() })
	enhancer, err := New(x, e)
	require.NoError(tb, err)
	return enhancer
}

// through is a network that hands every spectrum on as it is, and counts in its states.
type through struct {
	change func(*pipeline.Signature)
	fail   func(run int) error
	runs   int
}

func (*through) Close() error { return nil }

func (n *through) Signature() pipeline.Signature {
	f := func(name string, shape ...int64) pipeline.TensorInfo {
		return pipeline.TensorInfo{Name: name, DType: pipeline.Float32, Shape: shape}
	}
	states := func(suffix string) []pipeline.TensorInfo {
		return []pipeline.TensorInfo{f("conv_cache"+suffix, 2, 1, 16, 16, 33), f("tra_cache"+suffix, 2, 3, 1, 1, 16), f("inter_cache"+suffix, 2, 1, 33, 16)}
	}
	sig := pipeline.Signature{
		Inputs:  append([]pipeline.TensorInfo{f("mix", 1, 257, 1, 2)}, states("")...),
		Outputs: append([]pipeline.TensorInfo{f("enh", 1, 257, 1, 2)}, states("_out")...),
	}
	if n.change != nil {
		n.change(&sig)
	}
	return sig
}

func (n *through) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	n.runs++
	if n.fail != nil {
		if err := n.fail(n.runs); err != nil {
			return nil, err
		}
	}
	out := pipeline.Tensors{"enh": {Shape: in["mix"].Shape, Float32: append([]float32(nil), in["mix"].Float32...)}}
	for _, name := range []string{"conv_cache", "tra_cache", "inter_cache"} {
		out[name+"_out"] = in[name]
	}
	return out, nil
}

// sample returns the committed recording in -1..1: speech from 0.8 to 3.6 s and from 4.8 to 9.3 s, silence besides.
func sample(tb testing.TB) []float32 {
	tb.Helper()
	raw, err := os.ReadFile(testinput.Testdata(tb, "speech", "court-zh-16k.wav"))
	require.NoError(tb, err)
	raw = raw[44:]
	pcm := make([]float32, len(raw)/2)
	for i := range pcm {
		pcm[i] = float32(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / 32768
	}
	return pcm
}

func clean(tb require.TestingT, e *Enhancer, c Config, pcm []float32, cut func(left int) int) (out []float32) {
	s, err := e.NewStream(c)
	require.NoError(tb, err)
	defer s.Close()
	for rest := pcm; len(rest) > 0; {
		n := cut(len(rest))
		more, err := s.Push(context.Background(), rest[:n])
		require.NoError(tb, err)
		out, rest = append(out, more...), rest[n:]
	}
	more, err := s.Flush(context.Background())
	require.NoError(tb, err)
	out = append(out, more...)
	require.Len(tb, out, len(pcm), "as many samples as went in")
	return out
}

func whole(left int) int { return left }

type variant struct {
	name     string
	enhancer func(testing.TB) *Enhancer
	cfg      Config
}

func identity(tb testing.TB) *Enhancer {
	e, err := New(&through{}, entry(tb))
	require.NoError(tb, err)
	return e
}

var variants = []variant{
	{"nothing", func(testing.TB) *Enhancer { return NewSpeex() }, Config{}},
	{"speexdsp", func(testing.TB) *Enhancer { return NewSpeex() }, Config{SuppressNoise: true}},
	{"gain", func(testing.TB) *Enhancer { return NewSpeex() }, Config{ControlGain: true}},
	{"speexdsp and gain", func(testing.TB) *Enhancer { return NewSpeex() }, Config{SuppressNoise: true, ControlGain: true}},
	{"identity", identity, Config{SuppressNoise: true}},
	{"identity and gain", identity, Config{SuppressNoise: true, ControlGain: true}},
	{"gtcrn", published, Config{SuppressNoise: true}},
	{"gtcrn and gain", published, Config{SuppressNoise: true, ControlGain: true}},
}

func TestTheResultDoesNotDependOnTheCut(t *testing.T) {
	sound := sample(t)
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			e := v.enhancer(t)
			rapid.Check(t, func(t *rapid.T) {
				first := rapid.IntRange(0, 100000).Draw(t, "first")
				pcm := sound[first : first+rapid.IntRange(0, 6000).Draw(t, "samples")]
				want := clean(t, e, v.cfg, pcm, whole)
				require.Equal(t, want, clean(t, e, v.cfg, pcm, func(left int) int { return rapid.IntRange(1, min(left, 2000)).Draw(t, "cut") }))
			})
		})
	}
}

// Where nothing is to be done, the frames put together again are the sound itself.
func TestFramesAddUpToTheSound(t *testing.T) {
	sound := sample(t)
	require.InDeltaSlice(t, sound, clean(t, identity(t), Config{SuppressNoise: true}, sound, whole), 1e-6)
	require.Equal(t, sound, clean(t, NewSpeex(), Config{}, sound, whole))
}

// power is the mean square of the part of a sound from..to in seconds, in dB.
func power(x []float32, from, to float64) float64 {
	sum := 0.
	for _, v := range x[int(from*Rate):int(to*Rate)] {
		sum += float64(v) * float64(v)
	}
	return 10 * math.Log10(sum/((to-from)*Rate)+1e-12)
}

// likeness is the scale-invariant ratio of signal to distortion in dB (Le Roux et al. 2019) of x against the clean sound.
func likeness(x, reference []float32) float64 {
	dot, own, all := 0., 0., 0.
	for i := range x {
		dot += float64(x[i]) * float64(reference[i])
		own += float64(reference[i]) * float64(reference[i])
		all += float64(x[i]) * float64(x[i])
	}
	signal := dot * dot / own
	return 10 * math.Log10(signal/(all-signal))
}

func noisy(tb testing.TB, decibels float64) (clean, mixed []float32) {
	clean = sample(tb)
	r := rand.New(rand.NewPCG(1, 2))
	scale := math.Pow(10, (power(clean, .8, 3.6)-decibels)/20)
	mixed = make([]float32, len(clean))
	for i, v := range clean {
		mixed[i] = v + float32(scale*r.NormFloat64())
	}
	return clean, mixed
}

func TestNoiseIsSuppressedAndSpeechStaysWhereItIs(t *testing.T) {
	speech, mixed := noisy(t, 10)
	for _, v := range []struct {
		variant
		quieter float64 // dB in a pause, at least
		better  float64 // dB of likeness, at least
	}{{variants[1], 8, 1}, {variants[6], 20, 4}} {
		t.Run(v.name, func(t *testing.T) {
			out := clean(t, v.enhancer(t), v.cfg, mixed, whole)
			// The last pause: by then what is noise has been learned.
			quieter := power(mixed, 9.4, 10.2) - power(out, 9.4, 10.2)
			better := likeness(out, speech) - likeness(mixed, speech)
			t.Logf("pauses are %.1f dB quieter, likeness %.1f dB instead of %.1f dB", quieter, likeness(out, speech), likeness(mixed, speech))
			require.Greater(t, quieter, v.quieter)
			require.Greater(t, better, v.better)
			// Out of place by a few samples, the likeness is worse.
			for _, shift := range []int{8, 256, 320} {
				require.Less(t, likeness(out[shift:], speech[:len(speech)-shift]), likeness(out, speech)-3)
				require.Less(t, likeness(out[:len(out)-shift], speech[shift:]), likeness(out, speech)-3)
			}
		})
	}
}

func TestGainBringsQuietAndLoudSpeechTogether(t *testing.T) {
	speech := sample(t)
	quiet, loud := make([]float32, len(speech)), make([]float32, len(speech))
	for i, v := range speech {
		quiet[i], loud[i] = v*.05, v*.8
	}
	e, c := NewSpeex(), Config{ControlGain: true}
	apart := power(loud, 4.8, 9.2) - power(quiet, 4.8, 9.2)
	together := power(clean(t, e, c, loud, whole), 7, 9.2) - power(clean(t, e, c, quiet, whole), 7, 9.2)
	t.Logf("%.1f dB apart, then %.1f dB", apart, together)
	require.Greater(t, apart, 24.)
	require.Less(t, together, 10.)
}

func TestBadSound(t *testing.T) {
	silence := make([]float32, 2*Rate)
	clipped, huge, offset := make([]float32, 2*Rate), make([]float32, 2*Rate), make([]float32, 2*Rate)
	for i := range clipped {
		tone := 4 * math.Sin(2*math.Pi*300*float64(i)/Rate)
		clipped[i] = float32(min(max(tone, -1), 1))
		huge[i] = float32(tone * 1e6)
		offset[i] = float32(tone*.02 + .5)
	}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			e := v.enhancer(t)
			require.Less(t, power(clean(t, e, v.cfg, silence, whole), 0, 2), -100., "silence stays silent")
			require.Empty(t, clean(t, e, v.cfg, nil, whole))
			for _, bad := range [][]float32{clipped, huge, offset} {
				for i, y := range clean(t, e, v.cfg, bad, whole) {
					require.False(t, math.IsNaN(float64(y)) || math.IsInf(float64(y), 0), "sample %d", i)
				}
			}
		})
	}
}

func TestSamplesThatAreNoNumbers(t *testing.T) {
	sound := sample(t)[12000:24000]
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			e := v.enhancer(t)
			s, err := e.NewStream(v.cfg)
			require.NoError(t, err)
			defer s.Close()
			got, err := s.Push(context.Background(), sound[:5000])
			require.NoError(t, err)
			_, err = s.Push(context.Background(), []float32{0, float32(math.NaN())})
			r, ok := refusal.As(err)
			require.True(t, ok)
			require.Equal(t, refusal.InvalidValue, r.Reason)
			require.ErrorContains(t, err, "sample 5001 is NaN")
			more, err := s.Push(context.Background(), sound[5000:])
			require.NoError(t, err)
			last, err := s.Flush(context.Background())
			require.NoError(t, err)
			require.Equal(t, clean(t, e, v.cfg, sound, whole), append(append(got, more...), last...), "as if it had not been sent")
			again, err := s.Flush(context.Background())
			require.NoError(t, err)
			require.Empty(t, again)
			_, err = s.Push(context.Background(), sound)
			require.ErrorContains(t, err, "stream is over")
		})
	}
}

func TestARunThatFailsCanBeRepeated(t *testing.T) {
	sound := sample(t)[12000:24000]
	e, err := New(&through{fail: func(run int) error {
		if run%3 == 0 {
			return errors.New("the queue is full")
		}
		return nil
	}}, entry(t))
	require.NoError(t, err)
	c := Config{SuppressNoise: true, ControlGain: true}
	s, err := e.NewStream(c)
	require.NoError(t, err)
	defer s.Close()
	var got []float32
	push := func(f func() ([]float32, error)) {
		for err := errors.New("first"); err != nil; {
			var out []float32
			out, err = f()
			got = append(got, out...)
		}
	}
	rest := sound
	push(func() ([]float32, error) {
		out, err := s.Push(context.Background(), rest)
		rest = nil
		return out, err
	})
	push(func() ([]float32, error) { return s.Flush(context.Background()) })
	require.Equal(t, clean(t, identity(t), c, sound, whole), got)
}

func TestCloseIsIdempotent(t *testing.T) {
	s, err := NewSpeex().NewStream(Config{SuppressNoise: true})
	require.NoError(t, err)
	s.Close()
	s.Close()
	_, err = s.Push(context.Background(), make([]float32, 1000))
	require.ErrorContains(t, err, "closed")
	_, err = s.Flush(context.Background())
	require.ErrorContains(t, err, "closed")
}

func TestNetworksThatDoNotFit(t *testing.T) {
	for want, change := range map[string]func(*pipeline.Signature){
		`no tensor "mix"`:           func(s *pipeline.Signature) { s.Inputs = s.Inputs[1:] },
		`no tensor "enh"`:           func(s *pipeline.Signature) { s.Outputs = s.Outputs[1:] },
		`no tensor "tra_cache_out"`: func(s *pipeline.Signature) { s.Outputs = append(s.Outputs[:2:2], s.Outputs[3]) },
		`"mix" has shape [1 161 1 2]`: func(s *pipeline.Signature) {
			s.Inputs[0].Shape = []int64{1, 161, 1, 2}
		},
		`"inter_cache" is float32 of [2 -1 33 16]`: func(s *pipeline.Signature) { s.Inputs[3].Shape = []int64{2, -1, 33, 16} },
	} {
		_, err := New(&through{change: change}, entry(t))
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "speech enhancement model "+gtcrn)
	}
	for want, change := range map[string]func(*models.Entry){
		`family "silero-vad" is not gtcrn`: func(e *models.Entry) { e.Family = models.FamilySileroVAD },
		"frames of 512 samples every 128":  func(e *models.Entry) { e.Parameters["hop"] = 128 },
		"at 48000 Hz":                      func(e *models.Entry) { e.Parameters["sample_rate"] = 48000 },
		"window hann: only sqrt-hann":      func(e *models.Entry) { e.Parameters["window"] = "hann" },
	} {
		e := entry(t)
		e.Parameters = models.Parameters{}
		change(&e)
		_, err := New(&through{}, e)
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, gtcrn, identity(t).Name())
	require.Equal(t, "speexdsp", NewSpeex().Name())
}

func BenchmarkStream(b *testing.B) {
	pcm := sample(b)[16000:48000]
	for _, v := range variants[1:] {
		b.Run(v.name, func(b *testing.B) {
			s, err := v.enhancer(b).NewStream(v.cfg)
			require.NoError(b, err)
			defer s.Close()
			// On a busy machine the clock says little.
			before := cpuSeconds(b)
			for b.Loop() {
				if _, err := s.Push(context.Background(), pcm); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpuSeconds(b)-before)/float64(b.N)/2, "cpu-s/s")
		})
	}
}

// cpuSeconds is the CPU time that this process has used.
func cpuSeconds(b *testing.B) float64 {
	b.Helper()
	var u unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
