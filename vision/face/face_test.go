package face

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served returns the ids of the built-in catalogue's face detectors.
func served(tb testing.TB) []string {
	tb.Helper()
	catalog, err := models.Builtin()
	require.NoError(tb, err)
	var ids []string
	for _, e := range catalog.Task(models.TaskFaceDetection) {
		ids = append(ids, e.ID)
	}
	return ids
}

// open opens a detector's model by its catalogue id from the shared or embedded weights, and skips where these or the
// runtime are absent.
func open(tb testing.TB, id string) (pipeline.Executor, models.Entry) {
	tb.Helper()
	store, err := models.Open(nil, testinput.SharedModels(tb))
	require.NoError(tb, err)
	artifact, err := store.Resolve(id)
	if errors.Is(err, models.ErrUnavailable) {
		tb.Skip(err)
	}
	require.NoError(tb, err)
	if _, _, err := onnx.FindLibrary(""); err != nil {
		tb.Skip(err)
	}
	backend, err := onnx.NewBackend(onnx.Config{})
	require.NoError(tb, err)
	x, err := backend.Open(context.Background(), artifact, pipeline.Options{Device: "cpu", IntraThreads: 1})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, x.Close()) })
	return x, artifact.Entry
}

func yunet(tb testing.TB) (*Detector, pipeline.Executor) {
	tb.Helper()
	x, entry := open(tb, "face-detect-yunet-n")
	d, err := NewDetector(x, entry)
	require.NoError(tb, err)
	return d, x
}

// portraits returns every step-th picture of LFW's evaluation folds, n at most: 250x250 px, the main face in the middle.
func portraits(tb testing.TB, n, step int) map[string]*imaging.Raster {
	tb.Helper()
	f, err := os.Open(filepath.Join(testinput.SharedData(tb, "faces/lfw-dev.tar"), "faces/lfw-dev.tar"))
	require.NoError(tb, err)
	defer f.Close()
	out := map[string]*imaging.Raster{}
	in := tar.NewReader(f)
	for i := 0; len(out) < n; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(tb, err)
		if filepath.Ext(h.Name) != ".jpg" {
			continue
		}
		if i++; i%step != 0 {
			continue
		}
		b, err := io.ReadAll(in)
		require.NoError(tb, err)
		r, _, err := codec.Decode(context.Background(), b, imaging.DefaultLimits())
		require.NoError(tb, err)
		out[filepath.Base(h.Name)] = r
	}
	require.NotEmpty(tb, out)
	return out
}
