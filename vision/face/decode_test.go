package face

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// cell scripts one cell of one head.
type cell struct {
	stride, column, row int
	cls, obj            float32
	bbox                [4]float32
	kps                 [10]float32
}

// scripted answers every run with the same cells, whatever the picture shows; it remembers the last input's shape.
type scripted struct {
	cells []cell
	fixed []int64
	drop  string // an output left out of the answer
	err   error
	seen  []int64
}

func (s *scripted) Signature() pipeline.Signature {
	shape := s.fixed
	if shape == nil {
		shape = []int64{-1, 3, -1, -1}
	}
	sig := pipeline.Signature{Inputs: []pipeline.TensorInfo{{Name: "input", DType: pipeline.Float32, Shape: shape}}}
	for _, stride := range []int{8, 16, 32} {
		for name, per := range map[string]int64{"cls": 1, "obj": 1, "bbox": 4, "kps": 10} {
			sig.Outputs = append(sig.Outputs, pipeline.TensorInfo{Name: fmt.Sprintf("%s_%d", name, stride), DType: pipeline.Float32, Shape: []int64{-1, -1, per}})
		}
	}
	return sig
}

func (s *scripted) Close() error { return nil }

func (s *scripted) Run(ctx context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	if s.err != nil {
		return nil, s.err
	}
	if err := s.Signature().Check(in); err != nil {
		return nil, err
	}
	s.seen = in["input"].Shape
	h, w := int(s.seen[2]), int(s.seen[3])
	out := pipeline.Tensors{}
	for _, stride := range []int{8, 16, 32} {
		n := (h / stride) * (w / stride)
		for name, per := range map[string]int{"cls": 1, "obj": 1, "bbox": 4, "kps": 10} {
			out[fmt.Sprintf("%s_%d", name, stride)] = pipeline.Tensor{Shape: []int64{1, int64(n), int64(per)}, Float32: make([]float32, n*per)}
		}
	}
	for _, c := range s.cells {
		i := c.row*(w/c.stride) + c.column
		at := func(name string) []float32 { return out[fmt.Sprintf("%s_%d", name, c.stride)].Float32 }
		at("cls")[i], at("obj")[i] = c.cls, c.obj
		copy(at("bbox")[4*i:], c.bbox[:])
		copy(at("kps")[10*i:], c.kps[:])
	}
	if s.drop != "" {
		delete(out, s.drop)
	}
	return out, nil
}

var entry = models.Entry{ID: "scripted", Family: models.FamilyYuNet}

func scriptedDetector(t require.TestingT, s *scripted) *Detector {
	d, err := NewDetector(s, entry)
	require.NoError(t, err)
	return d
}

func ln(v float64) float32 { return float32(math.Log(v)) }

func TestDecodesTheGridExactly(t *testing.T) {
	s := &scripted{cells: []cell{{
		stride: 16, column: 5, row: 3, cls: 0.81, obj: 0.64,
		bbox: [4]float32{0.5, -0.25, ln(4), ln(6)},
		kps:  [10]float32{0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, -1, -2},
	}}}
	// 1280x960 is shown at 640x480: factor 2.
	got, err := scriptedDetector(t, s).Detect(context.Background(), imaging.NewRaster(1280, 960), DetectOptions{})
	require.NoError(t, err)
	require.Equal(t, []int64{1, 3, 480, 640}, s.seen)
	require.Len(t, got, 1)
	f := got[0]
	assert.InDelta(t, 0.72, f.Score, 1e-6, "sqrt(0.81*0.64)")
	// centre (5.5, 2.75)*16 = (88, 44); size 64 x 96; top left (56, -4); doubled, clipped at the top.
	assert.InDelta(t, 112, f.Box.X, 1e-3)
	assert.InDelta(t, 0, f.Box.Y, 1e-3)
	assert.InDelta(t, 128, f.Box.W, 1e-3)
	assert.InDelta(t, 184, f.Box.H, 1e-3)
	for i, want := range [5]Point{{160, 112}, {192, 144}, {224, 176}, {256, 208}, {128, 32}} {
		assert.InDelta(t, want.X, f.Landmarks[i].X, 1e-3, "landmark %d", i)
		assert.InDelta(t, want.Y, f.Landmarks[i].Y, 1e-3, "landmark %d", i)
	}
}

// box32 scripts a face of 32x32 px with its centre at the top left corner of a cell of stride 8.
func box32(column, row int, score float32) cell {
	return cell{stride: 8, column: column, row: row, cls: score, obj: score, bbox: [4]float32{0, 0, ln(4), ln(4)}}
}

func TestKeepsTheBestOfOverlappingFaces(t *testing.T) {
	s := &scripted{cells: []cell{box32(10, 10, 0.8), box32(11, 10, 0.9), box32(20, 10, 0.7), box32(11, 11, 0.95), box32(30, 20, 0.5)}}
	d := scriptedDetector(t, s)
	r := imaging.NewRaster(320, 240)
	scores := func(o DetectOptions) (out []float32) {
		got, err := d.Detect(context.Background(), r, o)
		require.NoError(t, err)
		for _, f := range got {
			out = append(out, f.Score)
		}
		return out
	}
	assert.Equal(t, []float32{0.95, 0.7}, scores(DetectOptions{}))
	assert.Equal(t, []float32{0.95, 0.7, 0.5}, scores(DetectOptions{MinScore: 0.5}))
	assert.Equal(t, []float32{0.95, 0.9, 0.8, 0.7}, scores(DetectOptions{NMSIoU: 1}), "1: nothing is suppressed")
	assert.Equal(t, []float32{0.95}, scores(DetectOptions{MaxFaces: 1}))
	assert.Empty(t, scores(DetectOptions{MinSize: 33}))
	assert.Len(t, scores(DetectOptions{MinSize: 32}), 2)
}

func TestSortsByScoreThenArea(t *testing.T) {
	big := box32(30, 20, 0.9)
	big.bbox[2], big.bbox[3] = ln(8), ln(8)
	d := scriptedDetector(t, &scripted{cells: []cell{box32(5, 5, 0.9), big, box32(20, 5, 0.95)}})
	got, err := d.Detect(context.Background(), imaging.NewRaster(320, 240), DetectOptions{})
	require.NoError(t, err)
	require.Len(t, got, 3)
	assert.Equal(t, float32(0.95), got[0].Score)
	assert.InDelta(t, 64, got[1].Box.W, 1e-3)
	assert.InDelta(t, 32, got[2].Box.W, 1e-3)
}

func TestIgnoresWhatIsNoNumber(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	cells := []cell{box32(1, 1, nan), box32(6, 1, 0.9), box32(12, 1, 0.9), box32(18, 1, 0.9), box32(24, 1, 7)}
	cells[1].bbox[2] = 1e6 // exp overflows
	cells[2].kps[3] = nan
	cells[3].bbox[0] = inf
	got, err := scriptedDetector(t, &scripted{cells: cells}).Detect(context.Background(), imaging.NewRaster(320, 240), DetectOptions{})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, float32(1), got[0].Score, "clamped")
}

func TestDropsFacesOutsideThePicture(t *testing.T) {
	// A 100x100 picture is shown on a larger canvas: what the model sees in the grey rest is no face.
	got, err := scriptedDetector(t, &scripted{cells: []cell{box32(18, 10, 0.9), box32(12, 5, 0.9)}}).
		Detect(context.Background(), imaging.NewRaster(100, 100), DetectOptions{})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, Box{X: 80, Y: 24, W: 20, H: 32}, got[0].Box)
}

func TestFixedInputSize(t *testing.T) {
	s := &scripted{fixed: []int64{1, 3, 320, 320}, cells: []cell{box32(10, 10, 0.9)}}
	got, err := scriptedDetector(t, s).Detect(context.Background(), imaging.NewRaster(640, 320), DetectOptions{})
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, Box{X: 128, Y: 128, W: 64, H: 64}, got[0].Box)
}

func TestRefusesOptionsOutOfRange(t *testing.T) {
	d := scriptedDetector(t, &scripted{})
	nan := float32(math.NaN())
	for field, o := range map[string]DetectOptions{
		"min_score": {MinScore: nan}, "nms_iou": {NMSIoU: -1}, "min_size": {MinSize: nan}, "max_faces": {MaxFaces: -1}, "max_side": {MaxSide: 4000},
	} {
		_, err := d.Detect(context.Background(), imaging.NewRaster(32, 32), o)
		e, ok := refusal.As(err)
		require.True(t, ok, "%s: %v", field, err)
		assert.Equal(t, field, e.Field)
		assert.Equal(t, refusal.InvalidValue, e.Reason)
	}
	_, err := d.Detect(context.Background(), &imaging.Raster{Width: 3, Height: 3}, DetectOptions{})
	require.ErrorContains(t, err, "needs 27 bytes")
}

func TestFailuresKeepTheirReason(t *testing.T) {
	r := imaging.NewRaster(32, 32)
	full := &pipeline.Failure{Reason: pipeline.Rejected, Err: errors.New("queue full")}
	_, err := scriptedDetector(t, &scripted{err: full}).Detect(context.Background(), r, DetectOptions{})
	assert.Equal(t, pipeline.Rejected, pipeline.ReasonOf(err))
	_, err = scriptedDetector(t, &scripted{drop: "kps_16"}).Detect(context.Background(), r, DetectOptions{})
	assert.Equal(t, pipeline.Backend, pipeline.ReasonOf(err))
	assert.ErrorContains(t, err, "kps_16")
}

func TestNewDetectorChecksTheEntry(t *testing.T) {
	for says, e := range map[string]models.Entry{
		"family":   {Family: models.FamilyEmbedding},
		"cls_64":   {Family: models.FamilyYuNet, Parameters: models.Parameters{"strides": []any{64}}, Inputs: []models.TensorSpec{{Name: "input", MultipleOf: 64}}},
		"stride 8": {Family: models.FamilyYuNet, Inputs: []models.TensorSpec{{Name: "input", MultipleOf: 4}}},
		"layout":   {Family: models.FamilyYuNet, Inputs: []models.TensorSpec{{Name: "input", Layout: "NCWH"}}},
		"98":       {Family: models.FamilyYuNet, Parameters: models.Parameters{"landmarks": 98}},
	} {
		_, err := NewDetector(&scripted{}, e)
		assert.ErrorContains(t, err, says)
	}
}

// TestCanvasHoldsThePicture checks the few tensor sizes against every shape of picture.
func TestCanvasHoldsThePicture(t *testing.T) {
	seen := map[[2]int]bool{}
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.OneOf(rapid.IntRange(1, 3000), rapid.IntRange(1, 100_000))
		w, h := side.Draw(t, "w"), side.Draw(t, "h")
		maxSide := rapid.SampledFrom([]int{320, 640, 1000, 1280, 2560}).Draw(t, "max side")
		cw, ch := canvas(w, h, maxSide, 32)
		plan := imaging.Spec{Width: cw, Height: ch, Fit: imaging.Letterbox, NoEnlarge: true}.Plan(w, h)
		if cw%32 != 0 || ch%32 != 0 || max(cw, ch) > roundUp(maxSide, 32) {
			t.Fatalf("canvas %dx%d", cw, ch)
		}
		if long := max(w, h); long <= maxSide && (plan.Width != w || plan.Height != h) {
			t.Fatalf("%dx%d was scaled to %dx%d on %dx%d", w, h, plan.Width, plan.Height, cw, ch)
		} else if long > maxSide && max(plan.Width, plan.Height) < maxSide-1 {
			t.Fatalf("%dx%d shows at %dx%d only", w, h, plan.Width, plan.Height)
		}
		seen[[2]int{cw, ch}] = true
	})
	assert.Less(t, len(seen), 70)
	for _, c := range []struct{ w, h, cw, ch int }{{250, 250, 320, 256}, {640, 480, 640, 480}, {1920, 1080, 640, 384}, {3000, 4000, 480, 640}, {1, 1, 160, 64}, {10000, 500, 640, 192}} {
		w, h := canvas(c.w, c.h, DefaultMaxSide, 32)
		assert.Equal(t, [2]int{c.cw, c.ch}, [2]int{w, h}, "%dx%d", c.w, c.h)
	}
}

func TestAnnotateLeavesTheOriginal(t *testing.T) {
	r := imaging.NewRaster(200, 200)
	out, err := Annotate(r, []Detection{{Box: Box{X: 50, Y: 60, W: 80, H: 90}, Score: 0.9, Landmarks: [5]Point{{70, 80}, {110, 80}, {90, 100}, {75, 120}, {105, 120}}}})
	require.NoError(t, err)
	assert.Equal(t, imaging.NewRaster(200, 200), r)
	assert.NotEqual(t, r.Pix, out.Pix)
	assert.Equal(t, []byte{64, 204, 46}, out.Row(61)[3*130:3*131], "the box is green")
	assert.Equal(t, []byte{217, 116, 0}, out.Row(80)[3*70:3*71], "the right eye is blue")
}
