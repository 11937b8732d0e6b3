package onnx_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// residentMemory returns the process's resident set in bytes, without what the garbage collector has not come to yet.
func residentMemory(t *testing.T) int64 {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc/self/statm, which only Linux has")
	}
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}

// TestUnloadGivesTheMemoryBack loads, uses and unloads models 200 times. Memory that stays with the process is the
// complaint that inference servers hear most.
func TestUnloadGivesTheMemoryBack(t *testing.T) {
	if testing.Short() {
		t.Skip("200 load and unload cycles; the race detector's own memory would hide what they show")
	}
	t.Run("committed", func(t *testing.T) { cycles(t, ownStore(t), "test-picture") })
	t.Run("served", func(t *testing.T) {
		store, err := models.Open(nil, testinput.SharedModels(t, "face/yunet_n_dynamic.onnx"))
		require.NoError(t, err)
		cycles(t, store, "face-detect-yunet-n")
	})
}

// cycles compares what is resident after the cycles at the beginning, when all that is kept on purpose is there, with what is after those at
// the end. The medians count: a single reading may fall into what another thread of the process does.
func cycles(t *testing.T, store *models.Store, id string) {
	const total, settled, compared = 200, 20, 30
	e := newEngine(t, store, pipeline.EngineConfig{Device: "cpu", IntraThreads: 2})
	rng := rand.New(rand.NewPCG(1, 2))
	ctx := context.Background()
	var unloaded []int64
	for i := range total {
		require.NoError(t, e.Load(ctx, id))
		loaded := residentMemory(t)
		m, err := e.Model(id)
		require.NoError(t, err)
		_, err = m.Run(ctx, randomInput(rng, m.Entry(), m.Signature()))
		require.NoError(t, err)
		require.NoError(t, e.Unload(ctx, id))
		rss := residentMemory(t)
		unloaded = append(unloaded, rss)
		if i == 0 || i == settled || (i+1)%50 == 0 {
			t.Logf("cycle %3d: %.1f MB loaded, %.1f MB unloaded", i+1, float64(loaded)/1e6, float64(rss)/1e6)
		}
	}
	median := func(of []int64) float64 {
		sorted := slices.Sorted(slices.Values(of))
		return float64(sorted[len(sorted)/2])
	}
	first, last := median(unloaded[settled:settled+compared]), median(unloaded[total-compared:])
	t.Logf("cycles %d to %d: %.1f MB, %d to %d: %.1f MB (%+.1f %%)", settled+1, settled+compared, first/1e6, total-compared+1, total, last/1e6, 100*(last-first)/first)
	require.LessOrEqual(t, last, 1.10*first)
}
