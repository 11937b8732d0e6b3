package service

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/vision/calibration"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/gallery"
)

// Reasons of errors about what a similarity means.
const (
	reasonNotCalibrated  = "CALIBRATION_MISSING"
	reasonFMRUnsupported = "FALSE_MATCH_RATE_UNSUPPORTED"
)

// defaultFMR are the false match rates for a request that names none: the first that the calibration supports.
var defaultFMR = []float64{1e-4, 1e-3, 1e-2}

// embedding is a loaded model that makes templates, and the weights that it was bound with.
type embedding struct {
	*face.Embedder
	identity   pipeline.Identity
	dimensions int
}

// ref names the model in a gallery.
func (m *embedding) ref() gallery.ModelRef {
	return gallery.ModelRef{ID: m.identity.ID, SHA256: m.identity.SHA256, Dimensions: m.dimensions}
}

func bindEmbedding(x pipeline.Executor, e models.Entry) (*embedding, error) {
	embedder, err := face.NewEmbedder(x, e)
	if err != nil {
		return nil, err
	}
	out := &embedding{Embedder: embedder}
	if m, ok := x.(interface{ Identity() pipeline.Identity }); ok {
		out.identity = m.Identity()
	}
	// The graph may leave the axis open where the catalogue does not.
	shapes := [][]int64{x.Signature().Outputs[0].Shape}
	for _, o := range e.Outputs {
		shapes = append(shapes, o.Shape)
	}
	for _, shape := range shapes {
		if n := len(shape); n > 0 && shape[n-1] > 0 {
			out.dimensions = int(shape[n-1])
			break
		}
	}
	return out, nil
}

// template embeds the main face of a picture. A face that can't be aligned is a flaw, not an error.
func (s *Face) template(ctx context.Context, m *embedding, v sight) (face.Template, *flaw, error) {
	if f := s.flaw(v); f != nil {
		return nil, f, nil
	}
	main := *v.face()
	l, err := s.landmarker()
	if err != nil {
		return nil, nil, err
	}
	var t face.Template
	if l != nil && l.aligns {
		stage, end := telemetry.Stage(ctx, "align")
		main, err = l.Refine(stage, v.picture, main)
		end(err)
	}
	if err == nil {
		stage, end := telemetry.Stage(ctx, "embed")
		t, err = m.Embed(stage, v.picture, main)
		end(err)
	}
	if errors.Is(err, face.ErrDegenerate) {
		return nil, &flaw{reasonNoFace, "the face's landmarks do not span a face"}, nil
	}
	return t, nil, err
}

// curve is the calibration of a model's very weights.
func (s *Face) curve(m *embedding) (*calibration.Curve, error) {
	if c, ok := s.cfg.Calibrations.For(m.identity.SHA256); ok {
		return c, nil
	}
	return nil, rpcerror.New(codes.FailedPrecondition, reasonNotCalibrated,
		fmt.Sprintf("what a similarity of model %s means is not known: measure it with 'courtsense eval face calibrate DIR --embedding %s --out FILE.json', and name the file's folder in face.calibration_dir", m.identity.ID, m.identity.ID),
		rpcerror.Meta("model", m.identity.ID), rpcerror.Meta("sha256", m.identity.SHA256))
}

// rule is a decision's: accept from threshold on, which strangers reach with the false match rate.
type rule struct {
	curve     *calibration.Curve
	fmr       float64
	threshold float32
}

// ruleFor is the rule at a requested false match rate, nil for the default.
func ruleFor(c *calibration.Curve, requested *float64) (rule, error) {
	rates := defaultFMR
	if requested != nil {
		rates = []float64{*requested}
	}
	for _, fmr := range rates {
		if t, err := c.Threshold(fmr); err == nil {
			return rule{c, fmr, t}, nil
		}
	}
	return rule{}, unsupported(c, rates[len(rates)-1], "false_match_rate")
}

func unsupported(c *calibration.Curve, rate float64, field string) error {
	lowest := strconv.FormatFloat(c.Lowest(), 'g', 2, 64)
	text := fmt.Sprintf("a false match rate of %g can't be promised: the calibration (%s) supports %s and above", rate, c.Data, lowest)
	return rpcerror.New(codes.FailedPrecondition, reasonFMRUnsupported, text, rpcerror.Meta("field", field),
		rpcerror.Meta("lowest", lowest), rpcerror.FieldReason(field, reasonFMRUnsupported, text))
}

// record notes the rule in a call's evidence.
func (r rule) record(ev *evidence) {
	ev.setting("false_match_rate", strconv.FormatFloat(r.fmr, 'g', 4, 64))
	ev.setting("threshold", strconv.FormatFloat(float64(r.threshold), 'f', 4, 32))
	ev.setting("calibration", r.curve.Data.String())
	ev.setting("calibration_sha256", r.curve.SHA256())
}

// decide tells what a cosine means under the rule.
func (r rule) decide(cosine float32) *pb.Similarity {
	rate := r.curve.FMR(float64(cosine))
	m := &pb.Similarity{
		Cosine: &cosine, RequestedFalseMatchRate: r.fmr, Threshold: r.threshold, Verdict: pb.MatchVerdict_MATCH_VERDICT_NO_MATCH,
		FalseMatchRate: &pb.MeasuredRate{Rate: rate.Rate, Lower: rate.Lower, Upper: rate.Upper, MeasuredOn: r.curve.Data.String()},
	}
	if cosine >= r.threshold {
		m.Verdict = pb.MatchVerdict_MATCH_VERDICT_MATCH
	}
	return m
}

// undecided is the answer where a picture could not be compared.
func (r rule) undecided(reason string) *pb.Similarity {
	return &pb.Similarity{
		RequestedFalseMatchRate: r.fmr, Threshold: r.threshold, Verdict: pb.MatchVerdict_MATCH_VERDICT_UNDECIDED, Reason: reason,
	}
}
