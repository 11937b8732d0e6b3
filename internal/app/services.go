package app

import (
	"context"
	"fmt"
	"path"
	"runtime"
	"strings"
	"time"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr/pdf"
	"github.com/courtsense/courtsense/ocr/tesseract"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/vad"
	"github.com/courtsense/courtsense/vision/face"
)

func (a *App) addFaces(ctx context.Context) error {
	id, missing, err := a.activate(ctx, models.TaskFaceDetection, a.cfg.Face.Model, "face.model")
	if err != nil {
		return err
	}
	if missing != nil {
		a.note("face detection is not available: %v", missing)
	}
	c := a.cfg.Face
	limits := ImageLimits(a.cfg.Limits)
	limits.MaxFrames = 1 // of several pages one would be looked at and the others silently left out
	impl := service.NewFace(service.FaceConfig{
		Engine: a.models(), Active: id, Missing: missing, Decoder: a.decoder, Limits: limits,
		Options: face.DetectOptions{
			MinScore: float32(c.MinScore), NMSIoU: float32(c.NMSIoU), MinSize: float32(c.MinSize),
			MaxFaces: a.cfg.Limits.MaxFaces, MaxSide: c.MaxSide,
		},
	})
	a.parts = append(a.parts, part{server.Service{
		Desc: &pb.FaceService_ServiceDesc, Impl: impl, Gateway: pb.RegisterFaceServiceHandler,
	}, id != ""})
	return nil
}

func (a *App) addDocuments(ctx context.Context) error {
	c := a.cfg.OCR
	workers := c.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	cfg := service.DocumentConfig{
		Decoder: a.decoder, Images: ImageLimits(a.cfg.Limits), DPI: c.DPI, Parallel: workers, Languages: c.Languages,
		PDF:   PDFLimits(a.cfg.Limits),
		Drain: a.cfg.Server.Timeouts.Drain.Std(),
	}
	pool, err := tesseract.New(tesseract.Config{Workers: workers, Languages: c.Languages, DataDir: c.TessdataDir, Logger: a.log})
	if err == nil {
		a.progress("starting tesseract")
		a.ocr = pool
		if err = pool.WarmUp(ctx); err != nil && ctx.Err() != nil {
			return err
		}
	}
	if err != nil {
		cfg.Missing = err
		a.note("reading documents is not available: %v", err)
	} else {
		cfg.Recognizer = pool
		cfg.Languages = pool.Languages()
		cfg.Models = a.tesseractModels(pool)
	}
	if version, err := pdf.Installed(ctx); err != nil {
		a.note("PDF files can't be read: %v", err)
	} else {
		a.log.Debug("PDF pages are rendered by poppler", "version", version)
	}
	long := a.cfg.Server.Timeouts.Document.Std()
	a.parts = append(a.parts, part{server.Service{
		Desc: &pb.DocumentService_ServiceDesc, Impl: service.NewDocument(cfg), Gateway: pb.RegisterDocumentServiceHandler, Timeout: long,
	}, cfg.Recognizer != nil})
	return nil
}

// tesseractModels describes the language files that the pool reads with, hashed, for provenance.
func (a *App) tesseractModels(pool *tesseract.Pool) map[string]*pb.ModelUse {
	out := map[string]*pb.ModelUse{}
	in := pool.Installation()
	for _, language := range in.Languages {
		sum, err := in.SHA256(language)
		if err != nil {
			a.note("the language file of %s can't be hashed for provenance: %v", language, err)
			continue
		}
		out[language] = &pb.ModelUse{
			Name: "models/" + TesseractModel(a.store.Catalog(), language), Version: in.Version, Sha256: sum, Device: "cpu",
			Source: pb.ModelSource_MODEL_SOURCE_SYSTEM, Task: models.TaskOCRSystem,
		}
	}
	return out
}

// TesseractModel returns the catalogue's id of a language's file, or one made alike for a language that it does not know.
func TesseractModel(c *models.Catalog, language string) string {
	for _, e := range c.Task(models.TaskOCRSystem) {
		for _, f := range e.Files {
			if path.Base(f.Path) == language+".traineddata" {
				return e.ID
			}
		}
	}
	return "ocr-tesseract-" + strings.ReplaceAll(language, "_", "-")
}

func (a *App) addSpeech(ctx context.Context) error {
	c := a.cfg.Speech.VAD
	id, missing, err := a.activate(ctx, models.TaskVoiceActivity, c.Model, "speech.vad.model")
	if err != nil {
		return err
	}
	if missing != nil {
		a.note("no voice activity model is available, speech is told by its loudness only: %v", missing)
	}
	defaults := vad.Config{
		Start: float32(c.Threshold), MinSpeech: max(c.MinSpeech.Std(), time.Nanosecond), MinSilence: c.MinSilence.Std(),
		Pad: min(c.Padding.Std(), c.MinSilence.Std()), MaxSegment: c.MaxSegment.Std(),
	}
	if defaults.Pad == 0 {
		defaults.Pad = -1 // 0 stands for the default there
	}
	if _, err := vad.NewEnergy().Effective(defaults); err != nil {
		return fmt.Errorf("speech.vad: %w", err)
	}
	impl := service.NewSpeech(service.SpeechConfig{
		Engine: a.models(), Active: id, VAD: defaults, Interim: c.InterimInterval.Std(),
		Limits: audio.Limits{
			MaxBytes: int64(a.cfg.Limits.MaxAudioBytes), MaxDuration: time.Duration(a.cfg.Limits.MaxAudioSeconds) * time.Second,
			MaxChannels: a.cfg.Limits.MaxAudioChannels, MinRate: 8000, MaxRate: 48000,
		},
		Idle: a.cfg.Server.Timeouts.StreamIdle.Std(), Drain: a.cfg.Server.Timeouts.Drain.Std(),
	})
	a.parts = append(a.parts, part{server.Service{
		Desc: &pb.SpeechService_ServiceDesc, Impl: impl, Gateway: pb.RegisterSpeechServiceHandler,
		MethodTimeouts: map[string]time.Duration{"Recognize": a.cfg.Server.Timeouts.Document.Std()},
	}, true})
	return nil
}

func (a *App) addModelAdmin(ctx context.Context) error {
	for _, id := range a.cfg.Models.Preload {
		if a.engine == nil {
			return fmt.Errorf("models.preload: %w", a.absent)
		}
		if err := a.load(ctx, id); err != nil {
			return fmt.Errorf("models.preload: %w", err)
		}
	}
	var engine service.ModelAdmin
	if a.engine != nil {
		engine = a.engine
	}
	a.parts = append(a.parts, part{server.Service{
		Desc: &pb.ModelService_ServiceDesc, Impl: service.NewModel(a.store, engine, a.absent), Gateway: pb.RegisterModelServiceHandler,
		Timeout: a.cfg.Server.Timeouts.Admin.Std(), Admin: true,
	}, true})
	return nil
}

// models returns the engine for the services; without one, every look-up by name finds nothing loaded.
func (a *App) models() service.Models {
	if a.engine == nil {
		return service.NoModels{}
	}
	return a.engine
}

// ImageLimits are the configured limits in the decoder's terms.
func ImageLimits(l conf.Limits) imaging.Limits {
	return imaging.Limits{MaxBytes: int64(l.MaxImageBytes), MaxPixels: int64(l.MaxPixels), MaxSide: l.MaxImageSide, MaxFrames: l.MaxPages}
}

// PDFLimits are the configured limits in the PDF renderer's terms.
func PDFLimits(l conf.Limits) pdf.Limits {
	return pdf.Limits{MaxBytes: int64(l.MaxPDFBytes), MaxPages: l.MaxPages, MaxPixels: int64(l.MaxPixels), MaxSide: l.MaxImageSide}
}
