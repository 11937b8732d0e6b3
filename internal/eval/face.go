package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/vision/calibration"
	"github.com/courtsense/courtsense/vision/face"
)

// Face measures detection and 1:1 comparison.
type Face struct {
	Run
	Detector *face.Detector
	Embedder *face.Embedder
	// Landmarker places the faces' crops by dense landmarks; nil: by the detector's five points.
	Landmarker *face.Landmarker
	Reference  *face.Detector // the main faces are compared with those that it finds; may be nil
	Options    face.DetectOptions
	Images     imaging.Limits
	// Calibration is held against what strangers really do in the folder; nil: there is none.
	Calibration *calibration.Curve
}

// FaceReport is the result of [Face.Folder].
type FaceReport struct {
	Task      string           `json:"task"` // "face"
	Pairs     VerifyScore      `json:"pairs"`
	Detection *DetectionReport `json:"detection,omitempty"` // absent when raw records were scored again
	// Promises are absent without a calibration, when raw records were scored again, and where the pictures' names do not tell
	// who is on them.
	Promises *Promises `json:"calibration,omitempty"`
	Failures []Problem `json:"failures"` // pictures without a template; their pairs are not dropped
	Setting
}

// DetectionReport tells what was found on the pictures, each counted once.
type DetectionReport struct {
	Pictures  int        `json:"pictures"`
	MainFace  Interval   `json:"main_face_found"` // share of the pictures on which there was any face
	MeanFaces float64    `json:"mean_faces"`
	Agreement *Interval  `json:"reference_agreement,omitempty"` // share of the pictures on which both detectors' main faces overlap, IoU > 0.5
	Reference *Model     `json:"reference,omitempty"`
	Stages    FaceStages `json:"stage_mean_seconds"`
	Seconds   Speed      `json:"seconds_per_picture"`
}

// FaceStages is the mean time of each step in seconds.
type FaceStages struct {
	Decode float64 `json:"decode"`
	Detect float64 `json:"detect"`
	Embed  float64 `json:"embed"` // landmarks and alignment included
}

// picture is what is known of one picture.
type picture struct {
	template face.Template
	faces    int
	agrees   bool // with the reference on its main face, or that there is none
	stages   FaceStages
	err      error
}

func (p picture) seconds() float64 { return p.stages.Decode + p.stages.Detect + p.stages.Embed }

var errNoFace = errors.New("no face was found")

// Folder compares the pairs that the folder's pairs.csv names. A picture that can't be used is a failure in the report, and
// so is each of its pairs. The error is a list that is wrong, raw output that can't be written, or the end of ctx.
func (f Face) Folder(ctx context.Context, dir string) (FaceReport, error) {
	pairs, err := loadPairs(dir)
	if err != nil {
		return FaceReport{}, err
	}
	pairs = spread(pairs, f.Limit)
	var names []string
	index := map[string]int{}
	for _, p := range pairs {
		for _, name := range []string{p.Left, p.Right} {
			if _, ok := index[name]; !ok {
				index[name] = len(names)
				names = append(names, name)
			}
		}
	}
	pictures := make([]picture, len(names))
	begin := time.Now()
	err = f.each(ctx, len(names), func(ctx context.Context, i int) error {
		pictures[i] = f.look(ctx, filepath.Join(dir, filepath.FromSlash(names[i])))
		if pictures[i].err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	})
	if err != nil {
		return FaceReport{}, err
	}
	wall := time.Since(begin)
	raw := recorder{out: f.Raw}
	records := make([]PairRecord, len(pairs))
	for i, p := range pairs {
		records[i] = compare(p, pictures[index[p.Left]], pictures[index[p.Right]])
		if err := raw.write(records[i]); err != nil {
			return FaceReport{}, err
		}
	}
	report := ScorePairs(records)
	report.Detection = f.detection(pictures, wall)
	if f.Calibration != nil {
		byPerson := map[string][]face.Template{}
		for i, p := range pictures {
			if person, ok := PersonOf(names[i]); ok && p.err == nil {
				byPerson[person] = append(byPerson[person], p.template)
			}
		}
		report.Promises = keepPromises(f.Calibration, byPerson, records)
	}
	for i, p := range pictures {
		if p.err != nil {
			report.Failures = append(report.Failures, Problem{names[i], p.err.Error()})
		}
	}
	return report, nil
}

// Template is what a picture, encoded, gives of its main face.
func (f Face) Template(ctx context.Context, content []byte) (face.Template, error) {
	p := f.see(ctx, content)
	return p.template, p.err
}

// look finds the main face of a picture and its template.
func (f Face) look(ctx context.Context, path string) (p picture) {
	start := time.Now()
	content, err := os.ReadFile(path)
	if err != nil {
		return picture{err: err}
	}
	read := time.Since(start).Seconds()
	p = f.see(ctx, content)
	p.stages.Decode += read
	return p
}

func (f Face) see(ctx context.Context, content []byte) (p picture) {
	start := time.Now()
	lap := func() float64 {
		now := time.Now()
		defer func() { start = now }()
		return now.Sub(start).Seconds()
	}
	r, _, err := codec.Decode(ctx, content, f.Images)
	p.stages.Decode = lap()
	if err != nil {
		p.err = err
		return p
	}
	faces, err := f.Detector.Detect(ctx, r, f.Options)
	p.stages.Detect = lap()
	if err != nil {
		p.err = err
		return p
	}
	p.faces = len(faces)
	main := face.Main(faces, r.Width, r.Height)
	if main >= 0 {
		p.template, p.err = f.embed(ctx, r, faces[main])
		p.stages.Embed = lap()
	} else {
		p.err = errNoFace
	}
	if f.Reference != nil {
		others, err := f.Reference.Detect(ctx, r, f.Options)
		if err != nil {
			p.err = fmt.Errorf("reference: %w", err)
			return p
		}
		other := face.Main(others, r.Width, r.Height)
		if main >= 0 && other >= 0 {
			p.agrees = faces[main].Box.IoU(others[other].Box) > 0.5
		} else {
			p.agrees = main == other
		}
	}
	return p
}

// embed aligns and embeds a face.
func (f Face) embed(ctx context.Context, r *imaging.Raster, d face.Detection) (face.Template, error) {
	if f.Landmarker != nil {
		refined, err := f.Landmarker.Refine(ctx, r, d)
		if err != nil {
			return nil, err
		}
		d = refined
	}
	return f.Embedder.Embed(ctx, r, d)
}

func compare(p Pair, left, right picture) PairRecord {
	r := PairRecord{Left: p.Left, Right: p.Right, Same: p.Same, Seconds: math.Round((left.seconds()+right.seconds())*1e4) / 1e4}
	switch {
	case left.err != nil:
		r.Error = fmt.Sprintf("%s: %v", p.Left, left.err)
	case right.err != nil:
		r.Error = fmt.Sprintf("%s: %v", p.Right, right.err)
	default:
		s := float64(face.Similarity(left.template, right.template))
		r.Similarity = &s
	}
	return r
}

func (f Face) detection(pictures []picture, wall time.Duration) *DetectionReport {
	d := &DetectionReport{Pictures: len(pictures)}
	found, agreed, faces := 0, 0, 0
	var each, decode, detect, embed []float64
	for _, p := range pictures {
		if p.faces > 0 {
			found++
			faces += p.faces
		}
		if p.agrees {
			agreed++
		}
		each = append(each, p.seconds())
		decode, detect = append(decode, p.stages.Decode), append(detect, p.stages.Detect)
		if p.stages.Embed > 0 {
			embed = append(embed, p.stages.Embed)
		}
	}
	d.MainFace = wilson(found, len(pictures))
	d.MeanFaces = float64(faces) / float64(max(len(pictures), 1))
	d.Stages = FaceStages{mean(decode), mean(detect), mean(embed)}
	d.Seconds = speed(each, len(each), wall, f.jobs())
	if f.Reference != nil {
		agreement := wilson(agreed, len(pictures))
		d.Agreement = &agreement
	}
	return d
}

func mean(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x
	}
	return sum / float64(max(len(v), 1))
}
