package app

import (
	"context"
	"fmt"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/ocr/pdf"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

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
