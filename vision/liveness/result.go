package liveness

import (
	"fmt"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
)

// Verdict is the outcome of a check; its values are those of the API's LivenessVerdict.
type Verdict int

// The verdicts.
const (
	Live      Verdict = iota + 1 // a bona fide presentation
	Attack                       // a presentation attack
	Undecided                    // the input did not allow a decision; [Result.Reason] says why
)

// String returns the verdict in the API's words.
func (v Verdict) String() string {
	switch v {
	case Live:
		return "LIVE"
	case Attack:
		return "ATTACK"
	case Undecided:
		return "UNDECIDED"
	}
	return fmt.Sprintf("Verdict(%d)", int(v))
}

// Frame is a picture with the face that is checked in it, in pixels of that picture. A zero Face says that none was found.
type Frame struct {
	Raster *imaging.Raster
	Face   face.Detection
}

// Result is the decision over all frames.
type Result struct {
	Verdict   Verdict
	Score     float32 // 0..1, higher is more likely live; 0 when no frame could be used
	Threshold float32 // LIVE from this score on
	Frames    int     // how many frames the score was computed from
	// Best is the index of the frame whose face is largest among those, -1 when there is none.
	Best int
	// Scores are the single frames' scores, NaN for those that were not used.
	Scores []float32
	// Reason is a sentence on why there is no decision; empty otherwise.
	Reason string
}
