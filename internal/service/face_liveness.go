package service

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/vision/liveness"
)

// bpcer is the type of the rate over bona fide presentations in an entry's parameter "error_rates".
const bpcer = "bpcer"

func bindLiveness(x pipeline.Executor, e models.Entry) (liveness.Member, error) {
	if _, err := errorRates(e); err != nil {
		return liveness.Member{}, err
	}
	return liveness.Member{Executor: x, Entry: e}, nil
}

// CheckLiveness implements FaceService.
func (s *Face) CheckLiveness(ctx context.Context, req *pb.CheckLivenessRequest) (*pb.CheckLivenessResponse, error) {
	detector, err := s.detectors.get("")
	if err != nil {
		return nil, err
	}
	checker, err := s.passive()
	if err != nil {
		return nil, err
	}
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	ev.setting("threshold", strconv.FormatFloat(float64(checker.Threshold()), 'f', 4, 32))
	var frames []liveness.Frame
	var seen []sight
	var pixels int64
	for i, image := range req.GetImages() {
		field := fmt.Sprintf("images[%d].content", i)
		ev.input(field, image.GetContent())
		v, err := s.look(ctx, field, image.GetContent(), detector)
		if err != nil {
			return nil, err
		}
		// All frames are in memory at once, so that together they may have as many pixels as one picture.
		if pixels += int64(v.picture.Width) * int64(v.picture.Height); pixels > s.cfg.Limits.MaxPixels {
			return nil, tooManyPixels(field, pixels, s.cfg.Limits.MaxPixels)
		}
		frame := liveness.Frame{Raster: v.picture}
		if f := v.face(); f != nil {
			frame.Face = *f
		}
		frames, seen = append(frames, frame), append(seen, v)
	}
	result, message, err := checker.check(ctx, frames)
	if err != nil {
		return nil, err
	}
	answer := &pb.CheckLivenessResponse{Liveness: message}
	if rival := doubtful(s, seen); rival != nil && result.Verdict != liveness.Undecided {
		// Which of several people would be meant by "live"?
		answer.Liveness.Verdict, answer.Liveness.Reason = pb.LivenessVerdict_LIVENESS_VERDICT_UNDECIDED, rival.text
	}
	best := max(result.Best, 0)
	answer.Face = seen[best].message()
	answer.Provenance = ev.provenance()
	return answer, nil
}

// passiveChecker is the ensemble with what is known of its errors.
type passiveChecker struct {
	*liveness.Checker
	rates []*pb.AttackErrorRate
}

// passive is the passive check with the models that are loaded now.
func (s *Face) passive() (*passiveChecker, error) {
	members, err := s.livenessMembers()
	if err != nil {
		return nil, err
	}
	c := &passiveChecker{}
	if c.Checker, err = liveness.NewChecker(members); err != nil {
		return nil, &pipeline.Failure{Reason: pipeline.Backend, Err: err}
	}
	for _, m := range members {
		rates, err := errorRates(m.Entry)
		if err != nil {
			return nil, &pipeline.Failure{Reason: pipeline.Backend, Model: m.Entry.ID, Err: err}
		}
		c.rates = append(c.rates, rates...)
	}
	return c, nil
}

// check decides over frames of one person.
func (c *passiveChecker) check(ctx context.Context, frames []liveness.Frame) (liveness.Result, *pb.Liveness, error) {
	stage, end := telemetry.Stage(ctx, "liveness")
	result, err := c.Check(stage, frames)
	end(err)
	return result, &pb.Liveness{
		Verdict: pb.LivenessVerdict(result.Verdict), Score: result.Score, Threshold: result.Threshold, ErrorRates: c.rates,
		Frames: int32(result.Frames), Reason: result.Reason,
	}, err
}

func (s *Face) livenessMembers() ([]liveness.Member, error) {
	if len(s.cfg.Liveness.IDs) == 0 {
		return nil, s.live.unavailable(s.cfg.Liveness.Missing)
	}
	var members []liveness.Member
	for _, id := range s.cfg.Liveness.IDs {
		m, err := s.live.get(id)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

// doubtful is the flaw of several equal faces on any frame.
func doubtful(s *Face, frames []sight) *flaw {
	for _, v := range frames {
		if f := s.flaw(v); f != nil && f.reason == reasonSeveralFaces {
			return f
		}
	}
	return nil
}

// errorRates reads an entry's parameter "error_rates": texts "TYPE RATE LOWER UPPER DATA", where TYPE is "bpcer" or the type
// of an attack, the numbers are 0 to 1, and DATA says what it was measured on.
func errorRates(e models.Entry) ([]*pb.AttackErrorRate, error) {
	var out []*pb.AttackErrorRate
	for _, text := range e.Parameters.Strings("error_rates", nil) {
		part := strings.SplitN(text, " ", 5)
		if len(part) != 5 {
			return nil, fmt.Errorf("parameter error_rates: %q is not TYPE RATE LOWER UPPER DATA", text)
		}
		var v [3]float64
		for i := range v {
			f, err := strconv.ParseFloat(part[i+1], 64)
			if err != nil || !(f >= 0 && f <= 1) {
				return nil, fmt.Errorf("parameter error_rates: %q is no rate in %q", part[i+1], text)
			}
			v[i] = f
		}
		rate := &pb.AttackErrorRate{AttackType: part[0], Error: &pb.MeasuredRate{Rate: v[0], Lower: v[1], Upper: v[2], MeasuredOn: part[4]}}
		if part[0] == bpcer {
			rate.AttackType = ""
		}
		out = append(out, rate)
	}
	return out, nil
}
