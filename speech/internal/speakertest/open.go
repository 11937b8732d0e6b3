package speakertest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/speech/speaker"
)

// Embedded is the catalogue id of the network.
const Embedded = "speaker-embedding-embedded"

// Open returns the embedder on one CPU thread; it lives as long as the test. change may be nil.
func Open(tb testing.TB, change func(*models.Entry)) *speaker.Embedder {
	tb.Helper()
	catalog, err := models.Builtin()
	require.NoError(tb, err)
	store, err := models.Open(catalog, tb.TempDir())
	require.NoError(tb, err)
	artifact, err := store.Resolve(Embedded)
	require.NoError(tb, err)
	if change != nil {
		change(&artifact.Entry)
	}
	backend, err := onnx.NewBackend(onnx.Config{})
	if err != nil {
		tb.Skipf("needs ONNX Runtime: %v", err)
	}
	x, err := backend.Open(context.Background(), artifact, pipeline.Options{Device: "cpu", IntraThreads: 1})
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = x.Close() })
	m, err := speaker.New(x, artifact.Entry)
	require.NoError(tb, err)
	return m
}
