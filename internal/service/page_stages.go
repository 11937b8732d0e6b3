package service

import (
	"context"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/reader"
	"github.com/courtsense/courtsense/ocr/text"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// Each stage of reading is wrapped in its span and its timing, so that a page's provenance tells what its time went into.

type stagedEnhancer struct{ ocr.Enhancer }

func (s stagedEnhancer) Enhance(ctx context.Context, r *imaging.Raster, o ocr.EnhanceOptions) (ocr.Enhanced, error) {
	ctx, end := telemetry.Stage(ctx, "enhance")
	out, err := s.Enhancer.Enhance(ctx, r, o)
	end(err)
	return out, err
}

// stagedOrienter's time holds that of reading, where an orientation is verified by it.
type stagedOrienter struct{ ocr.Orienter }

func (s stagedOrienter) DetectOrientation(ctx context.Context, r *imaging.Raster, verify bool) (ocr.Orientation, error) {
	ctx, end := telemetry.Stage(ctx, "orient")
	out, err := s.Orienter.DetectOrientation(ctx, r, verify)
	end(err)
	return out, err
}

// stagedSource is a picture file whose decoding is told from what is done with it.
type stagedSource struct{ *codec.Document }

func (s stagedSource) Page(ctx context.Context, page int) (*imaging.Raster, error) {
	ctx, end := telemetry.Stage(ctx, "decode")
	r, err := s.Document.Page(ctx, page)
	end(err)
	return r, err
}

func (s stagedSource) ReducedGray(ctx context.Context, page, divisor int) (*imaging.Raster, error) {
	ctx, end := telemetry.Stage(ctx, "decode")
	r, err := s.Document.ReducedGray(ctx, page, divisor)
	end(err)
	return r, err
}

type stagedDetector struct{ reader.Detector }

func (s stagedDetector) Detect(ctx context.Context, r *imaging.Raster, o text.DetectOptions) ([]text.Region, error) {
	ctx, end := telemetry.Stage(ctx, "detect")
	out, err := s.Detector.Detect(ctx, r, o)
	end(err)
	return out, err
}

type stagedLines struct{ reader.LineReader }

func (s stagedLines) Read(ctx context.Context, r *imaging.Raster, regions []text.Region, o text.ReadOptions) ([]ocr.Line, error) {
	ctx, end := telemetry.Stage(ctx, "recognize")
	out, err := s.LineReader.Read(ctx, r, regions, o)
	end(err)
	return out, err
}

type stagedCorrector struct {
	reader.Corrector
	use *pb.ModelUse
}

func (s stagedCorrector) Correct(ctx context.Context, p *ocr.Page, names bool) error {
	evidenceOf(ctx).used(s.use)
	ctx, end := telemetry.Stage(ctx, "correct")
	err := s.Corrector.Correct(ctx, p, names)
	end(err)
	return err
}

type stagedOrderer struct{ reader.Orderer }

func (s stagedOrderer) Order(ctx context.Context, p *ocr.Page, upright *imaging.Raster) error {
	ctx, end := telemetry.Stage(ctx, "order")
	err := s.Orderer.Order(ctx, p, upright)
	end(err)
	return err
}
