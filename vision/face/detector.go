package face

import (
	"context"
	"fmt"
	"math"
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

// head names the outputs of one stride: [batch, cells, 1|1|4|10], cells in rows.
type head struct {
	stride              int
	cls, obj, bbox, kps string
}

// NewDetector binds a loaded model to its catalogue entry of family "yunet". The entry's parameter "strides" (default 8,
// 16, 32) and the layout, colour and normalisation of its only input are honoured; thresholds "score" and "nms_iou" are
// the defaults of [DetectOptions].
func NewDetector(x pipeline.Executor, e models.Entry) (*Detector, error) {
	fail := func(format string, args ...any) (*Detector, error) {
		return nil, fmt.Errorf("face detector %s: %w", e.ID, fmt.Errorf(format, args...))
	}
	if e.Family != models.FamilyYuNet {
		return fail("its family is %q, want %q", e.Family, models.FamilyYuNet)
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
	for _, stride := range e.Parameters.Ints("strides", []int{8, 16, 32}) {
		h := head{stride: stride, cls: fmt.Sprintf("cls_%d", stride), obj: fmt.Sprintf("obj_%d", stride),
			bbox: fmt.Sprintf("bbox_%d", stride), kps: fmt.Sprintf("kps_%d", stride)}
		if stride < 1 || d.multiple%stride != 0 && d.fixed == [2]int{} {
			return fail("stride %d does not divide multiple_of %d", stride, d.multiple)
		}
		for _, name := range []string{h.cls, h.obj, h.bbox, h.kps} {
			if !slices.ContainsFunc(sig.Outputs, func(i pipeline.TensorInfo) bool { return i.Name == name }) {
				return fail("the model has no output %q", name)
			}
		}
		d.heads = append(d.heads, h)
	}
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
	spec := d.spec
	spec.Width, spec.Height = d.fixed[0], d.fixed[1]
	if spec.Width == 0 {
		spec.Width, spec.Height = canvas(r.Width, r.Height, o.MaxSide, d.multiple)
	}
	buf := d.buffers.Get(spec.Elements())
	defer d.buffers.Put(buf)
	transform, err := imaging.ToTensor(buf, r, spec)
	if err != nil {
		return nil, fmt.Errorf("detect faces: %w", err)
	}
	shape := []int64{1, 3, int64(spec.Height), int64(spec.Width)}
	if spec.Layout == imaging.NHWC {
		shape = []int64{1, int64(spec.Height), int64(spec.Width), 3}
	}
	out, err := d.x.Run(ctx, pipeline.Tensors{d.input: {Shape: shape, Float32: buf}})
	if err != nil {
		return nil, fmt.Errorf("detect faces: %w", err)
	}
	found, err := d.decode(out, spec.Width, spec.Height, o.MinScore)
	if err != nil {
		return nil, &pipeline.Failure{Reason: pipeline.Backend, Err: fmt.Errorf("detect faces: %w", err)}
	}
	return finish(suppress(found, o.NMSIoU), transform, r.Width, r.Height, o), nil
}

// finish maps faces to the picture's pixels, and drops what is too small or too many.
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
	slices.SortStableFunc(out, order)
	return out[:min(len(out), o.MaxFaces)]
}

// maxCandidates bounds the quadratic suppression; a crowd of 300 faces gives about 5,000.
const maxCandidates = 10_000

// decode reads the heads into boxes in the tensor's pixels: with (column, row) of a cell and stride s,
// centre = (cell + bbox[0:2]) * s, size = exp(bbox[2:4]) * s, landmark k = (cell + kps[2k:2k+2]) * s,
// score = sqrt(cls * obj), both clamped to 0..1.
func (d *Detector) decode(out pipeline.Tensors, width, height int, minScore float32) ([]Detection, error) {
	var found []Detection
	floor := minScore * minScore
	for _, h := range d.heads {
		columns, rows := width/h.stride, height/h.stride
		cells := columns * rows
		var data [4][]float32
		for i, want := range [4]struct {
			name string
			per  int
		}{{h.cls, 1}, {h.obj, 1}, {h.bbox, 4}, {h.kps, 10}} {
			data[i] = out[want.name].Float32
			if len(data[i]) != cells*want.per {
				return nil, fmt.Errorf("output %s has shape %v, want %d x %d", want.name, out[want.name].Shape, cells, want.per)
			}
		}
		cls, obj, s := data[0], data[1], float32(h.stride)
		for i := range cells {
			square := min(max(cls[i], 0), 1) * min(max(obj[i], 0), 1)
			if !(square >= floor) { // also when NaN
				continue
			}
			x, y := float32(i%columns), float32(i/columns)
			b, k := data[2][4*i:4*i+4], data[3][10*i:10*i+10]
			w, hh := exp(b[2])*s, exp(b[3])*s
			f := Detection{Score: float32(math.Sqrt(float64(square))), Box: Box{X: (x+b[0])*s - w/2, Y: (y+b[1])*s - hh/2, W: w, H: hh}}
			sum := f.Box.X + f.Box.Y + f.Box.W + f.Box.H
			for p := range f.Landmarks {
				f.Landmarks[p] = Point{(x + k[2*p]) * s, (y + k[2*p+1]) * s}
				sum += f.Landmarks[p].X + f.Landmarks[p].Y
			}
			if sum-sum != 0 { // a NaN or an infinity somewhere
				continue
			}
			found = append(found, f)
		}
	}
	if len(found) > maxCandidates {
		slices.SortStableFunc(found, order)
		found = found[:maxCandidates]
	}
	return found, nil
}

func exp(v float32) float32 { return float32(math.Exp(float64(v))) }
