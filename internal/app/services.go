package app

import (
	"context"
	"fmt"
	"time"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr/pdf"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/vad"
)

func (a *App) addSpeech(ctx context.Context) error {
	c := a.cfg.Speech.VAD
	id, missing, err := a.activate(ctx, models.TaskVoiceActivity, "", c.Model, "speech.vad.model")
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
