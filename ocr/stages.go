package ocr

import (
	"context"
	"math"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Orienter tells how far a page's content is turned. It is safe for concurrent use.
type Orienter interface {
	// DetectOrientation looks at the picture and, when verify is set and the confidence is below the model's threshold, reads
	// a few lines in the candidate directions.
	DetectOrientation(ctx context.Context, r *imaging.Raster, verify bool) (Orientation, error)
}

// Orientation is how far a page's content is turned.
type Orientation struct {
	Degrees    int     // clockwise from upright: 0, 90, 180 or 270
	Confidence float32 // calibrated probability, 0..1
	Verified   bool    // by reading
	Vertical   bool    // the text runs from top to bottom
}

// Enhancer cleans a page's picture. The picture that it is given is never changed. It is safe for concurrent use.
type Enhancer interface {
	Enhance(ctx context.Context, r *imaging.Raster, o EnhanceOptions) (Enhanced, error)
}

// EnhanceOptions switch single steps off; the zero value does all.
type EnhanceOptions struct {
	KeepEdges, KeepSkew, KeepIllumination, KeepNoise bool
}

// Enhanced is a cleaned picture, and what was found on the way. Regions are in the original's pixels.
type Enhanced struct {
	Picture    *imaging.Raster
	ToOriginal Affine  // from the cleaned picture's pixels to the original's
	Skew       float32 // degrees clockwise that the content was skewed by, -15..15
	Quality    Quality
	Regions    []Region // seals
	Steps      []string // names of the steps that changed something, in order
}

// Verdict on a picture.
type Verdict int

// The verdicts.
const (
	VerdictUnknown Verdict = iota // not measured
	VerdictAccept                 // good enough to read
	VerdictRetake                 // take another picture; Quality.Advice says how
)

// String names the verdict as in JSON.
func (v Verdict) String() string {
	switch v {
	case VerdictAccept:
		return "accept"
	case VerdictRetake:
		return "retake"
	}
	return "unknown"
}

// Quality is how fit a picture is for reading.
type Quality struct {
	Verdict   Verdict
	Sharpness float32 // 0..1
	Exposure  float32 // 0 black, 0.5 right, 1 burnt out
	Advice    string  // what to do better; empty when accepted
}

// RegionKind is what a region is.
type RegionKind int

// The kinds, numbered as in the contract.
const (
	RegionUnknown RegionKind = iota
	RegionSeal
	RegionTable
	RegionCell
	RegionPicture
	RegionSignature
	RegionMargin // a page number, header or footer
)

// String names the kind as in JSON.
func (k RegionKind) String() string {
	switch k {
	case RegionSeal:
		return "seal"
	case RegionTable:
		return "table"
	case RegionCell:
		return "cell"
	case RegionPicture:
		return "picture"
	case RegionSignature:
		return "signature"
	case RegionMargin:
		return "margin"
	}
	return "unknown"
}

// Region is an area of a page.
type Region struct {
	Kind        RegionKind
	Outline     []Point // clockwise
	Confidence  float32 // 0..1
	Lines       []int   // indices into Page.Lines
	Row, Column int     // of a cell, from 0
}

// Correction is one character that the language model changed. Replacing the symbol at (Line, Symbol) by Original undoes it.
type Correction struct {
	Line           int     // index into Page.Lines
	Symbol         int     // index into Line.Symbols()
	Position       int     // characters from the start of Line.Text
	Original       string  // what was recognised
	Corrected      string  // what it was changed to
	OriginalScore  float32 // natural logarithm, recognition and language combined
	CorrectedScore float32
	Reason         string // in words
}

// Difference is a place where two engines read differently.
type Difference struct {
	Box         Box
	Text, Other string // what the main engine and the second one read; empty where one saw nothing
}

// Affine takes a point (x, y) to (A[0]x + A[1]y + A[2], A[3]x + A[4]y + A[5]).
type Affine [6]float64

// Identity leaves points where they are.
var Identity = Affine{1, 0, 0, 0, 1, 0}

// Apply takes a point along.
func (a Affine) Apply(p Point) Point {
	x, y := float64(p.X), float64(p.Y)
	return Point{float32(a[0]*x + a[1]*y + a[2]), float32(a[3]*x + a[4]*y + a[5])}
}

// Then returns the transform that applies a first and b after it.
func (a Affine) Then(b Affine) Affine {
	return Affine{
		b[0]*a[0] + b[1]*a[3], b[0]*a[1] + b[1]*a[4], b[0]*a[2] + b[1]*a[5] + b[2],
		b[3]*a[0] + b[4]*a[3], b[3]*a[1] + b[4]*a[4], b[3]*a[2] + b[4]*a[5] + b[5],
	}
}

// Inverse returns the transform back, and false when there is none.
func (a Affine) Inverse() (Affine, bool) {
	d := a[0]*a[4] - a[1]*a[3]
	if d == 0 || math.IsNaN(d) || math.IsInf(d, 0) {
		return Identity, false
	}
	return Affine{
		a[4] / d, -a[1] / d, (a[1]*a[5] - a[4]*a[2]) / d,
		-a[3] / d, a[0] / d, (a[3]*a[2] - a[0]*a[5]) / d,
	}, true
}

// Box returns the upright box around b's corners, taken along.
func (a Affine) Box(b Box) Box { return a.Polygon(b.Polygon()).Bounds() }

// Polygon takes the corners along.
func (a Affine) Polygon(p Polygon) Polygon {
	for i := range p {
		p[i] = a.Apply(p[i])
	}
	return p
}
