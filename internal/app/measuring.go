package app

import (
	"context"
	"errors"
	"fmt"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/tesseract"
)

// PageReader returns what reads pages, for measuring it without a call's way in between, and the models that it reads with.
// The engine is one of ocr.engine's, without compare; auto takes the models where they are there. It stays the app's to
// close. The app must have [Documents].
func (a *App) PageReader(engine string) (ocr.Recognizer, []*pb.ModelUse, error) {
	if engine == EngineAuto {
		engine = EngineONNX
		if a.pages == nil {
			engine = EngineTesseract
		}
	}
	switch {
	case engine == EngineONNX && a.pages != nil:
		return a.pages.Reader()
	case engine == EngineTesseract && a.ocr != nil:
		return a.ocr, a.tesseractUses(a.ocr), nil
	}
	return nil, nil, fmt.Errorf("the engine %s can't read pages: %w; see 'courtsense doctor'", engine, errors.Join(a.unread...))
}

func (a *App) tesseractUses(pool *tesseract.Pool) []*pb.ModelUse {
	var uses []*pb.ModelUse
	all := a.tesseractModels(pool)
	for _, language := range pool.Languages() {
		if use, ok := all[language]; ok {
			uses = append(uses, use)
		}
	}
	return uses
}

// Orientation tells which way up an encoded picture is, as the service does.
func (a *App) Orientation(ctx context.Context, content []byte) (ocr.Orientation, error) {
	return a.documents.Orientation(ctx, content, true)
}

// OrientationThreshold is the confidence below which [App.Orientation] reads, and the model that it asks.
func (a *App) OrientationThreshold() (float32, *pb.ModelUse, error) {
	if a.pages == nil {
		return 0, nil, fmt.Errorf("the direction of pages can't be told: %w; see 'courtsense doctor'", errors.Join(a.unread...))
	}
	return a.pages.OrientationThreshold()
}

// Speech is the service that hears, for measuring it without a call's way in between; nil when it is no part of the app.
func (a *App) Speech() *service.Speech { return a.speech }
