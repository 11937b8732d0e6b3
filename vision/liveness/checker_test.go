package liveness

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
)

// scripted answers with the logits of the live probability that the picture's brightness spells: luma/255.
type scripted struct {
	err  error
	out  []float32 // instead
	seen []float32
}

func (s *scripted) Signature() pipeline.Signature {
	return pipeline.Signature{Inputs: []pipeline.TensorInfo{{Name: "input", DType: pipeline.Float32, Shape: []int64{1, 3, 80, 80}}},
		Outputs: []pipeline.TensorInfo{{Name: "output", DType: pipeline.Float32, Shape: []int64{1, 3}}}}
}

func (s *scripted) Close() error { return nil }

func (s *scripted) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	if s.err != nil {
		return nil, s.err
	}
	s.seen = slices.Clone(in["input"].Float32)
	out := s.out
	if out == nil {
		p := float64(s.seen[0]) / 255
		out = []float32{float32(math.Log((1 - p) / 2)), float32(math.Log(p)), float32(math.Log((1 - p) / 2))}
	}
	return pipeline.Tensors{"output": {Shape: []int64{1, 3}, Float32: out}}, nil
}

func entry(p models.Parameters) models.Entry {
	if p == nil {
		p = models.Parameters{"crop_scale": 2.7}
	}
	return models.Entry{ID: "scripted", Family: models.FamilyMiniFASNet, Parameters: p}
}

func checker(t require.TestingT, x pipeline.Executor) *Checker {
	c, err := NewChecker([]Member{{x, entry(nil)}})
	require.NoError(t, err)
	return c
}

// frame is a picture of one grey with a face in its middle.
func frame(grey byte) Frame {
	r := imaging.NewRaster(280, 280)
	for i := range r.Pix {
		r.Pix[i] = grey
	}
	return Frame{Raster: r, Face: face.Detection{Box: face.Box{X: 100, Y: 90, W: 60, H: 70}, Score: 0.9,
		Landmarks: [5]face.Point{{X: 115, Y: 115}, {X: 145, Y: 115}, {X: 130, Y: 130}, {X: 120, Y: 145}, {X: 140, Y: 145}}}}
}

func TestDecidesByTheThreshold(t *testing.T) {
	c := checker(t, &scripted{})
	for grey, want := range map[byte]Verdict{60: Attack, 120: Attack, 135: Live, 230: Live} {
		got, err := c.Check(t.Context(), []Frame{frame(grey)})
		require.NoError(t, err)
		assert.Equal(t, want, got.Verdict, "%d: %+v", grey, got)
		assert.InDelta(t, float64(grey)/255, got.Score, 0.01)
		assert.Equal(t, float32(0.5), got.Threshold)
		assert.Equal(t, 1, got.Frames)
		assert.Empty(t, got.Reason)
	}
}

func TestTheHighestThresholdOfTheEnsembleRules(t *testing.T) {
	a, b := entry(nil), entry(nil)
	a.Thresholds = []models.Threshold{{Name: "live", Value: 0.7}}
	b.Thresholds = []models.Threshold{{Name: "live", Value: 0.9}}
	bright, dark := &scripted{out: []float32{-9, 9, -9}}, &scripted{out: []float32{1, 1, 1}}
	c, err := NewChecker([]Member{{bright, a}, {dark, b}})
	require.NoError(t, err)
	got, err := c.Check(t.Context(), []Frame{frame(100)})
	require.NoError(t, err)
	assert.InDelta(t, (1+1.0/3)/2, got.Score, 1e-4, "the mean of the ensemble")
	assert.Equal(t, float32(0.9), got.Threshold)
	assert.Equal(t, Attack, got.Verdict)
}

func TestUndecidedSaysWhy(t *testing.T) {
	c := checker(t, &scripted{})
	edit := func(change func(*Frame)) Frame {
		f := frame(200)
		change(&f)
		return f
	}
	for says, frames := range map[string][]Frame{
		"no frame":     {},
		"no face":      {{Raster: imaging.NewRaster(50, 50)}},
		"too small":    {edit(func(f *Frame) { f.Face.Box.W, f.Face.Box.H = 30, 40 })},
		"cut by":       {edit(func(f *Frame) { f.Face.Box.X = 0 })},
		"picture's":    {edit(func(f *Frame) { f.Face.Landmarks[2].Y = -3 })},
		"too dark":     {frame(10)},
		"overexposed":  {frame(250)},
		"disagree":     {frame(200), frame(60)},
		"2 of 5 frame": {frame(200), frame(200), frame(10), frame(10), frame(10)},
	} {
		got, err := c.Check(t.Context(), frames)
		require.NoError(t, err)
		assert.Equal(t, Undecided, got.Verdict, says)
		assert.Contains(t, got.Reason, says)
	}
	got, err := c.Check(t.Context(), []Frame{frame(10), frame(200), frame(200)})
	require.NoError(t, err)
	assert.Equal(t, Live, got.Verdict, "one frame in three may be unusable")
	assert.Equal(t, 2, got.Frames)
	assert.Equal(t, 1, got.Best)
	assert.True(t, math.IsNaN(float64(got.Scores[0])))
}

// Neither the order of the frames nor one odd frame of five changes a decision.
func TestOneOddFrameDecidesNothing(t *testing.T) {
	c := checker(t, &scripted{})
	rapid.Check(t, func(t *rapid.T) {
		greys := rapid.SliceOfN(rapid.ByteRange(150, 230), 5, 12).Draw(t, "greys")
		greys[0] = rapid.ByteRange(40, 230).Draw(t, "odd")
		var frames []Frame
		for _, g := range rapid.Permutation(greys).Draw(t, "order") {
			frames = append(frames, frame(g))
		}
		got, err := c.Check(context.Background(), frames)
		if err != nil || got.Verdict != Live {
			t.Fatalf("%v %+v", err, got)
		}
	})
}

func TestFailuresKeepTheirReason(t *testing.T) {
	full := &pipeline.Failure{Reason: pipeline.Rejected, Err: errors.New("queue full")}
	_, err := checker(t, &scripted{err: full}).Check(t.Context(), []Frame{frame(100)})
	assert.Equal(t, pipeline.Rejected, pipeline.ReasonOf(err))
	nan := float32(math.NaN())
	for _, out := range [][]float32{{1}, {1, nan, 1}} {
		_, err = checker(t, &scripted{out: out}).Check(t.Context(), []Frame{frame(100)})
		assert.Equal(t, pipeline.Backend, pipeline.ReasonOf(err))
	}
	_, err = checker(t, &scripted{}).Check(t.Context(), []Frame{{Raster: &imaging.Raster{Width: 3, Height: 3}}})
	assert.ErrorContains(t, err, "frame 0")
}

func TestNewCheckerChecksTheEntry(t *testing.T) {
	_, err := NewChecker(nil)
	require.ErrorContains(t, err, "no model")
	for says, e := range map[string]models.Entry{
		"family":     {Family: models.FamilyYuNet},
		"crop_scale": {Family: models.FamilyMiniFASNet},
		"0.2":        entry(models.Parameters{"crop_scale": 0.2}),
		"live_class": entry(models.Parameters{"crop_scale": 2.7, "live_class": 3}),
		"output":     entry(models.Parameters{"crop_scale": 2.7, "output": "odds"}),
	} {
		_, err := NewChecker([]Member{{&scripted{}, e}})
		assert.ErrorContains(t, err, says)
	}
}

// The crop as the publisher's own code makes it, worked out by hand: grown, limited by the picture, moved inside.
func TestCropIsThePublishers(t *testing.T) {
	r := imaging.NewRaster(640, 480)
	for y := range r.Height {
		for x := range r.Width {
			r.Row(y)[3*x], r.Row(y)[3*x+1], r.Row(y)[3*x+2] = byte(x), byte(x>>8), byte(y/2)
		}
	}
	for name, c := range map[string]struct {
		box        face.Box
		scale      float64
		x, y, w, h int
	}{
		"inside":       {face.Box{X: 300.7, Y: 200.2, W: 60.9, H: 80.9}, 2.5, 255, 140, 151, 201},
		"moved right":  {face.Box{X: 10, Y: 200, W: 60, H: 80}, 2.5, 0, 140, 151, 201},
		"moved left":   {face.Box{X: 570, Y: 200, W: 60, H: 80}, 2.5, 489, 140, 151, 201},
		"limited":      {face.Box{X: 200, Y: 100, W: 200, H: 240}, 4, 100, 0, 400, 480},
		"whole height": {face.Box{X: 0, Y: 0, W: 300, H: 480}, 2.7, 0, 0, 300, 480},
	} {
		got := crop(r, c.box, c.scale)
		assert.Equal(t, [2]int{c.w, c.h}, [2]int{got.Width, got.Height}, name)
		assert.Equal(t, c.x, int(got.Pix[0])+int(got.Pix[1])<<8, name)
		assert.InDelta(t, c.y, 2*int(got.Pix[2]), 1, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 300).Draw(t, "w"), rapid.IntRange(1, 300).Draw(t, "h")
		b := face.Box{X: float32(rapid.IntRange(0, w-1).Draw(t, "x")), Y: float32(rapid.IntRange(0, h-1).Draw(t, "y"))}
		b.W, b.H = rapid.Float32Range(0.1, float32(w)-b.X).Draw(t, "bw"), rapid.Float32Range(0.1, float32(h)-b.Y).Draw(t, "bh")
		if got := crop(imaging.NewRaster(w, h), b, 4); got == nil || got.Validate() != nil {
			t.Fatalf("%dx%d %+v: %v", w, h, b, got)
		}
	})
}

func TestPixelsGoInAsTheyAre(t *testing.T) {
	s := &scripted{}
	f := frame(100)
	for i := 0; i < len(f.Raster.Pix); i += 3 {
		f.Raster.Pix[i], f.Raster.Pix[i+2] = 90, 210
	}
	_, err := checker(t, s).Check(t.Context(), []Frame{f})
	require.NoError(t, err)
	assert.Equal(t, []float32{90, 100, 210}, []float32{s.seen[0], s.seen[6400], s.seen[12800]}, "B, G, R, 0..255")
}
