package face

import (
	"context"
	"fmt"
	"slices"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Detector finds faces with one model. It is safe for concurrent use. The executor stays its owner's to close.
type Detector struct {
	x        pipeline.Executor
	input    string
	spec     imaging.Spec // without a size
	multiple int
	fixed    [2]int // width and height, where the graph takes only these
	heads    []head
	score    float32
	iou      float32
	buffers  pipeline.BufferPool
}

// NewDetector binds a loaded model to its catalogue entry of family "yunet" or "scrfd". The entry's parameters "strides"
// (default 8, 16, 32) and "anchors" (scrfd; default 2) and the layout, colour and normalisation of its only input are
// honoured; thresholds "score" and "nms_iou" are the defaults of [DetectOptions].
func NewDetector(x pipeline.Executor, e models.Entry) (*Detector, error) {
	fail := func(format string, args ...any) (*Detector, error) {
		return nil, fmt.Errorf("face detector %s: %w", e.ID, fmt.Errorf(format, args...))
	}
	sig := x.Signature()
	if len(sig.Inputs) != 1 || len(sig.Inputs[0].Shape) != 4 {
		return fail("the model must have one input of 4 axes, has %v", sig.Inputs)
	}
	d := &Detector{x: x, input: sig.Inputs[0].Name, multiple: 32,
		score: float32(e.Threshold("score", 0.6)), iou: float32(e.Threshold("nms_iou", 0.3))}
	d.spec = imaging.Spec{Fit: imaging.Letterbox, NoEnlarge: true}
	if in, ok := e.Input(d.input); ok {
		if err := d.spec.Configure(in); err != nil {
			return fail("%w", err)
		}
		d.multiple = max(1, in.MultipleOf)
	}
	shape := sig.Inputs[0].Shape
	height, width := shape[2], shape[3]
	if d.spec.Layout == imaging.NHWC {
		height, width = shape[1], shape[2]
	}
	if (height > 0) != (width > 0) {
		return fail("its input %v fixes one side only", shape)
	}
	if height > 0 {
		d.fixed = [2]int{int(width), int(height)}
	}
	heads, err := newHeads(e, sig.Outputs)
	if err != nil {
		return fail("%w", err)
	}
	for _, h := range heads {
		if d.multiple%h.stride != 0 && d.fixed == [2]int{} {
			return fail("stride %d does not divide multiple_of %d", h.stride, d.multiple)
		}
	}
	d.heads = heads
	if n := e.Parameters.Int("landmarks", 5); n != 5 || len(d.heads) == 0 {
		return fail("%d landmarks at %d strides; want 5 at one or more", n, len(d.heads))
	}
	return d, nil
}

// Detect returns the faces of r, best score first, larger first among equals. The result does not depend on what other
// calls share the model's batch. Options out of range give a *refusal.Error; the rest are the engine's failures.
func (d *Detector) Detect(ctx context.Context, r *imaging.Raster, o DetectOptions) ([]Detection, error) {
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("detect faces: %w", err)
	}
	o, err := o.check(d.score, d.iou)
	if err != nil {
		return nil, err
	}
	found, err := d.turns(ctx, r, o)
	if err == nil && len(found) == 0 && d.fixed == [2]int{} && 2*max(r.Width, r.Height) <= o.MaxSide {
		found, err = d.closer(ctx, r, o)
	}
	if err != nil {
		return nil, fmt.Errorf("detect faces: %w", err)
	}
	slices.SortStableFunc(found, order)
	return found[:min(len(found), o.MaxFaces)], nil
}

// closer looks at a small picture at twice its size, for faces of some ten pixels.
func (d *Detector) closer(ctx context.Context, r *imaging.Raster, o DetectOptions) ([]Detection, error) {
	o.MinSize *= 2
	found, err := d.turns(ctx, imaging.Resize(r, 2*r.Width, 2*r.Height), o)
	for i := range found {
		f := &found[i]
		f.Box = Box{X: f.Box.X / 2, Y: f.Box.Y / 2, W: f.Box.W / 2, H: f.Box.H / 2}
		for k, p := range f.Landmarks {
			f.Landmarks[k] = Point{p.X / 2, p.Y / 2}
		}
	}
	return found, err
}

// turns finds the faces of r as it is, and where that is asked for, turned by quarters.
func (d *Detector) turns(ctx context.Context, r *imaging.Raster, o DetectOptions) ([]Detection, error) {
	found, err := d.look(ctx, r, o)
	if err != nil || !o.AnyOrientation {
		return found, err
	}
	for _, t := range quarterTurns {
		turned, err := d.look(ctx, imaging.Orient(r, t.exif), o)
		if err != nil {
			return nil, err
		}
		for _, f := range turned {
			found = append(found, t.back(f, r.Width, r.Height))
		}
	}
	return suppress(found, o.NMSIoU), nil
}

// look finds the faces that are upright in r.
func (d *Detector) look(ctx context.Context, r *imaging.Raster, o DetectOptions) ([]Detection, error) {
	spec := d.spec
	spec.Width, spec.Height = d.fixed[0], d.fixed[1]
	if spec.Width == 0 {
		spec.Width, spec.Height = canvas(r.Width, r.Height, o.MaxSide, d.multiple)
	}
	buf := d.buffers.Get(spec.Elements())
	defer d.buffers.Put(buf)
	transform, err := imaging.ToTensor(buf, r, spec)
	if err != nil {
		return nil, err
	}
	shape := []int64{1, 3, int64(spec.Height), int64(spec.Width)}
	if spec.Layout == imaging.NHWC {
		shape = []int64{1, int64(spec.Height), int64(spec.Width), 3}
	}
	out, err := d.x.Run(ctx, pipeline.Tensors{d.input: {Shape: shape, Float32: buf}})
	if err != nil {
		return nil, err
	}
	found, err := d.decode(out, spec.Width, spec.Height, o.MinScore)
	if err != nil {
		return nil, &pipeline.Failure{Reason: pipeline.Backend, Err: err}
	}
	return finish(suppress(found, o.NMSIoU), transform, r.Width, r.Height, o), nil
}

// finish maps faces to the picture's pixels, and drops what is too small.
func finish(found []Detection, t imaging.Transform, width, height int, o DetectOptions) []Detection {
	sx, sy := float32(1/t.ScaleX), float32(1/t.ScaleY)
	out := make([]Detection, 0, len(found))
	for _, f := range found {
		f.Box = Box{X: f.Box.X * sx, Y: f.Box.Y * sy, W: f.Box.W * sx, H: f.Box.H * sy}.clip(width, height)
		if f.Box.W <= 0 || f.Box.H <= 0 || min(f.Box.W, f.Box.H) < o.MinSize {
			continue
		}
		for i, p := range f.Landmarks {
			f.Landmarks[i] = Point{p.X * sx, p.Y * sy}
		}
		out = append(out, f)
	}
	return out
}

// maxCandidates bounds the quadratic suppression; a crowd of 300 faces gives about 5,000.
const maxCandidates = 10_000

// decode reads the heads into boxes in the tensor's pixels.
func (d *Detector) decode(out pipeline.Tensors, width, height int, minScore float32) ([]Detection, error) {
	var found []Detection
	for _, h := range d.heads {
		faces, err := h.read(out, width, height, minScore)
		if err != nil {
			return nil, err
		}
		found = append(found, faces...)
	}
	if len(found) > maxCandidates {
		slices.SortStableFunc(found, order)
		found = found[:maxCandidates]
	}
	return found, nil
}
