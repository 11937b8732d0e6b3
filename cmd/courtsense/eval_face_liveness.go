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
	"github.com/courtsense/courtsense/vision/liveness"
)

func newEvalFaceLivenessCommand() *cobra.Command {
	var detector string
	var ids []string
	cmd := &cobra.Command{
		Use:   "liveness DIR",
		Short: "Measure passive liveness: BPCER on live faces, APCER for each type of attack (ISO/IEC 30107-3)",
		Long: `Checks every picture by itself. DIR/live holds bona fide presentations, every other sub-folder attacks of the type that it is
named for, such as DIR/print and DIR/screen. Pictures that can't be decided are told by themselves and left out of the rates.`,
		Example: `  courtsense eval face liveness attacks/ --limit 500
  courtsense eval face liveness attacks/ --liveness face-liveness-minifasnet-v2`,
		Args: oneFolder,
	}
	f := addEvalFlags(cmd, "config", "set", "models", "device")
	set := cmd.Flags()
	set.StringVar(&detector, "detector", "", "id of the detection model (default: the active one)")
	set.StringSliceVar(&ids, "liveness", nil, "ids of the liveness models, averaged (default: the active ones)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		if f.score != "" {
			return usagef("eval face liveness has no --score")
		}
		loaded, err := loadConfig(f.config)
		if err != nil {
			return err
		}
		c := newConsole(cmd)
		return f.run(c, "checking", func(run eval.Run) error {
			r, err := evalFaceLiveness(cmd.Context(), c, loaded, run, args[0], detector, ids)
			if err != nil {
				return err
			}
			return f.print(c, r)
		})
	}
	return cmd
}

func evalFaceLiveness(ctx context.Context, c *console, loaded *conf.Loaded, run eval.Run, dir, detector string, ids []string) (r eval.FaceLivenessReport, err error) {
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
	q := eval.FaceLiveness{Run: run, Images: app.ImageLimits(loaded.Limits), Options: face.DetectOptions{MaxFaces: loaded.Limits.MaxFaces, MaxSide: loaded.Face.MaxSide}}
	m, err := load(cmp.Or(detector, loaded.Face.Model), models.TaskFaceDetection)
	if err != nil {
		return r, err
	}
	if q.Detector, err = face.NewDetector(m, m.Entry()); err != nil {
		return r, err
	}
	if len(ids) == 0 {
		ids = loaded.Face.Liveness
	}
	if len(ids) == 0 {
		if ids, err = livenessEnsemble(store); err != nil {
			return r, err
		}
	}
	var ensemble []liveness.Member
	for _, id := range ids {
		m, err := load(id, models.TaskFaceLiveness)
		if err != nil {
			return r, err
		}
		ensemble = append(ensemble, liveness.Member{Executor: m, Entry: m.Entry()})
	}
	if q.Checker, err = liveness.NewChecker(ensemble); err != nil {
		return r, err
	}
	if r, err = q.Folder(ctx, dir); err != nil {
		return r, err
	}
	r.Setting = setting()
	r.Models = used
	return r, nil
}

// livenessEnsemble returns the best available model, with those that the catalogue makes one ensemble with it.
func livenessEnsemble(store *models.Store) ([]string, error) {
	all, err := store.SelectAll(models.TaskFaceLiveness)
	if err != nil {
		return nil, err
	}
	name := all[0].Entry.Parameters.String("ensemble", "")
	ids := []string{all[0].Entry.ID}
	for _, a := range all[1:] {
		if name != "" && a.Entry.Parameters.String("ensemble", "") == name {
			ids = append(ids, a.Entry.ID)
		}
	}
	return ids, nil
}
