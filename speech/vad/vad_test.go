package vad

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// scripted answers each window with its first sample, so that a test writes probabilities.
type scripted struct{ fail error }

func (s scripted) score(_ context.Context, window []float32) (float32, error) {
	return window[0], s.fail
}

func scriptedVAD() *VAD {
	return &VAD{name: "scripted", start: .5, end: .35, newScorer: func() scorer { return scripted{} }}
}

// script turns runs of windows into sound for [scripted].
func script(runs ...float32) []float32 {
	var pcm []float32
	for i := 0; i < len(runs); i += 2 {
		for range int(runs[i]) {
			w := make([]float32, Window)
			w[0] = runs[i+1]
			pcm = append(pcm, w...)
		}
	}
	return pcm
}

func run(tb testing.TB, v *VAD, c Config, pcm []float32) []Event {
	tb.Helper()
	s, err := v.NewStream(c)
	require.NoError(tb, err)
	events, err := s.Push(context.Background(), pcm)
	require.NoError(tb, err)
	last, err := s.Flush(context.Background())
	require.NoError(tb, err)
	return append(events, last...)
}

func windows(events []Event) [][2]float64 {
	var out [][2]float64
	for _, e := range events {
		if e.Kind == SpeechStart {
			out = append(out, [2]float64{float64(e.Sample) / Window})
		} else {
			out[len(out)-1][1] = float64(e.Sample) / Window
		}
	}
	return out
}

func TestRulesTurnProbabilitiesIntoSpeech(t *testing.T) {
	const w = time.Second * Window / Rate
	plain := Config{MinSpeech: 3 * w, MinSilence: 10 * w, Pad: 2 * w}
	for _, c := range []struct {
		what string
		cfg  Config
		pcm  []float32
		want [][2]float64
	}{
		{"silence", plain, script(50, 0), nil},
		{"speech with padding", plain, script(20, 0, 10, .9, 20, 0), [][2]float64{{18, 32}}},
		{"speech from the start to the end", plain, script(30, .9), [][2]float64{{0, 30}}},
		{"too short", plain, script(20, 0, 2, .9, 20, 0), nil},
		{"short pauses are kept", plain, script(20, 0, 5, .9, 9, 0, 5, .9, 20, 0), [][2]float64{{18, 41}}},
		{"long pauses are not", plain, script(20, 0, 5, .9, 10, 0, 5, .9, 20, 0), [][2]float64{{18, 27}, {33, 42}}},
		{"between the thresholds nothing changes", plain, script(20, .4, 5, .9, 20, .4, 20, .1), [][2]float64{{18, 47}}},
		{"a doubtful window does not end a pause", plain, script(20, 0, 5, .9, 5, 0, 1, .4, 20, 0), [][2]float64{{18, 27}}},
		{"the end of the sound ends a pause", plain, script(20, 0, 5, .9, 1, 0), [][2]float64{{18, 26}}},
		{"padding stops at the speech before", Config{MinSpeech: w, MinSilence: 3 * w, Pad: 3 * w}, script(10, 0, 5, .9, 3, 0, 5, .9, 9, 0), [][2]float64{{7, 18}, {18, 26}}},
		{"long speech is cut where it is least likely", Config{MaxSegment: 100 * w, MinSilence: 10 * w, Pad: -1}, script(90, .9, 1, .6, 60, .9, 20, 0),
			[][2]float64{{0, 90}, {90, 151}}},
		{"a half window at the end", plain, append(script(20, 0, 10, .9), make([]float32, 100)...), [][2]float64{{18, 30 + 100./Window}}},
	} {
		got := windows(run(t, scriptedVAD(), c.cfg, c.pcm))
		assert.Equal(t, c.want, got, c.what)
	}
}

func TestEventsDoNotDependOnChunks(t *testing.T) {
	for name, v := range map[string]*VAD{"scripted": scriptedVAD(), "energy": NewEnergy()} {
		rapid.Check(t, func(rt *rapid.T) {
			var runs []float32
			for range rapid.IntRange(1, 12).Draw(rt, "runs") {
				runs = append(runs, float32(rapid.IntRange(1, 40).Draw(rt, "windows")), rapid.Float32Range(0, 1).Draw(rt, "p"))
			}
			pcm := append(script(runs...), make([]float32, rapid.IntRange(0, Window-1).Draw(rt, "rest"))...)
			cfg := Config{MaxSegment: 2 * time.Second}
			want := run(t, v, cfg, pcm)

			s, err := v.NewStream(cfg)
			require.NoError(rt, err)
			var got []Event
			for rest := pcm; len(rest) > 0; {
				n := min(len(rest), rapid.IntRange(1, 3000).Draw(rt, "chunk"))
				events, err := s.Push(context.Background(), rest[:n])
				require.NoError(rt, err)
				got = append(got, events...)
				rest = rest[n:]
			}
			last, err := s.Flush(context.Background())
			require.NoError(rt, err)
			got = append(got, last...)
			require.Equal(rt, want, got, name)

			// Whatever the sound, starts and ends take turns, in order, inside of it, and no segment is longer than allowed.
			at := int64(0)
			for i, e := range got {
				require.Equal(rt, i%2 == 0, e.Kind == SpeechStart)
				require.GreaterOrEqual(rt, e.Sample, at)
				require.LessOrEqual(rt, e.Sample, e.At)
				require.LessOrEqual(rt, e.At, int64(len(pcm)))
				if e.Kind == SpeechEnd {
					require.LessOrEqual(rt, e.Sample-at, int64(2*Rate+Window))
				}
				at = e.Sample
			}
			require.Zero(rt, len(got)%2)
		})
	}
}

func TestConfigurationsThatContradictThemselvesAreRefused(t *testing.T) {
	v := scriptedVAD()
	require.NoError(t, v.Check(Config{}))
	require.NoError(t, v.Check(Config{MinSilence: 20 * time.Millisecond}), "the default padding adapts")
	for _, c := range []Config{
		{Start: 1.5}, {Start: .3, End: .4}, {MinSpeech: -1}, {MinSilence: time.Minute}, {Pad: 2 * time.Second}, {MaxSegment: 999 * time.Millisecond},
	} {
		err := v.Check(c)
		e, ok := refusal.As(err)
		require.True(t, ok, "%+v: %v", c, err)
		assert.Equal(t, refusal.InvalidConfig, e.Reason)
		_, err = v.NewStream(c)
		assert.Error(t, err)
	}
}

func TestAFailingModelEndsTheStream(t *testing.T) {
	broken := errors.New("out of memory")
	v := &VAD{start: .5, end: .35, newScorer: func() scorer { return scripted{broken} }}
	s, err := v.NewStream(Config{})
	require.NoError(t, err)
	_, err = s.Push(context.Background(), make([]float32, Window))
	assert.ErrorIs(t, err, broken)
	_, err = s.Push(context.Background(), make([]float32, Window))
	assert.Error(t, err)
}

func TestEnergyFollowsTheBackground(t *testing.T) {
	v := NewEnergy()
	assert.Empty(t, run(t, v, Config{}, make([]float32, 10*Rate)), "digital silence")
	for _, level := range []float32{.0005, .01} {
		noise := noise(10*Rate, level)
		assert.Empty(t, run(t, v, Config{}, noise), "steady noise")
		for i, x := range tone(2 * Rate) {
			noise[4*Rate+i] += x * level * 10
		}
		got := run(t, v, Config{}, noise)
		require.Len(t, got, 2)
		assert.InDelta(t, 4-.25, got[0].Seconds(), .15)
		assert.InDelta(t, 6+.25, got[1].Seconds(), .15)
	}
}

// noise is reproducible white noise with the given standard deviation.
func noise(n int, level float32) []float32 {
	out, seed := make([]float32, n), uint32(1)
	for i := range out {
		sum := float32(0)
		for range 4 {
			seed = seed*1664525 + 1013904223
			sum += float32(seed>>8)/(1<<24) - .5
		}
		out[i] = sum * level * 1.732
	}
	return out
}

func tone(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(i%80)/40 - 1
	}
	return out
}

// executor answers with tensors of the given shapes.
type executor struct {
	signature pipeline.Signature
	run       func(pipeline.Tensors) pipeline.Tensors
}

func (x executor) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	if err := x.signature.Check(in); err != nil {
		return nil, err
	}
	return x.run(in), nil
}
func (x executor) Signature() pipeline.Signature { return x.signature }
func (x executor) Close() error                  { return nil }

func TestFamiliesFeedTheirTensors(t *testing.T) {
	f32 := pipeline.Float32
	silero := pipeline.Signature{
		Inputs:  []pipeline.TensorInfo{{Name: "input", DType: f32, Shape: []int64{-1, -1}}, {Name: "state", DType: f32, Shape: []int64{2, -1, 3}}, {Name: "sr", DType: pipeline.Int64, Shape: []int64{}}},
		Outputs: []pipeline.TensorInfo{{Name: "output", DType: f32, Shape: []int64{-1, 1}}, {Name: "stateN", DType: f32, Shape: []int64{-1, -1, -1}}},
	}
	stream := pipeline.Signature{
		Inputs:  []pipeline.TensorInfo{{Name: "audio", DType: f32, Shape: []int64{-1, 512}}, {Name: "state", DType: f32, Shape: []int64{-1, 7}}},
		Outputs: []pipeline.TensorInfo{{Name: "probability", DType: f32, Shape: []int64{-1, 1}}, {Name: "state_out", DType: f32, Shape: []int64{-1, 7}}},
	}
	pcm := make([]float32, 3*Window)
	for i := range pcm {
		pcm[i] = float32(i)
	}
	for _, c := range []struct {
		family, audio, probability, next string
		sig                              pipeline.Signature
		context                          int
		state                            []int64
	}{
		{models.FamilySileroVAD, "input", "output", "stateN", silero, 64, []int64{2, 1, 3}},
		{models.FamilyVADStream, "audio", "probability", "state_out", stream, 0, []int64{1, 7}},
	} {
		calls := 0
		x := executor{c.sig, func(in pipeline.Tensors) pipeline.Tensors {
			got := in[c.audio]
			assert.Equal(t, []int64{1, int64(Window + c.context)}, got.Shape)
			assert.Equal(t, float32(calls*Window), got.Float32[c.context])
			assert.Equal(t, max(0, float32(calls*Window-c.context)), got.Float32[0])
			assert.Equal(t, c.state, in["state"].Shape)
			assert.Equal(t, float32(calls), in["state"].Float32[0], "the state of the call before")
			calls++
			next := make([]float32, len(in["state"].Float32))
			next[0] = float32(calls)
			return pipeline.Tensors{c.probability: {Shape: []int64{1, 1}, Float32: []float32{.5}}, c.next: {Shape: c.state, Float32: next}}
		}}
		v, err := New(x, models.Entry{ID: "test", Family: c.family})
		require.NoError(t, err)
		run(t, v, Config{}, pcm)
		assert.Equal(t, 3, calls)

		_, err = New(executor{signature: pipeline.Signature{}}, models.Entry{ID: "test", Family: c.family})
		assert.ErrorContains(t, err, "test")
	}
	_, err := New(executor{}, models.Entry{ID: "x", Family: models.FamilyYuNet})
	assert.ErrorContains(t, err, "yunet")
}
