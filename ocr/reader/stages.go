package reader

import (
	"context"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/text"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Detector finds lines of text; [text.Detector] does.
type Detector interface {
	Detect(ctx context.Context, r *imaging.Raster, o text.DetectOptions) ([]text.Region, error)
}

// LineReader reads lines, one for each region and in their order; [text.Recognizer] does.
type LineReader interface {
	Read(ctx context.Context, r *imaging.Raster, regions []text.Region, o text.ReadOptions) ([]ocr.Line, error)
}

// Direction turns the regions whose text stands on its head; [text.Direction] does.
type Direction interface {
	Turn(ctx context.Context, r *imaging.Raster, regions []text.Region) ([]text.Region, error)
}

// Corrector changes characters of p.Lines that language tells to be misread, and adds p.Corrections. With names it may
// change names of persons and companies too.
type Corrector interface {
	Correct(ctx context.Context, p *ocr.Page, names bool) error
}

// Orderer puts p.Lines into reading order, joins them to paragraphs and finds tables and margins. Page and picture are
// upright; what else refers to lines by index (p.Corrections, p.Regions) it renumbers.
type Orderer interface {
	Order(ctx context.Context, p *ocr.Page, upright *imaging.Raster) error
}

// OrdererFunc is a function as an [Orderer].
type OrdererFunc func(ctx context.Context, p *ocr.Page, upright *imaging.Raster) error

// Order implements [Orderer].
func (f OrdererFunc) Order(ctx context.Context, p *ocr.Page, upright *imaging.Raster) error {
	return f(ctx, p, upright)
}
