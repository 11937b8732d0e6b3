package eval

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/quality"
	"github.com/courtsense/courtsense/vision/quality/damage"
)

// FaceQuality measures what the components of face quality say of pictures as they are and of the same ones spoilt in known
// ways.
type FaceQuality struct {
	Run
	Detector *face.Detector
	Assessor *quality.Assessor
	Profile  quality.Profile
	Options  face.DetectOptions
	Images   imaging.Limits
}

// FaceQualityReport is the result of [FaceQuality.Folder].
type FaceQualityReport struct {
	Task     string          `json:"task"` // "face-quality"
	Profile  string          `json:"profile"`
	Pictures int             `json:"pictures"` // with a face
	Measures []MeasureReport `json:"measures"`
	Failures []Problem       `json:"failures"` // pictures that could not be read, or show no face
	Setting
}

// MeasureReport is one component over all pictures.
type MeasureReport struct {
	Measure string  `json:"measure"`
	Mean    float64 `json:"mean"`    // quality of the pictures as they are
	Refused float64 `json:"refused"` // share of these with the verdict RETAKE
	// Spoilt are the same pictures with a damage that is this component's to see.
	Spoilt []SpoiltReport `json:"spoilt,omitempty"`
}

// SpoiltReport tells how a component tells spoilt pictures from whole ones.
type SpoiltReport struct {
	Damage   string   `json:"damage"`
	Mean     float64  `json:"mean"`
	Refused  Interval `json:"refused"`        // share with the verdict RETAKE
	Lower    float64  `json:"lower"`          // share of the pictures whose quality fell below their own as they are
	At       []AtRate `json:"at_false_alarm"` // detection at thresholds set on the whole pictures
	Pictures int      `json:"pictures"`
}

// AtRate is the share of spoilt pictures below a threshold that a given share of the whole ones is below.
type AtRate struct {
	FalseAlarm float64  `json:"false_alarm"`
	Detected   Interval `json:"detected"`
}

// falseAlarms are the rates at which detection is told.
var falseAlarms = []float64{0.01, 0.05}

// spoiling is a damage with the measure that should see it.
type spoiling struct {
	name    string
	measure quality.Measure
	do      func(r *imaging.Raster, l [5]face.Point, rng *rand.Rand) *imaging.Raster
}

var spoilings = []spoiling{
	{"blur, sigma 1 px", quality.Sharpness, func(r *imaging.Raster, _ [5]face.Point, _ *rand.Rand) *imaging.Raster { return damage.Blur(r, 1) }},
	{"blur, sigma 2 px", quality.Sharpness, func(r *imaging.Raster, _ [5]face.Point, _ *rand.Rand) *imaging.Raster { return damage.Blur(r, 2) }},
	{"overexposed, gain 2 and 80 levels", quality.OverexposurePrevention, func(r *imaging.Raster, _ [5]face.Point, _ *rand.Rand) *imaging.Raster {
		return damage.Light(r, 2, 80)
	}},
	{"dark, gain 0.1", quality.UnderexposurePrevention, func(r *imaging.Raster, _ [5]face.Point, _ *rand.Rand) *imaging.Raster {
		return damage.Light(r, 0.1, 0)
	}},
	{"haze, gain 0.15", quality.DynamicRange, func(r *imaging.Raster, _ [5]face.Point, _ *rand.Rand) *imaging.Raster {
		return damage.Light(r, 0.15, 110)
	}},
	{"side light, 80 % less", quality.IlluminationUniformity, func(r *imaging.Raster, l [5]face.Point, _ *rand.Rand) *imaging.Raster {
		return damage.SideLight(r, l, 0.8)
	}},
	{"turned by 30 degrees", quality.HeadPoseRoll, func(r *imaging.Raster, _ [5]face.Point, _ *rand.Rand) *imaging.Raster { return damage.Turn(r, 30) }},
	{"drawn mask", quality.FaceOcclusionPrevention, damage.Mask},
	{"drawn dark glasses", quality.EyesVisible, damage.Glasses},
}

// assessed is what is known of one picture: the quality of each measure, whole and spoilt.
type assessed struct {
	whole   map[quality.Measure]quality.Component
	spoilt  []*quality.Component // in the order of spoilings; nil where it could not be measured
	problem error
}

// Folder assesses the pictures of a folder. The damages are drawn with seeds of their own for each picture, so that a run can
// be repeated. Where a damage hides the face from the detector, the whole picture's face is judged.
func (q FaceQuality) Folder(ctx context.Context, dir string) (FaceQualityReport, error) {
	report := FaceQualityReport{Task: "face-quality", Profile: q.Profile.String(), Failures: []Problem{}}
	files, err := os.ReadDir(dir)
	if err != nil {
		return report, err
	}
	var names []string
	for _, f := range files {
		if ext := strings.ToLower(filepath.Ext(f.Name())); !f.IsDir() && ext != ".pdf" && slices.Contains(pageTypes, ext) {
			names = append(names, f.Name())
		}
	}
	if names = spread(names, q.Limit); len(names) == 0 {
		return report, fmt.Errorf("%s holds no pictures", dir)
	}
	all := make([]assessed, len(names))
	err = q.each(ctx, len(names), func(ctx context.Context, i int) error {
		all[i] = q.look(ctx, filepath.Join(dir, names[i]), uint64(i))
		if all[i].problem != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	})
	if err != nil {
		return report, err
	}
	var usable []assessed
	for i, a := range all {
		if a.problem != nil {
			report.Failures = append(report.Failures, Problem{names[i], a.problem.Error()})
			continue
		}
		usable = append(usable, a)
	}
	report.Pictures = len(usable)
	for m := quality.Sharpness; m <= quality.Margin; m++ {
		if r, ok := measured(m, usable); ok {
			report.Measures = append(report.Measures, r)
		}
	}
	return report, nil
}

func (q FaceQuality) look(ctx context.Context, path string, seed uint64) (a assessed) {
	content, err := os.ReadFile(path)
	if err != nil {
		return assessed{problem: err}
	}
	r, _, err := codec.Decode(ctx, content, q.Images)
	if err != nil {
		return assessed{problem: err}
	}
	faces, err := q.Detector.Detect(ctx, r, q.Options)
	if err != nil {
		return assessed{problem: err}
	}
	main := face.Main(faces, r.Width, r.Height)
	if main < 0 {
		return assessed{problem: errNoFace}
	}
	whole, err := q.Assessor.Assess(ctx, r, faces, main, q.Profile)
	if err != nil {
		return assessed{problem: err}
	}
	a.whole = map[quality.Measure]quality.Component{}
	for _, c := range whole.Components {
		a.whole[c.Measure] = c
	}
	for i, s := range spoilings {
		spoilt := s.do(r, faces[main].Landmarks, rand.New(rand.NewPCG(seed, uint64(i))))
		found, err := q.Detector.Detect(ctx, spoilt, q.Options)
		if err != nil {
			return assessed{problem: err}
		}
		at := face.Main(found, r.Width, r.Height)
		if at < 0 {
			found, at = faces, main
		}
		judged, err := q.Assessor.Assess(ctx, spoilt, found, at, q.Profile)
		if err != nil {
			return assessed{problem: err}
		}
		var seen *quality.Component
		if k := slices.IndexFunc(judged.Components, func(c quality.Component) bool { return c.Measure == s.measure }); k >= 0 {
			seen = &judged.Components[k]
		}
		a.spoilt = append(a.spoilt, seen)
	}
	return a
}

// measured summarises one measure; ok is false when no picture has it.
func measured(m quality.Measure, all []assessed) (r MeasureReport, ok bool) {
	r.Measure = m.String()
	var values []float64
	refused := 0
	for _, a := range all {
		if c, has := a.whole[m]; has {
			values = append(values, float64(c.Value))
			if c.Verdict == quality.Retake {
				refused++
			}
		}
	}
	if len(values) == 0 {
		return r, false
	}
	r.Mean, r.Refused = mean(values), float64(refused)/float64(len(values))
	slices.Sort(values)
	for i, s := range spoilings {
		if s.measure != m {
			continue
		}
		out := SpoiltReport{Damage: s.name}
		var spoilt []float64
		refused, lower := 0, 0
		for _, a := range all {
			c := a.spoilt[i]
			if c == nil {
				continue
			}
			spoilt = append(spoilt, float64(c.Value))
			if c.Verdict == quality.Retake {
				refused++
			}
			if before, has := a.whole[m]; has && c.Value < before.Value {
				lower++
			}
		}
		out.Pictures = len(spoilt)
		out.Mean, out.Refused = mean(spoilt), wilson(refused, len(spoilt))
		out.Lower = float64(lower) / float64(max(len(spoilt), 1))
		for _, rate := range falseAlarms {
			// No more than this share of the whole pictures lies below.
			threshold := values[int(rate*float64(len(values)))]
			below := 0
			for _, v := range spoilt {
				if v < threshold {
					below++
				}
			}
			out.At = append(out.At, AtRate{rate, wilson(below, len(spoilt))})
		}
		r.Spoilt = append(r.Spoilt, out)
	}
	return r, true
}

// WriteText prints the report for people.
func (r FaceQualityReport) WriteText(w io.Writer) error {
	t := newTable(w)
	t.row("pictures", "%d with a face; profile %s", r.Pictures, r.Profile)
	for _, m := range r.Measures {
		t.row(m.Measure, "mean %.1f, refused %s", m.Mean, share(m.Refused))
		for _, s := range m.Spoilt {
			text := fmt.Sprintf("mean %.1f, refused %s, lower than before on %s", s.Mean, percent(s.Refused), share(s.Lower))
			for _, a := range s.At {
				text += fmt.Sprintf("; %s found at %g %% false alarms", percent(a.Detected), 100*a.FalseAlarm)
			}
			t.row("  "+s.Damage, "%s", text)
		}
	}
	t.setting("", r.Setting)
	t.problems("failed", r.Failures)
	return t.Flush()
}
