package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/quality"
)

func newEvalFaceQualityCommand() *cobra.Command {
	var detector, profile string
	var asJSON bool
	var limit, jobs int
	cmd := &cobra.Command{
		Use:   "quality DIR",
		Short: "Measure whether face quality sees blur, bad light, masks and dark glasses that are drawn onto the folder's portraits",
		Long: `Assesses the main face of every picture as it is and after damages of known strength: blur, glare, darkness, haze, side light,
a turn, a drawn mask and drawn dark glasses. For each, the component that is about it should fall; what it finds at 1 % and 5 %
false alarms on the undamaged pictures is told. Pictures that are damaged to begin with count as undamaged.`,
		Example: `  courtsense eval face quality lfw-dev/ --limit 400`,
		Args:    oneFolder,
	}
	config := addConfigFlags(cmd, "config", "set", "models", "device")
	set := cmd.Flags()
	set.StringVar(&detector, "detector", "", "id of the detection model (default: the active one)")
	set.StringVar(&profile, "profile", quality.Selfie.String(), "what the verdicts are for: id-photo, selfie, gate")
	set.BoolVar(&asJSON, "json", false, "print one JSON object")
	set.IntVar(&limit, "limit", 0, "use so many pictures only, spread evenly over the folder")
	addJobsFlag(set, &jobs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := quality.ParseProfile(profile)
		if err != nil {
			return usagef("%w", err)
		}
		f := evalFlags{asJSON: asJSON, limit: limit, jobs: jobs}
		if err := f.check(); err != nil {
			return err
		}
		loaded, err := loadConfig(config)
		if err != nil {
			return err
		}
		c := newConsole(cmd)
		return f.run(c, "assessing", func(run eval.Run) error {
			r, err := evalFaceQuality(cmd.Context(), c, loaded, run, args[0], detector, p)
			if err != nil {
				return err
			}
			return f.print(c, r)
		})
	}
	return cmd
}

func evalFaceQuality(ctx context.Context, c *console, loaded *conf.Loaded, run eval.Run, dir, detector string, p quality.Profile) (r eval.FaceQualityReport, err error) {
	store, err := models.Open(nil, loaded.Models.Dir, models.WithLogger(c.logger()))
	if err != nil {
		return r, err
	}
	backend, err := onnx.NewBackend(onnx.Config{Library: loaded.ONNXRuntime.Library, Logger: c.logger()})
	if err != nil {
		return r, err
	}
	engine, err := pipeline.NewEngine(pipeline.EngineConfig{
		Store: store, Backend: backend, Device: loaded.Models.Device, IntraThreads: cmp.Or(loaded.Models.IntraThreads, 1),
		Instances: run.Jobs, MaxDelay: -1, Logger: c.logger(),
	})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	var used []eval.Model
	load := func(id, task string) (*pipeline.Model, error) {
		c.status("loading a model for %s ...", task)
		m, err := loadModel(ctx, store, engine, id, task)
		if err != nil {
			return nil, err
		}
		by := m.Identity()
		used = append(used, eval.Model{ID: by.ID, Version: by.Version, SHA256: by.SHA256, Source: by.Source, Device: by.Device})
		return m, nil
	}
	q := eval.FaceQuality{Run: run, Profile: p, Images: app.ImageLimits(loaded.Limits), Options: face.DetectOptions{MaxFaces: loaded.Limits.MaxFaces, MaxSide: loaded.Face.MaxSide}}
	m, err := load(cmp.Or(detector, loaded.Face.Model), models.TaskFaceDetection)
	if err != nil {
		return r, err
	}
	if q.Detector, err = face.NewDetector(m, m.Entry()); err != nil {
		return r, err
	}
	var landmarker *face.Landmarker
	m, err = load(loaded.Face.Landmarks, models.TaskFaceLandmarks)
	switch {
	case errors.Is(err, models.ErrUnavailable) && loaded.Face.Landmarks == "":
		c.note("no landmark model: eyes and mouth are not measured, the pose only roughly")
	case err != nil:
		return r, err
	default:
		if landmarker, err = face.NewLandmarker(m, m.Entry()); err != nil {
			return r, err
		}
	}
	q.Assessor = quality.NewAssessor(landmarker)
	if r, err = q.Folder(ctx, dir); err != nil {
		return r, err
	}
	r.Setting = setting()
	r.Models = used
	return r, nil
}
