package acoustic

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

const embedded = "speech-recognition-embedded"

// The folders in testdata, written by models/training/speech/tiny_transducer.py, and their copies with 8-bit products.
var folders = []string{"zipformer", "zipformer2", "ctc", "zipformer-int8", "zipformer2-int8", "ctc-int8"}

func isCTC(id string) bool { return id == embedded || strings.HasPrefix(id, "ctc") }

// openStore puts the folders into a store as a user would.
func openStore(tb testing.TB) *models.Store {
	tb.Helper()
	dir := tb.TempDir()
	for _, id := range folders {
		source, quantised := strings.CutSuffix(id, "-int8")
		names, err := filepath.Glob(filepath.Join("testdata", source, "*"))
		require.NoError(tb, err)
		require.NoError(tb, os.Mkdir(filepath.Join(dir, id), 0o755))
		for _, name := range names {
			if strings.Contains(name, ".int8") && !quantised {
				continue
			}
			raw, err := os.ReadFile(name)
			require.NoError(tb, err)
			require.NoError(tb, os.WriteFile(filepath.Join(dir, id, filepath.Base(name)), raw, 0o644))
		}
	}
	store, err := models.Open(nil, dir)
	require.NoError(tb, err)
	return store
}

func backend(tb testing.TB) *onnx.Backend {
	tb.Helper()
	b, err := onnx.NewBackend(onnx.Config{})
	if err != nil {
		tb.Skipf("needs ONNX Runtime: %v", err)
	}
	return b
}

// networks opens an artifact's networks on one CPU thread; they live as long as the test.
func networks(tb testing.TB, a models.Artifact) Networks {
	tb.Helper()
	all := Networks{}
	for _, role := range a.Entry.Networks() {
		x, err := backend(tb).Open(context.Background(), a, pipeline.Options{Device: "cpu", IntraThreads: 1, Role: role})
		require.NoError(tb, err)
		tb.Cleanup(func() { _ = x.Close() })
		all[role] = x
	}
	return all
}

func open(tb testing.TB, store *models.Store, id string) *Model {
	tb.Helper()
	a, err := store.Resolve(id)
	require.NoError(tb, err)
	tokens, err := a.Bytes(models.RoleTokens)
	require.NoError(tb, err)
	m, err := New(context.Background(), a.Entry, networks(tb, a), tokens)
	require.NoError(tb, err)
	return m
}

// sample returns the committed recording in -1..1.
func sample(tb testing.TB) []float32 {
	tb.Helper()
	raw, err := os.ReadFile(testinput.Testdata(tb, "speech", "court-zh-16k.wav"))
	require.NoError(tb, err)
	raw = raw[44:]
	pcm := make([]float32, len(raw)/2)
	for i := range pcm {
		pcm[i] = float32(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / 32768
	}
	return pcm
}

// read returns all rows of a sound, cut as told.
func read(tb require.TestingT, m *Model, pcm []float32, cut func(left int) int) [][]float32 {
	s, err := m.NewStream()
	require.NoError(tb, err)
	return readOn(tb, s, pcm, cut)
}

func readOn(tb require.TestingT, s *Stream, pcm []float32, cut func(left int) int) (rows [][]float32) {
	ctx := context.Background()
	for len(pcm) > 0 {
		n := cut(len(pcm))
		more, err := s.Push(ctx, pcm[:n])
		require.NoError(tb, err)
		rows = append(rows, more...)
		pcm = pcm[n:]
	}
	more, err := s.Flush(ctx)
	require.NoError(tb, err)
	return append(rows, more...)
}

func whole(left int) int { return left }

// expected reads rows of little-endian float32.
func expected(tb testing.TB, path string, width int) [][]float32 {
	tb.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(tb, err)
	rows := make([][]float32, len(raw)/4/width)
	for i := range rows {
		rows[i] = make([]float32, width)
		for k := range rows[i] {
			rows[i][k] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*(i*width+k):]))
		}
	}
	return rows
}
