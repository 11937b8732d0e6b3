package active_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness/active"
	"github.com/courtsense/courtsense/vision/liveness/active/activetest"
)

// published are the models that measure frames in these tests: those whose landmarks tell every action that is asked for.
type published struct {
	meter      *active.Meter
	actions    []active.Action
	thresholds active.Thresholds
}

func open(t testing.TB, store *models.Store, backend *onnx.Backend, id string) (pipeline.Executor, models.Entry) {
	t.Helper()
	artifact, err := store.Resolve(id)
	if errors.Is(err, models.ErrUnavailable) {
		t.Skip(err)
	}
	require.NoError(t, err)
	x, err := backend.Open(t.Context(), artifact, pipeline.Options{Device: "cpu", IntraThreads: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	return x, artifact.Entry
}

// openStore opens the published weights, and skips where they or the runtime are absent.
func openStore(t testing.TB) (*models.Store, *onnx.Backend) {
	t.Helper()
	store, err := models.Open(nil, testinput.SharedModels(t, "face/yunet_n_dynamic.onnx", "face/mobilefacenet.onnx", "face/pfld_ghostone_98pt.onnx"))
	require.NoError(t, err)
	if _, _, err := onnx.FindLibrary(""); err != nil {
		t.Skip(err)
	}
	backend, err := onnx.NewBackend(onnx.Config{})
	require.NoError(t, err)
	return store, backend
}

func openPublished(t testing.TB) published {
	t.Helper()
	return openModels(t, "face-detect-yunet-n", "face-landmarks-pfld-98", "face-embedding-mobilefacenet")
}

func openModels(t testing.TB, detector, landmarks, embedding string) published {
	t.Helper()
	store, backend := openStore(t)
	p := published{}
	x, e := open(t, store, backend, detector)
	d, err := face.NewDetector(x, e)
	require.NoError(t, err)
	x, e = open(t, store, backend, embedding)
	m, err := face.NewEmbedder(x, e)
	require.NoError(t, err)
	x, e = open(t, store, backend, landmarks)
	l, err := face.NewLandmarker(x, e)
	require.NoError(t, err)
	p.actions, p.thresholds, err = active.Tells(e)
	require.NoError(t, err)
	p.meter = &active.Meter{Detector: d, Landmarker: l, Embedder: m, Refine: e.Parameters.Bool("aligns", true)}
	return p
}

func decode(ctx context.Context, content []byte) (*imaging.Raster, error) {
	r, _, err := codec.Decode(ctx, content, imaging.DefaultLimits())
	return r, err
}

// frameSize is the side of drawn frames: a face of 130 px on one as small as a slow link carries.
const frameSize = 320

// puppet makes a puppet of a portrait.
func (p published) puppet(t testing.TB, file string) (*activetest.Puppet, error) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	r, err := decode(t.Context(), content)
	require.NoError(t, err)
	found, err := p.meter.Detector.Detect(t.Context(), r, face.DetectOptions{})
	require.NoError(t, err)
	at := face.Main(found, r.Width, r.Height)
	if at < 0 {
		return nil, errors.New("no face is found on the portrait")
	}
	mesh, err := p.meter.Landmarker.Locate(t.Context(), r, found[at])
	require.NoError(t, err)
	return activetest.NewPuppet(r, mesh.Points, frameSize)
}

// The cosines that strangers reach in 1 of 1,000 and 1 of 100 comparisons (models/embedded/calibration).
const (
	sameAtRest   = 0.3347
	sameInMotion = 0.2520
)

func TestTheSuiteOnPictures(t *testing.T) {
	if testing.Short() {
		t.Skip("draws and measures some 1,500 pictures")
	}
	p := openPublished(t)
	a, err := p.puppet(t, testinput.Testdata(t, "faces", "astronaut.jpg"))
	require.NoError(t, err)
	b, err := p.puppet(t, testinput.SharedData(t, "images/image_T1.jpg")+"/images/image_T1.jpg")
	require.NoError(t, err)
	people := map[string]*activetest.Puppet{"A": a, "B": b}
	for _, s := range scripts(t) {
		if s.FPS > 20 {
			continue // more frames show nothing more, and take minutes
		}
		t.Run(s.Name, func(t *testing.T) {
			stage := activetest.NewPictures(p.meter, people, decode, 1)
			played, err := s.Play(stage, activetest.Settings{Seed: 1, Thresholds: p.thresholds, Same: sameAtRest, SameMoving: sameInMotion})
			require.NoError(t, err)
			t.Logf("%s after %v: %d frames, said %q, steps %+v", played.Outcome.Verdict, played.Outcome.Duration, played.Shots, played.Said, played.Outcome.Steps)
			require.Contains(t, s.Expect, played.Outcome.Reason, s.About)
		})
	}
}
