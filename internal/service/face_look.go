package service

import (
	"context"
	"fmt"
	"math"

	"google.golang.org/grpc/codes"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
	"github.com/courtsense/courtsense/vision/face"
)

// Reasons for which the face on a picture can't be used, as google.rpc.ErrorInfo.reason where that is an error.
const (
	reasonNoFace       = "FACE_NOT_FOUND"
	reasonSeveralFaces = "SEVERAL_FACES"
	reasonCutOff       = "FACE_CUT_OFF"
	reasonTooSmall     = "FACE_TOO_SMALL"
)

// rivalArea is the share of the main face's area from which on another face makes it doubtful whom a picture is about.
const rivalArea = 0.5

// sight is a decoded picture with the faces on it.
type sight struct {
	picture *imaging.Raster
	faces   []face.Detection
	main    int // in faces; -1 when there is none
}

// face is the main face, nil when there is none.
func (v sight) face() *face.Detection {
	if v.main < 0 {
		return nil
	}
	return &v.faces[v.main]
}

func (v sight) message() *pb.Face {
	if f := v.face(); f != nil {
		return faceMessage(*f)
	}
	return nil
}

// flaw is why the face on a picture can't be compared.
type flaw struct{ reason, text string }

// look decodes a picture of a request and finds the faces on it.
func (s *Face) look(ctx context.Context, field string, content []byte, detector *face.Detector) (sight, error) {
	none := sight{main: -1}
	picture, err := s.decode(ctx, field, content)
	if err != nil {
		return none, err
	}
	stage, end := telemetry.Stage(ctx, "detect")
	found, err := detector.Detect(stage, picture, s.cfg.Options)
	end(err)
	if err != nil {
		return none, err
	}
	return sight{picture, found, face.Main(found, picture.Width, picture.Height)}, nil
}

// flaw returns what stands against comparing the main face, nil when nothing does. How good it is otherwise is the quality's
// to say: a decision from a poor picture is still a decision at the promised false match rate.
func (s *Face) flaw(v sight) *flaw {
	f := v.face()
	if f == nil {
		return &flaw{reasonNoFace, "no face was found"}
	}
	rivals := 0
	for i, other := range v.faces {
		if i != v.main && other.Box.Area() >= rivalArea*f.Box.Area() {
			rivals++
		}
	}
	if rivals > 0 {
		return &flaw{reasonSeveralFaces, fmt.Sprintf("%d faces are about as large as each other, so it is not clear which is meant: show one person", rivals+1)}
	}
	for _, p := range f.Landmarks {
		if p.X < 0 || p.Y < 0 || p.X > float32(v.picture.Width) || p.Y > float32(v.picture.Height) {
			return &flaw{reasonCutOff, "the face is cut by the picture's edge: bring the whole face into the picture"}
		}
	}
	if d, least := eyeDistance(*f), s.cfg.MinEyeDistance; d < least {
		return &flaw{reasonTooSmall, fmt.Sprintf("the face is too small: %.0f pixels from eye to eye, %.0f are needed (face.min_eye_distance); come closer", d, math.Ceil(least))}
	}
	return nil
}

func eyeDistance(f face.Detection) float64 {
	r, l := f.Landmarks[face.RightEye], f.Landmarks[face.LeftEye]
	return math.Hypot(float64(r.X-l.X), float64(r.Y-l.Y))
}

// refuse makes a flaw the error of a call that can't do without the face.
func (f *flaw) refuse(field string) error {
	return rpcerror.New(codes.InvalidArgument, f.reason, field+": "+f.text, rpcerror.Meta("field", field),
		rpcerror.FieldReason(field, f.reason, f.text))
}

// tooManyPixels refuses a request whose pictures together are larger than one may be.
func tooManyPixels(field string, got, limit int64) error {
	r := refusal.New(refusal.TooLarge, "%s: the pictures of this request have %d pixels together, more than limits.max_pixels allows (%d): send fewer or smaller ones", field, got, limit)
	r.Field, r.Limit, r.Got = field, limit, got
	return r
}
