package service

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/compare"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// reading is one call's way of reading pages.
type reading struct {
	s      *Document
	onnx   *pageReader // nil when the models do not read
	system bool        // whether Tesseract reads
	o      ocr.Options
	dpi    int
	detail pb.DetailLevel
}

// newReading chooses the engine, fills in the server's defaults and notes the settings in the call's evidence.
func (s *Document) newReading(ctx context.Context, c *pb.DocumentConfig) (*reading, error) {
	engine, err := s.engine(c)
	if err != nil {
		return nil, err
	}
	r := &reading{s: s, dpi: s.cfg.DPI, detail: cmp.Or(c.GetDetail(), pb.DetailLevel_DETAIL_LEVEL_SYMBOLS)}
	r.system = engine != pb.OcrEngine_OCR_ENGINE_ONNX
	if engine != pb.OcrEngine_OCR_ENGINE_TESSERACT {
		if r.onnx, err = s.cfg.Models.reader(); err != nil {
			return nil, err
		}
	}
	r.o.Languages = s.cfg.Languages
	if l := c.GetLanguages(); len(l) > 0 {
		r.o.Languages = l
	}
	if c.GetDpi() > 0 {
		r.dpi = int(c.GetDpi())
	}
	r.o.Candidates = int(c.GetMaxCandidates())
	r.o.CorrectNames = c.GetCorrectNames()

	ev := evidenceOf(ctx)
	ev.setting("engine", engineName(engine))
	ev.setting("languages", strings.Join(r.o.Languages, ","))
	ev.setting("dpi", fmt.Sprint(r.dpi))
	stages, err := s.stages(c, r.onnx)
	if err != nil {
		return nil, err
	}
	r.o.NoOrient, r.o.NoEnhance, r.o.NoCorrect = !stages.Orient, !stages.Enhance, !stages.Correct
	ev.setting("orient", fmt.Sprint(stages.Orient))
	ev.setting("enhance", fmt.Sprint(stages.Enhance))
	ev.setting("correct", fmt.Sprint(stages.Correct))
	ev.setting("correct_names", fmt.Sprint(r.o.CorrectNames))
	ev.setting("max_candidates", fmt.Sprint(r.o.Candidates))
	return r, nil
}

// page reads one page; what goes wrong with it is in its result.
func (r *reading) page(ctx context.Context, file pageFile, number int) *pb.PageResult {
	var page *pb.Page
	err := guarded(ctx, func() (err error) {
		page, err = r.read(ctx, file, number)
		return err
	})
	return &pb.PageResult{Number: int32(number), Status: rpcerror.From(err).Proto(), Page: page}
}

func (r *reading) read(ctx context.Context, file pageFile, number int) (*pb.Page, error) {
	picture, dpi, err := file.Picture(ctx, number, r.dpi)
	if err != nil {
		return nil, err
	}
	o := r.o
	o.DPI = dpi
	page, err := r.recognize(ctx, picture, o)
	if err != nil {
		return nil, err
	}
	page.Number = number
	m := pageMessage(page, r.detail)
	m.Dpi = int32(dpi)
	return m, nil
}

// recognize reads with the chosen engine, or with both at a time.
func (r *reading) recognize(ctx context.Context, picture *imaging.Raster, o ocr.Options) (ocr.Page, error) {
	switch {
	case r.onnx == nil:
		return r.bySystem(ctx, picture, o)
	case !r.system:
		return r.byModels(ctx, picture, o)
	}
	var page, other ocr.Page
	both, bothCtx := errgroup.WithContext(ctx)
	both.Go(func() error {
		return guarded(bothCtx, func() (err error) {
			page, err = r.byModels(bothCtx, picture, o)
			return err
		})
	})
	both.Go(func() error {
		return guarded(bothCtx, func() (err error) {
			other, err = r.bySystem(bothCtx, picture, o)
			return err
		})
	})
	if err := both.Wait(); err != nil {
		return ocr.Page{}, err
	}
	_, end := telemetry.Stage(ctx, "compare")
	page.Differences = compare.Pages(page, other)
	end(nil)
	page.Engine += "; compared with " + other.Engine
	return page, nil
}

// byModels has its own stages, which are timed one by one.
func (r *reading) byModels(ctx context.Context, picture *imaging.Raster, o ocr.Options) (ocr.Page, error) {
	return r.onnx.Recognize(ctx, picture, o)
}

func (r *reading) bySystem(ctx context.Context, picture *imaging.Raster, o ocr.Options) (ocr.Page, error) {
	o.Candidates = 0
	stage, end := telemetry.Stage(ctx, "tesseract")
	page, err := r.s.cfg.Tesseract.Recognize(stage, picture, o)
	end(err)
	if err != nil {
		return page, err
	}
	for _, l := range o.Languages {
		if use, ok := r.s.cfg.TesseractModels[l]; ok {
			evidenceOf(ctx).used(use)
		}
	}
	return page, nil
}
