package speech

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/speech/speaker"
)

// pitch stands for a network that tells voices apart: the mean of the features over time, less what all sounds have in common, so that tones
// of different pitch are different people.
type pitch struct{}

func (pitch) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	t := in["feats"]
	n, frames, bins := int(t.Shape[0]), int(t.Shape[1]), int(t.Shape[2])
	out := make([]float32, n*bins)
	for b := range n {
		one, mean := out[b*bins:(b+1)*bins], float32(0)
		for i, v := range t.Float32[b*frames*bins : (b+1)*frames*bins] {
			one[i%bins] += v / float32(frames)
			mean += v / float32(frames*bins)
		}
		for i := range one {
			one[i] -= mean
		}
	}
	return pipeline.Tensors{"embs": {Shape: []int64{int64(n), int64(bins)}, Float32: out}}, nil
}

func (pitch) Signature() pipeline.Signature {
	return pipeline.Signature{
		Inputs:  []pipeline.TensorInfo{{Name: "feats", DType: pipeline.Float32, Shape: []int64{-1, -1, 80}}},
		Outputs: []pipeline.TensorInfo{{Name: "embs", DType: pipeline.Float32, Shape: []int64{-1, 80}}},
	}
}

func (pitch) Close() error { return nil }

func TestSpeakersOfAChannelAreToldApart(t *testing.T) {
	embedder, err := speaker.New(pitch{}, models.Entry{
		ID: "tones", Family: models.FamilyFbankEmbedding, Parameters: models.Parameters{"normalise": "none"},
		Thresholds: []models.Threshold{{Name: "similarity", Value: .3}},
	})
	require.NoError(t, err)
	// Two voices take turns on channel 0, in the end without a pause; channel 1 is somebody's own.
	var sound []byte
	hz := func(at float64) float64 {
		switch {
		case at > 1 && at < 4 || at > 9 && at < 12 || at > 13 && at < 17:
			return 200
		case at > 5 && at < 8 || at >= 17 && at < 21:
			return 1900
		}
		return 0
	}
	for i := range 22 * rate {
		at := float64(i) / rate
		noise := 20 * math.Sin(float64(i*i%1009))
		x := noise
		if f := hz(at); f > 0 {
			x += 6000*math.Sin(2*math.Pi*f*at) + 3000*math.Sin(2*math.Pi*1.31*f*at)
		}
		sound = binary.LittleEndian.AppendUint16(sound, uint16(int16(x)))
		sound = binary.LittleEndian.AppendUint16(sound, uint16(int16(x)))
	}
	cfg := raw(2)
	cfg.Separation = &Separation{Embedder: embedder, Alone: map[int]bool{1: true}}
	results, summary, err := collect(newSegmenter(t, cfg), bytes.NewReader(sound))
	require.NoError(t, err)
	var speakers []string
	indices := map[int]bool{}
	for _, r := range results {
		if !r.Final || r.Channel != 0 {
			assert.Empty(t, r.Speaker)
			continue
		}
		speakers = append(speakers, r.Speaker)
		assert.False(t, indices[r.Index], "each final result has a number of its own")
		indices[r.Index] = true
	}
	assert.Equal(t, []string{"S1", "S2", "S1", "S1", "S2"}, speakers)
	assert.Equal(t, 9, summary.Segments)
	all := finals(results)
	change := all[len(all)-2].End
	for _, s := range all {
		if s.Channel == 0 && s.Speaker == "S1" {
			change = s.End
		}
	}
	assert.InDelta(t, 17, change, 1.2)
	pieced, _, err := collect(newSegmenter(t, cfg), &pieces{r: bytes.NewReader(sound), sizes: []int{1, 7001, 50}})
	require.NoError(t, err)
	assert.Equal(t, results, pieced)
}

func TestAResultIsPartedWhereItsSpeakerChanges(t *testing.T) {
	word := func(text string, start, end float64) Word {
		return Word{Text: text, Start: start, End: end, Confidence: .5}
	}
	r := Result{Segment: Segment{Start: 10, End: 16, Channel: 1, Text: "请原告陈述好的", Confidence: .5, Words: []Word{
		word("请", 10.3, 10.5), word("原", 10.5, 10.8), word("告", 10.8, 11), word("陈", 11, 11.2), word("述", 11.2, 11.5), word("好", 13, 13.2), word("的", 13.2, 13.5),
	}, Alternatives: []Alternative{{Text: "请原告"}}}, Final: true}
	type part struct {
		who, text  string
		start, end float64
		words      int
		overlap    bool
	}
	for name, c := range map[string]struct {
		spans []speaker.Span
		text  bool
		want  []part
	}{
		"one speaker":   {[]speaker.Span{{Start: 0, End: 6, Speaker: "S1"}}, true, []part{{"S1", "请原告陈述好的", 10, 16, 7, false}}},
		"nobody known":  {[]speaker.Span{{Start: 0, End: 6}}, true, []part{{"", "请原告陈述好的", 10, 16, 7, false}}},
		"no spans":      {nil, true, []part{{"", "请原告陈述好的", 10, 16, 7, false}}},
		"a change":      {[]speaker.Span{{Start: 0, End: 2.4, Speaker: "S1"}, {Start: 2.4, End: 6, Speaker: "S2"}}, true, []part{{"S1", "请原告陈述", 10, 12.4, 5, false}, {"S2", "好的", 12.4, 16, 2, false}}},
		"without words": {[]speaker.Span{{Start: 0, End: 5, Speaker: "S1"}, {Start: 5, End: 6, Speaker: "S2"}}, true, []part{{"S1", "请原告陈述好的", 10, 16, 7, false}}},
		"a noise first": {[]speaker.Span{{Start: 0, End: .2, Speaker: "S2"}, {Start: .2, End: 6, Speaker: "S1"}}, true, []part{{"S1", "请原告陈述好的", 10, 16, 7, false}}},
		"too short to tell": {
			[]speaker.Span{{Start: 0, End: 2.4, Speaker: "S1"}, {Start: 2.4, End: 2.7}, {Start: 2.7, End: 6, Speaker: "S2", Overlap: true}}, true,
			[]part{{"S1", "请原告陈述", 10, 12.7, 5, false}, {"S2", "好的", 12.7, 16, 2, true}},
		},
		"the same again": {
			[]speaker.Span{{Start: 0, End: 1, Speaker: "S1"}, {Start: 1, End: 1.1, Speaker: ""}, {Start: 1.1, End: 6, Speaker: "S1"}}, true,
			[]part{{"S1", "请原告陈述好的", 10, 16, 7, false}},
		},
	} {
		var got []part
		words := 0
		for _, one := range bySpeaker(r, c.spans, c.text) {
			got = append(got, part{one.Speaker, one.Text, one.Start, one.End, len(one.Words), one.Overlap})
			words += len(one.Words)
			assert.InDelta(t, .5, one.Confidence, 1e-6)
			assert.True(t, one.Final && one.Channel == 1)
		}
		assert.Equal(t, c.want, got, name)
		assert.Equal(t, len(r.Words), words, "%s: no word is lost", name)
	}
	assert.Equal(t, "请", r.Words[0].Text, "the result itself is left as it was")

	silent := Result{Segment: Segment{Start: 1, End: 5, Words: []Word{}}}
	parts := bySpeaker(silent, []speaker.Span{{Start: 0, End: 2, Speaker: "S1"}, {Start: 2, End: 4, Speaker: "S2"}}, false)
	if assert.Len(t, parts, 2, "speech that is not written down is parted too") {
		assert.Equal(t, []float64{1, 3, 3, 5}, []float64{parts[0].Start, parts[0].End, parts[1].Start, parts[1].End})
	}
}
