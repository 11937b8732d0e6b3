package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/vision/calibration"
	"github.com/courtsense/courtsense/vision/face"
)

// faceModels are ids from the command line; "" means the best one available.
type faceModels struct{ detector, embedding, landmarks, reference string }

// noLandmarks is the value of --landmarks that aligns faces by the detector's five points.
const noLandmarks = "none"

func (ids *faceModels) add(set *pflag.FlagSet) {
	set.StringVar(&ids.detector, "detector", "", "id of the detection model (default: the active one)")
	set.StringVar(&ids.embedding, "embedding", "", "id of the embedding model (default: the active one)")
	set.StringVar(&ids.landmarks, "landmarks", "", "id of the landmark model that faces are aligned by (default: the active one; none: by the detector's five points)")
}

func newEvalFaceCommand() *cobra.Command {
	var ids faceModels
	cmd := &cobra.Command{
		Use:   "face DIR",
		Short: "Measure detection and comparison: accuracy, AUC, EER, FNMR at fixed FMR, promised against measured FMR, faces a second",
		Long: `Compares the pairs that DIR/pairs.csv names (lines of left,right,same, where same is 1 or 0) by their main faces. A picture
without a face fails its pairs, which count as errors.

Where the pictures' names tell who is on them (PERSON/NAME.jpg or PERSON_0001.jpg) and the embedding model has a calibration,
the false match rates that it promises are held against those among all people of the folder.`,
		Example: `  courtsense eval face lfw-dev/
  courtsense eval face lfw-dev/ --detector face-detect-yunet-s --reference face-detect-yunet-n
  courtsense eval face lfw-dev/ --limit 100 --json --raw raw.jsonl
  courtsense eval face calibrate lfw-train/ --out face-embedding-mobilefacenet.json`,
		Args: oneFolder,
	}
	f := addEvalFlags(cmd, "config", "set", "models", "device")
	ids.add(cmd.Flags())
	cmd.Flags().StringVar(&ids.reference, "reference", "", "id of a detection model to compare the main faces with")
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
	cmd.AddCommand(newCalibrateFaceCommand(), newEvalFaceQualityCommand(), newEvalFaceLivenessCommand())
	return cmd
}

func evalFace(ctx context.Context, c *console, loaded *conf.Loaded, run eval.Run, dir string, ids faceModels) (r eval.FaceReport, err error) {
	m, err := openFaceModels(ctx, c, loaded, run, ids)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	set, err := app.Calibrations(loaded.Config)
	if err != nil {
		return r, err
	}
	m.measure.Calibration, _ = set.For(m.embedding.SHA256)
	if r, err = m.measure.Folder(ctx, dir); err != nil {
		return r, err
	}
	r.Setting = setting()
	r.Models = []eval.Model{m.detector, m.embedding}
	if m.landmarks != nil {
		r.Models = append(r.Models, *m.landmarks)
	}
	r.Detection.Reference = m.reference
	return r, nil
}

// measuredFaces are loaded models, ready to measure. Their owner calls Close.
type measuredFaces struct {
	measure             eval.Face
	detector, embedding eval.Model
	landmarks           *eval.Model // nil when faces are aligned by the detector's points
	reference           *eval.Model // nil when none was asked for
	engine              *pipeline.Engine
}

// Close unloads the models.
func (m *measuredFaces) Close() error { return m.engine.Close() }

func openFaceModels(ctx context.Context, c *console, loaded *conf.Loaded, run eval.Run, ids faceModels) (m *measuredFaces, err error) {
	store, err := models.Open(nil, loaded.Models.Dir, models.WithLogger(c.logger()))
	if err != nil {
		return nil, err
	}
	backend, err := onnx.NewBackend(onnx.Config{Library: loaded.ONNXRuntime.Library, Logger: c.logger()})
	if err != nil {
		return nil, err
	}
	// Samples are spread over the CPUs, so that a run of a model gets one.
	engine, err := pipeline.NewEngine(pipeline.EngineConfig{
		Store: store, Backend: backend, Device: loaded.Models.Device, IntraThreads: cmp.Or(loaded.Models.IntraThreads, 1),
		Instances: run.Jobs, MaxDelay: -1, Logger: c.logger(),
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, engine.Close())
		}
	}()
	load := func(id, task string, use *eval.Model) (*pipeline.Model, error) {
		c.status("loading a model for %s ...", task)
		m, err := loadModel(ctx, store, engine, id, task)
		if err != nil {
			return nil, err
		}
		by := m.Identity()
		*use = eval.Model{ID: by.ID, Version: by.Version, SHA256: by.SHA256, Source: by.Source, Device: by.Device}
		return m, nil
	}
	m = &measuredFaces{engine: engine, measure: eval.Face{
		Run: run, Images: app.ImageLimits(loaded.Limits), Options: face.DetectOptions{
			MinScore: float32(loaded.Face.MinScore), NMSIoU: float32(loaded.Face.NMSIoU), MinSize: float32(loaded.Face.MinSize),
			MaxFaces: loaded.Limits.MaxFaces, MaxSide: loaded.Face.MaxSide,
		},
	}}
	detector, err := load(cmp.Or(ids.detector, loaded.Face.Model), models.TaskFaceDetection, &m.detector)
	if err != nil {
		return nil, err
	}
	if m.measure.Detector, err = face.NewDetector(detector, detector.Entry()); err != nil {
		return nil, err
	}
	embedding, err := load(cmp.Or(ids.embedding, loaded.Face.Embedding), models.TaskFaceEmbedding, &m.embedding)
	if err != nil {
		return nil, err
	}
	if m.measure.Embedder, err = face.NewEmbedder(embedding, embedding.Entry()); err != nil {
		return nil, err
	}
	if err := m.loadLandmarks(cmp.Or(ids.landmarks, loaded.Face.Landmarks), load); err != nil {
		return nil, err
	}
	if ids.reference == "" {
		return m, nil
	}
	m.reference = new(eval.Model)
	reference, err := load(ids.reference, models.TaskFaceDetection, m.reference)
	if err != nil {
		return nil, err
	}
	m.measure.Reference, err = face.NewDetector(reference, reference.Entry())
	return m, err
}

// loadLandmarks loads the model that faces are aligned by, where there is one.
func (m *measuredFaces) loadLandmarks(id string, load func(id, task string, use *eval.Model) (*pipeline.Model, error)) error {
	if id == noLandmarks {
		return nil
	}
	var use eval.Model
	model, err := load(id, models.TaskFaceLandmarks, &use)
	if errors.Is(err, models.ErrUnavailable) && id == "" {
		return nil
	}
	if err != nil {
		return err
	}
	if id == "" && !service.Aligns(model.Entry()) {
		return nil
	}
	m.landmarks = &use
	m.measure.Landmarker, err = face.NewLandmarker(model, model.Entry())
	return err
}

// Values of --people.
const (
	allPeople         = "all"
	calibrationPeople = "calibration"
)

func newCalibrateFaceCommand() *cobra.Command {
	var ids faceModels
	var out, name, people string
	var limit, jobs int
	cmd := &cobra.Command{
		Use:   "calibrate DIR --out FILE",
		Short: "Measure how often strangers look alike to an embedding model, for its similarities to mean something",
		Long: `Compares the people of DIR with each other and writes how often two of them reach each similarity: the calibration of the
embedding model, without which no service compares faces with it. The pictures' names tell who is on them: PERSON/NAME.jpg or
PERSON_0001.jpg. The model must not have been trained on these people, and they should be like those who will be compared.

The server takes calibrations from face.calibration_dir; it knows by the weights' SHA-256 which model a file belongs to.`,
		Example: `  courtsense eval face calibrate lfw-train/ --out face-embedding-mobilefacenet.json
  courtsense eval face calibrate lfw-train/ --embedding face-embedding-embedded --people calibration --out face-embedding-embedded.json`,
		Args: oneFolder,
	}
	config := addConfigFlags(cmd, "config", "set", "models", "device")
	set := cmd.Flags()
	ids.add(set)
	set.StringVar(&out, "out", "", "file to write the calibration to")
	set.StringVar(&name, "name", "", "what the data are called (default: the folder's name)")
	set.StringVar(&people, "people", allPeople, "whom to compare: all, or calibration: the fifth of LFW's people whom the training of our own embedding keeps aside, told by the hash of their name")
	set.IntVar(&limit, "limit", 0, "use so many pictures only, spread evenly over the folder")
	addJobsFlag(set, &jobs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var choose func(string) bool
		switch {
		case out == "":
			return usagef("--out FILE says where the calibration goes")
		case people == calibrationPeople:
			choose = eval.CalibrationPerson
		case people != allPeople:
			return oneOf("--people", people, allPeople, calibrationPeople)
		}
		f := evalFlags{limit: limit, jobs: jobs}
		if err := f.check(); err != nil {
			return err
		}
		loaded, err := loadConfig(config)
		if err != nil {
			return err
		}
		dir, err := filepath.Abs(args[0])
		if err != nil {
			return err
		}
		if name == "" {
			name = filepath.Base(dir)
			if choose != nil {
				name += ", people kept aside"
			}
		}
		c := newConsole(cmd)
		return f.run(c, "embedding", func(run eval.Run) error {
			return calibrateFaces(cmd.Context(), c, loaded, run, dir, ids, choose, name, out)
		})
	}
	return cmd
}

func calibrateFaces(ctx context.Context, c *console, loaded *conf.Loaded, run eval.Run, dir string, ids faceModels, choose func(string) bool, name, out string) (err error) {
	m, err := openFaceModels(ctx, c, loaded, run, ids)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	curve, problems, err := m.measure.Calibrate(ctx, dir, choose)
	if err != nil {
		return err
	}
	named := func(u eval.Model) calibration.Model {
		return calibration.Model{ID: u.ID, Version: u.Version, SHA256: u.SHA256}
	}
	curve.Model, curve.Detector, curve.Data.Name = named(m.embedding), named(m.detector), name
	if m.landmarks != nil {
		by := named(*m.landmarks)
		curve.Landmarks = &by
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	if err := errors.Join(curve.Write(f), f.Close()); err != nil {
		return err
	}
	c.endBar()
	c.erase()
	for i, p := range problems {
		if i == 10 {
			c.note("left out: %d more", len(problems)-i)
			break
		}
		c.note("left out: %s: %s", p.File, p.Error)
	}
	return printCurve(c.out, curve, out)
}

func printCurve(w io.Writer, curve *calibration.Curve, out string) error {
	fmt.Fprintf(w, "%s: %s, found by %s\n", curve.Model.ID, curve.Data, curve.Detector.ID)
	for _, fmr := range []float64{1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6} {
		t, err := curve.Threshold(fmr)
		if errors.Is(err, calibration.ErrUnsupported) {
			fmt.Fprintf(w, "  FMR %-6g not supported by these data\n", fmr)
			continue
		}
		if err != nil {
			return err
		}
		r := curve.FMR(float64(t))
		fmt.Fprintf(w, "  FMR %-6g at similarity %.4f (%.2g to %.2g)\n", fmr, t, r.Lower, r.Upper)
	}
	_, err := fmt.Fprintf(w, "written to %s\n", out)
	return err
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
