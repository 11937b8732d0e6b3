package liveness

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Member is a loaded model with its catalogue entry of family "minifasnet". The executor stays its owner's to close.
type Member struct {
	Executor pipeline.Executor
	Entry    models.Entry
}

// Checker decides with an ensemble. It is safe for concurrent use.
type Checker struct {
	members   []*member
	threshold float32
}

// member is one model of the ensemble.
type member struct {
	x             pipeline.Executor
	id            string
	input, output string
	spec          imaging.Spec
	scale         float64 // how far the box is grown
	classes, live int
	logits        bool
	buffers       pipeline.BufferPool
}

// defaultThreshold is the published systems' rule, the likeliest class, for two classes.
const defaultThreshold = 0.5

// NewChecker binds the models of an ensemble, one or more. Each has one input of a square picture, whose layout, colour and
// normalisation are its entry's, and one output of a value per class. Parameters: "crop_scale" (required: how many times
// the face's box is grown), "live_class" (default 1), "output" ("logits", the default, or "probabilities"). The threshold
// is the highest of the entries' thresholds "live", or 0.5 where none gives one.
func NewChecker(ensemble []Member) (*Checker, error) {
	if len(ensemble) == 0 {
		return nil, errors.New("liveness: no model was given")
	}
	c := &Checker{}
	for _, given := range ensemble {
		m, err := bind(given.Executor, given.Entry)
		if err != nil {
			return nil, fmt.Errorf("liveness %s: %w", given.Entry.ID, err)
		}
		c.members = append(c.members, m)
		c.threshold = max(c.threshold, float32(given.Entry.Threshold("live", 0)))
	}
	if c.threshold == 0 {
		c.threshold = defaultThreshold
	}
	return c, nil
}

func bind(x pipeline.Executor, e models.Entry) (*member, error) {
	if e.Family != models.FamilyMiniFASNet {
		return nil, fmt.Errorf("its family is %q, want %q", e.Family, models.FamilyMiniFASNet)
	}
	if err := e.Parameters.Check("crop_scale"); err != nil {
		return nil, err
	}
	sig := x.Signature()
	if len(sig.Inputs) != 1 || len(sig.Inputs[0].Shape) != 4 || len(sig.Outputs) != 1 {
		return nil, fmt.Errorf("the model must have one input of 4 axes and one output, has %v and %v", sig.Inputs, sig.Outputs)
	}
	m := &member{x: x, id: e.ID, input: sig.Inputs[0].Name, output: sig.Outputs[0].Name,
		scale: e.Parameters.Float("crop_scale", 0), live: e.Parameters.Int("live_class", 1)}
	shape := sig.Inputs[0].Shape
	if in, ok := e.Input(m.input); ok {
		if err := m.spec.Configure(in); err != nil {
			return nil, err
		}
		if len(in.Shape) == 4 {
			shape = in.Shape
		}
	}
	height, width := shape[2], shape[3]
	if m.spec.Layout == imaging.NHWC {
		height, width = shape[1], shape[2]
	}
	if width < 1 || height < 1 {
		return nil, fmt.Errorf("its input %v must fix the picture's size", shape)
	}
	m.spec.Width, m.spec.Height = int(width), int(height)
	if out := sig.Outputs[0].Shape; len(out) > 0 {
		m.classes = int(max(out[len(out)-1], 0))
	}
	switch kind := e.Parameters.String("output", "logits"); kind {
	case "logits":
		m.logits = true
	case "probabilities":
	default:
		return nil, fmt.Errorf("parameter output is %q, must be logits or probabilities", kind)
	}
	if m.live < 0 || m.classes > 0 && m.live >= m.classes {
		return nil, fmt.Errorf("live_class %d is not one of %d classes", m.live, m.classes)
	}
	if !(m.scale >= 1 && m.scale <= 16) {
		return nil, fmt.Errorf("crop_scale is %v, must be 1 to 16", m.scale)
	}
	return m, nil
}

// Threshold is the score from which on a face is taken to be live.
func (c *Checker) Threshold() float32 { return c.threshold }

// Check decides over frames of one person, in any order. A frame's score is the mean of the models' probabilities of the
// live class; the score over frames is their mean without the highest and the lowest fifth (rounded down), so that single
// frames, such as one with a reflection, decide nothing when there are five or more. Frames that can't be judged are left
// out: no face, too small, cut by the edge, too dark, overexposed. The verdict is [Undecided] when fewer than half of the
// frames are left, or when more than a third of those fall on the other side of the threshold than the rest. The result
// does not depend on what other calls share a model's batch. Errors are broken rasters and the engine's failures.
func (c *Checker) Check(ctx context.Context, frames []Frame) (Result, error) {
	res := Result{Threshold: c.threshold, Best: -1, Verdict: Undecided, Scores: make([]float32, len(frames))}
	if len(frames) == 0 {
		res.Reason = "no frame was given"
		return res, nil
	}
	var used []float32
	problems := map[string]int{}
	for i, f := range frames {
		res.Scores[i] = float32(math.NaN())
		if err := f.Raster.Validate(); err != nil {
			return Result{}, fmt.Errorf("liveness: frame %d: %w", i, err)
		}
		if problem := unusable(f); problem != "" {
			problems[problem]++
			continue
		}
		score, err := c.frame(ctx, f)
		if err != nil {
			return Result{}, fmt.Errorf("liveness: frame %d: %w", i, err)
		}
		res.Scores[i] = score
		used = append(used, score)
		if res.Best < 0 || f.Face.Box.Area() > frames[res.Best].Face.Box.Area() {
			res.Best = i
		}
	}
	res.Frames = len(used)
	if len(used) > 0 {
		res.Score = trimmedMean(used)
	}
	res.Verdict, res.Reason = c.decide(used, len(frames), res.Score, problems)
	return res, nil
}

// decide turns the frames' scores into a verdict.
func (c *Checker) decide(used []float32, frames int, score float32, problems map[string]int) (Verdict, string) {
	if 2*len(used) < frames || len(used) == 0 {
		why := commonest(problems)
		if frames > 1 {
			why = fmt.Sprintf("%d of %d frames could be judged, at least half are needed; most often %s", len(used), frames, why)
		}
		return Undecided, why
	}
	live := 0
	for _, s := range used {
		if s >= c.threshold {
			live++
		}
	}
	if minority := min(live, len(used)-live); 3*minority > len(used) {
		return Undecided, fmt.Sprintf("the frames disagree: %d of %d look live", live, len(used))
	}
	if score >= c.threshold {
		return Live, ""
	}
	return Attack, ""
}

// trimmedMean is the mean without the highest and the lowest fifth.
func trimmedMean(scores []float32) float32 {
	s := slices.Sorted(slices.Values(scores))
	s = s[len(s)/5 : len(s)-len(s)/5]
	var sum float64
	for _, v := range s {
		sum += float64(v)
	}
	return float32(sum / float64(len(s)))
}

// frame is the ensemble's probability that one frame shows a live face.
func (c *Checker) frame(ctx context.Context, f Frame) (float32, error) {
	var sum float64
	for _, m := range c.members {
		p, err := m.score(ctx, f)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", m.id, err)
		}
		sum += p
	}
	return float32(sum / float64(len(c.members))), nil
}

func (m *member) score(ctx context.Context, f Frame) (float64, error) {
	buf := m.buffers.Get(m.spec.Elements())
	defer m.buffers.Put(buf)
	if _, err := imaging.ToTensor(buf, crop(f.Raster, f.Face.Box, m.scale), m.spec); err != nil {
		return 0, err
	}
	w, h := int64(m.spec.Width), int64(m.spec.Height)
	shape := []int64{1, 3, h, w}
	if m.spec.Layout == imaging.NHWC {
		shape = []int64{1, h, w, 3}
	}
	out, err := m.x.Run(ctx, pipeline.Tensors{m.input: {Shape: shape, Float32: buf}})
	if err != nil {
		return 0, err
	}
	p, err := m.probability(out[m.output].Float32)
	if err != nil {
		return 0, &pipeline.Failure{Reason: pipeline.Backend, Err: err}
	}
	return p, nil
}

// probability is that of the live class.
func (m *member) probability(v []float32) (float64, error) {
	if m.live >= len(v) || m.classes > 0 && len(v) != m.classes {
		return 0, fmt.Errorf("output %s has %d values, want %d", m.output, len(v), max(m.classes, m.live+1))
	}
	p := float64(v[m.live])
	if m.logits {
		top := float64(slices.Max(v))
		var sum float64
		for _, x := range v {
			sum += math.Exp(float64(x) - top)
		}
		p = math.Exp(p-top) / sum
	}
	if !(p >= 0 && p <= 1) {
		return 0, fmt.Errorf("output %s gives no probability: %v", m.output, v)
	}
	return p, nil
}
