package page

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Verifier reads a few lines of a picture in each of the candidate directions (degrees clockwise that the content is turned)
// and returns the one in which they read best. Confidence is its share of the sum of the directions' inverse doubts, 0..1,
// where a doubt is what a reading's mean confidence lacks of 1; 0 when nothing could be read.
type Verifier interface {
	Verify(ctx context.Context, r *imaging.Raster, degrees []int) (best int, confidence float32, err error)
}

// Source is a file with pages, such as a codec.Document.
type Source interface {
	Header() imaging.Header
	Page(ctx context.Context, page int) (*imaging.Raster, error)
	ReducedGray(ctx context.Context, page, divisor int) (*imaging.Raster, error)
}

// Orienter tells by how many quarter turns pages are away from upright, with one model. It is safe for concurrent use. The
// executor stays its owner's to close.
type Orienter struct {
	x         pipeline.Executor
	verifier  Verifier
	id        string
	input     string
	answer    string // output: one row of four a tile
	upright   string // output: logit of vertical writing a tile; empty where the model has none
	logits    bool   // the answers are logits, not probabilities
	sharpness float64
	deepest   float64
	turn      float64
	tiling    tiling
	buffers   pipeline.BufferPool
}

var _ ocr.Orienter = (*Orienter)(nil)

const directions = 4

// NewOrienter binds a loaded model to its catalogue entry of family "angle", slot "page": one input of grey tiles
// [N, 1, tile, tile], 0..255; one output [N, 4] of logits or probabilities (parameter "output") whose class k stands for
// content turned k*90 degrees clockwise, and, if the model has it, an output "vertical" [N, 1]. A page's probabilities are
// the softmax of the sum over its tiles of their log-probabilities, cut at "deepest" each, times "sharpness". Below the
// threshold "turn" more tiles are looked at, and then verifier, if it is not nil and it is asked for, is called.
func NewOrienter(x pipeline.Executor, e models.Entry, verifier Verifier) (*Orienter, error) {
	fail := func(format string, args ...any) (*Orienter, error) {
		return nil, fmt.Errorf("page orientation %s: %w", e.ID, fmt.Errorf(format, args...))
	}
	if e.Family != models.FamilyAngle {
		return fail("its family is %q, want %q", e.Family, models.FamilyAngle)
	}
	if angles := e.Parameters.Ints("angles", nil); !slices.Equal(angles, []int{0, 90, 180, 270}) {
		return fail("its angles are %v, want [0, 90, 180, 270]", angles)
	}
	p := e.Parameters
	o := &Orienter{x: x, verifier: verifier, id: e.ID, sharpness: p.Float("sharpness", 1), deepest: p.Float("deepest", -6), turn: e.Threshold("turn", 0.9)}
	switch kind := p.String("output", "probabilities"); kind {
	case "logits":
		o.logits = true
	case "probabilities":
	default:
		return fail("output %q is not logits or probabilities", kind)
	}
	o.tiling = tiling{tile: p.Int("tile", 96), cell: p.Int("cell", 16), stride: p.Int("stride", 3), apart: p.Int("apart", 5), size: p.Int("size", 672),
		least: p.Int("least", 560), noise: p.Int("noise", 16), bright: p.Int("bright", 112), cap: p.Float("cap", 32), floor: p.Float("floor", 36),
		first: p.Int("first", 4), more: p.Int("more", 5), half: p.Int("half", 3)}
	if t := o.tiling; t.cell < 1 || t.tile < t.cell || t.tile%t.cell != 0 || t.stride < 1 || t.size < t.tile || t.least < 1 || t.first < 1 || t.more < 0 || t.half < 0 {
		return fail("parameters of its tiles do not fit together: %+v", t)
	}
	sig := x.Signature()
	if len(sig.Inputs) != 1 || len(sig.Inputs[0].Shape) != 4 {
		return fail("the model must have one input of 4 axes, has %v", sig.Inputs)
	}
	o.input = sig.Inputs[0].Name
	side := int64(o.tiling.tile)
	for axis, want := range []int64{-1, 1, side, side} {
		if got := sig.Inputs[0].Shape[axis]; got > 0 && got != want {
			return fail("its input %v must take any number of tiles of 1x%dx%d", sig.Inputs[0].Shape, side, side)
		}
	}
	for _, out := range sig.Outputs {
		switch {
		case out.Name == "vertical":
			o.upright = out.Name
		case o.answer == "":
			o.answer = out.Name
		default:
			return fail("the model must have one output besides \"vertical\", has %v", sig.Outputs)
		}
	}
	if o.answer == "" {
		return fail("the model has no output of directions")
	}
	return o, nil
}

// Threshold returns the confidence below which an answer is to be verified.
func (o *Orienter) Threshold() float32 { return float32(o.turn) }

// Divisor returns by how much a page may be reduced for the network to see its text as large as it does at full size: 1, 2,
// 4 or 8.
func (o *Orienter) Divisor(p imaging.PageHeader) int { return o.tiling.divisor(p.Width, p.Height) }

// DetectOrientation implements [ocr.Orienter].
func (o *Orienter) DetectOrientation(ctx context.Context, r *imaging.Raster, verify bool) (ocr.Orientation, error) {
	if err := r.Validate(); err != nil {
		return ocr.Orientation{}, fmt.Errorf("detect orientation: %w", err)
	}
	p, vertical, err := o.look(ctx, r)
	if err != nil {
		return ocr.Orientation{}, err
	}
	out := o.orientation(p, vertical)
	if !verify || !o.doubtful(out) {
		return out, nil
	}
	return o.verify(ctx, r, p, vertical, out)
}

// OrientationOf is [Orienter.DetectOrientation] of one page of a file, counted from 1. The page is decoded at a fraction of
// its size, and whole only when it has to be read.
func (o *Orienter) OrientationOf(ctx context.Context, s Source, page int, verify bool) (ocr.Orientation, error) {
	pages := s.Header().Pages
	if page < 1 || page > len(pages) {
		_, err := s.Page(ctx, page)
		return ocr.Orientation{}, errors.Join(err, fmt.Errorf("detect orientation: page %d of %d", page, len(pages)))
	}
	small, err := s.ReducedGray(ctx, page, o.Divisor(pages[page-1]))
	if err != nil {
		return ocr.Orientation{}, err
	}
	p, vertical, err := o.look(ctx, small)
	if err != nil {
		return ocr.Orientation{}, err
	}
	out := o.orientation(p, vertical)
	if !verify || !o.doubtful(out) {
		return out, nil
	}
	whole, err := s.Page(ctx, page)
	if err != nil {
		return ocr.Orientation{}, err
	}
	return o.verify(ctx, whole, p, vertical, out)
}

func (o *Orienter) doubtful(found ocr.Orientation) bool {
	return o.verifier != nil && float64(found.Confidence) < o.turn
}

// look returns the probabilities of the directions, and whether the text runs from top to bottom.
func (o *Orienter) look(ctx context.Context, r *imaging.Raster) (p [directions]float64, vertical bool, err error) {
	first, more := o.tiling.tiles(r)
	var sum [directions]float64
	var down float64
	for _, round := range [][]levels{first, more} {
		if len(round) == 0 {
			break
		}
		d, err := o.run(ctx, round, &sum)
		if err != nil {
			return p, false, err
		}
		down += d
		if p = softmax(sum, o.sharpness); slices.Max(p[:]) >= o.turn {
			break
		}
	}
	return p, down > 0, nil
}

func (o *Orienter) orientation(p [directions]float64, vertical bool) ocr.Orientation {
	best := 0
	for k, v := range p {
		if v > p[best] {
			best = k
		}
	}
	// What is written is told apart by a network that has to know which way up it is.
	return ocr.Orientation{Degrees: 90 * best, Confidence: float32(p[best]), Vertical: vertical && p[best] >= o.turn}
}

// run adds the tiles' log-probabilities to sum, and returns the sum of the logits of vertical writing.
func (o *Orienter) run(ctx context.Context, tiles []levels, sum *[directions]float64) (down float64, err error) {
	side := o.tiling.tile
	buf := o.buffers.Get(len(tiles) * side * side)
	defer o.buffers.Put(buf)
	for i, t := range tiles {
		t.copyTo(buf[i*side*side:], side)
	}
	shape := []int64{int64(len(tiles)), 1, int64(side), int64(side)}
	out, err := o.x.Run(ctx, pipeline.Tensors{o.input: {Shape: shape, Float32: buf}})
	if err != nil {
		return 0, fmt.Errorf("detect orientation: %w", err)
	}
	answers := out[o.answer].Float32
	fail := func(name string) error {
		return &pipeline.Failure{Reason: pipeline.Backend, Err: fmt.Errorf("detect orientation: output %s of %s has shape %v for %d tiles", name, o.id, out[name].Shape, len(tiles))}
	}
	if len(answers) != directions*len(tiles) {
		return 0, fail(o.answer)
	}
	for i := range tiles {
		for k, v := range o.logProbabilities(answers[directions*i:][:directions]) {
			sum[k] += max(v, o.deepest)
		}
	}
	if o.upright != "" {
		logits := out[o.upright].Float32
		if len(logits) != len(tiles) {
			return 0, fail(o.upright)
		}
		for _, v := range logits {
			down += float64(v)
		}
	}
	return down, nil
}

// logProbabilities returns one tile's. An answer that is no number is no opinion.
func (o *Orienter) logProbabilities(answer []float32) (out [directions]float64) {
	var total float64
	high := float64(slices.Max(answer))
	for k, v := range answer {
		out[k] = float64(v)
		if o.logits {
			out[k] = math.Exp(float64(v) - high)
		}
		total += out[k]
	}
	for k, v := range out {
		out[k] = math.Log(max(v/total, 1e-30))
		if math.IsNaN(v / total) {
			return [directions]float64{}
		}
	}
	return out
}

func softmax(v [directions]float64, sharpness float64) (p [directions]float64) {
	high, total := slices.Max(v[:]), 0.0
	for k := range v {
		p[k] = math.Exp(sharpness * (v[k] - high))
		total += p[k]
	}
	for k := range p {
		p[k] /= total
	}
	return p
}

const (
	candidateLeast = 0.02 // probability of a direction that is worth reading in
	readingWeight  = 3.0  // how much a direction's share of the inverse doubts counts, against the network's probabilities; both as log-odds
)

// verify reads the picture in the likely directions, the two likeliest at least, and weighs what was read against what the
// network saw.
func (o *Orienter) verify(ctx context.Context, r *imaging.Raster, p [directions]float64, vertical bool, seen ocr.Orientation) (ocr.Orientation, error) {
	order := []int{0, 1, 2, 3}
	slices.SortStableFunc(order, func(a, b int) int {
		if p[a] > p[b] {
			return -1
		} else if p[a] < p[b] {
			return 1
		}
		return 0
	})
	var candidates []int
	for i, k := range order {
		if i < 2 || p[k] >= candidateLeast {
			candidates = append(candidates, 90*k)
		}
	}
	best, share, err := o.verifier.Verify(ctx, r, candidates)
	if err != nil {
		return ocr.Orientation{}, fmt.Errorf("detect orientation: %w", err)
	}
	if !slices.Contains(candidates, best) || !(share > 0) {
		return seen, nil
	}
	// As far as the share exceeds that of chance, the direction gains.
	n := float64(len(candidates))
	c := min(max(float64(share), 1e-6), 1-1e-6)
	gain := readingWeight * (math.Log(c/(1-c)) + math.Log(n-1))
	var log [directions]float64
	for k, v := range p {
		log[k] = math.Log(max(v, 1e-9))
	}
	log[best/90] += gain
	q := softmax(log, 1)
	out := o.orientation(q, vertical)
	out.Verified = true
	return out, nil
}
