package quality

import "fmt"

// Measure names a component; its values and their order are those of the API's QualityMeasure.
type Measure int

// The measures. Native values: see [Component].
const (
	Sharpness               Measure = iota + 1 // of the face region
	OverexposurePrevention                     // absence of overexposed skin
	UnderexposurePrevention                    // absence of underexposed skin
	DynamicRange                               // of the face region
	IlluminationUniformity                     // evenness of the light on both halves of the face
	InterEyeDistance                           // pixels between the eyes' centres
	HeadSize                                   // height of the head as a share of the picture's
	HeadPoseYaw                                // degrees, see [face.Pose]
	HeadPosePitch                              // degrees
	HeadPoseRoll                               // degrees
	EyesOpen                                   // of the less open eye
	MouthClosed                                // gap between the lips
	EyesVisible                                // absence of sunglasses, hair
	FaceOcclusionPrevention                    // absence of a mask, a hand, a scarf
	SingleFacePresent                          // exactly one face
	BackgroundUniformity                       // evenness of what is around the head
	Margin                                     // distance of the head from the picture's edges
)

// Verdict is a judgement on one component or the whole; its values are those of the API's QualityVerdict.
type Verdict int

// The verdicts.
const (
	NotMeasured Verdict = iota // the component could not be measured
	Accept                     // good enough for the profile
	Warn                       // usable, but worth a better picture
	Retake                     // not good enough
)

// Profile says what a picture is for; its values are those of the API's QualityProfile.
type Profile int

// The profiles.
const (
	IDPhoto Profile = iota + 1 // a picture on an identity document
	Selfie                     // a picture that a person takes of themselves to register
	Gate                       // a frame of a gate camera
)

// Component is one measured component.
type Component struct {
	Measure Measure
	Value   int     // quality, 0..100, 100 is best
	Native  float32 // in the measure's own unit
	Verdict Verdict
	Advice  string // what to do, one sentence; empty when accepted
}

// Assessment is the judgement on one face picture.
type Assessment struct {
	Score      int // 0..100, 100 is best
	Verdict    Verdict
	Profile    Profile
	Components []Component // in the order of the measures; those that could not be measured are left out
}

// String returns the profile's name as users give it.
func (p Profile) String() string {
	switch p {
	case IDPhoto:
		return "id-photo"
	case Selfie:
		return "selfie"
	case Gate:
		return "gate"
	}
	return fmt.Sprintf("Profile(%d)", int(p))
}

// ParseProfile returns the profile of a name: "id-photo", "selfie" or "gate".
func ParseProfile(name string) (Profile, error) {
	for p := IDPhoto; p <= Gate; p++ {
		if p.String() == name {
			return p, nil
		}
	}
	return 0, fmt.Errorf("quality profile %q is unknown; it must be id-photo, selfie or gate", name)
}
