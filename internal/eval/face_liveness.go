package eval

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness"
)

// bonaFide is the folder of live faces; every other one is named for the attacks that it holds.
const bonaFide = "live"

// FaceLiveness measures presentation attack detection in the terms of ISO/IEC 30107-3.
type FaceLiveness struct {
	Run
	Detector *face.Detector
	Checker  *liveness.Checker
	Options  face.DetectOptions
	Images   imaging.Limits
}

// FaceLivenessReport is the result of [FaceLiveness.Folder].
type FaceLivenessReport struct {
	Task      string         `json:"task"` // "face-liveness"
	Threshold float64        `json:"threshold"`
	Kinds     []LivenessKind `json:"kinds"` // live first, then by name
	Failures  []Problem      `json:"failures"`
	Setting
}

// LivenessKind is the result on one folder. Undecided presentations are left out of the rates and told by themselves, as the
// standard has it for non-responses.
type LivenessKind struct {
	Kind      string   `json:"kind"` // "live", or the attack type
	Pictures  int      `json:"pictures"`
	Undecided int      `json:"undecided"`
	Error     Interval `json:"error"` // BPCER for live, APCER for attacks; Wilson
	MeanScore float64  `json:"mean_score"`
}

// LivenessRecord is a raw record.
type LivenessRecord struct {
	File    string  `json:"file"`
	Kind    string  `json:"kind"`
	Verdict string  `json:"verdict,omitempty"`
	Score   float32 `json:"score"`
	Reason  string  `json:"reason,omitempty"`
	Error   string  `json:"error,omitempty"`
}

// Folder checks every picture of the sub-folders of dir by itself: "live" holds bona fide presentations, every other
// sub-folder attacks of the type that it is named for.
func (f FaceLiveness) Folder(ctx context.Context, dir string) (FaceLivenessReport, error) {
	report := FaceLivenessReport{Task: "face-liveness", Failures: []Problem{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return report, err
	}
	var records []LivenessRecord
	for _, kind := range entries {
		if !kind.IsDir() {
			continue
		}
		files, err := os.ReadDir(filepath.Join(dir, kind.Name()))
		if err != nil {
			return report, err
		}
		var of []LivenessRecord
		for _, p := range files {
			if ext := strings.ToLower(filepath.Ext(p.Name())); !p.IsDir() && ext != ".pdf" && slices.Contains(pageTypes, ext) {
				of = append(of, LivenessRecord{File: filepath.Join(kind.Name(), p.Name()), Kind: kind.Name()})
			}
		}
		records = append(records, spread(of, f.Limit)...)
	}
	if len(records) == 0 {
		return report, fmt.Errorf("%s holds no pictures in sub-folders: want %s/ and one for each type of attack", dir, bonaFide)
	}
	err = f.each(ctx, len(records), func(ctx context.Context, i int) error {
		if err := f.look(ctx, filepath.Join(dir, records[i].File), &records[i]); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			records[i].Error = err.Error()
		}
		return nil
	})
	if err != nil {
		return report, err
	}
	raw := recorder{out: f.Raw}
	for _, r := range records {
		if err := raw.write(r); err != nil {
			return report, err
		}
	}
	report.Threshold = float64(f.Checker.Threshold())
	report.Kinds, report.Failures = scoreLiveness(records)
	return report, nil
}

func (f FaceLiveness) look(ctx context.Context, path string, record *LivenessRecord) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	r, _, err := codec.Decode(ctx, content, f.Images)
	if err != nil {
		return err
	}
	faces, err := f.Detector.Detect(ctx, r, f.Options)
	if err != nil {
		return err
	}
	frame := liveness.Frame{Raster: r}
	if main := face.Main(faces, r.Width, r.Height); main >= 0 {
		frame.Face = faces[main]
	}
	got, err := f.Checker.Check(ctx, []liveness.Frame{frame})
	if err != nil {
		return err
	}
	record.Verdict, record.Score, record.Reason = got.Verdict.String(), got.Score, got.Reason
	return nil
}

// scoreLiveness sums up raw records by kind, live first.
func scoreLiveness(records []LivenessRecord) (kinds []LivenessKind, failures []Problem) {
	failures = []Problem{}
	wrong := map[string]int{}
	at := map[string]int{}
	var order []string
	for _, r := range records {
		if r.Error != "" {
			failures = append(failures, Problem{r.File, r.Error})
			continue
		}
		if _, ok := at[r.Kind]; !ok {
			at[r.Kind] = len(kinds)
			kinds = append(kinds, LivenessKind{Kind: r.Kind})
			order = append(order, r.Kind)
		}
		k := &kinds[at[r.Kind]]
		k.Pictures++
		if r.Verdict == liveness.Undecided.String() {
			k.Undecided++
			continue
		}
		k.MeanScore += float64(r.Score)
		if (r.Verdict == liveness.Live.String()) != (r.Kind == bonaFide) {
			wrong[r.Kind]++
		}
	}
	for i, kind := range order {
		decided := kinds[i].Pictures - kinds[i].Undecided
		kinds[i].Error = wilson(wrong[kind], decided)
		kinds[i].MeanScore /= float64(max(decided, 1))
	}
	slices.SortFunc(kinds, func(a, b LivenessKind) int {
		if (a.Kind == bonaFide) != (b.Kind == bonaFide) {
			if a.Kind == bonaFide {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Kind, b.Kind)
	})
	return kinds, failures
}

// WriteText prints the report for people.
func (r FaceLivenessReport) WriteText(w io.Writer) error {
	t := newTable(w)
	t.row("threshold", "%.3f", r.Threshold)
	for _, k := range r.Kinds {
		name := "APCER, " + k.Kind
		if k.Kind == bonaFide {
			name = "BPCER"
		}
		if k.Undecided == k.Pictures {
			t.row(name, "none of %d pictures could be decided", k.Pictures)
			continue
		}
		t.row(name, "%s of %d decided pictures, %d undecided, mean score %.3f", percent(k.Error), k.Pictures-k.Undecided, k.Undecided, k.MeanScore)
	}
	t.setting("", r.Setting)
	t.problems("failed", r.Failures)
	return t.Flush()
}
