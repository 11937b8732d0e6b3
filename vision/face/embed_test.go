package face

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// vectors answers every run with the same vector, and remembers the input.
type vectors struct {
	shape  []int64 // of the input
	answer []float32
	seen   pipeline.Tensor
}

func (v *vectors) Signature() pipeline.Signature {
	return pipeline.Signature{
		Inputs:  []pipeline.TensorInfo{{Name: "in", DType: pipeline.Float32, Shape: v.shape}},
		Outputs: []pipeline.TensorInfo{{Name: "out", DType: pipeline.Float32, Shape: []int64{-1, 4}}},
	}
}

func (v *vectors) Close() error { return nil }

func (v *vectors) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	if err := v.Signature().Check(in); err != nil {
		return nil, err
	}
	v.seen = pipeline.Tensor{Shape: in["in"].Shape, Float32: slices.Clone(in["in"].Float32)}
	return pipeline.Tensors{"out": {Shape: []int64{1, int64(len(v.answer))}, Float32: v.answer}}, nil
}

func embeddingEntry(in models.TensorSpec) models.Entry {
	in.Name = "in"
	return models.Entry{ID: "vectors", Family: models.FamilyEmbedding, Inputs: []models.TensorSpec{in}}
}

func at(back Similarity2D) Detection { return Detection{Landmarks: mapped(back, ArcFaceTemplate)} }

func TestEmbedFeedsWhatTheCatalogueSays(t *testing.T) {
	r := ramp(200, 200)
	d := at(Similarity2D{1, 0, 20, 40})
	for name, c := range map[string]struct {
		shape []int64
		spec  models.TensorSpec
		index func(channel int) int // of the pixel at (10, 5)
	}{
		"planes, dynamic batch": {[]int64{-1, 3, 112, 112}, models.TensorSpec{Layout: "NCHW", Color: "BGR"},
			func(c int) int { return c*112*112 + 5*112 + 10 }},
		"interleaved, batch of 1": {[]int64{1, 112, 112, 3}, models.TensorSpec{Layout: "NHWC", Color: "BGR"},
			func(c int) int { return 3*(5*112+10) + c }},
	} {
		t.Run(name, func(t *testing.T) {
			c.spec.Scale, c.spec.Mean, c.spec.Std = 1./255, []float64{0.5, 0.25, 0}, []float64{0.5, 1, 2}
			x := &vectors{shape: c.shape, answer: []float32{3, 0, 0, -4}}
			m, err := NewEmbedder(x, embeddingEntry(c.spec))
			require.NoError(t, err)
			got, err := m.Embed(t.Context(), r, d)
			require.NoError(t, err)
			assert.InDeltaSlice(t, []float32{0.6, 0, 0, -0.8}, []float32(got), 1e-7)
			// Blue is x and green is y of the picture; (10, 5) of the crop is (30, 45) there.
			assert.InDelta(t, (30./255-0.5)/0.5, x.seen.Float32[c.index(0)], 1e-5)
			assert.InDelta(t, 45./255-0.25, x.seen.Float32[c.index(1)], 1e-5)
			assert.InDelta(t, 0, x.seen.Float32[c.index(2)], 1e-5)
		})
	}
}

func TestEmbedderRefusesWhatItCanNotServe(t *testing.T) {
	good := models.TensorSpec{Layout: "NCHW", Color: "RGB"}
	for want, c := range map[string]struct {
		shape  []int64
		change func(*models.Entry)
	}{
		"family":            {[]int64{1, 3, 112, 112}, func(e *models.Entry) { e.Family = "yunet" }},
		"alignment":         {[]int64{1, 3, 112, 112}, func(e *models.Entry) { e.Parameters = models.Parameters{"alignment": "eyes"} }},
		"distance":          {[]int64{1, 3, 112, 112}, func(e *models.Entry) { e.Parameters = models.Parameters{"distance": "l2"} }},
		"square":            {[]int64{1, 3, 112, 96}, func(*models.Entry) {}},
		"must fix a square": {[]int64{-1, 3, -1, -1}, func(*models.Entry) {}},
		"4 axes":            {[]int64{1, 128}, func(*models.Entry) {}},
		"layout":            {[]int64{1, 3, 112, 112}, func(e *models.Entry) { e.Inputs[0].Layout = "CHWN" }},
	} {
		e := embeddingEntry(good)
		c.change(&e)
		_, err := NewEmbedder(&vectors{shape: c.shape}, e)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "face embedding vectors: ")
	}
}

func TestEmbedReportsAVectorWithoutDirection(t *testing.T) {
	nan := float32(math.NaN())
	for _, answer := range [][]float32{{0, 0, 0, 0}, {nan, 1, 2, 3}, {1, 2, 3}, nil} {
		x := &vectors{shape: []int64{1, 3, 112, 112}, answer: answer}
		m, err := NewEmbedder(x, embeddingEntry(models.TensorSpec{}))
		require.NoError(t, err)
		_, err = m.Embed(t.Context(), ramp(200, 200), at(Similarity2D{1, 0, 0, 0}))
		require.Error(t, err)
		assert.Equal(t, pipeline.Backend, pipeline.ReasonOf(err))
	}
}

func TestSimilarity(t *testing.T) {
	a, b := Template{0.6, 0.8}, Template{0.8, -0.6}
	assert.InDelta(t, 1, Similarity(a, a), 1e-6)
	assert.InDelta(t, 0, Similarity(a, b), 1e-6)
	assert.InDelta(t, -1, Similarity(a, Template{-0.6, -0.8}), 1e-6)
	for _, other := range []Template{nil, {1}, {1, 0, 0}} {
		s := Similarity(a, other)
		assert.False(t, s >= -1, "templates of different models match nothing")
	}
}

func mobileFaceNet(tb testing.TB) (*Embedder, pipeline.Executor, models.Entry) {
	tb.Helper()
	x, entry := open(tb, "face-embedding-mobilefacenet")
	m, err := NewEmbedder(x, entry)
	require.NoError(tb, err)
	return m, x, entry
}

// portraitFaces returns n portraits by name and the main face in each.
func portraitFaces(tb testing.TB, n, step int) (names []string, pictures map[string]*imaging.Raster, faces map[string]Detection) {
	tb.Helper()
	d, _ := yunet(tb)
	pictures, faces = portraits(tb, n, step), map[string]Detection{}
	for name, r := range pictures {
		all, err := d.Detect(tb.Context(), r, DetectOptions{})
		require.NoError(tb, err)
		if f, ok := mainFace(all); ok {
			faces[name] = f
		}
	}
	return slices.Sorted(maps.Keys(faces)), pictures, faces
}

// A face is nearer to itself, moved, turned, or shown at another size, than to any other person.
func TestTemplatesTellPeopleApart(t *testing.T) {
	m, _, _ := mobileFaceNet(t)
	d, _ := yunet(t)
	names, pictures, faces := portraitFaces(t, 20, 60)
	templates := map[string]Template{}
	for _, name := range names {
		a, err := m.Embed(t.Context(), pictures[name], faces[name])
		require.NoError(t, err)
		again, err := m.Embed(t.Context(), pictures[name], faces[name])
		require.NoError(t, err)
		require.Equal(t, a, again, "the same picture twice")
		var norm float64
		for _, v := range a {
			norm += float64(v) * float64(v)
		}
		require.InDelta(t, 1, norm, 1e-5)
		templates[name] = a
	}
	person := func(name string) string { return name[:strings.LastIndexByte(name, '_')] }
	for _, name := range names {
		large := imaging.Resize(pictures[name], 800, 800)
		all, err := d.Detect(t.Context(), large, DetectOptions{})
		require.NoError(t, err)
		require.NotEmpty(t, all)
		own, err := m.Embed(t.Context(), large, all[0])
		require.NoError(t, err)
		self := Similarity(templates[name], own)
		assert.Greater(t, self, float32(0.7), name)
		for _, other := range names {
			if person(other) != person(name) {
				assert.Greater(t, self, Similarity(own, templates[other]), "%s against %s", name, other)
			}
		}
	}
}

// Templates computed while others are do not depend on them.
func TestNeighboursNeverChangeATemplate(t *testing.T) {
	_, x, entry := mobileFaceNet(t)
	names, pictures, faces := portraitFaces(t, 8, 120)
	alone, err := NewEmbedder(x, entry)
	require.NoError(t, err)
	want := map[string]Template{}
	for _, name := range names {
		want[name], err = alone.Embed(t.Context(), pictures[name], faces[name])
		require.NoError(t, err)
	}
	b := pipeline.NewBatcher(shared{x}, pipeline.BatchConfig{Model: entry.ID, MaxBatch: entry.Batch.Max, Instances: 2, QueueLimit: 1000})
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	m, err := NewEmbedder(b, entry)
	require.NoError(t, err)
	got, errs := make([]Template, 4*len(names)), make([]error, 4*len(names))
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			name := names[i%len(names)]
			got[i], errs[i] = m.Embed(t.Context(), pictures[name], faces[name])
		})
	}
	wg.Wait()
	for i := range got {
		require.NoError(t, errs[i])
		require.InDeltaSlice(t, []float32(want[names[i%len(names)]]), []float32(got[i]), 1e-5)
	}
}
