package service

import (
	"context"
	"fmt"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// DetectOrientation implements DocumentService.
func (s *Document) DetectOrientation(ctx context.Context, req *pb.DetectOrientationRequest) (*pb.DetectOrientationResponse, error) {
	ctx, ev := gather(ctx)
	content := req.GetImage().GetContent()
	ev.input("image.content", content)
	verify := req.VerifyByReading == nil || req.GetVerifyByReading()
	ev.setting("verify_by_reading", fmt.Sprint(verify))
	picture, err := s.single(content)
	if err != nil {
		return nil, err
	}
	found, err := s.orientation(ctx, picture, verify)
	if err != nil {
		return nil, err
	}
	return &pb.DetectOrientationResponse{
		Rotation: int32(found.Degrees), Confidence: found.Confidence, VerifiedByReading: found.Verified, VerticalText: found.Vertical,
		Provenance: ev.provenance(),
	}, nil
}

// orientation asks the model at a fraction of the picture's size, which for JPEG costs a fraction of the decoding; the whole
// picture is decoded only where it has to be read.
func (s *Document) orientation(ctx context.Context, picture *codec.Document, verify bool) (ocr.Orientation, error) {
	if s.cfg.Models == nil {
		return ocr.Orientation{}, stageUnavailable("orientation", s.cfg.ModelsMissing.Error())
	}
	orienter, err := s.cfg.Models.orienter()
	if err != nil {
		return ocr.Orientation{}, err
	}
	ctx, end := telemetry.Stage(ctx, "orient")
	found, err := orienter.OrientationOf(ctx, stagedSource{picture}, 1, verify)
	end(err)
	return found, inField("image.content", err)
}

// Orientation is DetectOrientation for an encoded picture, for measuring.
func (s *Document) Orientation(ctx context.Context, content []byte, verify bool) (ocr.Orientation, error) {
	picture, err := s.single(content)
	if err != nil {
		return ocr.Orientation{}, err
	}
	return s.orientation(ctx, picture, verify)
}

// Enhance implements DocumentService.
func (s *Document) Enhance(ctx context.Context, req *pb.EnhanceRequest) (*pb.EnhanceResponse, error) {
	ctx, ev := gather(ctx)
	content := req.GetImage().GetContent()
	ev.input("image.content", content)
	off := func(name string, asked *bool) bool {
		off := asked != nil && !*asked || req.GetQualityOnly()
		ev.setting(name, fmt.Sprint(!off))
		return off
	}
	options := ocr.EnhanceOptions{
		KeepEdges: off("remove_edges", req.RemoveEdges), KeepSkew: off("deskew", req.Deskew),
		KeepIllumination: off("flatten_illumination", req.FlattenIllumination), KeepNoise: off("denoise", req.Denoise),
	}
	ev.setting("orient", fmt.Sprint(req.GetOrient()))
	file, err := s.single(content)
	if err != nil {
		return nil, err
	}
	picture, err := s.decodeSingle(ctx, file)
	if err != nil {
		return nil, err
	}
	stage, end := telemetry.Stage(ctx, "enhance")
	clean, err := s.cfg.Enhancer.Enhance(stage, picture, options)
	end(err)
	if err != nil {
		return nil, err
	}
	answer := &pb.EnhanceResponse{Quality: qualityMessage(clean.Quality), Steps: clean.Steps, Skew: clean.Skew}
	for _, r := range clean.Regions {
		answer.Regions = append(answer.Regions, regionMessage(r))
	}
	toOriginal := clean.ToOriginal
	if req.GetOrient() {
		found, err := s.orientWhole(ctx, clean.Picture)
		if err != nil {
			return nil, err
		}
		answer.Rotation, answer.RotationConfidence = int32(found.Degrees), found.Confidence
		if found.Degrees != 0 {
			var back ocr.Affine
			clean.Picture, back = turnUpright(clean.Picture, found.Degrees)
			toOriginal = back.Then(toOriginal)
			answer.Steps = append(answer.Steps, fmt.Sprintf("turn %d degrees", (360-found.Degrees)%360))
		}
	}
	if !req.GetQualityOnly() {
		_, end := telemetry.Stage(ctx, "encode")
		encoded, err := codec.EncodePNG(clean.Picture)
		end(err)
		if err != nil {
			return nil, err
		}
		answer.Image = &pb.Image{Content: encoded}
		answer.TransformToOriginal = toOriginal[:]
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

func (s *Document) orientWhole(ctx context.Context, picture *imaging.Raster) (ocr.Orientation, error) {
	if s.cfg.Models == nil {
		return ocr.Orientation{}, stageUnavailable("orient", s.cfg.ModelsMissing.Error())
	}
	orienter, err := s.cfg.Models.orienter()
	if err != nil {
		return ocr.Orientation{}, err
	}
	ctx, end := telemetry.Stage(ctx, "orient")
	found, err := orienter.DetectOrientation(ctx, picture, true)
	end(err)
	return found, err
}

// turnUpright turns a picture whose content is turned clockwise by 90, 180 or 270 degrees, and returns the transform back.
func turnUpright(r *imaging.Raster, degrees int) (*imaging.Raster, ocr.Affine) {
	w, h := float64(r.Width), float64(r.Height)
	switch degrees {
	case 90:
		return imaging.Orient(r, 8), ocr.Affine{0, -1, w, 1, 0, 0}
	case 180:
		return imaging.Orient(r, 3), ocr.Affine{-1, 0, w, 0, -1, h}
	case 270:
		return imaging.Orient(r, 6), ocr.Affine{0, 1, 0, -1, 0, h}
	}
	return r, ocr.Identity
}

// single opens a picture of one page: of several, one would be looked at and the others silently left out.
func (s *Document) single(content []byte) (*codec.Document, error) {
	limits := s.cfg.Images
	limits.MaxFrames = 1
	d, err := s.cfg.Decoder.Open(content, limits)
	return d, inField("image.content", err)
}

func (s *Document) decodeSingle(ctx context.Context, d *codec.Document) (*imaging.Raster, error) {
	ctx, end := telemetry.Stage(ctx, "decode")
	r, err := d.Page(ctx, 1)
	end(err)
	return r, inField("image.content", err)
}
