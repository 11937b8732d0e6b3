package gate

import (
	"time"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/calibration"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness"
)

// Type says what happened; its values are those of the API's GateEventType.
type Type int

// The types.
const (
	Admitted       Type = iota + 1 // a known person whom the policy lets in
	Refused                        // a known person whom it does not let in, here or now
	Unknown                        // somebody who is in no gallery of the zone
	Spoof                          // a presentation attack
	Tailgating                     // came in on another's admission
	CameraLost                     // there is no picture
	CameraRestored                 // there is a picture again
)

// String returns the type in the API's words.
func (t Type) String() string {
	switch t {
	case Admitted:
		return "ADMITTED"
	case Refused:
		return "REFUSED"
	case Unknown:
		return "UNKNOWN"
	case Spoof:
		return "SPOOF"
	case Tailgating:
		return "TAILGATING"
	case CameraLost:
		return "CAMERA_LOST"
	case CameraRestored:
		return "CAMERA_RESTORED"
	}
	return "UNSPECIFIED"
}

// Direction says which way a camera looks at a zone's door.
type Direction int

// The directions.
const (
	Entry Direction = iota + 1
	Exit
)

// PersonRef names a person of a gallery.
type PersonRef struct {
	Gallery string            `json:"gallery"`
	ID      string            `json:"id"`
	Labels  map[string]string `json:"-"`
}

// Name is the person's name in the API.
func (p PersonRef) Name() string {
	if p.ID == "" {
		return ""
	}
	return "galleries/" + p.Gallery + "/persons/" + p.ID
}

func (p PersonRef) is(o PersonRef) bool { return p.Gallery == o.Gallery && p.ID == o.ID }

// Reasons of events, beside the policy's rule.
const (
	ReasonNoRule            = "NO_RULE"             // REFUSED: no rule of the zone lets this person in here and now
	ReasonLivenessUndecided = "LIVENESS_UNDECIDED"  // REFUSED: known, but it could not be told whether it is a live person
	ReasonTooFewFrames      = "TOO_FEW_FRAMES"      // UNKNOWN: gone before enough usable frames were seen
	ReasonNotInGallery      = "NOT_IN_GALLERY"      // UNKNOWN: enough frames, and nobody in them
	ReasonNoUsableFrame     = "NO_USABLE_FRAME"     // UNKNOWN: a face too small, too blurred or turned away all the time
	ReasonIdentification    = "IDENTIFICATION_DOWN" // UNKNOWN: models or galleries could not be asked
)

// Similarity is what an event's identification rests on.
type Similarity struct {
	Cosine     float32          `json:"cosine"`    // mean over the frames that voted, by their weight
	Threshold  float32          `json:"threshold"` // from which on a frame votes
	FMR        float64          `json:"fmr"`       // false match rate of the threshold
	Rate       calibration.Rate `json:"rate"`      // measured at Cosine
	MeasuredOn string           `json:"measured_on"`
}

// Model is one that had a part in an event.
type Model struct {
	Task    string `json:"task"`
	ID      string `json:"id"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	Device  string `json:"device"`
	Source  string `json:"source"`
}

// Event is one thing that happened at a gate.
type Event struct {
	Type      Type      `json:"type"`
	Camera    string    `json:"camera"`
	Zone      string    `json:"zone,omitempty"`
	Direction Direction `json:"direction,omitempty"`
	Passage   string    `json:"passage,omitempty"` // one person in front of one camera once; the same in all events of it
	Start     time.Time `json:"start"`             // first seen
	Time      time.Time `json:"time"`              // decided
	Person    PersonRef `json:"person"`
	// Similarity is nil where nothing was compared.
	Similarity *Similarity `json:"similarity,omitempty"`
	// Liveness is nil where it was not checked.
	Liveness *liveness.Result `json:"liveness,omitempty"`
	Rule     string           `json:"rule,omitempty"`   // that decided, by its name in the policy
	Reason   string           `json:"reason,omitempty"` // why, where no rule says it
	Frames   int              `json:"frames"`           // that voted
	// Confidence is the share of the frames' weight that is behind the decision, 0..1. It is no probability: how often a
	// stranger is admitted is what Similarity says.
	Confidence float64  `json:"confidence"`
	Alarm      bool     `json:"alarm,omitempty"` // the zone wants an alarm for this type
	Box        face.Box `json:"box"`             // in the camera's frame, pixels
	Models     []Model  `json:"models,omitempty"`

	// Crop is the best shot with a margin; nil when there is none. It is never stored.
	Crop *imaging.Raster `json:"-"`
}

// Ending says that a passage that had an event is over.
type Ending struct {
	Passage string
	Last    time.Time // last seen
}
