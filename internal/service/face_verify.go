package service

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness"
	"github.com/courtsense/courtsense/vision/quality"
)

// The steps of VerifyIdentity, in their order.
const (
	stepQuality  = "quality"
	stepLiveness = "liveness"
	stepIDPhoto  = "id_photo"
	stepCompare  = "compare"
	stepIDFields = "id_fields"
)

// Reasons of steps that did not pass, besides those of a face that can't be used (face_look.go).
const (
	reasonPoorQuality        = "POOR_QUALITY"
	reasonPresentationAttack = "PRESENTATION_ATTACK"
	reasonLivenessUndecided  = "LIVENESS_UNDECIDED"
	reasonPhotocopy          = "PHOTOCOPY"
	reasonOtherPerson        = "NOT_THE_SAME_PERSON"
	reasonDoubtful           = "SIMILARITY_DOUBTFUL"
)

// doubtfulFMR is the false match rate up to which two faces that are not accepted are left to a person: pictures on
// documents are years old, and of genuine pairs more than of strangers lie between the rates.
const doubtfulFMR = 1e-2

// PageReader reads the printed fields of identity documents; [Document] is one.
type PageReader interface {
	Recognize(context.Context, *pb.DocumentServiceRecognizeRequest) (*pb.DocumentServiceRecognizeResponse, error)
}

// verification is one running VerifyIdentity.
type verification struct {
	service *Face
	request *pb.VerifyIdentityRequest
	answer  *pb.VerifyIdentityResponse

	detector *face.Detector
	embedder *embedding
	passive  *passiveChecker
	rule     rule
	reader   PageReader // nil when nothing is claimed
	proof    *proof     // nil when the live side is a selfie

	live, document face.Template
}

// VerifyIdentity implements FaceService.
func (s *Face) VerifyIdentity(ctx context.Context, req *pb.VerifyIdentityRequest) (*pb.VerifyIdentityResponse, error) {
	v := &verification{service: s, request: req, answer: &pb.VerifyIdentityResponse{}}
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	if err := v.bind(); err != nil {
		return nil, err
	}
	v.rule.record(ev)
	ev.setting("doubtful_false_match_rate", fmt.Sprint(doubtfulFMR))
	if s := req.GetSelfie(); s != nil {
		ev.input("selfie.content", s.GetContent())
	}
	ev.input("id_photo.content", req.GetIdPhoto().GetContent())
	// A step that does not pass is the last one: what comes after it would be decided on sand, and an attacker who was
	// found out is to learn nothing of how alike the faces are.
	for _, step := range []func(context.Context) (bool, error){v.liveSide, v.idPhoto, v.compare, v.idFields} {
		passed, err := step(ctx)
		if err != nil {
			return nil, err
		}
		if !passed {
			break
		}
	}
	if v.answer.Verdict == pb.IdentityVerdict_IDENTITY_VERDICT_UNSPECIFIED {
		v.answer.Verdict = pb.IdentityVerdict_IDENTITY_VERDICT_VERIFIED
	}
	v.answer.Provenance = ev.provenance()
	return v.answer, nil
}

// bind finds everything that the call needs before it does anything.
func (v *verification) bind() (err error) {
	s, req := v.service, v.request
	if v.detector, err = s.detectors.get(""); err != nil {
		return err
	}
	if v.embedder, err = s.embeddings.get(""); err != nil {
		return err
	}
	curve, err := s.curve(v.embedder)
	if err != nil {
		return err
	}
	if v.rule, err = ruleFor(curve, req.FalseMatchRate); err != nil {
		return err
	}
	if claims(req.GetClaimed()) {
		if s.cfg.Reader != nil {
			v.reader = s.cfg.Reader()
		}
		if v.reader == nil {
			return rpcerror.New(codes.FailedPrecondition, "ENGINE_UNAVAILABLE",
				"claimed can't be checked: this server reads no documents; leave it out, or see 'courtsense doctor' on the server", rpcerror.Meta("field", "claimed"))
		}
	}
	if name := req.GetLivenessSession(); name != "" {
		p, err := s.proofs.use(name, time.Now())
		if err != nil {
			return err
		}
		if p.weights != v.embedder.identity.SHA256 {
			return rpcerror.New(codes.FailedPrecondition, reasonSessionUnknown,
				"the embedding model was replaced since the liveness session: run LiveLiveness again", rpcerror.Meta("field", "liveness_session"))
		}
		v.proof = &p
		return nil
	}
	if req.GetSelfie() == nil {
		return rpcerror.New(codes.InvalidArgument, rpcerror.ReasonInvalidValue, "one of selfie and liveness_session must be given",
			rpcerror.Field("selfie", "missing"))
	}
	v.passive, err = s.passive()
	return err
}

// add notes a step that passed.
func (v *verification) add(step *pb.IdentityStep) (bool, error) {
	step.Passed = true
	v.answer.Steps = append(v.answer.Steps, step)
	return true, nil
}

// stop notes a step that did not pass, and what that decides.
func (v *verification) stop(step *pb.IdentityStep, verdict pb.IdentityVerdict, reason, detail string) (bool, error) {
	step.Reason, step.Detail = reason, detail
	v.answer.Steps = append(v.answer.Steps, step)
	v.answer.Verdict = verdict
	return false, nil
}

const (
	rejected = pb.IdentityVerdict_IDENTITY_VERDICT_REJECTED
	review   = pb.IdentityVerdict_IDENTITY_VERDICT_REVIEW
)

// liveSide judges quality, then liveness.
func (v *verification) liveSide(ctx context.Context) (bool, error) {
	if v.proof != nil {
		return v.session()
	}
	s := v.service
	seen, err := s.look(ctx, "selfie.content", v.request.GetSelfie().GetContent(), v.detector)
	if err != nil {
		return false, err
	}
	if passed, err := v.judge(ctx, stepQuality, seen, quality.Selfie); !passed || err != nil {
		return false, err
	}
	_, message, err := v.passive.check(ctx, []liveness.Frame{{Raster: seen.picture, Face: *seen.face()}})
	if err != nil {
		return false, err
	}
	if passed, err := v.alive(message, ""); !passed || err != nil {
		return false, err
	}
	var flawed *flaw
	if v.live, flawed, err = s.template(ctx, v.embedder, seen); err != nil || flawed == nil {
		return err == nil, err
	}
	return v.stop(&pb.IdentityStep{Step: stepQuality}, review, flawed.reason, flawed.text)
}

// session takes quality and liveness from the session of active liveness.
func (v *verification) session() (bool, error) {
	p := v.proof
	step := &pb.IdentityStep{Step: stepQuality, Evidence: &pb.IdentityStep_Quality{Quality: p.quality}}
	// How good the frames of a session must be was the session's to ask for; a flaw makes them useless.
	if p.flaw != nil {
		return v.stop(step, review, p.flaw.reason, p.flaw.text)
	}
	if _, err := v.add(step); err != nil {
		return false, err
	}
	v.live = p.template
	return v.alive(p.liveness, string(p.outcome.Reason))
}

// judge is the step that looks at a picture's quality.
func (v *verification) judge(ctx context.Context, name string, seen sight, profile quality.Profile) (bool, error) {
	q, err := v.service.quality(ctx, seen, profile)
	if err != nil {
		return false, err
	}
	step := &pb.IdentityStep{Step: name, Evidence: &pb.IdentityStep_Quality{Quality: q}}
	if f := v.service.flaw(seen); f != nil {
		return v.stop(step, review, f.reason, f.text)
	}
	for _, c := range q.GetComponents() {
		if c.GetVerdict() == pb.QualityVerdict_QUALITY_VERDICT_RETAKE {
			return v.stop(step, review, reasonPoorQuality, c.GetAdvice())
		}
	}
	if name == stepIDPhoto && liveness.ColourSpread(seen.picture) < liveness.GreyBelow {
		return v.stop(step, review, reasonPhotocopy, "the picture of the identity document has no colours, as of a black-and-white copy: photograph the document itself")
	}
	return v.add(step)
}

// alive is the step that decides on liveness. Whatever is not live is not compared.
func (v *verification) alive(l *pb.Liveness, reason string) (bool, error) {
	step := &pb.IdentityStep{Step: stepLiveness, Evidence: &pb.IdentityStep_Liveness{Liveness: l}}
	switch l.GetVerdict() {
	case pb.LivenessVerdict_LIVENESS_VERDICT_LIVE:
		return v.add(step)
	case pb.LivenessVerdict_LIVENESS_VERDICT_ATTACK:
		detail := "the picture looks like one of a picture, screen or mask"
		if reason != "" {
			detail = l.GetReason()
		}
		return v.stop(step, rejected, reasonPresentationAttack, detail)
	}
	return v.stop(step, review, reasonLivenessUndecided, l.GetReason())
}

// idPhoto looks at the picture of the identity document, whose portrait is held to what comparison needs.
func (v *verification) idPhoto(ctx context.Context) (bool, error) {
	seen, err := v.service.look(ctx, "id_photo.content", v.request.GetIdPhoto().GetContent(), v.detector)
	if err != nil {
		return false, err
	}
	passed, err := v.judge(ctx, stepIDPhoto, seen, quality.Gate)
	if !passed || err != nil {
		return false, err
	}
	t, flawed, err := v.service.template(ctx, v.embedder, seen)
	if err != nil {
		return false, err
	}
	if flawed != nil {
		return v.stop(&pb.IdentityStep{Step: stepIDPhoto}, review, flawed.reason, flawed.text)
	}
	v.document = t
	return true, nil
}

// compare decides whether both faces are one person's.
func (v *verification) compare(ctx context.Context) (bool, error) {
	_, end := telemetry.Stage(ctx, "compare")
	similarity := v.rule.decide(face.Similarity(v.live, v.document))
	end(nil)
	step := &pb.IdentityStep{Step: stepCompare, Evidence: &pb.IdentityStep_Similarity{Similarity: similarity}}
	switch {
	case similarity.GetVerdict() == pb.MatchVerdict_MATCH_VERDICT_MATCH:
		return v.add(step)
	case similarity.GetFalseMatchRate().GetRate() <= doubtfulFMR:
		return v.stop(step, review, reasonDoubtful, fmt.Sprintf("the faces are alike, and not alike enough for a false match rate of %g", v.rule.fmr))
	}
	return v.stop(step, rejected, reasonOtherPerson, "the face is not accepted as the one on the document")
}
