package eval

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/courtsense/courtsense/vision/calibration"
	"github.com/courtsense/courtsense/vision/face"
)

// numbered is how a picture of a person is named where a folder holds many people's: NAME_0001.jpg.
var numbered = regexp.MustCompile(`^(.+)_[0-9]+$`)

// PersonOf tells who is on a picture by its name in a folder: PERSON/anything.jpg, or PERSON_0001.jpg.
func PersonOf(name string) (string, bool) {
	if dir := path.Dir(filepath.ToSlash(name)); dir != "." {
		return dir, true
	}
	m := numbered.FindStringSubmatch(strings.TrimSuffix(name, filepath.Ext(name)))
	if m == nil {
		return "", false
	}
	return m[1], true
}

// CalibrationPerson tells whether the training of our own embedding keeps a person of LFW's training folds aside, so that
// its calibration knows nobody whom the weights have seen: a fifth of them, by the hash of the name.
func CalibrationPerson(name string) bool { return sha256.Sum256([]byte(name))[0]%5 == 0 }

// Calibrate measures how often strangers among the people of a folder look alike. Of the people only those are taken
// whom choose accepts (nil: all). Pictures without a usable face, or whose name does not tell who is on them, are problems, not
// errors. Model, Detector and the data's name are the caller's to fill in.
func (f Face) Calibrate(ctx context.Context, dir string, choose func(person string) bool) (*calibration.Curve, []Problem, error) {
	names, err := picturesIn(dir)
	if err != nil {
		return nil, nil, err
	}
	problems := []Problem{}
	var chosen, people []string
	for _, name := range names {
		person, ok := PersonOf(name)
		switch {
		case !ok:
			problems = append(problems, Problem{name, "its name does not tell who it is: want PERSON/NAME.jpg or PERSON_0001.jpg"})
		case choose == nil || choose(person):
			chosen, people = append(chosen, name), append(people, person)
		}
	}
	if f.Limit > 0 && f.Limit < len(chosen) {
		chosen, people = spread(chosen, f.Limit), spread(people, f.Limit)
	}
	pictures := make([]picture, len(chosen))
	err = f.each(ctx, len(chosen), func(ctx context.Context, i int) error {
		pictures[i] = f.look(ctx, filepath.Join(dir, filepath.FromSlash(chosen[i])))
		if pictures[i].err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	byPerson := map[string][]face.Template{}
	for i, p := range pictures {
		if p.err != nil {
			problems = append(problems, Problem{chosen[i], p.err.Error()})
			continue
		}
		byPerson[people[i]] = append(byPerson[people[i]], p.template)
	}
	c, err := calibration.Measure(inOrderOfName(byPerson))
	if err != nil {
		return nil, problems, err
	}
	c.Data.Left = len(problems)
	return c, problems, nil
}

// inOrderOfName makes results the same from run to run.
func inOrderOfName(people map[string][]face.Template) [][]face.Template {
	var out [][]face.Template
	for _, name := range slices.Sorted(maps.Keys(people)) {
		out = append(out, people[name])
	}
	return out
}

// picturesIn lists the pictures of a folder and its folders, by name.
func picturesIn(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.EqualFold(filepath.Ext(at), ".pdf") || !slices.Contains(pageTypes, strings.ToLower(filepath.Ext(at))) {
			return err
		}
		name, err := filepath.Rel(dir, at)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s holds no pictures", dir)
	}
	return names, err
}

// Promises compares what a calibration promises with what happens among people it does not know.
type Promises struct {
	MeasuredOn  string    `json:"measured_on"` // the calibration's data
	SHA256      string    `json:"sha256"`      // of the calibration's file
	People      int       `json:"people"`      // of this folder
	PeoplePairs int64     `json:"people_pairs"`
	At          []Promise `json:"at"`
}

// Promise is one false match rate, promised and measured.
type Promise struct {
	FMR       float64  `json:"promised_fmr"`
	Threshold float64  `json:"threshold"`    // cosine, the calibration's for that rate
	Measured  Interval `json:"measured_fmr"` // over all pairs of different people of the folder; bootstrap over people
	Factor    float64  `json:"factor"`       // by which the two differ, 1 or more; absent (0) where no pair of strangers passed
	FNMR      Interval `json:"fnmr"`         // genuine pairs of the list that are refused there; failed ones count; Wilson
	Supported bool     `json:"supported"`    // by the calibration's data; else there is no threshold
}

// promised are the rates that are held against measurement.
var promised = []float64{1e-2, 1e-3, 1e-4}

// keepPromises returns nil where there are too few people to say anything.
func keepPromises(c *calibration.Curve, people map[string][]face.Template, records []PairRecord) *Promises {
	here, err := calibration.Measure(inOrderOfName(people))
	if err != nil {
		return nil
	}
	p := &Promises{MeasuredOn: c.Data.String(), SHA256: c.SHA256(), People: here.Data.People, PeoplePairs: here.Data.PeoplePairs}
	for _, fmr := range promised {
		t, err := c.Threshold(fmr)
		if errors.Is(err, calibration.ErrUnsupported) {
			p.At = append(p.At, Promise{FMR: fmr})
			continue
		}
		r := here.FMR(float64(t))
		genuine, refused := 0, 0
		for _, pair := range records {
			if pair.Same {
				genuine++
				if pair.Similarity == nil || !(*pair.Similarity >= float64(t)) {
					refused++
				}
			}
		}
		at := Promise{
			FMR: fmr, Threshold: float64(t), Supported: true, Measured: Interval{Value: r.Rate, Low: r.Lower, High: r.Upper},
			FNMR: wilson(refused, genuine),
		}
		if r.Rate > 0 {
			at.Factor = max(r.Rate/fmr, fmr/r.Rate)
		}
		p.At = append(p.At, at)
	}
	return p
}

func (t table) promises(p *Promises) {
	if p == nil {
		return
	}
	t.row("calibration", "%s; held against %d pairs of %d people here", p.MeasuredOn, p.PeoplePairs, p.People)
	for _, at := range p.At {
		if !at.Supported {
			t.row(fmt.Sprintf("FMR promised %g", at.FMR), "not supported by the calibration's data")
			continue
		}
		t.row(fmt.Sprintf("FMR promised %g", at.FMR), "measured %.3g (%.3g to %.3g), off by a factor of %.2f, at threshold %.4f; FNMR %s",
			at.Measured.Value, at.Measured.Low, at.Measured.High, at.Factor, at.Threshold, percent(at.FNMR))
	}
	t.row("fairness", "not measured: nothing in the folder says which group (sex, age, origin) a person belongs to")
}
