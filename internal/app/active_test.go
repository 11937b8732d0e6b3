package app_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness/active/activetest"
)

func publishedFaces(t *testing.T) string {
	t.Helper()
	return testinput.SharedModels(t, "face/yunet_n_dynamic.onnx", "face/mobilefacenet.onnx", "face/minifasnet_v2_2.7.onnx", "face/minifasnet_v1se_4.0.onnx", "face/pfld_ghostone_98pt.onnx")
}

// landmarksOf finds a portrait's landmarks, to draw its puppet by.
func landmarksOf(t *testing.T, dir string, r *imaging.Raster) []face.Point {
	t.Helper()
	store, err := models.Open(nil, dir)
	require.NoError(t, err)
	backend, err := onnx.NewBackend(onnx.Config{})
	require.NoError(t, err)
	open := func(id string) (pipeline.Executor, models.Entry) {
		artifact, err := store.Resolve(id)
		require.NoError(t, err)
		x, err := backend.Open(t.Context(), artifact, pipeline.Options{Device: "cpu", IntraThreads: 1})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, x.Close()) })
		return x, artifact.Entry
	}
	d, err := face.NewDetector(open("face-detect-yunet-n"))
	require.NoError(t, err)
	l, err := face.NewLandmarker(open("face-landmarks-pfld-98"))
	require.NoError(t, err)
	found, err := d.Detect(t.Context(), r, face.DetectOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, found)
	mesh, err := l.Locate(t.Context(), r, found[0])
	require.NoError(t, err)
	return mesh.Points
}

// liveClient is a client with a camera that a puppet sits before.
type liveClient struct {
	t      *testing.T
	stream grpc.BidiStreamingClient[pb.LiveLivenessRequest, pb.LiveLivenessResponse]
	stage  *activetest.Pictures
	last   time.Time // when a frame was sent
	at     time.Duration
	shots  []activetest.Shot

	mu         sync.Mutex
	challenges []*pb.LivenessChallenge
	guidance   []string
	decision   *pb.LiveLivenessResponse
	err        error
	done       chan struct{}
}

func openLive(t *testing.T, client pb.FaceServiceClient, stage *activetest.Pictures, config *pb.LiveLivenessConfig) *liveClient {
	t.Helper()
	config.Purpose = "test"
	stream, err := client.LiveLiveness(callContext(t))
	require.NoError(t, err)
	require.NoError(t, stream.Send(&pb.LiveLivenessRequest{StreamingRequest: &pb.LiveLivenessRequest_Config{Config: config}}))
	c := &liveClient{t: t, stream: stream, stage: stage, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for {
			m, err := stream.Recv()
			c.mu.Lock()
			switch {
			case err != nil:
				c.err = err
			case m.GetChallenge() != nil:
				c.challenges = append(c.challenges, m.GetChallenge())
			case m.GetGuidance() != "":
				c.guidance = append(c.guidance, m.GetGuidance())
			case m.GetDecision() != nil:
				c.decision = m
			}
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return c
}

const cameraInterval = 125 * time.Millisecond

// frame takes a frame at the camera's pace and sends it; false when the stream has ended. The capture times are the
// camera's, however late the frame is on a busy machine; time that was lost is not made up for, which would be a burst.
func (c *liveClient) frame(look activetest.Look) bool {
	c.t.Helper()
	shot, err := c.stage.Shoot(activetest.Scene{Person: "A", Look: look})
	require.NoError(c.t, err)
	c.shots = append(c.shots, shot)
	return c.send(shot.JPEG)
}

func (c *liveClient) send(content []byte) bool {
	c.at += cameraInterval
	wait := time.NewTimer(cameraInterval - time.Since(c.last))
	defer wait.Stop()
	select {
	case <-c.done:
		return false
	case <-wait.C:
	}
	c.last = time.Now()
	return c.sendAt(content, c.at, c.nonce())
}

func (c *liveClient) sendAt(content []byte, at time.Duration, nonce string) bool {
	return c.stream.Send(&pb.LiveLivenessRequest{StreamingRequest: &pb.LiveLivenessRequest_Frame{Frame: &pb.LiveLivenessFrame{
		Image: &pb.Image{Content: content}, CaptureTime: durationpb.New(at), Nonce: nonce,
	}}}) == nil
}

func (c *liveClient) nonce() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.challenges) == 0 {
		return ""
	}
	return c.challenges[len(c.challenges)-1].GetNonce()
}

func (c *liveClient) challenge(n int) *pb.LivenessChallenge {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n < len(c.challenges) {
		return c.challenges[n]
	}
	return nil
}

// end waits for the stream's end, and returns the decision.
func (c *liveClient) end() (*pb.LivenessDecision, error) {
	<-c.done
	if !errors.Is(c.err, io.EOF) {
		return nil, c.err
	}
	return c.decision.GetDecision(), nil
}

// obey does what is asked until the stream ends.
func (c *liveClient) obey() {
	looks := map[pb.LivenessAction]activetest.Look{
		pb.LivenessAction_LIVENESS_ACTION_OPEN_MOUTH: {Mouth: 0.7}, pb.LivenessAction_LIVENESS_ACTION_TURN_LEFT: {Yaw: 34},
		pb.LivenessAction_LIVENESS_ACTION_TURN_RIGHT: {Yaw: -34}, pb.LivenessAction_LIVENESS_ACTION_NOD: {Pitch: -20},
		pb.LivenessAction_LIVENESS_ACTION_COME_CLOSER: {Near: 1.45},
	}
	for n := 0; ; n++ {
		for c.challenge(n) == nil {
			if !c.frame(activetest.Look{}) {
				return
			}
		}
		full := looks[c.challenge(n).GetAction()]
		for _, share := range []float64{0, 0, 0, 0.3, 0.7, 1, 1, 1, 1, 1, 0.7, 0.3} {
			look := activetest.Look{Yaw: share * full.Yaw, Pitch: share * full.Pitch, Mouth: share * full.Mouth}
			if full.Near > 0 {
				look.Near = 1 + share*(full.Near-1)
			}
			if !c.frame(look) {
				return
			}
		}
	}
}

func liveStage(t *testing.T, dir string) *activetest.Pictures {
	t.Helper()
	r := portraitRaster(t)
	puppet, err := activetest.NewPuppet(r, landmarksOf(t, dir, r), 320)
	require.NoError(t, err)
	return activetest.NewPictures(nil, map[string]*activetest.Puppet{"A": puppet}, nil, 1)
}

func TestALivePersonIsToldByActions(t *testing.T) {
	dir := publishedFaces(t)
	client, stage := faces(t, dir), liveStage(t, dir)
	c := openLive(t, client, stage, &pb.LiveLivenessConfig{
		ConsentId: "c-1", ActionCount: 2, ReturnFrames: true,
		AllowedActions: []pb.LivenessAction{pb.LivenessAction_LIVENESS_ACTION_OPEN_MOUTH, pb.LivenessAction_LIVENESS_ACTION_TURN_LEFT, pb.LivenessAction_LIVENESS_ACTION_BLINK},
	})
	c.obey()
	d, err := c.end()
	require.NoError(t, err)
	t.Logf("%s %s after %v: %v; passive %v; said %q", d.GetVerdict(), d.GetReason(), d.GetDuration().AsDuration(), d.GetSteps(), d.GetPassive(), c.guidance)
	require.Len(t, d.GetSteps(), 2)
	for _, s := range d.GetSteps() {
		require.True(t, s.GetPassed(), "%v", d)
		require.Positive(t, s.GetAtTime().AsDuration())
		require.GreaterOrEqual(t, s.GetScore(), float32(0.5))
	}
	require.Equal(t, pb.LivenessVerdict_LIVENESS_VERDICT_LIVE, d.GetVerdict(), "%s", d.GetReason())
	require.Len(t, d.GetFrameSha256(), 3)
	require.Len(t, d.GetFrames(), 3)
	require.GreaterOrEqual(t, d.GetSameFace().GetCosine(), d.GetSameFace().GetThreshold())
	require.Regexp(t, `^livenessSessions/[A-Za-z0-9_-]{22}$`, d.GetSession())
	p := c.decision.GetProvenance()
	require.Equal(t, "c-1", p.GetConsentId())
	require.Len(t, p.GetInputSha256()["frames"], 64)
	require.NotEmpty(t, p.GetConfiguration()["action_2"])
	require.Len(t, p.GetModels(), 5)

	// The session stands for a selfie, a few times.
	id := jpeg(t, card(t, astronautBust(t)))
	request := func() *pb.VerifyIdentityRequest {
		return &pb.VerifyIdentityRequest{Live: &pb.VerifyIdentityRequest_LivenessSession{LivenessSession: d.GetSession()}, IdPhoto: id}
	}
	for range 5 {
		answer := verify(t, client, request())
		require.Equal(t, verified, answer.GetVerdict(), "%v", answer)
		require.Equal(t, "quality, liveness, id_photo, compare", steps(answer))
	}
	_, err = client.VerifyIdentity(callContext(t), func() *pb.VerifyIdentityRequest { r := request(); r.Purpose = "t"; return r }())
	requireRefused(t, err, codes.NotFound, "LIVENESS_SESSION_UNKNOWN")

	// Whoever connects again can't send what was sent before.
	again := openLive(t, client, stage, &pb.LiveLivenessConfig{})
	for _, shot := range c.shots {
		if !again.send(shot.JPEG) {
			break
		}
	}
	d, err = again.end()
	require.NoError(t, err)
	require.Equal(t, "REPLAY", d.GetReason())
	require.Equal(t, pb.LivenessVerdict_LIVENESS_VERDICT_ATTACK, d.GetVerdict())
}

func TestClientsOfActiveLivenessThatMisbehave(t *testing.T) {
	dir := publishedFaces(t)
	client, stage := faces(t, dir), liveStage(t, dir)
	dark := jpeg(t, imaging.NewRaster(320, 240)).GetContent()
	for name, c := range map[string]struct {
		do      func(c *liveClient)
		verdict pb.LivenessVerdict
		reason  string
	}{
		"half-closes at once": {func(*liveClient) {}, pb.LivenessVerdict_LIVENESS_VERDICT_UNDECIDED, "ENDED"},
		"half-closes in the middle": {func(c *liveClient) {
			for range 8 {
				c.frame(activetest.Look{})
			}
		}, pb.LivenessVerdict_LIVENESS_VERDICT_UNDECIDED, "ENDED"},
		"answers before it is asked": {func(c *liveClient) {
			c.sendAt(dark, time.Millisecond, "")
			c.sendAt(dark, 40*time.Millisecond, "AAAAAAAAAAAAAAAAAAAAAA")
		}, pb.LivenessVerdict_LIVENESS_VERDICT_ATTACK, "REPLAY"},
		"counts time backwards": {func(c *liveClient) {
			c.sendAt(dark, time.Second, "")
			c.sendAt(dark, 900*time.Millisecond, "")
		}, pb.LivenessVerdict_LIVENESS_VERDICT_ATTACK, "STREAMS_MIXED"},
		"is ahead of time": {func(c *liveClient) {
			c.sendAt(dark, 0, "")
			c.sendAt(dark, time.Hour, "")
		}, pb.LivenessVerdict_LIVENESS_VERDICT_ATTACK, "BURST"},
		"sends a thousand frames a second": {func(c *liveClient) {
			for i := range 1000 {
				if !c.sendAt(dark, time.Duration(i)*time.Millisecond, "") {
					return
				}
			}
		}, pb.LivenessVerdict_LIVENESS_VERDICT_UNDECIDED, "TOO_MANY_FRAMES"},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLive(t, client, stage, &pb.LiveLivenessConfig{})
			c.do(l)
			require.NoError(t, l.stream.CloseSend())
			d, err := l.end()
			require.NoError(t, err)
			require.Equal(t, c.reason, d.GetReason())
			require.Equal(t, c.verdict, d.GetVerdict())
			require.NotEmpty(t, d.GetDetail())
			require.Len(t, d.GetSteps(), 3)
		})
	}
	refusals := map[string]struct {
		do     func(c *liveClient)
		code   codes.Code
		reason string
	}{
		"a frame that is no picture": {func(c *liveClient) { c.sendAt([]byte("hello"), 0, "") }, codes.InvalidArgument, "UNSUPPORTED_TYPE"},
		"a frame that is too large":  {func(c *liveClient) { c.sendAt(jpeg(t, imaging.NewRaster(2600, 1600)).GetContent(), 0, "") }, codes.ResourceExhausted, "TOO_LARGE"},
		"a second configuration": {func(c *liveClient) {
			require.NoError(t, c.stream.Send(&pb.LiveLivenessRequest{StreamingRequest: &pb.LiveLivenessRequest_Config{Config: &pb.LiveLivenessConfig{Purpose: "t"}}}))
		}, codes.InvalidArgument, "INVALID_CONFIG"},
		"an endless nonce": {func(c *liveClient) { c.sendAt(dark, 0, string(make([]byte, 65))) }, codes.InvalidArgument, "INVALID_VALUE"},
		"a negative time":  {func(c *liveClient) { c.sendAt(dark, -1, "") }, codes.InvalidArgument, "INVALID_VALUE"},
	}
	for name, c := range refusals {
		t.Run(name, func(t *testing.T) {
			l := openLive(t, client, stage, &pb.LiveLivenessConfig{})
			c.do(l)
			_, err := l.end()
			requireRefused(t, err, c.code, c.reason)
		})
	}
	t.Run("goes away", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := client.LiveLiveness(ctx)
		require.NoError(t, err)
		require.NoError(t, stream.Send(&pb.LiveLivenessRequest{StreamingRequest: &pb.LiveLivenessRequest_Config{Config: &pb.LiveLivenessConfig{Purpose: "t"}}}))
		cancel()
		_, err = stream.Recv()
		require.Error(t, err)
	})
}

func TestChallengesThatAreRefused(t *testing.T) {
	dir := publishedFaces(t)
	client := faces(t, dir)
	const (
		left, right, mouth, closer = pb.LivenessAction_LIVENESS_ACTION_TURN_LEFT, pb.LivenessAction_LIVENESS_ACTION_TURN_RIGHT, pb.LivenessAction_LIVENESS_ACTION_OPEN_MOUTH, pb.LivenessAction_LIVENESS_ACTION_COME_CLOSER
	)
	for name, c := range map[string]struct {
		config *pb.LiveLivenessConfig
		code   codes.Code
		reason string
	}{
		"a turn alone":        {&pb.LiveLivenessConfig{AllowedActions: []pb.LivenessAction{left, right, closer}}, codes.InvalidArgument, "CHALLENGE_TOO_EASY"},
		"no turn":             {&pb.LiveLivenessConfig{AllowedActions: []pb.LivenessAction{mouth, closer}, ActionCount: 2}, codes.InvalidArgument, "CHALLENGE_TOO_EASY"},
		"too few for three":   {&pb.LiveLivenessConfig{AllowedActions: []pb.LivenessAction{mouth, left}}, codes.InvalidArgument, "CHALLENGE_TOO_EASY"},
		"digits":              {&pb.LiveLivenessConfig{AllowedActions: []pb.LivenessAction{mouth, left, pb.LivenessAction_LIVENESS_ACTION_READ_DIGITS}}, codes.Unimplemented, "UNIMPLEMENTED"},
		"one action":          {&pb.LiveLivenessConfig{ActionCount: 1}, codes.InvalidArgument, "INVALID_VALUE"},
		"an unknown action":   {&pb.LiveLivenessConfig{AllowedActions: []pb.LivenessAction{99}}, codes.InvalidArgument, "INVALID_VALUE"},
		"an action twice":     {&pb.LiveLivenessConfig{AllowedActions: []pb.LivenessAction{mouth, mouth, left}}, codes.InvalidArgument, "INVALID_VALUE"},
		"an overlong consent": {&pb.LiveLivenessConfig{ConsentId: string(make([]byte, 200))}, codes.InvalidArgument, "INVALID_VALUE"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openLive(t, client, nil, c.config).end()
			requireRefused(t, err, c.code, c.reason)
		})
	}
	t.Run("a frame first", func(t *testing.T) {
		stream, err := client.LiveLiveness(callContext(t))
		require.NoError(t, err)
		require.NoError(t, stream.Send(&pb.LiveLivenessRequest{StreamingRequest: &pb.LiveLivenessRequest_Frame{Frame: &pb.LiveLivenessFrame{
			Image: &pb.Image{Content: []byte("x")}, CaptureTime: durationpb.New(0),
		}}}))
		_, err = stream.Recv()
		requireRefused(t, err, codes.InvalidArgument, "INVALID_CONFIG")
	})
	t.Run("landmarks that tell too little", func(t *testing.T) {
		own := faces(t, t.TempDir())
		_, err := openLive(t, own, nil, &pb.LiveLivenessConfig{}).end()
		requireRefused(t, err, codes.FailedPrecondition, "ACTIVE_LIVENESS_UNSUPPORTED")
		require.ErrorContains(t, err, "face-landmarks-pfld-98")
	})
}
