package service

import (
	"context"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/quality"
)

// Assess implements FaceService.
func (s *Face) Assess(ctx context.Context, req *pb.AssessRequest) (*pb.AssessResponse, error) {
	detector, err := s.detectors.get("")
	if err != nil {
		return nil, err
	}
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	ev.input("image.content", req.GetImage().GetContent())
	profile := profileOf(req.GetProfile(), quality.Selfie)
	ev.setting("profile", profile.String())
	seen, err := s.look(ctx, "image.content", req.GetImage().GetContent(), detector)
	if err != nil {
		return nil, err
	}
	answer := &pb.AssessResponse{Face: seen.message()}
	if answer.Quality, err = s.quality(ctx, seen, profile); err != nil {
		return nil, err
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// profileOf is the request's profile, or def where it names none.
func profileOf(p pb.QualityProfile, def quality.Profile) quality.Profile {
	if p == pb.QualityProfile_QUALITY_PROFILE_UNSPECIFIED {
		return def
	}
	return quality.Profile(p)
}

// quality judges the main face of a picture; that there is none is a judgement too.
func (s *Face) quality(ctx context.Context, v sight, profile quality.Profile) (*pb.FaceQuality, error) {
	landmarker, err := s.landmarker()
	if err != nil {
		return nil, err
	}
	stage, end := telemetry.Stage(ctx, "assess")
	a, err := quality.NewAssessor(landmarker).Assess(stage, v.picture, v.faces, v.main, profile)
	end(err)
	if err != nil {
		return nil, err
	}
	m := &pb.FaceQuality{UnifiedScore: int32(a.Score), Verdict: pb.QualityVerdict(a.Verdict), Profile: pb.QualityProfile(a.Profile)}
	for _, c := range a.Components {
		m.Components = append(m.Components, &pb.QualityComponent{
			Measure: pb.QualityMeasure(c.Measure), Value: int32(c.Value), NativeValue: c.Native, Verdict: pb.QualityVerdict(c.Verdict), Advice: c.Advice,
		})
	}
	return m, nil
}

// landmarker is nil where there is no model: what it would measure is then left out.
func (s *Face) landmarker() (*face.Landmarker, error) {
	if s.cfg.Landmarks.ID == "" {
		return nil, nil
	}
	return s.landmarks.get("")
}
