package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/vision/camera"
	"github.com/courtsense/courtsense/vision/liveness/active"
)

const (
	// activeInterval is the least time between two frames: 15 a second are enough and spare the server.
	activeInterval = 66 * time.Millisecond
	frameQuality   = 85 // of JPEG
	frameSide      = 960
)

// activeLiveness is one run of "courtsense face liveness --active".
type activeLiveness struct {
	c       *console
	source  string
	actions int
	purpose string
	consent string
	json    bool

	stream grpc.BidiStreamingClient[pb.LiveLivenessRequest, pb.LiveLivenessResponse]
	mu     sync.Mutex
	nonce  string
}

func (a *activeLiveness) run(ctx context.Context, conn *connection) error {
	source, err := camera.ParseSource(a.source)
	if err != nil {
		return usagef("--camera: %v", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.stream, err = pb.NewFaceServiceClient(conn).LiveLiveness(ctx)
	if err == nil {
		err = a.stream.Send(&pb.LiveLivenessRequest{StreamingRequest: &pb.LiveLivenessRequest_Config{Config: &pb.LiveLivenessConfig{
			Purpose: a.purpose, ConsentId: a.consent, ActionCount: int32(a.actions),
		}}})
	}
	if err != nil && !errors.Is(err, io.EOF) {
		a.c.fail(a.source, conn.explain(err))
		return errReported
	}
	filmed := make(chan error, 1)
	go func() { filmed <- a.film(ctx, source) }()
	decision, err := a.listen()
	cancel()
	if failed := <-filmed; err == nil && decision == nil {
		err = failed
	}
	if err != nil {
		a.c.fail(a.source, conn.explain(err))
		return errReported
	}
	if a.json {
		return writeDecision(a.c.out, decision)
	}
	return printDecision(a.c.out, decision)
}

// film sends the camera's pictures until the stream has ended.
func (a *activeLiveness) film(ctx context.Context, source camera.Source) error {
	cam := camera.New(camera.Config{Name: "camera", Source: source, Limits: imaging.DefaultLimits()})
	var began, last time.Time
	err := cam.Run(ctx, nil, func(_ context.Context, f camera.Frame) error {
		if began.IsZero() {
			began = f.Time
		}
		if !last.IsZero() && f.Time.Sub(last) < activeInterval {
			return nil
		}
		last = f.Time
		r := f.Image
		if long := max(r.Width, r.Height); long > frameSide {
			r = imaging.Resize(r, r.Width*frameSide/long, r.Height*frameSide/long)
		}
		content, err := codec.EncodeJPEG(r, frameQuality)
		if err != nil {
			return err
		}
		a.mu.Lock()
		nonce := a.nonce
		a.mu.Unlock()
		return a.stream.Send(&pb.LiveLivenessRequest{StreamingRequest: &pb.LiveLivenessRequest_Frame{Frame: &pb.LiveLivenessFrame{
			Image: &pb.Image{Content: content}, CaptureTime: durationpb.New(f.Time.Sub(began)), Nonce: nonce,
		}}})
	})
	// A film that is over, or a camera that can't be opened: the server decides on what it has seen.
	if ctx.Err() == nil {
		err = errors.Join(err, a.stream.CloseSend())
	}
	return err
}

// listen shows what the server says until it has decided.
func (a *activeLiveness) listen() (*pb.LivenessDecision, error) {
	var decision *pb.LivenessDecision
	for {
		m, err := a.stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return decision, nil
		case err != nil:
			return nil, err
		case m.GetChallenge() != nil:
			c := m.GetChallenge()
			a.mu.Lock()
			a.nonce = c.GetNonce()
			a.mu.Unlock()
			fmt.Fprintf(a.c.err, "%d of %d: %s\n", c.GetStep(), c.GetStepCount(), active.Action(c.GetAction()).Instruction())
		case m.GetGuidance() != "":
			fmt.Fprintln(a.c.err, m.GetGuidance())
		case m.GetDecision() != nil:
			decision = m.GetDecision()
		}
	}
}

func livenessVerdict(v pb.LivenessVerdict) string {
	return strings.TrimPrefix(v.String(), "LIVENESS_VERDICT_")
}

func actionName(a pb.LivenessAction) string {
	return strings.ToLower(strings.TrimPrefix(a.String(), "LIVENESS_ACTION_"))
}

func printDecision(w io.Writer, d *pb.LivenessDecision) error {
	text := livenessVerdict(d.GetVerdict())
	if d.GetReason() != "" {
		text += fmt.Sprintf(" %s: %s", d.GetReason(), d.GetDetail())
	}
	_, err := fmt.Fprintln(w, text)
	for _, s := range d.GetSteps() {
		switch {
		case s.GetPassed():
			fmt.Fprintf(w, "  %-12s at %.1f s, score %.2f\n", actionName(s.GetAction()), s.GetAtTime().AsDuration().Seconds(), s.GetScore())
		case s.GetReason() != "":
			fmt.Fprintf(w, "  %-12s %s\n", actionName(s.GetAction()), s.GetReason())
		default:
			fmt.Fprintf(w, "  %-12s not asked for\n", actionName(s.GetAction()))
		}
	}
	if d.GetSession() != "" {
		fmt.Fprintf(w, "  %s\n", d.GetSession())
	}
	return err
}

// decisionStepJSON is the stable format of an action of active liveness.
type decisionStepJSON struct {
	Action string   `json:"action"`
	Passed bool     `json:"passed"`
	At     *float64 `json:"at_seconds,omitempty"`
	Score  score    `json:"score"`
	Reason string   `json:"reason,omitempty"`
}

func writeDecision(w io.Writer, d *pb.LivenessDecision) error {
	steps := []decisionStepJSON{}
	for _, s := range d.GetSteps() {
		step := decisionStepJSON{Action: actionName(s.GetAction()), Passed: s.GetPassed(), Score: score(s.GetScore()), Reason: s.GetReason()}
		if s.GetAtTime() != nil {
			at := s.GetAtTime().AsDuration().Seconds()
			step.At = &at
		}
		steps = append(steps, step)
	}
	out := struct {
		Verdict  string             `json:"verdict"` // live, attack, undecided
		Reason   string             `json:"reason,omitempty"`
		Steps    []decisionStepJSON `json:"steps"`
		Passive  *livenessJSON      `json:"passive,omitempty"`
		SameFace *similarityJSON    `json:"same_face,omitempty"`
		Frames   []string           `json:"frame_sha256"`
		Seconds  float64            `json:"seconds"`
		Session  string             `json:"session,omitempty"`
	}{
		strings.ToLower(livenessVerdict(d.GetVerdict())), d.GetReason(), steps, nil, nil, append([]string{}, d.GetFrameSha256()...),
		d.GetDuration().AsDuration().Seconds(), d.GetSession(),
	}
	if d.GetPassive() != nil {
		out.Passive = livenessOf(d.GetPassive())
	}
	if d.GetSameFace() != nil {
		same := similarityOf(d.GetSameFace())
		out.SameFace = &same
	}
	return json.NewEncoder(w).Encode(out)
}
