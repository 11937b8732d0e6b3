package liveness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/vision/face"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a catalogue entry's model, and skips where it or the runtime is absent.
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

// published is the ensemble of the published models.
func published(t *testing.T) []Member {
	t.Helper()
	var ensemble []Member
	for _, id := range []string{"face-liveness-minifasnet-v2", "face-liveness-minifasnet-v1se"} {
		x, e := open(t, id)
		ensemble = append(ensemble, Member{x, e})
	}
	return ensemble
}

// truth is what the publisher says of its three example pictures.
var truth = map[string]Verdict{"image_T1.jpg": Live, "image_F1.jpg": Attack, "image_F2.jpg": Attack}

func examples(t *testing.T) map[string]Frame {
	t.Helper()
	dir := testinput.SharedData(t, "images/image_T1.jpg", "images/image_F1.jpg", "images/image_F2.jpg")
	x, e := open(t, "face-detect-yunet-n")
	d, err := face.NewDetector(x, e)
	require.NoError(t, err)
	out := map[string]Frame{}
	for name := range truth {
		b, err := os.ReadFile(filepath.Join(dir, "images", name))
		require.NoError(t, err)
		r, _, err := codec.Decode(t.Context(), b, imaging.DefaultLimits())
		require.NoError(t, err)
		faces, err := d.Detect(t.Context(), r, face.DetectOptions{})
		require.NoError(t, err)
		require.NotEmpty(t, faces, name)
		out[name] = Frame{r, faces[face.Main(faces, r.Width, r.Height)]}
	}
	return out
}

func TestThePublishersExamplesComeOutRight(t *testing.T) {
	c, err := NewChecker(published(t))
	require.NoError(t, err)
	frames := examples(t)
	for name, want := range truth {
		got, err := c.Check(t.Context(), []Frame{frames[name]})
		require.NoError(t, err)
		t.Logf("%s: %s, score %.3f", name, got.Verdict, got.Score)
		assert.Equal(t, want, got.Verdict, name)
		// The same person again and again is decided the same.
		many, err := c.Check(t.Context(), []Frame{frames[name], frames[name], frames[name]})
		require.NoError(t, err)
		assert.Equal(t, want, many.Verdict)
		assert.InDelta(t, got.Score, many.Score, 1e-6)
	}
	mixed, err := c.Check(t.Context(), []Frame{frames["image_T1.jpg"], frames["image_F2.jpg"]})
	require.NoError(t, err)
	assert.Equal(t, Undecided, mixed.Verdict)
	assert.Contains(t, mixed.Reason, "disagree")
}

// shared keeps a batcher from closing an executor that the test owns.
type shared struct{ pipeline.Executor }

func (shared) Close() error { return nil }

// Frames checked while others are do not depend on them, for every served model.
func TestNeighboursNeverChangeAScore(t *testing.T) {
	catalog, err := models.Builtin()
	require.NoError(t, err)
	frames := examples(t)
	for _, e := range catalog.Task(models.TaskFaceLiveness) {
		t.Run(e.ID, func(t *testing.T) {
			x, entry := open(t, e.ID)
			alone, err := NewChecker([]Member{{x, entry}})
			require.NoError(t, err)
			b := pipeline.NewBatcher(shared{x}, pipeline.BatchConfig{Model: entry.ID, MaxBatch: max(entry.Batch.Max, 1), MaxDelay: 20 * time.Millisecond, Instances: 2, QueueLimit: 1000})
			t.Cleanup(func() { require.NoError(t, b.Close()) })
			batched, err := NewChecker([]Member{{b, entry}})
			require.NoError(t, err)
			for name, f := range frames {
				want, err := alone.Check(t.Context(), []Frame{f})
				require.NoError(t, err)
				var wg sync.WaitGroup
				got, errs := make([]Result, 12), make([]error, 12)
				for i := range got {
					wg.Go(func() {
						if i%3 == 0 {
							got[i], errs[i] = batched.Check(t.Context(), []Frame{f})
							return
						}
						for _, other := range frames {
							_, errs[i] = batched.Check(t.Context(), []Frame{other})
						}
					})
				}
				wg.Wait()
				for i := range got {
					require.NoError(t, errs[i])
					if i%3 == 0 {
						assert.InDelta(t, want.Score, got[i].Score, 1e-5, name)
					}
				}
			}
		})
	}
}
