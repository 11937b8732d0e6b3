package face

import (
	"context"
	"fmt"
	"math"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Landmarker finds the dense landmarks of detected faces with one model of family "landmarks". It is safe for concurrent
// use. The executor stays its owner's to close.
type Landmarker struct {
	x             pipeline.Executor
	input, output string
	spec          imaging.Spec
	layout        layout
	scale, shift  float64
	turn          bool
	buffers       pipeline.BufferPool
}

// NewLandmarker binds a loaded model to its catalogue entry of family "landmarks": one input of a square picture, whose
// size, layout, colour and normalisation are the entry's; one output of x and y of each point as shares of the crop, in
// turns. Parameters: "points" and "order" (98 and "wflw", the only ones known); how the crop is made: "crop_scale" (its
// side over the longer side of the face's box, default 1), "crop_shift" (how far its centre lies from the box's towards
// the chin, as a share of the side, default 0) and "crop_turn" (whether the face is turned upright by its five landmarks,
// default true: then faces of any orientation can be handled).
func NewLandmarker(x pipeline.Executor, e models.Entry) (*Landmarker, error) {
	fail := func(format string, args ...any) (*Landmarker, error) {
		return nil, fmt.Errorf("face landmarks %s: %w", e.ID, fmt.Errorf(format, args...))
	}
	if e.Family != models.FamilyLandmarks {
		return fail("its family is %q, want %q", e.Family, models.FamilyLandmarks)
	}
	points, order := e.Parameters.Int("points", 98), e.Parameters.String("order", "wflw")
	if points != wflw.points || order != "wflw" {
		return fail("%d points in the order %q; want %d in the order \"wflw\"", points, order, wflw.points)
	}
	sig := x.Signature()
	if len(sig.Inputs) != 1 || len(sig.Inputs[0].Shape) != 4 || len(sig.Outputs) != 1 {
		return fail("the model must have one input of 4 axes and one output, has %v and %v", sig.Inputs, sig.Outputs)
	}
	l := &Landmarker{x: x, input: sig.Inputs[0].Name, output: sig.Outputs[0].Name, layout: wflw,
		scale: e.Parameters.Float("crop_scale", 1), shift: e.Parameters.Float("crop_shift", 0), turn: e.Parameters.Bool("crop_turn", true)}
	if !(l.scale >= 0.5 && l.scale <= 4) || !(math.Abs(l.shift) <= 0.5) {
		return fail("crop_scale is %v and crop_shift %v; want 0.5 to 4 and -0.5 to 0.5", l.scale, l.shift)
	}
	shape := sig.Inputs[0].Shape
	if in, ok := e.Input(l.input); ok {
		if err := l.spec.Configure(in); err != nil {
			return fail("%w", err)
		}
		if len(in.Shape) == 4 {
			shape = in.Shape
		}
	}
	width, height := shape[3], shape[2]
	if l.spec.Layout == imaging.NHWC {
		width, height = shape[2], shape[1]
	}
	if width < 1 || width != height {
		return fail("its input %v must fix a square picture", shape)
	}
	l.spec.Width, l.spec.Height = int(width), int(height)
	return l, nil
}

// Locate returns the landmarks of a detected face of r, with eye and mouth opening and pose. Points of what is covered or
// outside the picture are the model's guess. The result does not depend on what other calls share the model's batch. A
// detection without extent gives [ErrDegenerate]; the rest are the engine's failures.
func (l *Landmarker) Locate(ctx context.Context, r *imaging.Raster, d Detection) (Mesh, error) {
	if err := r.Validate(); err != nil {
		return Mesh{}, fmt.Errorf("face landmarks: %w", err)
	}
	toPicture, err := l.window(d)
	if err != nil {
		return Mesh{}, fmt.Errorf("face landmarks: %w", err)
	}
	size := l.spec.Width
	// Shares of the crop are measured from its edge, pixels from their centres.
	px := Similarity2D{A: toPicture.A / float64(size), B: toPicture.B / float64(size)}
	px.X, px.Y = toPicture.Apply(0.5/float64(size), 0.5/float64(size))
	px.X, px.Y = px.X-0.5, px.Y-0.5
	buf := l.buffers.Get(l.spec.Elements())
	defer l.buffers.Put(buf)
	if _, err := imaging.ToTensor(buf, warp(r, px, size), l.spec); err != nil {
		return Mesh{}, fmt.Errorf("face landmarks: %w", err)
	}
	shape := []int64{1, 3, int64(size), int64(size)}
	if l.spec.Layout == imaging.NHWC {
		shape = []int64{1, int64(size), int64(size), 3}
	}
	out, err := l.x.Run(ctx, pipeline.Tensors{l.input: {Shape: shape, Float32: buf}})
	if err != nil {
		return Mesh{}, fmt.Errorf("face landmarks: %w", err)
	}
	points, err := l.points(out[l.output].Float32, toPicture)
	if err != nil {
		return Mesh{}, &pipeline.Failure{Reason: pipeline.Backend, Err: fmt.Errorf("face landmarks: %w", err)}
	}
	return l.layout.mesh(points), nil
}

// Refine returns d with the five points of its dense landmarks, which place the crop of an embedding better than the
// detector's where the head is turned; see [Mesh.Landmarks] and [Landmarker.Locate].
func (l *Landmarker) Refine(ctx context.Context, r *imaging.Raster, d Detection) (Detection, error) {
	m, err := l.Locate(ctx, r, d)
	if err != nil {
		return Detection{}, err
	}
	d.Landmarks = m.Landmarks()
	return d, nil
}

// window maps shares of the crop, 0..1 from its upper left corner, to pixels of the picture.
func (l *Landmarker) window(d Detection) (Similarity2D, error) {
	side := l.scale * float64(max(d.Box.W, d.Box.H))
	s := Similarity2D{A: side}
	if l.turn {
		x, y := upright(d.Landmarks)
		s.A, s.B = side*x, side*y
	}
	c := d.Box.Center()
	cx, cy := float64(c.X), float64(c.Y)
	// The centre (0.5, 0.5-shift) of the crop is the box's.
	dx, dy := s.Apply(0.5, 0.5-l.shift)
	s.X, s.Y = cx-dx, cy-dy
	if !(side > 0.1 && side < 1e6) || math.IsNaN(s.A+s.B+s.X+s.Y) || math.IsInf(s.X+s.Y, 0) {
		return Similarity2D{}, ErrDegenerate
	}
	return s, nil
}

// upright returns the direction, a unit vector, of a line from the person's right to left across the face: the mean of the
// eyes' and of the one across the line from the eyes to the mouth, which is the steadier one on turned heads.
func upright(p [5]Point) (x, y float64) {
	ex, ey := unit(float64(p[LeftEye].X-p[RightEye].X), float64(p[LeftEye].Y-p[RightEye].Y))
	dx := float64(p[RightMouthCorner].X + p[LeftMouthCorner].X - p[RightEye].X - p[LeftEye].X)
	dy := float64(p[RightMouthCorner].Y + p[LeftMouthCorner].Y - p[RightEye].Y - p[LeftEye].Y)
	mx, my := unit(dy, -dx)
	if x, y = unit(ex+mx, ey+my); x == 0 && y == 0 {
		return 1, 0
	}
	return x, y
}

// unit is the direction of a vector, (0, 0) for one without.
func unit(x, y float64) (float64, float64) {
	n := math.Hypot(x, y)
	if !(n > 1e-9) || math.IsInf(n, 0) {
		return 0, 0
	}
	return x / n, y / n
}

func (l *Landmarker) points(v []float32, toPicture Similarity2D) ([]Point, error) {
	if len(v) != 2*l.layout.points {
		return nil, fmt.Errorf("output %s has %d values, want %d", l.output, len(v), 2*l.layout.points)
	}
	out := make([]Point, l.layout.points)
	for i := range out {
		x, y := toPicture.Apply(float64(v[2*i]), float64(v[2*i+1]))
		if math.IsNaN(x+y) || math.IsInf(x+y, 0) {
			return nil, fmt.Errorf("output %s is not finite at point %d", l.output, i)
		}
		out[i] = Point{float32(x), float32(y)}
	}
	return out, nil
}
