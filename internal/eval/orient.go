package eval

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/courtsense/courtsense/ocr"
)

// Orient measures how well and how fast it is told which way up pages are.
type Orient struct {
	Run
	// Detect answers for an encoded picture, as the service does.
	Detect func(ctx context.Context, content []byte) (ocr.Orientation, error)
	// Threshold is the confidence from which an answer is taken without reading.
	Threshold float64
}

// OrientReport is the result of [Orient.Folder].
type OrientReport struct {
	Task      string    `json:"task"` // "orient"
	Files     int       `json:"files"`
	Right     Interval  `json:"right"`           // share of all files; failures count as wrong
	Threshold float64   `json:"threshold"`       // of the confidence
	Above     Share     `json:"above_threshold"` // of the answers from the threshold on
	Verified  int       `json:"verified"`        // by reading
	PerTurn   []Turn    `json:"per_turn"`
	Seconds   Speed     `json:"seconds_per_picture"`
	Wrong     []Problem `json:"wrong"`
	Failures  []Problem `json:"failures"`
	Unscored  []Problem `json:"unscored"`
	Setting
}

// Share counts answers and the right ones among them.
type Share struct {
	Count int      `json:"count"`
	Wrong int      `json:"wrong"`
	Right Interval `json:"right"`
}

// Turn is the result of the pictures that are turned by so many degrees.
type Turn struct {
	Degrees int `json:"degrees"`
	Share
}

// orientations finds the pictures of a folder and how far each is turned: NAME.json's rotation, else the number that is all
// of NAME.txt.
func orientations(dir string) (files []string, truth []int, unscored []Problem, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, e := range entries {
		suffix := strings.ToLower(filepath.Ext(e.Name()))
		if e.IsDir() || suffix == ".pdf" || !slices.Contains(pageTypes, suffix) {
			continue
		}
		degrees, err := turnOf(dir, strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())))
		if err != nil {
			unscored = append(unscored, Problem{e.Name(), err.Error()})
			continue
		}
		files, truth = append(files, e.Name()), append(truth, degrees)
	}
	if len(files) == 0 {
		return nil, nil, nil, fmt.Errorf("%s holds no picture with its direction: want NAME.txt with 0, 90, 180 or 270 beside NAME.jpg", dir)
	}
	return files, truth, unscored, nil
}

func turnOf(dir, name string) (int, error) {
	page, err := pageTruthOf(dir, name)
	if err != nil {
		return 0, err
	}
	if page != nil && page.Rotation != nil {
		return *page.Rotation, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, name+".txt"))
	if err != nil {
		return 0, fmt.Errorf("there is no %s.txt with its direction", name)
	}
	degrees, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || !quarterTurn(degrees) {
		return 0, fmt.Errorf("%s.txt is not 0, 90, 180 or 270", name)
	}
	return degrees, nil
}

// Folder asks for the direction of every picture of dir that has a truth beside it. The error is a folder without any,
// raw output that can't be written, or the end of ctx.
func (o Orient) Folder(ctx context.Context, dir string) (OrientReport, error) {
	files, truth, unscored, err := orientations(dir)
	if err != nil {
		return OrientReport{}, err
	}
	picked := make([]int, len(files))
	for i := range picked {
		picked[i] = i
	}
	picked = spread(picked, o.Limit)
	records := make([]OrientRecord, len(picked))
	raw := recorder{out: o.Raw}
	begin := time.Now()
	err = o.each(ctx, len(picked), func(ctx context.Context, i int) error {
		file := files[picked[i]]
		r := OrientRecord{Name: strings.TrimSuffix(file, filepath.Ext(file)), File: file, Truth: truth[picked[i]]}
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err == nil {
			start := time.Now()
			var answer ocr.Orientation
			answer, err = o.Detect(ctx, content)
			r.Seconds = seconds(time.Since(start))
			r.Rotation, r.Confidence, r.Verified = answer.Degrees, float64(answer.Confidence), answer.Verified
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.Error = message(err)
		records[i] = r
		return raw.write(r)
	})
	if err != nil {
		return OrientReport{}, err
	}
	report := ScoreOrientations(records, o.Threshold)
	report.Unscored = append(report.Unscored, unscored...)
	report.Seconds = speedOfOrientations(records, time.Since(begin), o.jobs())
	return report, nil
}

// ScoreOrientations scores raw records, which hold their truth.
func ScoreOrientations(records []OrientRecord, threshold float64) OrientReport {
	report := OrientReport{
		Task: "orient", Files: len(records), Threshold: threshold, Wrong: []Problem{}, Failures: []Problem{}, Unscored: []Problem{},
		Seconds: speedOfOrientations(records, 0, 0),
	}
	var all, above Share
	turns := map[int]*Share{0: {}, 90: {}, 180: {}, 270: {}}
	for _, r := range records {
		wrong := r.Error != "" || r.Rotation != r.Truth
		counted := []*Share{&all, turns[r.Truth]}
		if r.Error == "" && r.Confidence >= threshold {
			counted = append(counted, &above)
		}
		for _, s := range counted {
			s.Count++
			if wrong {
				s.Wrong++
			}
		}
		switch {
		case r.Error != "":
			report.Failures = append(report.Failures, Problem{r.File, r.Error})
		case wrong:
			report.Wrong = append(report.Wrong, Problem{r.File, fmt.Sprintf("is turned by %d degrees, taken for %d with confidence %.3f", r.Truth, r.Rotation, r.Confidence)})
		}
		if r.Verified {
			report.Verified++
		}
	}
	report.Right = wilson(all.Count-all.Wrong, all.Count)
	above.Right = wilson(above.Count-above.Wrong, above.Count)
	report.Above = above
	for _, degrees := range []int{0, 90, 180, 270} {
		if s := turns[degrees]; s.Count > 0 {
			s.Right = wilson(s.Count-s.Wrong, s.Count)
			report.PerTurn = append(report.PerTurn, Turn{degrees, *s})
		}
	}
	return report
}

func speedOfOrientations(records []OrientRecord, wall time.Duration, jobs int) Speed {
	var each []float64
	for _, r := range records {
		if r.Error == "" {
			each = append(each, r.Seconds)
		}
	}
	return speed(each, len(each), wall, jobs)
}
