package page

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// network answers each tile by a function of its pixels.
type network struct {
	answer   func(tile []float32) [4]float32
	vertical float32
	outputs  []string
	inputs   []int64
	short    bool
	err      error
	batches  []int
	mu       sync.Mutex
}

func (n *network) Signature() pipeline.Signature {
	shape := n.inputs
	if shape == nil {
		shape = []int64{-1, 1, 96, 96}
	}
	sig := pipeline.Signature{Inputs: []pipeline.TensorInfo{{Name: "x", DType: pipeline.Float32, Shape: shape}}}
	names := n.outputs
	if names == nil {
		names = []string{"logits", "vertical"}
	}
	for _, name := range names {
		width := int64(4)
		if name == "vertical" {
			width = 1
		}
		sig.Outputs = append(sig.Outputs, pipeline.TensorInfo{Name: name, DType: pipeline.Float32, Shape: []int64{-1, width}})
	}
	return sig
}

func (n *network) Close() error { return nil }

func (n *network) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	if n.err != nil {
		return nil, n.err
	}
	if err := n.Signature().Check(in); err != nil {
		return nil, err
	}
	x := in["x"]
	tiles := int(x.Shape[0])
	n.mu.Lock()
	n.batches = append(n.batches, tiles)
	n.mu.Unlock()
	logits, vertical := make([]float32, 0, 4*tiles), make([]float32, tiles)
	for i := range tiles {
		a := n.answer(x.Float32[i*96*96:][:96*96])
		logits, vertical[i] = append(logits, a[:]...), n.vertical
	}
	if n.short {
		logits = logits[1:]
	}
	return pipeline.Tensors{"logits": {Shape: []int64{int64(tiles), 4}, Float32: logits}, "vertical": {Shape: []int64{int64(tiles), 1}, Float32: vertical}}, nil
}

func always(logits ...float32) func([]float32) [4]float32 {
	return func([]float32) [4]float32 { return [4]float32(logits) }
}

func orientEntry() models.Entry {
	return models.Entry{ID: "angles", Family: models.FamilyAngle, Slot: "page",
		Parameters: models.Parameters{"angles": []any{0, 90, 180, 270}, "output": "logits"},
		Thresholds: []models.Threshold{{Name: "turn", Value: 0.98}}}
}

// reads answers every verification alike.
type reads struct {
	best  int
	share float32
	err   error
	calls atomic.Int32
	asked []int
	size  [2]int
}

func (v *reads) Verify(_ context.Context, r *imaging.Raster, degrees []int) (int, float32, error) {
	v.calls.Add(1)
	v.asked, v.size = degrees, [2]int{r.Width, r.Height}
	return v.best, v.share, v.err
}

func TestOrienterAddsUpItsTiles(t *testing.T) {
	r := hashed(1240, 1754)
	sure := &network{answer: always(0, 0, 6, 0), vertical: 1}
	o, err := NewOrienter(sure, orientEntry(), nil)
	require.NoError(t, err)
	got, err := o.DetectOrientation(context.Background(), r, true)
	require.NoError(t, err)
	assert.Equal(t, 180, got.Degrees)
	assert.True(t, got.Vertical)
	assert.False(t, got.Verified)
	assert.Equal(t, []int{4}, sure.batches, "one round is enough")
	// Four tiles of log-odds 6 each.
	assert.InDelta(t, 1/(1+3*math.Exp(-4*6)), got.Confidence, 1e-6)

	unsure := &network{answer: always(0.3, 0, 0, 0)}
	o, err = NewOrienter(unsure, orientEntry(), nil)
	require.NoError(t, err)
	got, err = o.DetectOrientation(context.Background(), r, true)
	require.NoError(t, err)
	assert.Equal(t, 0, got.Degrees)
	assert.Equal(t, []int{4, 8}, unsure.batches, "a doubt is looked into")
	assert.InDelta(t, math.Exp(12*0.3)/(math.Exp(12*0.3)+3), got.Confidence, 1e-5)
	assert.False(t, got.Vertical)
}

func TestOrienterCountsNoTileForTooMuch(t *testing.T) {
	n := 0
	odd := &network{answer: func([]float32) [4]float32 {
		if n++; n == 1 {
			return [4]float32{0, 500, 0, 0} // one tile that is wrong without a doubt
		}
		return [4]float32{5, 0, 0, 0}
	}}
	o, err := NewOrienter(odd, orientEntry(), nil)
	require.NoError(t, err)
	got, err := o.DetectOrientation(context.Background(), hashed(1240, 1754), false)
	require.NoError(t, err)
	assert.Equal(t, 0, got.Degrees)
}

func TestOrienterVerifiesByReading(t *testing.T) {
	r := hashed(1240, 1754)
	for _, c := range []struct {
		name      string
		logits    []float32
		best      int
		share     float32
		verify    bool
		want      int
		verified  bool
		asked     []int
		surer     bool
		mustWaver bool
	}{
		{name: "reading agrees", logits: []float32{0.1, 0, 0.05, 0}, best: 0, share: 0.5, verify: true, want: 0, verified: true, asked: []int{0, 180, 90, 270}, surer: true},
		{name: "reading disagrees", logits: []float32{0.12, -2, 0.1, -2}, best: 180, share: 0.75, verify: true, want: 180, verified: true, asked: []int{0, 180}, surer: true},
		{name: "reading is undecided", logits: []float32{0.2, -2, 0.1, -2}, best: 180, share: 0.501, verify: true, want: 0, verified: true, asked: []int{0, 180}, mustWaver: true},
		{name: "nothing to read", logits: []float32{0.2, -2, 0.1, -2}, best: 180, share: 0, verify: true, want: 0, asked: []int{0, 180}},
		{name: "sure without", logits: []float32{0, 5, 0, 0}, best: 0, share: 1, verify: true, want: 90},
		{name: "not asked for", logits: []float32{0.2, -2, 0.1, -2}, best: 180, share: 1, want: 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := &reads{best: c.best, share: c.share}
			o, err := NewOrienter(&network{answer: always(c.logits...)}, orientEntry(), v)
			require.NoError(t, err)
			plain, err := o.DetectOrientation(context.Background(), r, false)
			require.NoError(t, err)
			require.Zero(t, v.calls.Load())
			got, err := o.DetectOrientation(context.Background(), r, c.verify)
			require.NoError(t, err)
			assert.Equal(t, c.want, got.Degrees)
			assert.Equal(t, c.verified, got.Verified)
			assert.Equal(t, c.asked, v.asked)
			if c.surer {
				assert.Greater(t, got.Confidence, plain.Confidence)
			}
			if c.mustWaver {
				assert.Less(t, got.Confidence, plain.Confidence)
			}
		})
	}
	failing := &reads{err: errors.New("no recogniser")}
	o, err := NewOrienter(&network{answer: always(0, 0, 0, 0)}, orientEntry(), failing)
	require.NoError(t, err)
	_, err = o.DetectOrientation(context.Background(), r, true)
	require.ErrorContains(t, err, "no recogniser")
}

// A file is looked at reduced, and read whole.
func TestOrientationOfAFile(t *testing.T) {
	content, err := codec.EncodeJPEG(hashed(1240, 1754), 85)
	require.NoError(t, err)
	doc, err := codec.Open(content, imaging.DefaultLimits())
	require.NoError(t, err)
	v := &reads{best: 90, share: 0.9}
	o, err := NewOrienter(&network{answer: always(0, 0.1, 0, 0)}, orientEntry(), v)
	require.NoError(t, err)
	require.Equal(t, 2, o.Divisor(doc.Header().PageHeader))
	got, err := o.OrientationOf(context.Background(), doc, 1, true)
	require.NoError(t, err)
	assert.Equal(t, 90, got.Degrees)
	assert.True(t, got.Verified)
	assert.Equal(t, [2]int{1240, 1754}, v.size)
	got, err = o.OrientationOf(context.Background(), doc, 1, false)
	require.NoError(t, err)
	assert.False(t, got.Verified)
	assert.EqualValues(t, 1, v.calls.Load())
	_, err = o.OrientationOf(context.Background(), doc, 2, false)
	require.ErrorContains(t, err, "page 2 of 1")
}

func TestOrienterSurvivesItsModelAndItsPictures(t *testing.T) {
	nan := float32(math.NaN())
	o, err := NewOrienter(&network{answer: always(nan, nan, nan, nan)}, orientEntry(), nil)
	require.NoError(t, err)
	got, err := o.DetectOrientation(context.Background(), hashed(800, 600), true)
	require.NoError(t, err)
	assert.InDelta(t, 0.25, got.Confidence, 1e-6, "no number is no opinion")

	o, err = NewOrienter(&network{answer: always(1, 0, 0, 0)}, orientEntry(), nil)
	require.NoError(t, err)
	for _, size := range [][2]int{{1, 1}, {30000, 1}, {1, 30000}, {97, 3}, {3000, 3000}} {
		got, err := o.DetectOrientation(context.Background(), static(size[0], size[1], 1), true)
		require.NoError(t, err, size)
		assert.True(t, got.Confidence > 0.25 && got.Confidence <= 1, size)
	}
	_, err = o.DetectOrientation(context.Background(), &imaging.Raster{Width: 1, Height: 1}, true)
	require.Error(t, err)

	for _, broken := range []*network{{answer: always(1, 0, 0, 0), short: true}, {err: &pipeline.Failure{Reason: pipeline.Backend, Err: errors.New("gone")}}} {
		o, err = NewOrienter(broken, orientEntry(), nil)
		require.NoError(t, err)
		_, err = o.DetectOrientation(context.Background(), hashed(300, 300), true)
		require.Equal(t, pipeline.Backend, pipeline.ReasonOf(err), "%v", err)
	}
}

func TestNewOrienterRefusesWhatItCannotRun(t *testing.T) {
	for says, c := range map[string]struct {
		n    *network
		edit func(*models.Entry)
	}{
		"family":           {edit: func(e *models.Entry) { e.Family = models.FamilyDBNet }},
		"angles":           {edit: func(e *models.Entry) { e.Parameters["angles"] = []any{0, 180} }},
		"not logits":       {edit: func(e *models.Entry) { e.Parameters["output"] = "votes" }},
		"do not fit":       {edit: func(e *models.Entry) { e.Parameters["tile"] = 100 }},
		"any number of":    {n: &network{inputs: []int64{-1, 3, 96, 96}}},
		"4 axes":           {n: &network{inputs: []int64{1, 96, 96}}},
		"besides":          {n: &network{outputs: []string{"a", "b"}}},
		"no output of dir": {n: &network{outputs: []string{"vertical"}}},
	} {
		e := orientEntry()
		if c.edit != nil {
			c.edit(&e)
		}
		n := c.n
		if n == nil {
			n = &network{}
		}
		_, err := NewOrienter(n, e, nil)
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "angles")
	}
}

func TestOrienterConcurrently(t *testing.T) {
	// The answer follows from the picture, so that a shared buffer would show.
	o, err := NewOrienter(&network{answer: func(tile []float32) [4]float32 {
		var a [4]float32
		a[int(tile[0])%4] = 2
		return a
	}}, orientEntry(), nil)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 20 {
				got, err := o.DetectOrientation(context.Background(), even(200, 200, byte(i)), false)
				assert.NoError(t, err)
				assert.Equal(t, 90*i, got.Degrees)
			}
		})
	}
	wg.Wait()
}

// BenchmarkOrientationOf answers for JPEG files with two goroutines, without the network: what is left is decoding and
// choosing the tiles.
func BenchmarkOrientationOf(b *testing.B) {
	content, err := codec.EncodeJPEG(newSheet(1240, 1754).draw(), 85)
	require.NoError(b, err)
	o, err := NewOrienter(&network{answer: always(5, 0, 0, 0)}, orientEntry(), nil)
	require.NoError(b, err)
	benchmarkPages(b, o, content)
}

func benchmarkPages(b *testing.B, o *Orienter, content []byte) {
	b.Helper()
	jobs := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range jobs {
				doc, err := codec.Open(content, imaging.DefaultLimits())
				if err != nil {
					panic(err)
				}
				if _, err := o.OrientationOf(context.Background(), doc, 1, false); err != nil {
					panic(fmt.Sprint(err))
				}
			}
		})
	}
	for b.Loop() {
		jobs <- struct{}{}
	}
	close(jobs)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pages/s")
}
