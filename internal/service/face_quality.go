package service

import (
	"context"
	"fmt"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness/active"
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
	l, err := s.landmarker()
	if err != nil {
		return nil, err
	}
	var dense *face.Landmarker
	if l != nil {
		dense = l.Landmarker
	}
	stage, end := telemetry.Stage(ctx, "assess")
	a, err := quality.NewAssessor(dense).Assess(stage, v.picture, v.faces, v.main, profile)
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

// parameterAligns is an entry's: false where its points were measured to place crops worse than a detector's.
const parameterAligns = "aligns"

// landmarker is a loaded model of the face's contours.
type landmarker struct {
	*face.Landmarker
	id         string
	aligns     bool            // its points place a template's crop, not the detector's
	actions    []active.Action // that its points tell
	thresholds active.Thresholds
}

func bindLandmarks(x pipeline.Executor, e models.Entry) (*landmarker, error) {
	l, err := face.NewLandmarker(x, e)
	if err != nil {
		return nil, err
	}
	actions, thresholds, err := active.Tells(e)
	if err != nil {
		return nil, fmt.Errorf("landmarks %s: %w", e.ID, err)
	}
	return &landmarker{l, e.ID, Aligns(e), actions, thresholds}, nil
}

// Aligns tells whether a landmark model's points place the crops of templates.
func Aligns(e models.Entry) bool { return e.Parameters.Bool(parameterAligns, true) }

// landmarker is nil where there is no model: what it would measure is then left out, and the detector's points align.
func (s *Face) landmarker() (*landmarker, error) {
	if s.cfg.Landmarks.ID == "" {
		return nil, nil
	}
	return s.landmarks.get("")
}
