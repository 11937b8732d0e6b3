package benchmarks

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

// served are a heavy picture model and a light recurrent one; the embedded one runs where no weights were pulled.
var served = []string{"face-detect-yunet-n", "vad-silero-16k", "vad-embedded"}

func engineConfig(tb testing.TB, id string) EngineConfig {
	tb.Helper()
	if _, _, err := onnx.FindLibrary(""); err != nil {
		tb.Skip(err)
	}
	backend, err := onnx.NewBackend(onnx.Config{})
	require.NoError(tb, err)
	dir := ""
	if id != "vad-embedded" {
		dir = testinput.SharedModels(tb)
	}
	store, err := models.Open(nil, dir)
	require.NoError(tb, err)
	if _, err := store.Resolve(id); err != nil {
		tb.Skip(err)
	}
	return EngineConfig{Store: store, Backend: backend, Model: id}
}

// BenchmarkEngine reports the engine's rate as a share of the bare loop's. Each iteration is one round of both, so
// "-benchtime 9x" takes the median of nine.
func BenchmarkEngine(b *testing.B) {
	for _, id := range served {
		for _, threads := range []struct{ intra, instances int }{{0, 1}, {1, 1}, {1, 2}} {
			for _, batch := range []int{1, 2, 4, 8, 16} {
				for _, callers := range []int{1, 4, 16, 64} {
					name := fmt.Sprintf("%s/intra=%d/instances=%d/batch=%d/callers=%d", id, threads.intra, threads.instances, batch, callers)
					b.Run(name, func(b *testing.B) {
						cfg := engineConfig(b, id)
						cfg.IntraThreads, cfg.Instances = threads.intra, threads.instances
						d, err := newDuel(context.Background(), cfg.withDefaults(), batch)
						require.NoError(b, err)
						defer func() { require.NoError(b, d.close()) }()
						if d.batch < batch {
							b.Skip("the graph is not dynamic")
						}
						r, err := d.measure(context.Background(), callers, b.N, 200*time.Millisecond)
						require.NoError(b, err)
						b.ReportMetric(r.Ratio, "engine/bare")
						b.ReportMetric(r.CPURatio, "cpu-bare/engine")
						b.ReportMetric(r.EngineRate, "rows/s")
						b.ReportMetric(r.MeanBatch, "rows/run")
						b.ReportMetric(0, "ns/op") // a round's length says nothing
					})
				}
			}
		}
	}
}

// BenchmarkEngineOverhead reports what a lone call costs over the bare run.
func BenchmarkEngineOverhead(b *testing.B) {
	for _, id := range served {
		b.Run(id, func(b *testing.B) {
			o, err := MeasureEngineOverhead(context.Background(), engineConfig(b, id), max(b.N, 200))
			require.NoError(b, err)
			b.ReportMetric(float64(o.Overhead.Nanoseconds())/1e3, "overhead-us")
			b.ReportMetric(float64(o.Bare.Nanoseconds())/1e3, "bare-us")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// The harness itself must work, and count what it says.
func TestEngineVersusBare(t *testing.T) {
	for _, id := range []string{"vad-silero-16k", "vad-embedded"} {
		t.Run(id, func(t *testing.T) {
			cfg := engineConfig(t, id)
			cfg.Batches, cfg.Callers, cfg.Rounds, cfg.Window = []int{1, 4}, []int{1, 8}, 1, 20*time.Millisecond
			results, err := EngineVersusBare(context.Background(), cfg)
			require.NoError(t, err)
			require.NotEmpty(t, results)
			for _, r := range results {
				require.Positive(t, r.BareRate)
				require.Positive(t, r.EngineRate)
				require.Positive(t, r.Ratio)
				require.GreaterOrEqual(t, r.MeanBatch, 1.0)
				require.LessOrEqual(t, r.MeanBatch, float64(r.Batch))
			}
			o, err := MeasureEngineOverhead(context.Background(), cfg, 50)
			require.NoError(t, err)
			require.Positive(t, o.Bare)
		})
	}
}
