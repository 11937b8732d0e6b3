package service

import (
	"context"
	"strings"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/quality"
)

// Compare implements FaceService.
func (s *Face) Compare(ctx context.Context, req *pb.CompareRequest) (*pb.CompareResponse, error) {
	detector, err := s.detectors.get("")
	if err != nil {
		return nil, err
	}
	embedder, err := s.embeddings.get("")
	if err != nil {
		return nil, err
	}
	curve, err := s.curve(embedder)
	if err != nil {
		return nil, err
	}
	decision, err := ruleFor(curve, req.FalseMatchRate)
	if err != nil {
		return nil, err
	}
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	decision.record(ev)
	answer := &pb.CompareResponse{}
	var templates [2]face.Template
	var reasons []string
	for i, side := range []struct {
		name, field string
		image       *pb.Image
		face        **pb.Face
		quality     **pb.FaceQuality
	}{
		{"left", "left.content", req.GetLeft(), &answer.LeftFace, &answer.LeftQuality},
		{"right", "right.content", req.GetRight(), &answer.RightFace, &answer.RightQuality},
	} {
		ev.input(side.field, side.image.GetContent())
		seen, err := s.look(ctx, side.field, side.image.GetContent(), detector)
		if err != nil {
			return nil, err
		}
		*side.face = seen.message()
		if *side.quality, err = s.quality(ctx, seen, quality.Selfie); err != nil {
			return nil, err
		}
		t, flaw, err := s.template(ctx, embedder, seen)
		if err != nil {
			return nil, err
		}
		if templates[i] = t; flaw != nil {
			reasons = append(reasons, side.name+" picture: "+flaw.text)
		}
	}
	if len(reasons) > 0 {
		answer.Similarity = decision.undecided(strings.Join(reasons, "; "))
	} else {
		answer.Similarity = decision.decide(face.Similarity(templates[0], templates[1]))
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}
