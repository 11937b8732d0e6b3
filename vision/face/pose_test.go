package face

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// seenAt projects the generic face, without perspective, under angles in degrees.
func seenAt(shape []anchor, size int, yaw, pitch, roll, scale, x, y float64) []Point {
	out := make([]Point, size)
	v := [4]float64{yaw * math.Pi / 180, pitch * math.Pi / 180, roll * math.Pi / 180, scale}
	for _, a := range shape {
		px, py := project(v, [3]float64{a.x, a.y, a.z})
		out[a.at] = Point{float32(px + x), float32(py + y)}
	}
	return out
}

func TestPoseRecoversKnownAngles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		yaw, pitch := rapid.Float64Range(-70, 70).Draw(t, "yaw"), rapid.Float64Range(-60, 60).Draw(t, "pitch")
		roll, scale := rapid.Float64Range(-179, 179).Draw(t, "roll"), rapid.Float64Range(8, 800).Draw(t, "scale")
		for name, got := range map[string]Pose{
			"98 points": fitPose(seenAt(wflwShape, 98, yaw, pitch, roll, scale, 300, 200), wflwShape),
			"5 points":  PoseOf([5]Point(seenAt(fiveShape, 5, yaw, pitch, roll, scale, 300, 200))),
		} {
			if math.Abs(float64(got.Yaw)-yaw) > 0.5 || math.Abs(float64(got.Pitch)-pitch) > 0.5 || math.Abs(float64(got.Roll)-roll) > 0.5 {
				t.Fatalf("%s: %+v, want yaw %.2f pitch %.2f roll %.2f", name, got, yaw, pitch, roll)
			}
		}
	})
}

// Points moved by 3 % of the eyes' distance, about what the landmark model is off by, cost a few degrees.
func TestPoseBearsNoise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		yaw, pitch, roll := rapid.Float64Range(-45, 45).Draw(t, "yaw"), rapid.Float64Range(-30, 30).Draw(t, "pitch"), rapid.Float64Range(-90, 90).Draw(t, "roll")
		p := seenAt(wflwShape, 98, yaw, pitch, roll, 100, 0, 0)
		for i := range p {
			p[i].X += rapid.Float32Range(-3, 3).Draw(t, "dx")
			p[i].Y += rapid.Float32Range(-3, 3).Draw(t, "dy")
		}
		got := fitPose(p, wflwShape)
		if math.Abs(float64(got.Yaw)-yaw) > 8 || math.Abs(float64(got.Pitch)-pitch) > 8 || math.Abs(float64(got.Roll)-roll) > 6 {
			t.Fatalf("%+v, want yaw %.1f pitch %.1f roll %.1f", got, yaw, pitch, roll)
		}
	})
}

func TestPoseOfAMirrorImage(t *testing.T) {
	p := [5]Point(seenAt(fiveShape, 5, 25, 10, 15, 60, 100, 100))
	m := [5]Point{p[LeftEye], p[RightEye], p[Nose], p[LeftMouthCorner], p[RightMouthCorner]}
	for i := range m {
		m[i].X = 250 - m[i].X
	}
	a, b := PoseOf(p), PoseOf(m)
	assert.InDelta(t, a.Yaw, -b.Yaw, 0.1)
	assert.InDelta(t, a.Pitch, b.Pitch, 0.1)
	assert.InDelta(t, a.Roll, -b.Roll, 0.1)
}

// Signs as documented, by where the nose goes.
func TestPoseSigns(t *testing.T) {
	straight := seenAt(fiveShape, 5, 0, 0, 0, 100, 0, 0)
	assert.Greater(t, seenAt(fiveShape, 5, 20, 0, 0, 100, 0, 0)[Nose].X, straight[Nose].X, "positive yaw: the nose goes to the picture's right")
	assert.Less(t, seenAt(fiveShape, 5, 0, 20, 0, 100, 0, 0)[Nose].Y, straight[Nose].Y, "positive pitch: up")
	assert.Greater(t, seenAt(fiveShape, 5, 0, 0, 20, 100, 0, 0)[LeftEye].Y, straight[LeftEye].Y, "positive roll: clockwise")
}

func TestPoseOfNoFaceIsZero(t *testing.T) {
	nan := float32(math.NaN())
	assert.Equal(t, Pose{}, PoseOf([5]Point{}))
	assert.Equal(t, Pose{}, PoseOf([5]Point{{3, 3}, {3, 3}, {3, 3}, {3, 3}, {3, 3}}))
	for _, v := range []Pose{PoseOf([5]Point{{nan, 3}, {4, 4}, {5, 5}, {6, 6}, {7, 7}})} {
		assert.Equal(t, v, v, "no NaN")
	}
}
