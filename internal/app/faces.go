package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/vision/calibration"
	"github.com/courtsense/courtsense/vision/face"
)

func (a *App) addFaces(ctx context.Context) error {
	c := a.cfg.Face
	limits := ImageLimits(a.cfg.Limits)
	limits.MaxFrames = 1 // of several pages one would be looked at and the others silently left out
	cfg := service.FaceConfig{
		Engine: a.models(), Decoder: a.decoder, Limits: limits, MinEyeDistance: c.MinEyeDistance, Retention: a.cfg.Galleries.Retention.Std(),
		Options: face.DetectOptions{
			MinScore: float32(c.MinScore), NMSIoU: float32(c.NMSIoU), MinSize: float32(c.MinSize),
			MaxFaces: a.cfg.Limits.MaxFaces, MaxSide: c.MaxSide,
		},
	}
	cfg.SessionsValid = c.SessionValidity.Std()
	// Documents are assembled after faces, and not at all where they are no part of this app.
	cfg.Reader = func() service.PageReader {
		if a.documents == nil {
			return nil
		}
		return a.documents
	}
	var err error
	if cfg.Calibrations, err = Calibrations(a.cfg); err != nil {
		return err
	}
	for _, m := range []struct {
		task, configured, key string
		active                *service.ActiveModel
	}{
		{models.TaskFaceDetection, c.Model, "face.model", &cfg.Detector},
		{models.TaskFaceEmbedding, c.Embedding, "face.embedding", &cfg.Embedding},
		{models.TaskFaceLandmarks, c.Landmarks, "face.landmarks", &cfg.Landmarks},
	} {
		if m.active.ID, m.active.Missing, err = a.activate(ctx, m.task, "", m.configured, m.key); err != nil {
			return err
		}
		if m.active.Missing != nil {
			a.log.Info("a model for faces is not available", "task", m.task, "why", m.active.Missing)
		}
	}
	if cfg.Liveness, err = a.liveness(ctx); err != nil {
		return err
	}
	if a.galleries, err = a.newGalleries(); err != nil {
		return err
	}
	if a.galleries != nil {
		cfg.Galleries = a.galleries
	}
	a.gates = a.newGateway()
	cfg.Gates, cfg.Drain = a.gates.running, a.cfg.Server.Timeouts.Drain.Std()
	if cfg.Detector.Missing != nil {
		a.note("face detection is not available: %v", cfg.Detector.Missing)
	}
	a.parts = append(a.parts, part{server.Service{
		Desc: &pb.FaceService_ServiceDesc, Impl: a.gates.serves(service.NewFace(cfg)), Gateway: pb.RegisterFaceServiceHandler,
	}, cfg.Detector.ID != ""})
	return nil
}

// liveness loads the configured models, else the first of the catalogue whose whole ensemble is available: the entries of one
// parameter "ensemble" decide together.
func (a *App) liveness(ctx context.Context) (service.Ensemble, error) {
	var out service.Ensemble
	if a.engine == nil {
		out.Missing = a.absent
		return out, nil
	}
	ids := a.cfg.Face.Liveness
	if len(ids) == 0 {
		ids, out.Missing = a.bestEnsemble(models.TaskFaceLiveness)
	}
	if out.Missing != nil {
		a.log.Info("a model for faces is not available", "task", models.TaskFaceLiveness, "why", out.Missing)
	}
	for _, id := range ids {
		_, missing, err := a.activate(ctx, models.TaskFaceLiveness, "", id, "face.liveness")
		if err = errors.Join(err, missing); err != nil {
			return out, err
		}
	}
	out.IDs = ids
	return out, nil
}

func (a *App) bestEnsemble(task string) ([]string, error) {
	all, err := a.store.SelectAll(task)
	if err != nil {
		return nil, a.noModel(task, err)
	}
	available := map[string]bool{}
	for _, artifact := range all {
		available[artifact.Entry.ID] = true
	}
	for _, artifact := range all {
		name := artifact.Entry.Parameters.String("ensemble", "")
		if name == "" {
			return []string{artifact.Entry.ID}, nil
		}
		var ids []string
		whole := true
		for _, e := range a.store.Catalog().Task(task) {
			if e.Parameters.String("ensemble", "") == name {
				ids = append(ids, e.ID)
				whole = whole && available[e.ID]
			}
		}
		if whole {
			return ids, nil
		}
	}
	return nil, a.noModel(task, nil)
}

// Calibrations returns what is known of the embedding models' similarities: the program's own files, and those of
// face.calibration_dir before them.
func Calibrations(cfg conf.Config) (*calibration.Set, error) {
	set, err := calibration.Embedded()
	if err != nil || cfg.Face.CalibrationDir == "" {
		return set, err
	}
	if set, err = set.With(os.DirFS(cfg.Face.CalibrationDir)); err != nil {
		return nil, fmt.Errorf("face.calibration_dir: %w", err)
	}
	return set, nil
}
