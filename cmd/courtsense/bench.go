package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/benchmarks"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

func newBenchCommand() *cobra.Command {
	var asJSON bool
	var ids []string
	var batches, callers []int
	var rounds int
	var window time.Duration
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the engine against a bare ONNX Runtime loop",
		Long: `Measures how much of a bare ONNX Runtime loop's throughput the engine reaches, with batching, queueing and all, on the same
model in the same process, both taking turns. The ratio counts; the rates are this machine's at this moment.`,
		Example: `  courtsense bench
  courtsense bench --model vad-silero-16k --batch 1,8 --callers 1,16 --rounds 9`,
		Args: cobra.NoArgs,
	}
	flags := addConfigFlags(cmd, "config", "set", "models")
	set := cmd.Flags()
	set.BoolVar(&asJSON, "json", false, "print JSON")
	set.StringSliceVar(&ids, "model", nil, "models to measure, by id (default: the active ones of face-detection and voice-activity)")
	set.IntSliceVar(&batches, "batch", nil, "largest batches to try (default 1,2,4,8,16)")
	set.IntSliceVar(&callers, "callers", nil, "numbers of concurrent callers (default 1,4,16,64)")
	set.IntVar(&rounds, "rounds", 0, "rounds, of which the median counts (default 5)")
	set.DurationVar(&window, "window", 0, "length of each half of a round (default 200ms)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if rounds < 0 || window < 0 || slices.ContainsFunc(slices.Concat(batches, callers), func(n int) bool { return n < 1 || n > 1024 }) {
			return usagef("--batch and --callers go from 1 to 1024, --rounds and --window are not negative")
		}
		c := newConsole(cmd)
		loaded, err := loadConfig(flags)
		if err != nil {
			return err
		}
		store, err := models.Open(nil, loaded.Models.Dir, models.WithLogger(c.logger()))
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			ids = activeModels(store, models.TaskFaceDetection, models.TaskVoiceActivity)
		}
		if len(ids) == 0 {
			return errors.New("there is no model to measure: 'courtsense models pull' fetches some")
		}
		backend, err := onnx.NewBackend(onnx.Config{Library: loaded.ONNXRuntime.Library, Logger: c.logger()})
		if err != nil {
			return err
		}
		return bench(cmd.Context(), c, benchmarks.EngineConfig{
			Store: store, Backend: backend, Batches: batches, Callers: callers, Rounds: rounds, Window: window,
			IntraThreads: loaded.Models.IntraThreads,
		}, ids, asJSON)
	}
	cmd.AddCommand(newBenchFaceCommand(), newBenchASRCommand())
	return cmd
}

func activeModels(s *models.Store, tasks ...string) []string {
	var ids []string
	for _, task := range tasks {
		if a, err := s.Select(task); err == nil {
			ids = append(ids, a.Entry.ID)
		}
	}
	return ids
}

// benchJSON is a model's part of "bench --json"; docs/cli.md describes it.
type benchJSON struct {
	Model          string      `json:"model"`
	OverheadMicros float64     `json:"overhead_us"`
	BareMicros     float64     `json:"bare_us"`
	Engine         []benchRate `json:"engine"`
}

type benchRate struct {
	Batch      int     `json:"batch"`
	Callers    int     `json:"callers"`
	BareRate   float64 `json:"bare_per_second"`
	EngineRate float64 `json:"engine_per_second"`
	Ratio      float64 `json:"ratio"`
	CPURatio   float64 `json:"cpu_ratio"`
	MeanBatch  float64 `json:"mean_batch"`
}

func bench(ctx context.Context, c *console, cfg benchmarks.EngineConfig, ids []string, asJSON bool) error {
	out := make([]benchJSON, 0, len(ids))
	for _, id := range ids {
		cfg.Model = id
		c.status("measuring %s ...", id)
		overhead, err := benchmarks.MeasureEngineOverhead(ctx, cfg, 500)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		results, err := benchmarks.EngineVersusBare(ctx, cfg)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		m := benchJSON{Model: id, OverheadMicros: micros(overhead.Overhead), BareMicros: micros(overhead.Bare), Engine: []benchRate{}}
		for _, r := range results {
			m.Engine = append(m.Engine, benchRate{r.Batch, r.Callers, r.BareRate, r.EngineRate, r.Ratio, r.CPURatio, r.MeanBatch})
		}
		out = append(out, m)
		c.erase()
		if !asJSON {
			if err := printBench(c.out, m); err != nil {
				return err
			}
		}
	}
	if asJSON {
		return writeJSON(c.out, map[string]any{"models": out})
	}
	return nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func printBench(w io.Writer, m benchJSON) error {
	fmt.Fprintf(w, "%s\n  a lone call: %.0f us bare, the engine adds %.0f us\n", m.Model, m.BareMicros, m.OverheadMicros)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "  batch\tcallers\tbare/s\tengine/s\tratio\tratio by CPU time\tmean batch\t")
	for _, r := range m.Engine {
		fmt.Fprintf(t, "  %d\t%d\t%.0f\t%.0f\t%.3f\t%.3f\t%.1f\t\n", r.Batch, r.Callers, r.BareRate, r.EngineRate, r.Ratio, r.CPURatio, r.MeanBatch)
	}
	return t.Flush()
}
