package ocr

import (
	"context"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Recognizer reads pages.
//
// Recognize is safe for concurrent use and keeps no part of the raster once it has returned. A page without text is a
// Page without lines, not an error. A page or option that cannot be accepted is a refusal.Error; a full queue, a closed
// engine or a failing one is a pipeline.Failure. Page.Number is 0: the caller knows which page it is.
//
// Close waits for running calls, frees native memory and is idempotent.
type Recognizer interface {
	Recognize(ctx context.Context, page *imaging.Raster, o Options) (Page, error)
	Close() error
}

// Options are one request's wishes. The zero value is the engine's default for each.
type Options struct {
	// Languages expected on the page, most frequent first: BCP 47 tags ("zh-Hans", "en") or the engine's own names
	// ("chi_sim"). Nil leaves it to the engine's configuration.
	Languages []string
	// DPI of the picture, 0 when unknown. A hint: it never changes the coordinates.
	DPI int
	// Layout of the picture.
	Layout Layout
	// Candidates wanted per symbol, 0..MaxCandidates.
	Candidates int
	// Stages of the pipeline that are not wanted. An engine without a stage ignores its switch.
	NoEnhance, NoOrient, NoCorrect, NoOrder bool
	// CorrectNames lets correction touch names of persons and companies too.
	CorrectNames bool
}

// Layout says what a picture holds, which spares an engine the search for it. Tesseract calls it page segmentation.
type Layout int

// The layouts.
const (
	LayoutAuto   Layout = iota // a whole page: columns, headings, tables are looked for
	LayoutColumn               // one column of text of varying sizes
	LayoutBlock                // one even block of text
	LayoutLine                 // a single line
	LayoutWord                 // a single word
	LayoutSparse               // scattered text in no order, as on forms and photos
)

// String names the layout as in configuration and requests.
func (l Layout) String() string {
	switch l {
	case LayoutAuto:
		return "auto"
	case LayoutColumn:
		return "column"
	case LayoutBlock:
		return "block"
	case LayoutLine:
		return "line"
	case LayoutWord:
		return "word"
	case LayoutSparse:
		return "sparse"
	}
	return "unknown"
}
