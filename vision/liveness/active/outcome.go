package active

import (
	"slices"
	"time"

	"github.com/courtsense/courtsense/vision/liveness"
)

// Reason is why a session, or a step of it, did not pass.
type Reason string

// Reasons that no person with a camera gives rise to: the verdict is [liveness.Attack].
const (
	Replay         Reason = "REPLAY"          // a nonce of another session, or a frame that another session has shown
	FaceChanged    Reason = "FACE_CHANGED"    // another person than at the beginning
	StreamsMixed   Reason = "STREAMS_MIXED"   // frames out of order, or by turns of two scenes
	FramesRepeated Reason = "FRAMES_REPEATED" // the same frame again
	Burst          Reason = "BURST"           // frames of more time than has passed: made before they were asked for
	FlatPicture    Reason = "FLAT_PICTURE"    // moved like paper, not like a head
	PassiveAttack  Reason = "PASSIVE_ATTACK"  // the passive check takes the best frames for an attack
)

// Reasons that an honest person can give: the verdict is [liveness.Undecided].
const (
	StillPicture     Reason = "STILL_PICTURE"     // the face did not move at all
	TooEarly         Reason = "TOO_EARLY"         // an action was done before it was asked for
	TooLate          Reason = "TOO_LATE"          // an action was not done in time
	WrongAction      Reason = "WRONG_ACTION"      // another action was done
	NotReady         Reason = "NOT_READY"         // no resting face was seen in time
	FaceLost         Reason = "FACE_LOST"         // the face left the picture
	FramesMissing    Reason = "FRAMES_MISSING"    // too long without a frame: what happened meanwhile is not known
	TooManyFrames    Reason = "TOO_MANY_FRAMES"   // far more frames than the session can use
	Ended            Reason = "ENDED"             // the client ended the session
	PassiveUndecided Reason = "PASSIVE_UNDECIDED" // the passive check could not decide
)

var attacks = []Reason{Replay, FaceChanged, StreamsMixed, FramesRepeated, Burst, FlatPicture, PassiveAttack}

// Verdict returns what the reason says of the person; no reason is [liveness.Live].
func (r Reason) Verdict() liveness.Verdict {
	switch {
	case r == "":
		return liveness.Live
	case slices.Contains(attacks, r):
		return liveness.Attack
	}
	return liveness.Undecided
}

var details = map[Reason]string{
	Replay:           "a frame or its nonce belongs to another session",
	FaceChanged:      "the face is not the one that the session began with",
	StreamsMixed:     "the frames are out of order, or of two scenes",
	FramesRepeated:   "a frame came again",
	Burst:            "frames of more time came than has passed since they were asked for",
	FlatPicture:      "the face moved like a picture on paper",
	PassiveAttack:    "the best frames look like a picture, screen or mask",
	StillPicture:     "the face did not move",
	TooEarly:         "an action was done before it was asked for",
	TooLate:          "the action was not done in time",
	WrongAction:      "another action was done than the one asked for",
	NotReady:         "no face looked straight and still into the camera",
	FaceLost:         "the face left the picture",
	FramesMissing:    "no frame came for too long to know that it is the same person",
	TooManyFrames:    "far more frames came than 50 a second",
	Ended:            "the session was ended before all actions were done",
	PassiveUndecided: "the best frames can't be judged",
}

// Detail is a sentence for people.
func (r Reason) Detail() string { return details[r] }

// StepResult is what became of one action.
type StepResult struct {
	Action Action
	Asked  bool // whether the session came to it
	Passed bool
	At     time.Duration // capture time at which it was recognised
	// Score is how far the action went: 0.5 where it is just recognised, 1 at twice that.
	Score  float64
	Reason Reason // why it did not pass
}

// Outcome is the end of a session.
type Outcome struct {
	Verdict liveness.Verdict
	Reason  Reason // empty when live
	Steps   []StepResult
	// LeastSimilar is the lowest cosine of a resting face's template and the first one's, over Compared frames.
	LeastSimilar float32
	Compared     int
	Frames       int           // measured
	Skipped      int           // not measured, because they came too close together or were the frame before again
	Duration     time.Duration // from the first frame's capture to the last one's
}

// WithPassive returns the outcome when the passive check of the best frames is heard too. It never makes an outcome
// better.
func (o Outcome) WithPassive(v liveness.Verdict) Outcome {
	switch {
	case v == liveness.Attack && o.Verdict != liveness.Attack:
		o.Verdict, o.Reason = liveness.Attack, PassiveAttack
	case v == liveness.Undecided && o.Verdict == liveness.Live:
		o.Verdict, o.Reason = liveness.Undecided, PassiveUndecided
	}
	return o
}
