package vadtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/speech/vad"
)

// The catalogue ids of the detectors that are tested with their real weights.
const (
	Silero   = "vad-silero-16k"
	Embedded = "vad-embedded"
)

// Open returns the detector and its executor, which lives as long as the test. It runs on one CPU thread.
func Open(tb testing.TB, id string) (*vad.VAD, pipeline.Executor) {
	tb.Helper()
	catalog, err := models.Builtin()
	require.NoError(tb, err)
	entry, err := catalog.Entry(id)
	require.NoError(tb, err)
	dir := tb.TempDir()
	if !entry.Embedded {
		dir = testinput.SharedModels(tb, entry.Files[0].Path)
	}
	store, err := models.Open(catalog, dir)
	require.NoError(tb, err)
	artifact, err := store.Resolve(id)
	require.NoError(tb, err)
	backend, err := onnx.NewBackend(onnx.Config{})
	if err != nil {
		tb.Skipf("needs ONNX Runtime: %v", err)
	}
	x, err := backend.Open(context.Background(), artifact, pipeline.Options{Device: "cpu", IntraThreads: 1})
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = x.Close() })
	v, err := vad.New(x, entry)
	require.NoError(tb, err)
	return v, x
}
