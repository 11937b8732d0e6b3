package service

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/gates"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/refusal"
	"github.com/courtsense/courtsense/vision/calibration"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness"
	"github.com/courtsense/courtsense/vision/liveness/active"
)

// annotatedQuality is the JPEG quality of annotated pictures: lines stay clean, the file small.
const annotatedQuality = 88

// ActiveModel is the model that serves a task when a request names none.
type ActiveModel struct {
	ID      string // "" when there is none
	Missing error  // why there is none
}

// FaceConfig sets up a [Face].
type FaceConfig struct {
	Engine         Models
	Detector       ActiveModel
	Embedding      ActiveModel
	Landmarks      ActiveModel
	Liveness       Ensemble
	Calibrations   *calibration.Set
	Decoder        *codec.Decoder
	Limits         imaging.Limits
	Options        face.DetectOptions // defaults of requests; its MaxFaces is the server's limit
	MinEyeDistance float64            // pixels; smaller faces are not compared
	Galleries      Galleries          // nil: there are none
	Retention      time.Duration      // of a new gallery that names none; 0: kept until removed
	// Reader returns what reads identity documents, nil when there is nothing; it is asked once a call. nil: nothing.
	Reader        func() PageReader
	SessionsValid time.Duration // how long a session of active liveness can be verified with
	Random        io.Reader     // of challenges and names of sessions; nil: crypto/rand
	Gates         *gates.Gates  // nil: there are none
	Drain         time.Duration // how long calls may go on when the server shuts down
}

// Ensemble is the models that judge liveness together.
type Ensemble struct {
	IDs     []string // empty when there are none
	Missing error    // why there are none
}

// Face implements FaceService.
type Face struct {
	pb.UnimplementedFaceServiceServer
	cfg        FaceConfig
	detectors  bindings[*face.Detector]
	embeddings bindings[*embedding]
	landmarks  bindings[*landmarker]
	live       bindings[liveness.Member]
	frames     active.History // of sessions of active liveness
	proofs     proofs
	random     io.Reader
}

// NewFace returns the service. It holds nothing that would have to be closed.
func NewFace(cfg FaceConfig) *Face {
	return &Face{
		cfg:        cfg,
		detectors:  bind(cfg.Engine, models.TaskFaceDetection, cfg.Detector, face.NewDetector),
		embeddings: bind(cfg.Engine, models.TaskFaceEmbedding, cfg.Embedding, bindEmbedding),
		landmarks:  bind(cfg.Engine, models.TaskFaceLandmarks, cfg.Landmarks, bindLandmarks),
		live:       bind(cfg.Engine, models.TaskFaceLiveness, ActiveModel{Missing: cfg.Liveness.Missing}, bindLiveness),
		proofs:     proofs{validity: cfg.SessionsValid},
		random:     cmp.Or(cfg.Random, rand.Reader),
	}
}

func bind[T any](engine Models, task string, active ActiveModel, f func(pipeline.Executor, models.Entry) (T, error)) bindings[T] {
	return bindings[T]{engine: engine, task: task, active: active.ID, missing: active.Missing, bind: f}
}

// Detect implements FaceService.
func (s *Face) Detect(ctx context.Context, req *pb.DetectRequest) (*pb.DetectResponse, error) {
	detector, err := s.detectors.get(req.GetModel())
	if err != nil {
		return nil, err
	}
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	ev.input("image.content", req.GetImage().GetContent())
	o, err := detector.Effective(s.options(req))
	if err != nil {
		return nil, err
	}
	ev.setting("min_score", fmt.Sprint(o.MinScore))
	ev.setting("nms_iou", fmt.Sprint(o.NMSIoU))
	ev.setting("min_size", fmt.Sprint(o.MinSize))
	ev.setting("max_faces", fmt.Sprint(o.MaxFaces))
	ev.setting("max_side", fmt.Sprint(o.MaxSide))
	ev.setting("any_orientation", fmt.Sprint(o.AnyOrientation))

	picture, err := s.decode(ctx, "image.content", req.GetImage().GetContent())
	if err != nil {
		return nil, err
	}
	stage, end := telemetry.Stage(ctx, "detect")
	found, err := detector.Detect(stage, picture, o)
	end(err)
	if err != nil {
		return nil, err
	}

	answer := &pb.DetectResponse{ImageWidth: int32(picture.Width), ImageHeight: int32(picture.Height)}
	for _, d := range found {
		answer.Faces = append(answer.Faces, faceMessage(d))
	}
	if req.GetAnnotate() {
		_, end := telemetry.Stage(ctx, "annotate")
		answer.AnnotatedJpeg, err = annotateFaces(picture, found)
		end(err)
		if err != nil {
			return nil, err
		}
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// options are the request's, with the server's defaults for what it leaves open.
func (s *Face) options(req *pb.DetectRequest) face.DetectOptions {
	o := s.cfg.Options
	if req.MinScore != nil {
		// 0 is a value here, and means the default to the detector.
		o.MinScore = max(req.GetMinScore(), 1e-6)
	}
	if req.NmsIou != nil {
		o.NMSIoU = req.GetNmsIou()
	}
	if req.GetMinSize() > 0 {
		o.MinSize = float32(req.GetMinSize())
	}
	if n := int(req.GetMaxFaces()); n > 0 {
		o.MaxFaces = min(n, o.MaxFaces)
	}
	if req.GetMaxSide() > 0 {
		o.MaxSide = int(req.GetMaxSide())
	}
	o.AnyOrientation = req.GetAnyOrientation()
	return o
}

// decode is the stage that every picture of a request goes through.
func (s *Face) decode(ctx context.Context, field string, content []byte) (*imaging.Raster, error) {
	ctx, end := telemetry.Stage(ctx, "decode")
	r, _, err := s.cfg.Decoder.Decode(ctx, content, s.cfg.Limits)
	end(err)
	return r, inField(field, err)
}

// inField names the request's field in a refusal that does not know it.
func inField(field string, err error) error {
	if r, ok := refusal.As(err); ok && r.Field == "" {
		named := *r
		named.Field = field
		return &named
	}
	return err
}

func annotateFaces(picture *imaging.Raster, found []face.Detection) ([]byte, error) {
	marked, err := face.Annotate(picture, found)
	if err != nil {
		return nil, err
	}
	return codec.EncodeJPEG(marked, annotatedQuality)
}

func faceMessage(d face.Detection) *pb.Face {
	at := func(i int) *pb.Point { return &pb.Point{X: d.Landmarks[i].X, Y: d.Landmarks[i].Y} }
	return &pb.Face{
		Box:   &pb.Box{X: d.Box.X, Y: d.Box.Y, Width: d.Box.W, Height: d.Box.H},
		Score: d.Score,
		Landmarks: &pb.FaceLandmarks{
			RightEye: at(face.RightEye), LeftEye: at(face.LeftEye), NoseTip: at(face.Nose),
			RightMouthCorner: at(face.RightMouthCorner), LeftMouthCorner: at(face.LeftMouthCorner),
		},
	}
}
