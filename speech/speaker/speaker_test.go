package speaker_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/refusal"
	"github.com/courtsense/courtsense/speech/speaker"
)

// spectrum stands for a network: the mean of the features over time, less what all sounds have in common. Voices are then
// tones, and two tones of different pitch are two people.
type spectrum struct {
	batch int64
	fail  error
	spoil func([]float32)
}

func (s spectrum) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	t := in["feats"]
	n, frames, bins := int(t.Shape[0]), int(t.Shape[1]), int(t.Shape[2])
	out := make([]float32, n*bins)
	for b := range n {
		one := out[b*bins : (b+1)*bins]
		mean := float32(0)
		for i, v := range t.Float32[b*frames*bins : (b+1)*frames*bins] {
			one[i%bins] += v / float32(frames)
			mean += v / float32(frames*bins)
		}
		for i := range one {
			one[i] -= mean
		}
	}
	if s.spoil != nil {
		s.spoil(out)
	}
	return pipeline.Tensors{"embs": {Shape: []int64{int64(n), int64(bins)}, Float32: out}}, s.fail
}

func (s spectrum) Signature() pipeline.Signature {
	return pipeline.Signature{
		Inputs:  []pipeline.TensorInfo{{Name: "feats", DType: pipeline.Float32, Shape: []int64{s.batch, -1, 80}}},
		Outputs: []pipeline.TensorInfo{{Name: "embs", DType: pipeline.Float32, Shape: []int64{s.batch, 80}}},
	}
}

func (spectrum) Close() error { return nil }

func entry() models.Entry {
	return models.Entry{ID: "tones", Family: models.FamilyFbankEmbedding, Parameters: models.Parameters{"normalise": "none"},
		Thresholds: []models.Threshold{{Name: "similarity", Value: .3}}}
}

func embedder(tb require.TestingT) *speaker.Embedder {
	m, err := speaker.New(spectrum{batch: -1}, entry())
	require.NoError(tb, err)
	return m
}

// say appends so many seconds of a voice to pcm; voice 0 is silence.
func say(pcm []float32, voice int, seconds float64) []float32 {
	rng := rand.New(rand.NewPCG(1, uint64(len(pcm))))
	base := []float64{0, 180, 700, 2600, 5000}[voice]
	for range int(seconds * speaker.Rate) {
		t := float64(len(pcm)) / speaker.Rate
		v := .001 * rng.NormFloat64()
		if voice > 0 {
			v += .1*math.Sin(2*math.Pi*base*t) + .05*math.Sin(2*math.Pi*base*1.31*t)
		} else {
			v *= .01
		}
		pcm = append(pcm, float32(v))
	}
	return pcm
}

func TestWhoSpeaksWhenIsFound(t *testing.T) {
	var pcm []float32
	var speech []speaker.Interval
	script := []struct {
		voice   int
		seconds float64
	}{{1, 5}, {2, 3}, {0, 1}, {1, 4}, {3, 6}, {0, .5}, {2, 4}}
	for _, s := range script {
		from := float64(len(pcm)) / speaker.Rate
		pcm = say(pcm, s.voice, s.seconds)
		if s.voice > 0 {
			speech = append(speech, speaker.Interval{Start: from, End: float64(len(pcm)) / speaker.Rate})
		}
	}
	m := embedder(t)
	for name, cfg := range map[string]speaker.Config{"found": {}, "known": {Speakers: 3}} {
		t.Run(name, func(t *testing.T) {
			spans, err := m.Diarize(context.Background(), pcm, speech, cfg)
			require.NoError(t, err)
			at := func(seconds float64) string {
				for _, s := range spans {
					if s.Start <= seconds && seconds < s.End {
						return s.Speaker
					}
				}
				return ""
			}
			for seconds, want := range map[float64]string{2: "S1", 4.6: "S1", 5.4: "S2", 6.5: "S2", 8.5: "", 11: "S1", 13.4: "S3", 16: "S3", 21: "S2"} {
				assert.Equal(t, want, at(seconds), "at %v s: %v", seconds, spans)
			}
		})
	}
	two, err := m.Diarize(context.Background(), pcm, speech, speaker.Config{MaxSpeakers: 2})
	require.NoError(t, err)
	names := map[string]bool{}
	for _, s := range two {
		names[s.Speaker] = true
	}
	assert.Len(t, names, 2)
}

func TestSpansCoverTheSpeechAndNothingElse(t *testing.T) {
	m := embedder(t)
	rapid.Check(t, func(t *rapid.T) {
		var pcm []float32
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			pcm = say(pcm, rapid.IntRange(0, 4).Draw(t, "voice"), rapid.Float64Range(0, 2).Draw(t, "seconds"))
		}
		var speech []speaker.Interval
		for range rapid.IntRange(0, 5).Draw(t, "stretches") {
			start := rapid.Float64Range(-1, 6).Draw(t, "start")
			speech = append(speech, speaker.Interval{Start: start, End: start + rapid.Float64Range(-1, 3).Draw(t, "length")})
		}
		spans, err := m.Diarize(context.Background(), pcm, speech, speaker.Config{})
		require.NoError(t, err)
		in := func(seconds float64) bool {
			for _, s := range speech {
				const sample = 1. / speaker.Rate
				if seconds > s.Start-sample && seconds < s.End+sample && s.Start < s.End && seconds < float64(len(pcm))/speaker.Rate && seconds > 0 {
					return true
				}
			}
			return false
		}
		covered := 0.
		for i, s := range spans {
			require.Less(t, s.Start, s.End)
			require.True(t, in((s.Start+s.End)/2), "%v", s)
			if i > 0 {
				require.GreaterOrEqual(t, s.Start, spans[i-1].End-1e-9)
			}
			covered += s.End - s.Start
		}
		whole := 0.
		for at := .0005; at < float64(len(pcm))/speaker.Rate; at += .001 {
			if in(at) {
				whole += .001
			}
		}
		require.InDelta(t, whole, covered, .02)
	})
}

func TestStreamKeepsItsLabels(t *testing.T) {
	s, err := embedder(t).NewStream(speaker.Config{})
	require.NoError(t, err)
	hear := func(pcm []float32) []speaker.Span {
		spans, err := s.Label(context.Background(), pcm)
		require.NoError(t, err)
		return spans
	}
	assert.Equal(t, []speaker.Span{{Start: 0, End: 3, Speaker: "S1"}}, hear(say(nil, 2, 3)))
	assert.Equal(t, []speaker.Span{{Start: 0, End: 2, Speaker: "S2"}}, hear(say(nil, 1, 2)))
	both := hear(say(say(nil, 2, 4), 1, 4))
	require.Len(t, both, 2)
	assert.Equal(t, "S1", both[0].Speaker)
	assert.Equal(t, "S2", both[1].Speaker)
	assert.InDelta(t, 4, both[0].End, .5)
	assert.Equal(t, "S1", hear(say(nil, 2, .6))[0].Speaker, "a short word goes to whom it resembles")
	assert.Equal(t, "", hear(say(nil, 2, .2))[0].Speaker, "a click tells no voice")
	assert.Empty(t, hear(nil))
	assert.Equal(t, "S3", hear(say(nil, 3, 2))[0].Speaker)

	require.NoError(t, s.Merge("S3", "S1"))
	assert.Equal(t, []string{"S1", "S2"}, s.Speakers())
	assert.Equal(t, "S1", s.Name("S3"))
	assert.Equal(t, "S4", hear(say(nil, 4, 3))[0].Speaker, "a label is never given twice")
	var refused *refusal.Error
	require.ErrorAs(t, s.Merge("S9", "S1"), &refused)
}

func TestNoMoreSpeakersThanAllowed(t *testing.T) {
	s, err := embedder(t).NewStream(speaker.Config{MaxSpeakers: 2})
	require.NoError(t, err)
	for voice := 1; voice <= 4; voice++ {
		_, err := s.Label(context.Background(), say(nil, voice, 3))
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"S1", "S2"}, s.Speakers())
}

func TestSoundWithoutAVoice(t *testing.T) {
	m := embedder(t)
	ctx := context.Background()
	_, err := m.Embed(ctx, say(nil, 1, .3))
	require.ErrorIs(t, err, speaker.ErrTooShort)
	_, err = m.Embed(ctx, nil)
	require.ErrorIs(t, err, speaker.ErrTooShort)
	_, err = m.Embed(ctx, make([]float32, speaker.Rate))
	require.ErrorIs(t, err, speaker.ErrNoVoice)
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e30} {
		pcm := say(nil, 1, 2)
		pcm[777] = float32(v)
		_, err = m.Embed(ctx, pcm)
		require.ErrorIs(t, err, speaker.ErrNoVoice, "%v", v)
		spans, err := m.Diarize(ctx, pcm, []speaker.Interval{{Start: 0, End: 2}, {Start: math.NaN(), End: 3}, {Start: 1, End: math.Inf(1)}}, speaker.Config{})
		require.NoError(t, err)
		assert.Equal(t, []speaker.Span{{Start: 0, End: 2}}, spans)
	}
	long, err := m.Embed(ctx, say(nil, 1, 75))
	require.NoError(t, err)
	short, err := m.Embed(ctx, say(nil, 1, 2))
	require.NoError(t, err)
	dot, length := 0., 0.
	for i, v := range long {
		dot += float64(v) * float64(short[i])
		length += float64(v) * float64(v)
	}
	assert.InDelta(t, 1, length, 1e-5)
	assert.Greater(t, dot, .95)
}

func TestNeighboursInABatchChangeNothing(t *testing.T) {
	one, err := speaker.New(spectrum{batch: 1}, entry())
	require.NoError(t, err)
	pcm := say(say(say(nil, 1, 7), 2, 5), 1, 3)
	speech := []speaker.Interval{{Start: 0, End: 15}}
	want, err := one.Diarize(context.Background(), pcm, speech, speaker.Config{})
	require.NoError(t, err)
	got, err := embedder(t).Diarize(context.Background(), pcm, speech, speaker.Config{})
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestFailuresOfTheNetwork(t *testing.T) {
	broken := errors.New("out of memory")
	pcm := say(nil, 1, 3)
	m, err := speaker.New(spectrum{batch: -1, fail: broken}, entry())
	require.NoError(t, err)
	_, err = m.Embed(context.Background(), pcm)
	require.ErrorIs(t, err, broken)
	_, err = m.Diarize(context.Background(), pcm, []speaker.Interval{{Start: 0, End: 3}}, speaker.Config{})
	require.ErrorIs(t, err, broken)
	for name, spoil := range map[string]func([]float32){
		"zeros":     func(v []float32) { clear(v) },
		"no number": func(v []float32) { v[3] = float32(math.NaN()) },
		"endless":   func(v []float32) { v[3] = float32(math.Inf(1)) },
	} {
		m, err := speaker.New(spectrum{batch: -1, spoil: spoil}, entry())
		require.NoError(t, err)
		_, err = m.Embed(context.Background(), pcm)
		require.ErrorIs(t, err, speaker.ErrNoVoice, name)
	}
}

func TestUnfitNetworksAreRefused(t *testing.T) {
	for want, change := range map[string]func(*models.Entry){
		"family":      func(e *models.Entry) { e.Family = models.FamilyEmbedding },
		"sample_rate": func(e *models.Entry) { e.Parameters["sample_rate"] = 8000 },
		"normalise":   func(e *models.Entry) { e.Parameters["normalise"] = "variance" },
		"timbre":      func(e *models.Entry) { e.Parameters["timbre"] = 1.5 },
		"window":      func(e *models.Entry) { e.Parameters["window"] = "blackman" },
		"of float32":  func(e *models.Entry) { e.Parameters["bins"] = 64 },
	} {
		e := entry()
		change(&e)
		_, err := speaker.New(spectrum{batch: -1}, e)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "tones")
	}
	for _, cfg := range []speaker.Config{{Speakers: -1}, {MaxSpeakers: 1000}, {Similarity: 2}, {Similarity: float32(math.NaN())}} {
		var refused *refusal.Error
		_, err := embedder(t).Diarize(context.Background(), nil, nil, cfg)
		require.ErrorAs(t, err, &refused)
		_, err = embedder(t).NewStream(cfg)
		require.ErrorAs(t, err, &refused)
	}
}
