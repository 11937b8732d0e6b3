package text

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Direction tells lines that stand on their head, with one model. It is safe for concurrent use. The executor stays its
// owner's to close.
type Direction struct {
	x             pipeline.Executor
	input, output string
	scale         pixelScale
	width, height int
	stretch       bool
	maxBatch      int
	turned        int // index of the class of 180 degrees
	classes       int
	sure          float32
	buffers       pipeline.BufferPool
}

// NewDirection binds a loaded model to its catalogue entry of family "angle" with the parameter "angles" 0 and 180, in the
// order of its output [N, 2]. Lines are brought to the parameters "height" and "width", stretched to it where "stretch" is
// set, else in proportion and padded. Threshold "turn" (default 0.9): the probability from which a line counts as turned.
func NewDirection(x pipeline.Executor, e models.Entry) (*Direction, error) {
	fail := func(format string, args ...any) (*Direction, error) {
		return nil, fmt.Errorf("line direction %s: %w", e.ID, fmt.Errorf(format, args...))
	}
	if e.Family != models.FamilyAngle {
		return fail("its family is %q, want %q", e.Family, models.FamilyAngle)
	}
	sig := x.Signature()
	if len(sig.Inputs) != 1 || len(sig.Inputs[0].Shape) != 4 || len(sig.Outputs) != 1 {
		return fail("the model must have one input of 4 axes and one output, has %v and %v", sig.Inputs, sig.Outputs)
	}
	angles := e.Parameters.Ints("angles", nil)
	d := &Direction{x: x, input: sig.Inputs[0].Name, output: sig.Outputs[0].Name, turned: slices.Index(angles, 180), classes: len(angles),
		width: e.Parameters.Int("width", 192), height: e.Parameters.Int("height", 48), stretch: e.Parameters.Bool("stretch", false),
		maxBatch: max(e.Batch.Max, 1), sure: float32(e.Threshold("turn", 0.9))}
	if len(angles) != 2 || d.turned < 0 || !slices.Contains(angles, 0) {
		return fail("parameter angles is %v, want 0 and 180", angles)
	}
	if d.width < 8 || d.height < 8 || d.width > 4096 || d.height > 256 {
		return fail("parameters width %d and height %d are out of range: want 8 to 4096 and 8 to 256", d.width, d.height)
	}
	spec, _ := e.Input(d.input)
	var err error
	if d.scale, err = newPixelScale(spec); err != nil {
		return fail("%w", err)
	}
	if d.scale.channels != 3 {
		return fail("its input is gray, want BGR or RGB")
	}
	return d, nil
}

// Turn returns the regions with those turned by 180 degrees whose text stands on its head. Vertical ones are left alone.
func (d *Direction) Turn(ctx context.Context, picture *imaging.Raster, regions []Region) ([]Region, error) {
	if err := picture.Validate(); err != nil {
		return nil, fmt.Errorf("line direction: %w", err)
	}
	src := plane{pix: picture.Pix, width: picture.Width, height: picture.Height, channels: 3}
	out := slices.Clone(regions)
	var which []int
	var strips []strip
	for i, g := range regions {
		if s, ok := straight(g.Polygon, d.height, 0); ok && !g.Vertical {
			which, strips = append(which, i), append(strips, s)
		}
	}
	for len(which) > 0 {
		n := min(len(which), d.maxBatch)
		turned, err := d.run(ctx, src, strips[:n])
		if err != nil {
			return nil, fmt.Errorf("line direction: %w", err)
		}
		for k, t := range turned {
			if t {
				out[which[k]] = out[which[k]].Turned(180)
			}
		}
		which, strips = which[n:], strips[n:]
	}
	return out, nil
}

func (d *Direction) run(ctx context.Context, src plane, strips []strip) ([]bool, error) {
	size := 3 * d.width * d.height
	tensor := d.buffers.Get(size * len(strips))
	defer d.buffers.Put(tensor)
	clear(tensor) // the published models were trained with zeros behind a line's end
	for i, s := range strips {
		if d.stretch {
			s.patches[0].x1, s.width = float64(d.width), float64(d.width)
		} else if s.width > float64(d.width) {
			s = s.part(0, float64(d.width))
		}
		s.sample(tensor[i*size:(i+1)*size], d.width, src, d.scale)
	}
	out, err := d.x.Run(ctx, pipeline.Tensors{d.input: {Shape: []int64{int64(len(strips)), 3, int64(d.height), int64(d.width)}, Float32: tensor}})
	if err != nil {
		return nil, err
	}
	values := out[d.output].Float32
	if len(values) != d.classes*len(strips) {
		return nil, &pipeline.Failure{Reason: pipeline.Backend, Err: fmt.Errorf("output %s has shape %v, want [%d %d]", d.output, out[d.output].Shape, len(strips), d.classes)}
	}
	turned := make([]bool, len(strips))
	for i := range turned {
		v := values[i*d.classes+d.turned]
		if math.IsNaN(float64(v)) {
			return nil, &pipeline.Failure{Reason: pipeline.Backend, Err: fmt.Errorf("output %s holds values that are no numbers", d.output)}
		}
		turned[i] = v >= d.sure
	}
	return turned, nil
}
