package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/internal/version"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/vision/face"
)

func newEvalCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "eval",
		Short: "Measure accuracy and speed on a folder with known answers",
		Long: `Measures how well and how fast the models read pages and compare faces: error rates with their 95 % intervals, speed, and
exactly which models gave the results. Files that can't be used are counted and named, never left out in silence.
docs/accuracy.md explains the measures and the folders.

--raw writes every single output as a JSON line. --score computes the report from such a file again, which may come from
another system.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newEvalOCRCommand(), newEvalOrientCommand(), newEvalFaceCommand(),
		unmeasured("asr", "speech recognition", "no speech recogniser is served yet, only voice activity detection"))
	return c
}

// unmeasured is a measurement whose model does not exist yet: it says so instead of giving figures.
func unmeasured(name, what, why string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name + " DIR",
		Short: fmt.Sprintf("Measure %s (nothing to measure yet)", what),
		RunE: func(*cobra.Command, []string) error {
			return usagef("eval %s: %s, so there is nothing to measure", name, why)
		},
	}
	cmd.FParseErrWhitelist.UnknownFlags = true
	return cmd
}

// evalFlags are common to all measurements.
type evalFlags struct {
	asJSON     bool
	raw, score string
	limit      int
	jobs       int
	config     *conf.Flags
}

func addEvalFlags(cmd *cobra.Command, names ...string) *evalFlags {
	f := &evalFlags{config: addConfigFlags(cmd, names...)}
	set := cmd.Flags()
	set.BoolVar(&f.asJSON, "json", false, "print one JSON object")
	set.StringVar(&f.raw, "raw", "", "write every output as a JSON line to this file")
	set.StringVar(&f.score, "score", "", "run nothing: score this file, written by --raw")
	set.IntVar(&f.limit, "limit", 0, "use so many samples only, spread evenly over the folder")
	addJobsFlag(set, &f.jobs)
	cmd.MarkFlagsMutuallyExclusive("raw", "score")
	return f
}

func (f *evalFlags) check() error {
	if f.limit < 0 || f.jobs < 1 || f.jobs > 64 {
		return usagef("--limit is not negative, and --jobs is 1 to 64")
	}
	return nil
}

func oneFolder(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("name one folder; see '%s --help'", cmd.CommandPath())
	}
	return nil
}

// run makes the common part of a measurement, and the raw file if one is wanted.
func (f *evalFlags) run(c *console, what string, measure func(eval.Run) error) (err error) {
	run := eval.Run{Limit: f.limit, Jobs: f.jobs}
	run.Progress = func(done, total int) {
		if done == 1 {
			c.erase()
			c.startBar(total, what)
		}
		c.step()
	}
	defer c.endBar()
	if f.raw != "" {
		out, err := os.Create(f.raw)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, out.Close()) }()
		run.Raw = out
	}
	return measure(run)
}

// evalReport is what every measurement can print.
type evalReport interface{ WriteText(io.Writer) error }

func (f *evalFlags) print(c *console, r evalReport) error {
	c.endBar()
	c.erase()
	if !f.asJSON {
		return r.WriteText(c.out)
	}
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func setting() eval.Setting {
	return eval.Setting{Models: []eval.Model{}, Version: version.String(), Platform: fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}
}

// scoreFile reads a raw file and scores it.
func scoreFile[T any, R evalReport](f *evalFlags, c *console, read func(io.Reader) ([]T, error), score func([]T) (R, error)) error {
	in, err := os.Open(f.score)
	if err != nil {
		return err
	}
	defer in.Close()
	records, err := read(bufio.NewReader(in))
	if err != nil {
		return fmt.Errorf("%s: %w", f.score, err)
	}
	r, err := score(records)
	if err != nil {
		return err
	}
	return f.print(c, r)
}

// faceModels are ids from the command line; "" means the best one available.
type faceModels struct{ detector, embedding, reference string }

func newEvalFaceCommand() *cobra.Command {
	var ids faceModels
	cmd := &cobra.Command{
		Use:   "face DIR",
		Short: "Measure detection and comparison: accuracy, AUC, EER, FNMR at fixed FMR, faces a second",
		Long: `Compares the pairs that DIR/pairs.csv names (lines of left,right,same, where same is 1 or 0) by their main faces. A picture
without a face fails its pairs, which count as errors.`,
		Example: `  courtsense eval face lfw-dev/
  courtsense eval face lfw-dev/ --detector face-detect-yunet-s --reference face-detect-yunet-n
  courtsense eval face lfw-dev/ --limit 100 --json --raw raw.jsonl`,
		Args: oneFolder,
	}
	f := addEvalFlags(cmd, "config", "set", "models", "device")
	set := cmd.Flags()
	set.StringVar(&ids.detector, "detector", "", "id of the detection model (default: the active one)")
	set.StringVar(&ids.embedding, "embedding", "", "id of the embedding model (default: the active one)")
	set.StringVar(&ids.reference, "reference", "", "id of a detection model to compare the main faces with")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		c, dir := newConsole(cmd), args[0]
		if f.score != "" {
			return scoreFile(f, c, eval.ReadPairs, func(records []eval.PairRecord) (eval.FaceReport, error) {
				r := eval.ScorePairs(records)
				r.Setting = setting()
				return r, nil
			})
		}
		loaded, err := loadConfig(f.config)
		if err != nil {
			return err
		}
		return f.run(c, "comparing", func(run eval.Run) error {
			r, err := evalFace(cmd.Context(), c, loaded, run, dir, ids)
			if err != nil {
				return err
			}
			return f.print(c, r)
		})
	}
	return cmd
}

func evalFace(ctx context.Context, c *console, loaded *conf.Loaded, run eval.Run, dir string, ids faceModels) (r eval.FaceReport, err error) {
	store, err := models.Open(nil, loaded.Models.Dir, models.WithLogger(c.logger()))
	if err != nil {
		return r, err
	}
	backend, err := onnx.NewBackend(onnx.Config{Library: loaded.ONNXRuntime.Library, Logger: c.logger()})
	if err != nil {
		return r, err
	}
	// Samples are spread over the CPUs, so that a run of a model gets one.
	engine, err := pipeline.NewEngine(pipeline.EngineConfig{
		Store: store, Backend: backend, Device: loaded.Models.Device, IntraThreads: cmp.Or(loaded.Models.IntraThreads, 1),
		Instances: run.Jobs, MaxDelay: -1, Logger: c.logger(),
	})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()

	r.Setting = setting()
	load := func(id, task string) (*pipeline.Model, eval.Model, error) {
		c.status("loading a model for %s ...", task)
		m, err := loadModel(ctx, store, engine, id, task)
		if err != nil {
			return nil, eval.Model{}, err
		}
		by := m.Identity()
		return m, eval.Model{ID: by.ID, Version: by.Version, SHA256: by.SHA256, Source: by.Source, Device: by.Device}, nil
	}
	measure := eval.Face{Run: run, Images: app.ImageLimits(loaded.Limits), Options: face.DetectOptions{
		MinScore: float32(loaded.Face.MinScore), NMSIoU: float32(loaded.Face.NMSIoU), MinSize: float32(loaded.Face.MinSize),
		MaxFaces: loaded.Limits.MaxFaces, MaxSide: loaded.Face.MaxSide,
	}}
	detector, detectorUse, err := load(cmp.Or(ids.detector, loaded.Face.Model), models.TaskFaceDetection)
	if err != nil {
		return r, err
	}
	if measure.Detector, err = face.NewDetector(detector, detector.Entry()); err != nil {
		return r, err
	}
	embedding, embeddingUse, err := load(ids.embedding, models.TaskFaceEmbedding)
	if err != nil {
		return r, err
	}
	if measure.Embedder, err = face.NewEmbedder(embedding, embedding.Entry()); err != nil {
		return r, err
	}
	var reference *eval.Model
	if ids.reference != "" {
		m, use, err := load(ids.reference, models.TaskFaceDetection)
		if err != nil {
			return r, err
		}
		if measure.Reference, err = face.NewDetector(m, m.Entry()); err != nil {
			return r, err
		}
		reference = &use
	}
	made := r.Setting
	if r, err = measure.Folder(ctx, dir); err != nil {
		return r, err
	}
	r.Setting = made
	r.Models = []eval.Model{detectorUse, embeddingUse}
	r.Detection.Reference = reference
	return r, nil
}

// loadModel loads the model called id, or the best one for the task.
func loadModel(ctx context.Context, store *models.Store, engine *pipeline.Engine, id, task string) (*pipeline.Model, error) {
	if id == "" {
		a, err := store.Select(task)
		if err != nil {
			return nil, err
		}
		id = a.Entry.ID
	}
	e, err := store.Catalog().Entry(id)
	if err != nil {
		return nil, usagef("%w", err)
	}
	if e.Task != task {
		return nil, usagef("model %s is made for %s, not for %s", id, e.Task, task)
	}
	if err := engine.Load(ctx, id); err != nil {
		return nil, err
	}
	return engine.Model(id)
}
