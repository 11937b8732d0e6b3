package quality

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
)

// Assessor judges pictures. It is safe for concurrent use.
type Assessor struct{ landmarks *face.Landmarker }

// NewAssessor returns an Assessor that takes pose, eyes and mouth from dense landmarks. Without a landmarker (nil) the pose
// is estimated from the five points of a detection, and [EyesOpen] and [MouthClosed] are left out.
func NewAssessor(l *face.Landmarker) *Assessor { return &Assessor{l} }

// Assess judges the face faces[main] of r under a profile. Without a face (main is negative or faces are empty) the verdict
// is [Retake], and the only component says so. Components, with their native value and the mapping to 0..100:
//
//   - Sharpness: 1 less the blur of Crete et al. on the aligned face, 0..1; our own sigmoid around 0.33.
//   - OverexposurePrevention: share of the skin's pixels with luma 247 and above; the standard's 1/(x+0.01).
//   - UnderexposurePrevention: share of the skin's pixels with luma up to 25; the standard's mapping.
//   - DynamicRange: entropy of the skin's luma in bits; the standard's 12.5 a bit.
//   - IlluminationUniformity: overlap of the luma histograms of both halves of the face, 0..1; the standard's 100 x^0.3,
//     but of whole halves and in coarser steps.
//   - InterEyeDistance: pixels over the cosine of the yaw; the standard's mapping.
//   - HeadSize: twice the distance of eyes and chin over the picture's height; 100 over the profile's range.
//   - HeadPoseYaw, HeadPosePitch, HeadPoseRoll: degrees; the standard's 100 cos².
//   - EyesOpen: gap of the less open eye's lids over the distance of eyes and chin; the standard's mapping.
//   - MouthClosed: gap of the lips over the same distance; the standard's mapping.
//   - EyesVisible, FaceOcclusionPrevention: how likely it is, 0..1, that the eyes are behind dark glasses, and the lower face
//     behind something; 100 (1-x). They compare colour and edges between parts of the face, know no hands, hair or scarves
//     as such, and take clear glasses and beards for nothing. docs/accuracy.md has how often they are right.
//   - SingleFacePresent: 1 less the area of the largest other face over that of this one; the standard's 100 x.
//   - BackgroundUniformity: mean Sobel gradient beside and above the head, in the aligned view; the standard's mapping, with
//     another extent of background.
//   - Margin: the least distance of the face's middle to an edge over what the profile needs there; the sigmoid of the
//     standard's crop measures.
//
// The score is the mean of what counts under the profile, drawn towards the weakest: half of it is the lowest value. It is
// not the standard's unified quality score, which a trained model gives. The error is that of a broken raster, a main beyond
// the faces, an unknown profile, or of the landmark model.
func (a *Assessor) Assess(ctx context.Context, r *imaging.Raster, faces []face.Detection, main int, p Profile) (Assessment, error) {
	if err := r.Validate(); err != nil {
		return Assessment{}, fmt.Errorf("assess face: %w", err)
	}
	if bars[p] == nil {
		return Assessment{}, fmt.Errorf("assess face: profile %d is unknown", int(p))
	}
	if main >= len(faces) && main > 0 {
		return Assessment{}, fmt.Errorf("assess face: face %d of %d", main, len(faces))
	}
	j := judgement{profile: p, r: r}
	if main < 0 || len(faces) == 0 {
		return j.noFace(), nil
	}
	d := faces[main]
	if err := a.geometry(ctx, &j, d); err != nil {
		return Assessment{}, fmt.Errorf("assess face: %w", err)
	}
	v, err := newView(r, j.landmarks)
	if errors.Is(err, face.ErrDegenerate) {
		return j.noFace(), nil
	}
	if err != nil {
		return Assessment{}, fmt.Errorf("assess face: %w", err)
	}
	j.appearance(v)
	others := 0.0
	for i, f := range faces {
		if i != main {
			others = max(others, float64(f.Box.Area())/float64(max(d.Box.Area(), 1)))
		}
	}
	single := max(0, 1-others)
	j.add(SingleFacePresent, single, 100*single)
	return j.done(), nil
}

// judgement gathers components.
type judgement struct {
	profile    Profile
	r          *imaging.Raster
	landmarks  [5]face.Point
	components []Component
}

func (j *judgement) add(m Measure, native, quality float64) {
	c := Component{Measure: m, Value: percent(quality), Native: float32(native)}
	if math.IsNaN(native) || math.IsInf(native, 0) {
		return
	}
	if c.Verdict = bars[j.profile][m].judge(c.Value); c.Verdict != Accept {
		c.Advice = advice(m, c.Native)
	}
	j.components = append(j.components, c)
}

func (j *judgement) noFace() Assessment {
	return Assessment{Verdict: Retake, Profile: j.profile, Components: []Component{
		{Measure: SingleFacePresent, Verdict: Retake, Advice: advice(SingleFacePresent, 0)},
	}}
}

func (j *judgement) done() Assessment {
	slices.SortFunc(j.components, func(a, b Component) int { return int(a.Measure) - int(b.Measure) })
	out := Assessment{Verdict: Accept, Profile: j.profile, Components: j.components}
	sum, n, least := 0, 0, 100
	for _, c := range j.components {
		out.Verdict = max(out.Verdict, c.Verdict)
		if bars[j.profile][c.Measure] != (bar{}) {
			sum, n, least = sum+c.Value, n+1, min(least, c.Value)
		}
	}
	out.Score = percent((float64(sum)/float64(max(n, 1)) + float64(least)) / 2)
	return out
}

// geometry measures what follows from points and sizes alone.
func (a *Assessor) geometry(ctx context.Context, j *judgement, d face.Detection) error {
	pose := face.PoseOf(d.Landmarks)
	j.landmarks = d.Landmarks
	eyes, mouth := middle(d.Landmarks[face.RightEye], d.Landmarks[face.LeftEye]), middle(d.Landmarks[face.RightMouthCorner], d.Landmarks[face.LeftMouthCorner])
	// In the generic face the chin is 1.75 times as far from the eyes as the mouth.
	toChin := 1.75 * apart(eyes, mouth)
	if a.landmarks != nil {
		mesh, err := a.landmarks.Locate(ctx, j.r, d)
		switch {
		case errors.Is(err, face.ErrDegenerate):
		case err != nil:
			return err
		default:
			pose, j.landmarks = mesh.Pose, mesh.Landmarks()
			eyes = middle(j.landmarks[face.RightEye], j.landmarks[face.LeftEye])
			if t := apart(eyes, mesh.Chin()); t > 0 {
				toChin = t
				lids := mesh.LidGap()
				open := float64(min(lids[0], lids[1])) / t
				j.add(EyesOpen, open, rising(open, 0.02, 0.01))
				gap := float64(mesh.LipGap()) / t
				j.add(MouthClosed, gap, falling(gap, 0.2, 0.06))
			}
		}
	}
	yaw, pitch, roll := radians(pose.Yaw), radians(pose.Pitch), radians(pose.Roll)
	for _, p := range []struct {
		m Measure
		v float64
	}{{HeadPoseYaw, yaw}, {HeadPosePitch, pitch}, {HeadPoseRoll, roll}} {
		c := max(0, math.Cos(p.v))
		j.add(p.m, p.v*180/math.Pi, 100*c*c)
	}
	apartEyes := apart(j.landmarks[face.RightEye], j.landmarks[face.LeftEye])
	// Beyond 60 degrees the far eye is hidden and its place a guess.
	iris := apartEyes / math.Cos(min(math.Abs(yaw), math.Pi/3))
	j.add(InterEyeDistance, iris, rising(iris, 70, 20))
	f := frames[j.profile]
	head := 2 * toChin / float64(j.r.Height)
	j.add(HeadSize, head, plateau(head, f.lo, f.below, f.hi, f.above))
	w, h := float64(j.r.Width), float64(j.r.Height)
	x, y := float64(eyes.X), float64(eyes.Y)
	margin := min(x/(f.side*iris), (w-x)/(f.side*iris), y/(f.over*toChin), (h-y)/(f.under*toChin))
	j.add(Margin, margin, rising(margin, 0.9, 0.1))
	return nil
}

// appearance measures what follows from the aligned face's pixels.
func (j *judgement) appearance(v *view) {
	sharp := v.sharpness()
	j.add(Sharpness, sharp, rising(sharp, 0.33, 0.06))
	over := v.share(247, 255)
	j.add(OverexposurePrevention, over, 1/(over+0.01))
	under := v.share(0, 25)
	j.add(UnderexposurePrevention, under, 120*(0.832-rising(under, 0.92, 0.05)/100))
	bits := v.entropy()
	j.add(DynamicRange, bits, 12.5*bits)
	even := v.evenness()
	j.add(IlluminationUniformity, even, 100*math.Pow(even, 0.3))
	if p, ok := v.shaded(); ok {
		j.add(EyesVisible, p, 100*(1-p))
	}
	if p, ok := v.covered(); ok {
		j.add(FaceOcclusionPrevention, p, 100*(1-p))
	}
	// With less than this there is no background to speak of.
	if g, n := v.gradient(around); n > viewSize*viewSize/50 {
		// The standard's constants are for sums of Sobel's mask, which is eight times the slope.
		j.add(BackgroundUniformity, 8*g, 1.9*falling(8*g, 10, 100))
	}
}

func middle(a, b face.Point) face.Point { return face.Point{X: (a.X + b.X) / 2, Y: (a.Y + b.Y) / 2} }

func apart(a, b face.Point) float64 { return math.Hypot(float64(a.X-b.X), float64(a.Y-b.Y)) }

func radians(degrees float32) float64 { return float64(degrees) * math.Pi / 180 }
