//go:build unix

package search_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/vision/gallery/search"
)

// envRows adds an index of so many rows to the benchmarks: 1000000 needs 3 GB.
const envRows = "GALLERY_BENCH_ROWS"

// BenchmarkNearest finds the best 5 of strangers, who are the hard case: nobody stands out. Beside the time a search it
// reports its median and 99th percentile, and, run in turn with it, the same product through the bare runtime: as float32,
// matrix and query as they are (bare-f32), and the ratio of the medians. cpu-ms is the processor time of the median search,
// which depends little on what else the machine does.
func BenchmarkNearest(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if n, err := strconv.Atoi(os.Getenv(envRows)); err == nil {
		sizes = []int{n}
	}
	const dimensions = 512
	backend, err := onnx.NewBackend(onnx.Config{})
	if err != nil {
		b.Skip(err)
	}
	for _, rows := range sizes {
		engine, err := search.NewEngine(b.Context(), backend, "cpu")
		require.NoError(b, err)
		x := search.NewIndex(search.Config{Dimensions: dimensions, Searcher: engine})
		rng := rand.New(rand.NewPCG(1, 2))
		matrix := make([]float32, 0, rows*dimensions)
		for i := range rows {
			v := unit(rng, dimensions)
			require.NoError(b, x.Add(int32(i), v))
			if rows <= 100_000 {
				matrix = append(matrix, v...)
			}
		}
		require.NoError(b, x.Settle(b.Context()))
		queries := make([][]float32, 64)
		for i := range queries {
			queries[i] = unit(rng, dimensions)
		}
		b.Run(fmt.Sprintf("rows=%d/callers=1", rows), func(b *testing.B) {
			dot, err := backend.OpenBytes(b.Context(), "bare", search.FloatGraph(dimensions), pipeline.Options{Device: "cpu"})
			require.NoError(b, err)
			var ours, bare, cpu []time.Duration
			for b.Loop() {
				query := queries[len(ours)%len(queries)]
				before, start := processor(b), time.Now()
				_, err := x.Nearest(b.Context(), query, 5, nil)
				ours, cpu = append(ours, time.Since(start)), append(cpu, processor(b)-before)
				require.NoError(b, err)
				if len(matrix) == 0 {
					continue
				}
				b.StopTimer()
				start = time.Now()
				_, err = dot.Run(b.Context(), pipeline.Tensors{
					"x": {Shape: []int64{int64(rows), dimensions}, Float32: matrix}, "q": {Shape: []int64{1, dimensions}, Float32: query},
				})
				bare = append(bare, time.Since(start))
				require.NoError(b, err)
				b.StartTimer()
			}
			slices.Sort(ours)
			slices.Sort(cpu)
			b.ReportMetric(percentile(cpu, 50), "cpu-ms")
			b.ReportMetric(percentile(ours, 50), "p50-ms")
			b.ReportMetric(percentile(ours, 99), "p99-ms")
			if len(bare) > 0 {
				slices.Sort(bare)
				b.ReportMetric(percentile(bare, 50), "bare-f32-p50-ms")
				b.ReportMetric(percentile(bare, 50)/percentile(ours, 50), "bare/ours")
			}
			require.NoError(b, dot.Close())
		})
		b.Run(fmt.Sprintf("rows=%d/callers=32", rows), func(b *testing.B) {
			var n atomic.Int64
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := x.Nearest(b.Context(), queries[int(n.Add(1))%len(queries)], 5, nil); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
		require.NoError(b, x.Close())
		require.NoError(b, engine.Close())
	}
}

// processor returns the time that this process has had.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func percentile(sorted []time.Duration, p int) float64 {
	return float64(sorted[(len(sorted)-1)*p/100]) / float64(time.Millisecond)
}
