package active

import (
	"math"

	"github.com/courtsense/courtsense/vision/face"
)

// Problem is why nothing can be told from a frame; its value is the guidance that mends it.
type Problem string

// The problems.
const (
	NoProblem    Problem = ""
	NoFace       Problem = "Bring your face into the picture."
	SeveralFaces Problem = "Only one person may be in the picture."
	CutOff       Problem = "Bring your whole face into the picture."
	TooSmall     Problem = "Come a little closer."
)

// Measurement is what is known of the face on one frame. Lengths are in units of the face's own, so that the picture's
// size does not matter.
type Measurement struct {
	Problem Problem // the rest is empty unless this is [NoProblem]

	Yaw, Pitch, Roll float64 // degrees, as in [face.Pose]
	// EyeOpening is the mean eye aspect ratio of both eyes, about 0.3 when open.
	EyeOpening float64
	// LipGap is the mean distance of the lips' inner rims over the distance from the eyes to the base of the nose, which no
	// other action changes much.
	LipGap float64
	// Relief is how far the tip of the nose lies beside the line from the nose's bridge to the chin, over that line's
	// length, positive to the picture's right: 0 on a frontal face, and on one that turns as much as its nose stands out. On
	// paper the three points stay on a line, however it is tilted or bent about an upright axis.
	Relief float64
	// Aspect is the distance from the eyes to the base of the nose over that between the eyes. Tilted paper changes it far
	// more than a head that shows the same yaw.
	Aspect float64
	Size   float64 // square root of the face's area over the picture's shorter side, 0..1
	X, Y   float64 // the face's centre, in faces' sizes from the picture's corner

	Template face.Template // only when [Session.WantsTemplate] asked for it
}

// Points of the WFLW order that the measures are taken from.
const (
	noseBridge, noseTip, noseBase, chinPoint = 51, 54, 57, 16
)

var lipPairs = [3][2]int{{89, 95}, {90, 94}, {91, 93}}

// Measure takes the measures of a detected face from its dense landmarks on a picture of width x height pixels.
func Measure(d face.Detection, m face.Mesh, width, height int) Measurement {
	if len(m.Points) <= 95 {
		return Measurement{Problem: NoFace}
	}
	p := m.Points
	five := m.Landmarks()
	eyes := face.Point{X: (five[face.RightEye].X + five[face.LeftEye].X) / 2, Y: (five[face.RightEye].Y + five[face.LeftEye].Y) / 2}
	nose, apart := distance(eyes, p[noseBase]), distance(five[face.RightEye], five[face.LeftEye])
	size := math.Sqrt(float64(d.Box.Area()))
	dx, dy := float64(p[chinPoint].X-p[noseBridge].X), float64(p[chinPoint].Y-p[noseBridge].Y)
	if !(nose > 0.5 && apart > 0.5 && size > 1 && dx*dx+dy*dy > 1) {
		return Measurement{Problem: NoFace}
	}
	gap := 0.0
	for _, pair := range lipPairs {
		gap += distance(p[pair[0]], p[pair[1]]) / 3
	}
	tx, ty := float64(p[noseTip].X-p[noseBridge].X), float64(p[noseTip].Y-p[noseBridge].Y)
	c := d.Box.Center()
	out := Measurement{
		Yaw: float64(m.Pose.Yaw), Pitch: float64(m.Pose.Pitch), Roll: float64(m.Pose.Roll),
		EyeOpening: float64(m.EyeOpenness[0]+m.EyeOpenness[1]) / 2,
		LipGap:     gap / nose, Relief: (tx*dy - ty*dx) / (dx*dx + dy*dy), Aspect: nose / apart,
		Size: size / float64(max(min(width, height), 1)), X: float64(c.X) / size, Y: float64(c.Y) / size,
	}
	for _, v := range []float64{out.Yaw, out.Pitch, out.Roll, out.EyeOpening, out.LipGap, out.Relief, out.Aspect, out.Size, out.X, out.Y} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Measurement{Problem: NoFace}
		}
	}
	return out
}

func distance(a, b face.Point) float64 { return math.Hypot(float64(a.X-b.X), float64(a.Y-b.Y)) }

// change is a frame's difference from the resting face, each action's as a share of what tells it: 1 and more is done.
type change [ComeCloser + 1]float64

// rest is a person's resting face.
type rest struct {
	Measurement
	t Thresholds
}

func ratioTo(v, threshold float64) float64 {
	if !(threshold > 0) {
		return 0
	}
	return v / threshold
}

// compare measures a frame against the resting face.
func (r rest) compare(m Measurement) (c change) {
	yaw, relief, pitch := m.Yaw-r.Yaw, m.Relief-r.Relief, m.Pitch-r.Pitch
	c[TurnLeft] = min(ratioTo(yaw, r.t.Turn), ratioTo(relief, r.t.Relief))
	c[TurnRight] = min(ratioTo(-yaw, r.t.Turn), ratioTo(-relief, r.t.Relief))
	if r.t.Closer > 1 && r.Size > 0 {
		c[ComeCloser] = (m.Size/r.Size - 1) / (r.t.Closer - 1)
	}
	// A turned face hides a mouth's corner and foreshortens the lids, and a bent one lowers them.
	if frontal := math.Abs(yaw) < 0.8*max(r.t.Turn, 1); frontal {
		c[Nod] = ratioTo(-pitch, r.t.Nod)
		c[OpenMouth] = ratioTo(m.LipGap-r.LipGap, r.t.Mouth)
		if c[Nod] < 1 && r.EyeOpening > 0 && r.t.Eyes > 0 {
			c[Blink] = (1 - m.EyeOpening/r.EyeOpening) / (1 - r.t.Eyes)
		}
	}
	return c
}

// strongest returns the action that a frame shows most of, blinks left out: people blink unasked.
func (c change) strongest() (Action, float64) {
	best, most := TurnLeft, math.Inf(-1)
	for a := OpenMouth; a <= ComeCloser; a++ {
		if c[a] > most {
			best, most = a, c[a]
		}
	}
	return best, most
}

// resting tells a face that does nothing. Coming closer is no movement of the head: who came closer may stay.
func (r rest) resting(c change, m Measurement) bool {
	const calm = 0.5
	for a := OpenMouth; a < ComeCloser; a++ {
		if c[a] > calm {
			return false
		}
	}
	return c[Blink] < 0.8 && math.Abs(m.Yaw-r.Yaw) < 0.6*max(r.t.Turn, 1)
}
