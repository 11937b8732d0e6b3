package service

import (
	"context"
	"strings"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/gallery"
	"github.com/courtsense/courtsense/vision/quality"
)

const reasonQuality = "QUALITY_TOO_LOW"

// inGallery is what a call about one gallery works with.
type inGallery struct {
	store    *gallery.Store
	gallery  gallery.Gallery
	detector *face.Detector
	model    *embedding
}

// enter finds a gallery and the models for it.
func (s *Face) enter(ctx context.Context, name string) (inGallery, error) {
	var in inGallery
	var err error
	if in.store, err = s.store(ctx); err != nil {
		return in, err
	}
	if in.gallery, err = in.store.Gallery(ctx, galleryID(name)); err != nil {
		return in, galleryError(ctx, err)
	}
	if in.detector, err = s.detectors.get(""); err != nil {
		return in, err
	}
	// Templates of two models can't be compared, so that the gallery says which it is.
	in.model, err = s.embeddings.get(in.gallery.Model.ID)
	return in, err
}

// Enrol implements FaceService.
func (s *Face) Enrol(ctx context.Context, req *pb.EnrolRequest) (*pb.EnrolResponse, error) {
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	const field = "image.content"
	ev.input(field, req.GetImage().GetContent())
	in, err := s.enter(ctx, req.GetGallery())
	if err != nil {
		return nil, err
	}
	curve, err := s.curve(in.model)
	if err != nil {
		return nil, err
	}
	duplicates, err := searchRuleFor(curve, nil, in.gallery.Templates)
	if err != nil {
		return nil, err
	}
	duplicates.record(ev)
	profile := profileOf(req.GetProfile(), quality.IDPhoto)
	ev.setting("profile", profile.String())
	seen, err := s.look(ctx, field, req.GetImage().GetContent(), in.detector)
	if err != nil {
		return nil, err
	}
	template, flaw, err := s.template(ctx, in.model, seen)
	if err != nil {
		return nil, err
	}
	if flaw != nil {
		return nil, flaw.refuse(field)
	}
	q, err := s.quality(ctx, seen, profile)
	if err != nil {
		return nil, err
	}
	if q.GetVerdict() == pb.QualityVerdict_QUALITY_VERDICT_RETAKE {
		return nil, tooPoor(field, profile, q)
	}
	_, end := telemetry.Stage(ctx, "enrol")
	done, err := in.store.Enrol(ctx, in.gallery.Name, gallery.EnrolRecord{
		Person: req.GetPersonId(), Labels: req.GetLabels(), Model: in.model.ref(), Template: template, Purpose: req.GetPurpose(),
		Consent: req.GetConsentId(), Quality: int(q.GetUnifiedScore()),
		DuplicateThreshold: min(duplicates.threshold, 1), RefuseDuplicates: !req.GetAllowDuplicate(),
	})
	end(err)
	if err != nil {
		return nil, galleryError(ctx, err)
	}
	answer := &pb.EnrolResponse{Person: personMessage(in.gallery.Name, done.Person), Face: seen.message(), Quality: q}
	for _, c := range done.Duplicates {
		answer.Duplicates = append(answer.Duplicates, identified(in.gallery.Name, c, duplicates))
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// tooPoor refuses a picture, with what to do better.
func tooPoor(field string, profile quality.Profile, q *pb.FaceQuality) error {
	var advice []string
	options := []rpcerror.Option{rpcerror.Meta("field", field), rpcerror.Meta("profile", profile.String())}
	for _, c := range q.GetComponents() {
		if c.GetVerdict() == pb.QualityVerdict_QUALITY_VERDICT_RETAKE {
			advice = append(advice, c.GetAdvice())
			options = append(options, rpcerror.FieldReason(field, strings.TrimPrefix(c.GetMeasure().String(), "QUALITY_MEASURE_"), c.GetAdvice()))
		}
	}
	text := field + ": the picture is not good enough to be enrolled (" + profile.String() + "): " + strings.Join(advice, "; ")
	return rpcerror.New(codes.InvalidArgument, reasonQuality, text, options...)
}

// Identify implements FaceService.
func (s *Face) Identify(ctx context.Context, req *pb.IdentifyRequest) (*pb.IdentifyResponse, error) {
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	const field = "image.content"
	ev.input(field, req.GetImage().GetContent())
	in, err := s.enter(ctx, req.GetGallery())
	if err != nil {
		return nil, err
	}
	curve, err := s.curve(in.model)
	if err != nil {
		return nil, err
	}
	rule, err := searchRuleFor(curve, req.FalsePositiveIdentificationRate, in.gallery.Templates)
	if err != nil {
		return nil, err
	}
	rule.record(ev)
	seen, err := s.look(ctx, field, req.GetImage().GetContent(), in.detector)
	if err != nil {
		return nil, err
	}
	answer := &pb.IdentifyResponse{Unknown: true, Face: seen.message(), Rule: rule.message()}
	if answer.Quality, err = s.quality(ctx, seen, quality.Gate); err != nil {
		return nil, err
	}
	template, flaw, err := s.template(ctx, in.model, seen)
	if err != nil {
		return nil, err
	}
	if flaw != nil {
		answer.Reason = flaw.text
		answer.Provenance = ev.provenance()
		return answer, nil
	}
	k := int(req.GetMaxResults())
	if k == 0 {
		k = defaultCandidates
	}
	_, end := telemetry.Stage(ctx, "search")
	found, err := in.store.Identify(ctx, in.gallery.Name, gallery.Probe{Model: in.model.ref(), Template: template}, k)
	end(err)
	if err != nil {
		return nil, galleryError(ctx, err)
	}
	for _, c := range found {
		m := identified(in.gallery.Name, c, rule)
		answer.Unknown = answer.Unknown && m.GetSimilarity().GetVerdict() != pb.MatchVerdict_MATCH_VERDICT_MATCH
		answer.Candidates = append(answer.Candidates, m)
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

const defaultCandidates = 5

func identified(in string, c gallery.Candidate, rule searchRule) *pb.IdentifiedPerson {
	return &pb.IdentifiedPerson{Person: personMessage(in, c.Person), Similarity: rule.decide(c.Cosine)}
}
