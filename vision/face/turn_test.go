package face

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

// A place of a turned picture leads back to where it was taken from: the picture itself is the witness.
func TestTurnsLeadBack(t *testing.T) {
	r := ramp(60, 40)
	for _, turn := range quarterTurns {
		turned := imaging.Orient(r, turn.exif)
		for _, at := range [][2]int{{0, 0}, {7, 11}, {turned.Width - 1, turned.Height - 1}} {
			px := turned.Row(at[1])[3*at[0]:]
			// The middle of the pixel, so that boxes and points agree.
			d := Detection{Box: Box{X: float32(at[0]), Y: float32(at[1]), W: 1, H: 1}}
			for i := range d.Landmarks {
				d.Landmarks[i] = Point{float32(at[0]) + 0.5, float32(at[1]) + 0.5}
			}
			back := turn.back(d, r.Width, r.Height)
			assert.Equal(t, Box{X: float32(px[0]), Y: float32(px[1]), W: 1, H: 1}, back.Box, "%d degrees", turn.degrees)
			assert.Equal(t, Point{float32(px[0]) + 0.5, float32(px[1]) + 0.5}, back.Landmarks[2], "%d degrees", turn.degrees)
		}
	}
}

// Portraits turned by quarters are found where they are, with landmarks that follow, and without a second face.
func TestFindsTurnedFaces(t *testing.T) {
	d, _ := yunet(t)
	total, missed, doubled := 0, 0, 0
	for name, r := range portraits(t, 12, 130) {
		upright, err := d.Detect(t.Context(), r, DetectOptions{})
		require.NoError(t, err)
		want, ok := mainFace(upright)
		require.True(t, ok, name)
		for _, turn := range quarterTurns {
			// To turn the picture by 270 degrees is to turn it back by 90.
			back := quarterTurn{exif: turn.exif, degrees: turn.degrees}
			turned := imaging.Orient(r, turn.exif)
			got, err := d.Detect(t.Context(), turned, DetectOptions{AnyOrientation: true})
			require.NoError(t, err)
			total++
			i := Main(got, turned.Width, turned.Height)
			if i < 0 {
				missed++
				continue
			}
			f := back.back(got[i], r.Width, r.Height)
			if f.Box.IoU(want.Box) < 0.7 || distance(f.Landmarks[RightEye], want.Landmarks[RightEye]) > 0.1*want.Box.W || distance(f.Landmarks[LeftMouthCorner], want.Landmarks[LeftMouthCorner]) > 0.1*want.Box.W {
				t.Logf("%s turned by %d: %+v, want %+v", name, turn.degrees, f, want)
				missed++
			}
			for k, other := range got {
				if k != i && other.Box.IoU(got[i].Box) > 0.3 {
					doubled++
				}
			}
		}
	}
	assert.Zero(t, missed, "of %d", total)
	assert.Zero(t, doubled)
}

// scrfd answers with one face at stride 16, whose second anchor of cell (column 5, row 3) sees it.
type scrfd struct {
	names []string // of the outputs: scores, boxes, landmarks, three strides each
	seen  []int64
}

func (s *scrfd) Signature() pipeline.Signature {
	sig := pipeline.Signature{Inputs: []pipeline.TensorInfo{{Name: "input.1", DType: pipeline.Float32, Shape: []int64{-1, 3, -1, -1}}}}
	for i, name := range s.names {
		sig.Outputs = append(sig.Outputs, pipeline.TensorInfo{Name: name, DType: pipeline.Float32, Shape: []int64{-1, []int64{1, 4, 10}[min(i/3, 2)]}})
	}
	return sig
}

func (s *scrfd) Close() error { return nil }

func (s *scrfd) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	s.seen = in["input.1"].Shape
	out := pipeline.Tensors{}
	for i, name := range s.names {
		stride, per := []int{8, 16, 32}[i%3], []int{1, 4, 10}[i/3]
		columns, rows := int(s.seen[3])/stride, int(s.seen[2])/stride
		v := make([]float32, 2*columns*rows*per)
		if stride == 16 {
			at := (2*(3*columns+5) + 1) * per
			copy(v[at:at+per], [][]float32{{0.9}, {2, 1.5, 3, 2.5}, {-1, -0.5, 1, -0.5, 0, 0.5, -0.8, 1.2, 0.8, 1.2}}[i/3])
		}
		out[name] = pipeline.Tensor{Shape: []int64{int64(2 * columns * rows), int64(per)}, Float32: v}
	}
	return out, nil
}

func scrfdNames(format string) (names []string) {
	for _, what := range []string{"score", "bbox", "kps"} {
		for _, stride := range []int{8, 16, 32} {
			names = append(names, fmt.Sprintf(format, what, stride))
		}
	}
	return names
}

// The reference is InsightFace's distance decoding written out: anchor centre (5, 3)*16 = (80, 48).
func TestDecodesSCRFD(t *testing.T) {
	numbered := []string{"448", "471", "494", "451", "474", "497", "454", "477", "500"}
	for name, names := range map[string][]string{"named": scrfdNames("%s_%d"), "numbered": numbered} {
		t.Run(name, func(t *testing.T) {
			s := &scrfd{names: names}
			d, err := NewDetector(s, models.Entry{Family: models.FamilySCRFD})
			require.NoError(t, err)
			got, err := d.Detect(t.Context(), imaging.NewRaster(640, 480), DetectOptions{})
			require.NoError(t, err)
			require.Equal(t, []int64{1, 3, 480, 640}, s.seen)
			require.Len(t, got, 1)
			assert.Equal(t, Box{X: 48, Y: 24, W: 80, H: 64}, got[0].Box)
			assert.Equal(t, float32(0.9), got[0].Score)
			for i, want := range [5]Point{{64, 40}, {96, 40}, {80, 56}, {67.2, 67.2}, {92.8, 67.2}} {
				assert.InDelta(t, want.X, got[0].Landmarks[i].X, 1e-4)
				assert.InDelta(t, want.Y, got[0].Landmarks[i].Y, 1e-4)
			}
		})
	}
}

func TestSCRFDRefusesWhatItIsNot(t *testing.T) {
	for says, s := range map[string]*scrfd{
		"score_8": {names: scrfdNames("%s_%d")[1:]},
		"bbox_32": {names: append(scrfdNames("%s_%d")[:5], "other", "kps_8", "kps_16", "kps_32", "more")},
	} {
		_, err := NewDetector(s, models.Entry{Family: models.FamilySCRFD})
		assert.ErrorContains(t, err, says)
	}
	_, err := NewDetector(&scrfd{names: scrfdNames("%s_%d")}, models.Entry{Family: models.FamilySCRFD, Parameters: models.Parameters{"anchors": 9}})
	require.ErrorContains(t, err, "anchors")
	// Three anchors a cell are told by the outputs' length.
	d, err := NewDetector(&scrfd{names: scrfdNames("%s_%d")}, models.Entry{Family: models.FamilySCRFD, Parameters: models.Parameters{"anchors": 3}})
	require.NoError(t, err)
	_, err = d.Detect(t.Context(), imaging.NewRaster(64, 64), DetectOptions{})
	assert.Equal(t, pipeline.Backend, pipeline.ReasonOf(err))
}

func TestBoxesTurnedInsideOutAreNoFaces(t *testing.T) {
	h := head{stride: 8, anchors: 1, score: []string{"s"}, bbox: "b", kps: "k", decode: edges}
	out := pipeline.Tensors{"s": {Float32: []float32{0.9}}, "b": {Float32: []float32{-3, 1, 1, 1}}, "k": {Float32: make([]float32, 10)}}
	got, err := h.read(out, 8, 8, 0.5)
	require.NoError(t, err)
	assert.Empty(t, got)
	out["b"].Float32[0] = float32(math.NaN())
	got, err = h.read(out, 8, 8, 0.5)
	require.NoError(t, err)
	assert.Empty(t, got)
}

// TestSCRFDThroughTheRuntime runs a tiny graph with the interface of InsightFace's detectors: strides 8, 16 and 32 answer
// to red, green and blue cells (testdata/make_scrfd.py).
func TestSCRFDThroughTheRuntime(t *testing.T) {
	if _, _, err := onnx.FindLibrary(""); err != nil {
		t.Skip(err)
	}
	b, err := onnx.NewBackend(onnx.Config{})
	require.NoError(t, err)
	data, err := os.ReadFile("testdata/scrfd.onnx")
	require.NoError(t, err)
	x, err := b.OpenBytes(t.Context(), "scrfd", data, pipeline.Options{Device: "cpu", IntraThreads: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	d, err := NewDetector(x, models.Entry{ID: "tiny", Family: models.FamilySCRFD, Inputs: []models.TensorSpec{{
		Name: "input.1", Color: "RGB", Scale: 1.0 / 128, Mean: []float64{0.99609375, 0.99609375, 0.99609375}, MultipleOf: 32,
	}}})
	require.NoError(t, err)
	r := imaging.NewRaster(320, 320)
	fill := func(column, row, stride, channel int) {
		for y := row * stride; y < (row+1)*stride; y++ {
			for x := column * stride; x < (column+1)*stride; x++ {
				r.Row(y)[3*x+channel] = 255
			}
		}
	}
	const blue, green, red = 0, 1, 2
	fill(30, 5, 8, red)
	fill(4, 10, 16, green)
	fill(6, 7, 32, blue)
	got, err := d.Detect(t.Context(), r, DetectOptions{})
	require.NoError(t, err)
	require.Len(t, got, 3, "the second anchors are suppressed: %+v", got)
	for _, c := range []struct{ column, row, stride float32 }{{30, 5, 8}, {4, 10, 16}, {6, 7, 32}} {
		x, y, s := c.column*c.stride, c.row*c.stride, c.stride
		i := slices.IndexFunc(got, func(f Detection) bool { return f.Box.W == 3*s })
		require.GreaterOrEqual(t, i, 0, "no face of stride %v", s)
		assert.Equal(t, Box{X: x - s, Y: y - 1.5*s, W: 3 * s, H: 4 * s}, got[i].Box)
		assert.InDelta(t, 0.95, got[i].Score, 1e-3)
		assert.Equal(t, [5]Point{{x - s/2, y - s/2}, {x + s/2, y - s/2}, {x, y + s/4}, {x - s/2, y + s}, {x + s/2, y + s}}, got[i].Landmarks)
	}
}
