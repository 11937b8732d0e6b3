package face

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// alignArcFace is the only value of an embedding entry's parameter "alignment".
const alignArcFace = "arcface-112"

// Template is what is compared instead of a face: a vector of length 1. Templates of different models can't be compared.
// It is biometric data: whoever keeps one must protect it like the face itself.
type Template []float32

// Similarity returns the cosine of the angle between two templates, -1 to 1; NaN, which is above no threshold, when their
// lengths differ. It is a raw score: how often strangers reach a given value depends on the model and has to be measured
// ('courtsense eval face'), so no service answers with it before it is calibrated.
func Similarity(a, b Template) float32 {
	if len(a) != len(b) || len(a) == 0 {
		return float32(math.NaN())
	}
	var sum float64
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return float32(min(max(sum, -1), 1))
}

// Embedder computes templates with one model of family "embedding". It is safe for concurrent use. The executor stays
// its owner's to close.
type Embedder struct {
	x             pipeline.Executor
	input, output string
	spec          imaging.Spec
	dimensions    int // 0 where the graph leaves it open
	buffers       pipeline.BufferPool
}

// NewEmbedder binds a loaded model to its catalogue entry of family "embedding": one input of a square picture, fixed by
// the graph or the entry ("shape"), whose layout, colour and normalisation are the entry's; one output of one vector per
// picture. The batch axis may be fixed to 1 or dynamic. Parameter "alignment" (default "arcface-112") names the template
// that faces are aligned to.
func NewEmbedder(x pipeline.Executor, e models.Entry) (*Embedder, error) {
	fail := func(format string, args ...any) (*Embedder, error) {
		return nil, fmt.Errorf("face embedding %s: %w", e.ID, fmt.Errorf(format, args...))
	}
	if e.Family != models.FamilyEmbedding {
		return fail("its family is %q, want %q", e.Family, models.FamilyEmbedding)
	}
	if a := e.Parameters.String("alignment", alignArcFace); a != alignArcFace {
		return fail("alignment %q is not known; it must be %q", a, alignArcFace)
	}
	if d := e.Parameters.String("distance", "cosine"); d != "cosine" {
		return fail("distance %q is not known; it must be \"cosine\"", d)
	}
	sig := x.Signature()
	if len(sig.Inputs) != 1 || len(sig.Inputs[0].Shape) != 4 {
		return fail("the model must have one input of 4 axes, has %v", sig.Inputs)
	}
	if len(sig.Outputs) != 1 {
		return fail("the model must have one output, has %v", sig.Outputs)
	}
	m := &Embedder{x: x, input: sig.Inputs[0].Name, output: sig.Outputs[0].Name}
	shape := sig.Inputs[0].Shape
	if in, ok := e.Input(m.input); ok {
		if err := m.spec.Configure(in); err != nil {
			return fail("%w", err)
		}
		if len(in.Shape) == 4 {
			shape = in.Shape
		}
	}
	width, height := shape[3], shape[2]
	if m.spec.Layout == imaging.NHWC {
		width, height = shape[2], shape[1]
	}
	if width < 1 || width != height {
		return fail("its input %v must fix a square picture", shape)
	}
	m.spec.Width, m.spec.Height = int(width), int(height)
	if out := sig.Outputs[0].Shape; len(out) > 0 {
		m.dimensions = int(max(out[len(out)-1], 0))
	}
	return m, nil
}

// Embed aligns a detected face of r and returns its template. The result does not depend on what other calls share the
// model's batch. Landmarks that do not span a face give [ErrDegenerate]; the rest are the engine's failures.
func (m *Embedder) Embed(ctx context.Context, r *imaging.Raster, d Detection) (Template, error) {
	aligned, err := Align(r, d.Landmarks, m.spec.Width)
	if err != nil {
		return nil, err
	}
	buf := m.buffers.Get(m.spec.Elements())
	defer m.buffers.Put(buf)
	if _, err := imaging.ToTensor(buf, aligned, m.spec); err != nil {
		return nil, fmt.Errorf("embed face: %w", err)
	}
	side := int64(m.spec.Width)
	shape := []int64{1, 3, side, side}
	if m.spec.Layout == imaging.NHWC {
		shape = []int64{1, side, side, 3}
	}
	out, err := m.x.Run(ctx, pipeline.Tensors{m.input: {Shape: shape, Float32: buf}})
	if err != nil {
		return nil, fmt.Errorf("embed face: %w", err)
	}
	t, err := m.normalise(out[m.output].Float32)
	if err != nil {
		return nil, &pipeline.Failure{Reason: pipeline.Backend, Err: fmt.Errorf("embed face: %w", err)}
	}
	return t, nil
}

func (m *Embedder) normalise(v []float32) (Template, error) {
	if len(v) == 0 || m.dimensions > 0 && len(v) != m.dimensions {
		return nil, fmt.Errorf("output %s has %d values, want %d", m.output, len(v), m.dimensions)
	}
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	norm := math.Sqrt(sum)
	if !(norm > 0) || math.IsInf(norm, 0) {
		return nil, errors.New("the model's vector has no direction")
	}
	t := make(Template, len(v))
	for i, x := range v {
		t[i] = float32(float64(x) / norm)
	}
	return t, nil
}
