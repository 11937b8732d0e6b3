package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/pipeline/refusal"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness"
	"github.com/courtsense/courtsense/vision/liveness/active"
	"github.com/courtsense/courtsense/vision/quality"
)

const (
	defaultActions = 3
	// sameAtRest and sameInMotion are the false match rates at which a frame's face counts as the first one's: looser in
	// motion, where templates of one person differ more.
	sameAtRest   = 1e-3
	sameInMotion = 1e-2
	// mostFramePixels bounds a frame: Full HD and a half. Larger ones cost more time and tell no more.
	mostFramePixels = 3_200_000
	// tickEvery is how often a session whose client sends nothing is told the time.
	tickEvery = 500 * time.Millisecond
)

// Reasons of calls of active liveness.
const (
	reasonActiveUnsupported = "ACTIVE_LIVENESS_UNSUPPORTED"
	reasonTooEasy           = "CHALLENGE_TOO_EASY"
)

// LiveLiveness implements FaceService.
func (s *Face) LiveLiveness(stream grpc.BidiStreamingServer[pb.LiveLivenessRequest, pb.LiveLivenessResponse]) error {
	opened := time.Now()
	first, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	config := first.GetConfig()
	if config == nil {
		return firstMustBeConfig()
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	ctx, ev := gather(ctx)
	ev.why(config.GetPurpose(), config.GetConsentId())
	l, err := s.newWatching(ctx, config)
	if err != nil {
		return err
	}
	l.stream, l.opened, l.evidence = stream, opened, ev
	stop := noticeDraining(ctx, s.cfg.Drain, func(n *pb.DrainingNotice) error {
		return l.send(&pb.LiveLivenessResponse{StreamingResponse: &pb.LiveLivenessResponse_Draining{Draining: n}})
	})
	defer stop()
	if err := l.watch(ctx); err != nil {
		return err
	}
	return l.decide(ctx)
}

// watching is one running LiveLiveness.
type watching struct {
	service *Face
	config  *pb.LiveLivenessConfig
	stream  grpc.BidiStreamingServer[pb.LiveLivenessRequest, pb.LiveLivenessResponse]
	opened  time.Time

	meter    *active.Meter
	passive  *passiveChecker
	same     rule
	session  *active.Session
	evidence *evidence
	digest   hash.Hash // of the frames' digests
	kept     []keptFrame

	sending sync.Mutex // a gRPC stream takes one sender at a time
}

// keptFrame is one of the session's best.
type keptFrame struct {
	active.Sight
	content []byte
	digest  active.Digest
}

// newWatching binds the models and draws the challenge. What can't be done is refused before a frame is sent.
func (s *Face) newWatching(ctx context.Context, config *pb.LiveLivenessConfig) (*watching, error) {
	detector, err := s.detectors.get("")
	if err != nil {
		return nil, err
	}
	dense, err := s.landmarks.get("")
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
	l := &watching{service: s, config: config, digest: sha256.New()}
	if l.passive, err = s.passive(); err != nil {
		return nil, err
	}
	rest, motion := sameAtRest, sameInMotion
	if l.same, err = ruleFor(curve, &rest); err != nil {
		return nil, err
	}
	moving, err := ruleFor(curve, &motion)
	if err != nil {
		return nil, err
	}
	steps, err := s.draw(config, dense)
	if err != nil {
		return nil, err
	}
	ev := evidenceOf(ctx)
	l.same.record(ev)
	ev.setting("threshold_in_motion", strconv.FormatFloat(float64(moving.threshold), 'f', 4, 32))
	ev.setting("passive_threshold", strconv.FormatFloat(float64(l.passive.Threshold()), 'f', 4, 32))
	for i, step := range steps {
		ev.setting(fmt.Sprintf("action_%d", i+1), step.Action.String())
	}
	l.meter = &active.Meter{
		Detector: detector, Landmarker: dense.Landmarker, Embedder: embedder.Embedder, Refine: dense.aligns, Options: s.cfg.Options,
	}
	l.session = active.NewSession(active.Config{
		Steps: steps, Thresholds: dense.thresholds, Same: l.same.threshold, SameMoving: moving.threshold, History: &s.frames,
	})
	return l, nil
}

// draw draws a challenge of the actions that the client allows and the landmark model tells.
func (s *Face) draw(config *pb.LiveLivenessConfig, dense *landmarker) ([]active.Step, error) {
	from := dense.actions
	if allowed := config.GetAllowedActions(); len(allowed) > 0 {
		from = slices.DeleteFunc(slices.Clone(from), func(a active.Action) bool {
			return !slices.Contains(allowed, pb.LivenessAction(a))
		})
	}
	n := int(config.GetActionCount())
	if n == 0 {
		n = defaultActions
	}
	steps, err := active.Draw(s.random, from, n)
	if !errors.Is(err, active.ErrTooEasy) {
		return steps, err
	}
	if _, whole := active.Draw(s.random, dense.actions, active.LeastActions); errors.Is(whole, active.ErrTooEasy) {
		return nil, rpcerror.New(codes.FailedPrecondition, reasonActiveUnsupported,
			fmt.Sprintf("the landmarks of %s do not tell enough actions to challenge a person with: %v; get better ones with 'courtsense models pull face-landmarks-pfld-98'", dense.id, active.ErrTooEasy),
			rpcerror.Meta("model", dense.id))
	}
	return nil, rpcerror.New(codes.InvalidArgument, reasonTooEasy, fmt.Sprintf("config.allowed_actions: %v", err),
		rpcerror.Meta("field", "config.allowed_actions"), rpcerror.FieldReason("config.allowed_actions", reasonTooEasy, "a flat picture could pass"))
}

func (l *watching) send(m *pb.LiveLivenessResponse) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	return l.stream.Send(m)
}

// arrived is one message of the client with the server's time, or the end of them.
type arrived struct {
	message *pb.LiveLivenessRequest
	at      time.Duration // since the stream was opened
	err     error
}

// watch looks at frames until the session is over or the client half-closes.
func (l *watching) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Receiving can't be interrupted, and the session may end first. The goroutine ends with the call at the latest, when
	// gRPC ends the stream's context. Unbuffered: a client that sends faster than its frames are looked at is held back.
	messages := make(chan arrived)
	go func() {
		for {
			var m arrived
			m.err = guarded(ctx, func() (err error) { m.message, err = l.stream.Recv(); return err })
			m.at = time.Since(l.opened)
			select {
			case messages <- m:
			case <-ctx.Done():
				return
			}
			if m.err != nil {
				return
			}
		}
	}()
	clock := time.NewTicker(tickEvery)
	defer clock.Stop()
	for !l.session.Done() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-clock.C:
			l.session.Tick(time.Since(l.opened))
		case m := <-messages:
			if errors.Is(m.err, io.EOF) {
				return nil
			}
			if m.err != nil {
				return m.err
			}
			if m.message.GetConfig() != nil {
				return rpcerror.New(codes.InvalidArgument, "INVALID_CONFIG", "only the first message of the stream may carry a configuration",
					rpcerror.Field("config", "sent a second time"))
			}
			if err := l.frame(ctx, m.message.GetFrame(), m.at); err != nil {
				return err
			}
		}
	}
	return nil
}

// frame looks at one frame and says what comes of it.
func (l *watching) frame(ctx context.Context, f *pb.LiveLivenessFrame, at time.Duration) error {
	content := f.GetImage().GetContent()
	digest := active.Digest(sha256.Sum256(content))
	l.digest.Write(digest[:])
	if !l.session.Admit(active.Frame{Capture: f.GetCaptureTime().AsDuration(), Received: at, Nonce: f.GetNonce(), Digest: digest}) {
		return nil
	}
	sight, err := l.look(ctx, content)
	if err != nil {
		return err
	}
	reply := l.session.Observe(sight.Measurement)
	if reply.Keep {
		l.kept = append(l.kept, keptFrame{sight, content, digest})
	}
	if reply.Guidance != "" {
		if err := l.send(&pb.LiveLivenessResponse{StreamingResponse: &pb.LiveLivenessResponse_Guidance{Guidance: reply.Guidance}}); err != nil {
			return err
		}
	}
	if c := reply.Challenge; c != nil {
		return l.send(&pb.LiveLivenessResponse{StreamingResponse: &pb.LiveLivenessResponse_Challenge{Challenge: &pb.LivenessChallenge{
			Action: pb.LivenessAction(c.Action), Step: int32(c.Number), StepCount: int32(c.Count), Nonce: c.Nonce,
			TimeLimit: durationpb.New(active.StepLimit),
		}}})
	}
	return nil
}

// look measures a frame.
func (l *watching) look(ctx context.Context, content []byte) (active.Sight, error) {
	limits := l.service.cfg.Limits
	limits.MaxPixels = min(limits.MaxPixels, mostFramePixels)
	stage, end := telemetry.Stage(ctx, "decode")
	r, _, err := l.service.cfg.Decoder.Decode(stage, content, limits)
	end(err)
	if r, ok := refusal.As(err); ok && r.Reason == refusal.TooLarge && limits.MaxPixels == mostFramePixels {
		err = refusal.New(refusal.TooLarge, "a frame may have %d pixels, which is more than 1920x1080: send smaller ones, 640x480 is enough", mostFramePixels)
	}
	if err != nil {
		return active.Sight{}, inField("frame.image.content", err)
	}
	stage, end = telemetry.Stage(ctx, "measure")
	sight, err := l.meter.Look(stage, r)
	end(err)
	if err == nil && l.session.WantsTemplate(sight.Measurement) {
		stage, end = telemetry.Stage(ctx, "embed")
		err = l.meter.Template(stage, &sight)
		end(err)
	}
	return sight, err
}

// decide runs the passive check on the best frames, answers, and keeps what VerifyIdentity may ask for.
func (l *watching) decide(ctx context.Context) error {
	outcome := l.session.Outcome()
	var passive *pb.Liveness
	if len(l.kept) > 0 {
		var frames []liveness.Frame
		for _, k := range l.kept {
			frames = append(frames, liveness.Frame{Raster: k.Raster, Face: k.Face})
		}
		result, message, err := l.passive.check(ctx, frames)
		if err != nil {
			return err
		}
		outcome, passive = outcome.WithPassive(result.Verdict), message
	}
	d := l.message(outcome, passive)
	name, err := l.keep(ctx, outcome, passive)
	if err != nil {
		return err
	}
	d.Session = name
	l.evidence.inputDigest("frames", hex.EncodeToString(l.digest.Sum(nil)))
	return l.send(&pb.LiveLivenessResponse{
		StreamingResponse: &pb.LiveLivenessResponse_Decision{Decision: d}, Provenance: l.evidence.provenance(),
	})
}

func (l *watching) message(o active.Outcome, passive *pb.Liveness) *pb.LivenessDecision {
	d := &pb.LivenessDecision{
		Verdict: pb.LivenessVerdict(o.Verdict), Reason: string(o.Reason), Detail: o.Reason.Detail(), Passive: passive,
		FrameCount: int32(o.Frames), Duration: durationpb.New(o.Duration),
	}
	for _, step := range o.Steps {
		m := &pb.LivenessStep{Action: pb.LivenessAction(step.Action), Passed: step.Passed, Score: float32(step.Score), Reason: string(step.Reason)}
		if step.At > 0 {
			m.AtTime = durationpb.New(step.At)
		}
		d.Steps = append(d.Steps, m)
	}
	if o.Compared > 0 {
		d.SameFace = l.same.decide(o.LeastSimilar)
	}
	for _, k := range l.kept {
		d.FrameSha256 = append(d.FrameSha256, hex.EncodeToString(k.digest[:]))
		if l.config.GetReturnFrames() {
			d.Frames = append(d.Frames, &pb.Image{Content: k.content})
		}
	}
	return d
}

// keep remembers the session with the template and quality of its best face; "" where no face was seen at rest.
func (l *watching) keep(ctx context.Context, o active.Outcome, passive *pb.Liveness) (string, error) {
	if len(l.kept) == 0 {
		return "", nil
	}
	best := slices.MaxFunc(l.kept, func(a, b keptFrame) int { return int(a.Face.Box.Area() - b.Face.Box.Area()) })
	seen := sight{picture: best.Raster, faces: []face.Detection{best.Face}}
	q, err := l.service.quality(ctx, seen, quality.Selfie)
	if err != nil {
		return "", err
	}
	embedder, err := l.service.embeddings.get("")
	if err != nil {
		return "", err
	}
	if best.Measurement.Template == nil {
		if err := l.meter.Template(ctx, &best.Sight); err != nil {
			return "", err
		}
	}
	p := proof{
		outcome: o, quality: q, template: best.Measurement.Template, weights: embedder.identity.SHA256, flaw: l.service.flaw(seen),
		liveness: &pb.Liveness{
			Verdict: pb.LivenessVerdict(o.Verdict), Score: passive.GetScore(), Threshold: passive.GetThreshold(), ErrorRates: passive.GetErrorRates(),
			Frames: int32(o.Frames), Reason: o.Reason.Detail(),
		},
	}
	return l.service.proofs.add(p, l.service.random, time.Now())
}
