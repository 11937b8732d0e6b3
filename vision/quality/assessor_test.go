package quality

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/quality/damage"
)

func open(t *testing.T, id string) (pipeline.Executor, models.Entry) {
	t.Helper()
	store, err := models.Open(nil, testinput.SharedModels(t))
	require.NoError(t, err)
	artifact, err := store.Resolve(id)
	if errors.Is(err, models.ErrUnavailable) {
		t.Skip(err)
	}
	require.NoError(t, err)
	if _, _, err := onnx.FindLibrary(""); err != nil {
		t.Skip(err)
	}
	backend, err := onnx.NewBackend(onnx.Config{})
	require.NoError(t, err)
	x, err := backend.Open(context.Background(), artifact, pipeline.Options{Device: "cpu", IntraThreads: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	return x, artifact.Entry
}

// bench is the models with portraits to try them on.
type bench struct {
	detector *face.Detector
	assessor *Assessor
	pictures []*imaging.Raster
}

func newBench(t *testing.T, n, step int) *bench {
	t.Helper()
	b := &bench{}
	x, e := open(t, "face-detect-yunet-n")
	var err error
	b.detector, err = face.NewDetector(x, e)
	require.NoError(t, err)
	x, e = open(t, "face-landmarks-pfld-98")
	l, err := face.NewLandmarker(x, e)
	require.NoError(t, err)
	b.assessor = NewAssessor(l)
	f, err := os.Open(filepath.Join(testinput.SharedData(t, "faces/lfw-dev.tar"), "faces/lfw-dev.tar"))
	require.NoError(t, err)
	defer f.Close()
	in := tar.NewReader(f)
	for i := 0; len(b.pictures) < n; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if filepath.Ext(h.Name) != ".jpg" {
			continue
		}
		if i++; i%step != 0 {
			continue
		}
		c, err := io.ReadAll(in)
		require.NoError(t, err)
		r, _, err := codec.Decode(t.Context(), c, imaging.DefaultLimits())
		require.NoError(t, err)
		b.pictures = append(b.pictures, r)
	}
	require.Len(t, b.pictures, n)
	return b
}

func (b *bench) detect(t *testing.T, r *imaging.Raster) ([]face.Detection, int) {
	t.Helper()
	faces, err := b.detector.Detect(t.Context(), r, face.DetectOptions{})
	require.NoError(t, err)
	return faces, face.Main(faces, r.Width, r.Height)
}

// means assesses every picture after a change, and returns the mean quality of each measure. Where the change costs the
// detector the face, the unchanged picture's is taken.
func (b *bench) means(t *testing.T, change func(*imaging.Raster, [5]face.Point) *imaging.Raster) map[Measure]float64 {
	t.Helper()
	sum, n := map[Measure]float64{}, map[Measure]float64{}
	for _, r := range b.pictures {
		faces, main := b.detect(t, r)
		if main < 0 {
			continue
		}
		changed := change(r, faces[main].Landmarks)
		if f, m := b.detect(t, changed); m >= 0 {
			faces, main = f, m
		}
		a, err := b.assessor.Assess(t.Context(), changed, faces, main, Selfie)
		require.NoError(t, err)
		for _, c := range a.Components {
			sum[c.Measure] += float64(c.Value)
			n[c.Measure]++
		}
	}
	for m := range sum {
		sum[m] /= n[m]
	}
	return sum
}

// TestEachDamageIsSeen spoils portraits more and more: the component that is about the damage falls with every step, and by
// enough to matter.
func TestEachDamageIsSeen(t *testing.T) {
	b := newBench(t, 16, 95)
	plain := b.means(t, func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return r })
	t.Logf("as they are: %v", plain)
	type change = func(*imaging.Raster, [5]face.Point) *imaging.Raster
	rng := rand.New(rand.NewPCG(1, 2))
	for name, c := range map[string]struct {
		measure Measure
		fall    float64 // at least so much lower in the end
		steps   []change
	}{
		"blur": {Sharpness, 30, []change{
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return damage.Blur(r, 1) },
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return damage.Blur(r, 2) },
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return damage.Blur(r, 4) }}},
		"dark": {UnderexposurePrevention, 40, []change{
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return damage.Light(r, 0.13, 0) },
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return damage.Light(r, 0.06, 0) }}},
		"bright": {OverexposurePrevention, 50, []change{
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return damage.Light(r, 1.5, 20) },
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return damage.Light(r, 2, 80) }}},
		"flat": {DynamicRange, 20, []change{
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return damage.Light(r, 0.4, 80) },
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return damage.Light(r, 0.15, 110) }}},
		"side light": {IlluminationUniformity, 15, []change{
			func(r *imaging.Raster, l [5]face.Point) *imaging.Raster { return damage.SideLight(r, l, 0.4) },
			func(r *imaging.Raster, l [5]face.Point) *imaging.Raster { return damage.SideLight(r, l, 0.8) }}},
		"roll": {HeadPoseRoll, 15, []change{
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return damage.Turn(r, 15) },
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return damage.Turn(r, 30) }}},
		"small": {InterEyeDistance, 15, []change{
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return imaging.Resize(r, 125, 125) },
			func(r *imaging.Raster, _ [5]face.Point) *imaging.Raster { return imaging.Resize(r, 60, 60) }}},
		"mask": {FaceOcclusionPrevention, 50, []change{
			func(r *imaging.Raster, l [5]face.Point) *imaging.Raster { return damage.Mask(r, l, rng) }}},
		"dark glasses": {EyesVisible, 50, []change{
			func(r *imaging.Raster, l [5]face.Point) *imaging.Raster { return damage.Glasses(r, l, rng) }}},
	} {
		t.Run(name, func(t *testing.T) {
			last := plain[c.measure]
			var values []float64
			for _, step := range c.steps {
				got := b.means(t, step)[c.measure]
				values = append(values, math.Round(got))
				assert.Less(t, got, last)
				last = got
			}
			t.Logf("%s: %.0f, then %v", c.measure, plain[c.measure], values)
			assert.Less(t, last, plain[c.measure]-c.fall)
		})
	}
}

func TestNoFaceIsOneComponent(t *testing.T) {
	for _, main := range []int{-1, 0} {
		got, err := NewAssessor(nil).Assess(t.Context(), imaging.NewRaster(40, 40), nil, main, IDPhoto)
		require.NoError(t, err)
		assert.Equal(t, Retake, got.Verdict)
		require.Len(t, got.Components, 1)
		assert.Equal(t, SingleFacePresent, got.Components[0].Measure)
		assert.Contains(t, got.Components[0].Advice, "No face")
	}
	// A detection of nothing, as bad models give.
	got, err := NewAssessor(nil).Assess(t.Context(), imaging.NewRaster(40, 40), []face.Detection{{}}, 0, Gate)
	require.NoError(t, err)
	assert.Len(t, got.Components, 1)
}

func TestAssessRefuses(t *testing.T) {
	_, err := NewAssessor(nil).Assess(t.Context(), &imaging.Raster{Width: 2, Height: 2}, nil, 0, Selfie)
	require.Error(t, err)
	_, err = NewAssessor(nil).Assess(t.Context(), imaging.NewRaster(9, 9), nil, -1, 7)
	require.ErrorContains(t, err, "profile 7")
	_, err = NewAssessor(nil).Assess(t.Context(), imaging.NewRaster(9, 9), []face.Detection{{}}, 1, Gate)
	require.ErrorContains(t, err, "face 1 of 1")
}

// portrait is a flat picture with a face of the given eye distance drawn by its landmarks alone.
func portrait(width, height int, x, y, eyes float32) (*imaging.Raster, face.Detection) {
	r := imaging.NewRaster(width, height)
	for i := range r.Pix {
		r.Pix[i] = 128
	}
	return r, face.Detection{Box: face.Box{X: x - eyes, Y: y - 0.8*eyes, W: 2 * eyes, H: 2.6 * eyes}, Score: 1, Landmarks: [5]face.Point{
		{X: x - eyes/2, Y: y}, {X: x + eyes/2, Y: y}, {X: x, Y: y + 0.567*eyes}, {X: x - 0.473*eyes, Y: y + 1.024*eyes}, {X: x + 0.473*eyes, Y: y + 1.024*eyes}}}
}

func component(t require.TestingT, a Assessment, m Measure) Component {
	i := slices.IndexFunc(a.Components, func(c Component) bool { return c.Measure == m })
	require.GreaterOrEqual(t, i, 0, "no %s", m)
	return a.Components[i]
}

func TestGeometryByHand(t *testing.T) {
	r, d := portrait(600, 800, 300, 300, 100)
	a, err := NewAssessor(nil).Assess(t.Context(), r, []face.Detection{d}, 0, Selfie)
	require.NoError(t, err)
	assert.InDelta(t, 100, component(t, a, InterEyeDistance).Native, 0.5)
	assert.Equal(t, 82, component(t, a, InterEyeDistance).Value, "the standard's sigmoid of 100 pixels")
	assert.InDelta(t, 2*1.75*102.4/800, component(t, a, HeadSize).Native, 0.01)
	assert.InDelta(t, 0, component(t, a, HeadPoseYaw).Native, 0.5)
	assert.Equal(t, 100, component(t, a, SingleFacePresent).Value)
	assert.Equal(t, Accept, component(t, a, Margin).Verdict)
	assert.Equal(t, 100, component(t, a, OverexposurePrevention).Value)
	assert.Equal(t, 0, component(t, a, DynamicRange).Value, "one grey has no range")
	assert.Equal(t, Retake, a.Verdict)

	second := d
	second.Box.W /= 2
	a, err = NewAssessor(nil).Assess(t.Context(), r, []face.Detection{second, d}, 1, Selfie)
	require.NoError(t, err)
	assert.Equal(t, 50, component(t, a, SingleFacePresent).Value)
	assert.Contains(t, component(t, a, SingleFacePresent).Advice, "Another face")

	r, d = portrait(600, 800, 60, 300, 100)
	a, err = NewAssessor(nil).Assess(t.Context(), r, []face.Detection{d}, 0, Selfie)
	require.NoError(t, err)
	assert.Equal(t, Retake, component(t, a, Margin).Verdict)
}

// Whatever the landmarks are, every component is within bounds, in order, and has advice exactly when it is not accepted.
func TestAssessmentsAreWellFormed(t *testing.T) {
	r := imaging.NewRaster(120, 90)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range r.Pix {
		r.Pix[i] = byte(rng.UintN(256))
	}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.Float32Range(-50, 200)
		d := face.Detection{Box: face.Box{X: c.Draw(t, "x"), Y: c.Draw(t, "y"), W: c.Draw(t, "w"), H: c.Draw(t, "h")}}
		for i := range d.Landmarks {
			d.Landmarks[i] = face.Point{X: c.Draw(t, "px"), Y: c.Draw(t, "py")}
		}
		p := Profile(rapid.IntRange(1, 3).Draw(t, "profile"))
		a, err := NewAssessor(nil).Assess(context.Background(), r, []face.Detection{d}, 0, p)
		require.NoError(t, err)
		require.True(t, a.Score >= 0 && a.Score <= 100)
		worst := Accept
		for i, c := range a.Components {
			require.True(t, c.Value >= 0 && c.Value <= 100, "%+v", c)
			require.Equal(t, c.Verdict == Accept, c.Advice == "", "%+v", c)
			require.False(t, math.IsNaN(float64(c.Native)), "%+v", c)
			worst = max(worst, c.Verdict)
			if i > 0 {
				require.Greater(t, c.Measure, a.Components[i-1].Measure)
			}
		}
		require.Equal(t, worst, a.Verdict)
	})
}

func TestProfilesHaveNames(t *testing.T) {
	for p := IDPhoto; p <= Gate; p++ {
		got, err := ParseProfile(p.String())
		require.NoError(t, err)
		assert.Equal(t, p, got)
		assert.Len(t, bars[p], int(Margin), "a bar for every measure of %s", p)
		for m, b := range bars[p] {
			assert.GreaterOrEqual(t, b.accept, b.retake, "%s %s", p, m)
		}
	}
	_, err := ParseProfile("passport")
	require.ErrorContains(t, err, "id-photo, selfie or gate")
}
