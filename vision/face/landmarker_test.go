package face

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// dense answers with given shares of the crop for every picture, and keeps the tensor that it saw.
type dense struct {
	shares []float32
	seen   []float32
}

func (s *dense) Signature() pipeline.Signature {
	return pipeline.Signature{Inputs: []pipeline.TensorInfo{{Name: "input", DType: pipeline.Float32, Shape: []int64{1, 3, 112, 112}}},
		Outputs: []pipeline.TensorInfo{{Name: "output", DType: pipeline.Float32, Shape: []int64{1, 196}}}}
}

func (s *dense) Close() error { return nil }

func (s *dense) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	s.seen = slices.Clone(in["input"].Float32)
	return pipeline.Tensors{"output": {Shape: []int64{1, 196}, Float32: slices.Clone(s.shares)}}, nil
}

// evenly gives every point its own place in the crop.
func evenly() []float32 {
	out := make([]float32, 196)
	for i := range 98 {
		out[2*i], out[2*i+1] = float32(i%10)/10+0.05, float32(i/10)/10+0.05
	}
	return out
}

// What the model says of a place in the crop is a place in the picture: the crop's pixels, which show where they come from,
// agree with the points.
func TestLandmarksAreThePictures(t *testing.T) {
	r := ramp(250, 250)
	upright := [5]Point{{100, 100}, {150, 100}, {125, 130}, {105, 155}, {145, 155}}
	for name, d := range map[string]Detection{
		"upright": {Box: Box{X: 75, Y: 60, W: 100, H: 120}, Landmarks: upright},
		"turned":  {Box: Box{X: 75, Y: 65, W: 100, H: 110}, Landmarks: mapped(Similarity2D{math.Cos(0.5), math.Sin(0.5), 75, -50}, upright)},
	} {
		t.Run(name, func(t *testing.T) {
			s := &dense{shares: evenly()}
			l, err := NewLandmarker(s, models.Entry{Family: models.FamilyLandmarks, Parameters: models.Parameters{"crop_scale": 1.1, "crop_shift": 0.05}})
			require.NoError(t, err)
			m, err := l.Locate(t.Context(), r, d)
			require.NoError(t, err)
			require.Len(t, m.Points, 98)
			for i, p := range m.Points {
				// Shares are measured from the crop's edge, in 112 pixels whose centres are at half pixels.
				x, y := int(s.shares[2*i]*112), int(s.shares[2*i+1]*112)
				if p.X < 2 || p.Y < 2 || p.X > 247 || p.Y > 247 {
					continue
				}
				assert.InDelta(t, s.seen[y*112+x], p.X, 1.6, "x of point %d", i)
				assert.InDelta(t, s.seen[112*112+y*112+x], p.Y, 1.6, "y of point %d", i)
			}
			// The crop's upright line is the face's: the middle of the eyes lies above that of the mouth.
			w, err := l.window(d)
			require.NoError(t, err)
			back := w.Inverse()
			ex, ey := back.Apply(float64(d.Landmarks[0].X+d.Landmarks[1].X)/2, float64(d.Landmarks[0].Y+d.Landmarks[1].Y)/2)
			mx, my := back.Apply(float64(d.Landmarks[3].X+d.Landmarks[4].X)/2, float64(d.Landmarks[3].Y+d.Landmarks[4].Y)/2)
			assert.InDelta(t, ex, mx, 0.01)
			assert.Greater(t, my, ey+0.3)
		})
	}
}

func TestLandmarkerRefuses(t *testing.T) {
	for says, e := range map[string]models.Entry{
		"family":     {Family: models.FamilyYuNet},
		"68 points":  {Family: models.FamilyLandmarks, Parameters: models.Parameters{"points": 68}},
		"\"ibug\"":   {Family: models.FamilyLandmarks, Parameters: models.Parameters{"order": "ibug"}},
		"crop_scale": {Family: models.FamilyLandmarks, Parameters: models.Parameters{"crop_scale": 9.0}},
	} {
		_, err := NewLandmarker(&dense{}, e)
		assert.ErrorContains(t, err, says)
	}
	s := &dense{shares: make([]float32, 10)}
	l, err := NewLandmarker(s, models.Entry{Family: models.FamilyLandmarks})
	require.NoError(t, err)
	d := Detection{Box: Box{X: 10, Y: 10, W: 20, H: 20}}
	_, err = l.Locate(t.Context(), imaging.NewRaster(50, 50), d)
	assert.Equal(t, pipeline.Backend, pipeline.ReasonOf(err))
	s.shares = evenly()
	s.shares[7] = float32(math.NaN())
	_, err = l.Locate(t.Context(), imaging.NewRaster(50, 50), d)
	assert.ErrorContains(t, err, "not finite at point 3")
	_, err = l.Locate(t.Context(), imaging.NewRaster(50, 50), Detection{})
	assert.ErrorIs(t, err, ErrDegenerate)
	assert.Equal(t, [5]Point{}, Mesh{}.Landmarks())
	assert.Equal(t, [2]float32{}, Mesh{}.LidGap())
}

// portraitMeshes locates the main face of LFW portraits, and of what change makes of their pictures.
func portraitMeshes(t *testing.T, l *Landmarker, d *Detector, r *imaging.Raster) (Detection, Mesh, bool) {
	t.Helper()
	faces, err := d.Detect(t.Context(), r, DetectOptions{AnyOrientation: true})
	require.NoError(t, err)
	i := Main(faces, r.Width, r.Height)
	if i < 0 {
		return Detection{}, Mesh{}, false
	}
	m, err := l.Locate(t.Context(), r, faces[i])
	require.NoError(t, err)
	return faces[i], m, true
}

// TestServedLandmarks holds every served landmark model against the detector's points, mirrored and turned pictures.
func TestServedLandmarks(t *testing.T) {
	catalog, err := models.Builtin()
	require.NoError(t, err)
	d, _ := yunet(t)
	pictures := portraits(t, 24, 60)
	for _, e := range catalog.Task(models.TaskFaceLandmarks) {
		t.Run(e.ID, func(t *testing.T) {
			x, entry := open(t, e.ID)
			l, err := NewLandmarker(x, entry)
			require.NoError(t, err)
			var offs, yaws, rolls []float64
			for name, r := range pictures {
				f, m, ok := portraitMeshes(t, l, d, r)
				require.True(t, ok, name)
				five := m.Landmarks()
				eyes := distance(f.Landmarks[RightEye], f.Landmarks[LeftEye])
				for i, p := range five {
					offs = append(offs, float64(distance(p, f.Landmarks[i])/max(eyes, 0.3*f.Box.W)))
				}
				assert.True(t, m.EyeOpenness[0] > 0.05 && m.EyeOpenness[0] < 0.8, "%s: %v", name, m.EyeOpenness)

				_, mirrored, ok := portraitMeshes(t, l, d, imaging.Orient(r, 2))
				require.True(t, ok, name)
				yaws = append(yaws, math.Abs(float64(m.Pose.Yaw+mirrored.Pose.Yaw)))
				rolls = append(rolls, math.Abs(float64(m.Pose.Roll+mirrored.Pose.Roll)))

				_, turned, ok := portraitMeshes(t, l, d, imaging.Orient(r, 6))
				require.True(t, ok, name)
				rolls = append(rolls, math.Abs(math.Remainder(float64(turned.Pose.Roll-m.Pose.Roll)-90, 360)))
				yaws = append(yaws, math.Abs(float64(turned.Pose.Yaw-m.Pose.Yaw)))
			}
			slices.Sort(offs)
			slices.Sort(yaws)
			slices.Sort(rolls)
			t.Logf("median distance to the detector's points %.3f of the eyes' distance; mirrored and turned: yaw differs by %.1f degrees in the median, roll by %.1f; worst %.1f, %.1f",
				offs[len(offs)/2], yaws[len(yaws)/2], rolls[len(rolls)/2], yaws[len(yaws)-1], rolls[len(rolls)-1])
			assert.Less(t, offs[len(offs)/2], 0.12)
			assert.Less(t, yaws[len(yaws)/2], 5.0)
			assert.Less(t, rolls[len(rolls)/2], 3.0)
		})
	}
}
