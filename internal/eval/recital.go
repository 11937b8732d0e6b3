package eval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/courtsense/courtsense/ocr/accuracy"
	"github.com/courtsense/courtsense/speech/number"
)

// Recital measures how articles of laws come out that are read aloud, by everything that makes text of sound.
type Recital struct {
	Run
	Hear          func(ctx context.Context, path string) (Recited, error)
	ProcessorTime func() time.Duration // that the process has spent so far; nil where it is not known
}

// Recited is what came out of one reading.
type Recited struct {
	Text         string      `json:"text"`   // the final results, in order
	Spoken       string      `json:"spoken"` // the same as it was recognised
	Provisions   []Provision `json:"provisions"`
	AudioSeconds float64     `json:"audio_seconds"`
}

// Provision is an article that the text quotes or names.
type Provision struct {
	Law    string `json:"law"`
	Number string `json:"number"`
	Text   string `json:"text,omitempty"` // its exact words
}

// RecitalRecord is the raw output for one reading.
type RecitalRecord struct {
	Name  string `json:"name"`
	Truth string `json:"truth"`
	Exact bool   `json:"exact"`
	Named bool   `json:"named"`
	Recited
}

// RecitalReport is the result of [Recital.Folder].
type RecitalReport struct {
	Task         string        `json:"task"` // "recital"
	All          RecitalKind   `json:"all"`
	Named        RecitalKind   `json:"named"` // behind the name of the law and the number
	Bare         RecitalKind   `json:"bare"`
	AudioSeconds float64       `json:"audio_seconds"`
	CPUFactor    float64       `json:"cpu_factor,omitempty"` // processor time of the whole process by the length of the sound
	Wrong        []RecitalMiss `json:"wrong"`
	Unscored     []Problem     `json:"unscored"`
	Setting
}

// RecitalKind counts readings. Exact are those whose every letter and figure is the article's, in one piece, with nothing before it but what
// was said there and nothing behind; Marked of them have its punctuation too; Found quote or name the article, or one with the same words.
type RecitalKind struct {
	Read   int      `json:"read"`
	Exact  Interval `json:"exact"`
	Marked int      `json:"exact_with_marks"`
	Found  int      `json:"article_found"`
	CER    float64  `json:"recognised_cer"` // of what was recognised, before anything was written
	// WrittenCER is that of what was written, and Harmed are the readings in which more of it is wrong than of what was recognised.
	WrittenCER float64 `json:"written_cer"`
	Harmed     int     `json:"harmed"`
}

// RecitalMiss is a reading that is not exact.
type RecitalMiss struct {
	Name   string `json:"name"`
	Truth  string `json:"truth"`
	Text   string `json:"text"`
	Spoken string `json:"spoken"`
}

// recitalTruth is NAME.json.
type recitalTruth struct {
	Law    string `json:"law"`
	Number string `json:"number"`
	Named  bool   `json:"named"`
}

// tally is a kind as it is counted.
type tally struct {
	read, exact, marked, found, edits, characters int
	written, harmed                               int
}

func (t tally) plus(o tally) tally {
	return tally{t.read + o.read, t.exact + o.exact, t.marked + o.marked, t.found + o.found, t.edits + o.edits, t.characters + o.characters, t.written + o.written, t.harmed + o.harmed}
}

func (t tally) kind() RecitalKind {
	all := float64(max(t.characters, 1))
	return RecitalKind{
		Read: t.read, Exact: wilson(t.exact, t.read), Marked: t.marked, Found: t.found,
		CER: float64(t.edits) / all, WrittenCER: float64(t.written) / all, Harmed: t.harmed,
	}
}

// Folder hears every recording of dir that has its article in NAME.txt, and in NAME.json whose it is.
func (m Recital) Folder(ctx context.Context, dir string) (RecitalReport, error) {
	report := RecitalReport{Task: "recital", Wrong: []RecitalMiss{}}
	samples, unscored, err := recordings(dir)
	if err != nil {
		return report, err
	}
	report.Unscored = append([]Problem{}, unscored...)
	samples = spread(samples, m.Limit)
	truths := make([]recitalTruth, len(samples))
	for i, s := range samples {
		content, err := os.ReadFile(filepath.Join(dir, s.name+".json"))
		if err == nil {
			err = json.Unmarshal(content, &truths[i])
		}
		if err == nil && (truths[i].Law == "" || truths[i].Number == "") {
			err = errors.New("it has no law or number")
		}
		if err != nil {
			return report, fmt.Errorf("%s.json: %w", s.name, err)
		}
	}
	heard := make([]Recited, len(samples))
	var spent time.Duration
	if m.ProcessorTime != nil {
		spent = m.ProcessorTime()
	}
	raw := recorder{out: m.Raw}
	err = m.each(ctx, len(samples), func(ctx context.Context, i int) (err error) {
		s := samples[i]
		if heard[i], err = m.Hear(ctx, filepath.Join(dir, s.file)); err != nil {
			return fmt.Errorf("%s: %w", s.file, err)
		}
		truth := strings.TrimSpace(s.truth[0][0])
		return raw.write(RecitalRecord{s.name, truth, exactly(truth, heard[i].Text, truths[i].Named), truths[i].Named, heard[i]})
	})
	if err != nil {
		return report, err
	}
	var kinds [2]tally
	for i, s := range samples {
		report.AudioSeconds += heard[i].AudioSeconds
		k := &kinds[0]
		if truths[i].Named {
			k = &kinds[1]
		}
		truth := strings.TrimSpace(s.truth[0][0])
		k.count(truth, truths[i], heard[i])
		if !exactly(truth, heard[i].Text, truths[i].Named) {
			report.Wrong = append(report.Wrong, RecitalMiss{s.name, truth, heard[i].Text, heard[i].Spoken})
		}
	}
	a, b := kinds[0], kinds[1]
	report.Bare, report.Named = a.kind(), b.kind()
	report.All = a.plus(b).kind()
	if m.ProcessorTime != nil && report.AudioSeconds > 0 {
		report.CPUFactor = (m.ProcessorTime() - spent).Seconds() / report.AudioSeconds
	}
	return report, nil
}

// exactly tells whether a text is the article, letters and figures only; behind its name there may be the name, too.
func exactly(truth, text string, named bool) bool {
	want, got := string(Spoken(truth)), string(Spoken(text))
	return got == want || named && strings.HasSuffix(got, want)
}

func (t *tally) count(truth string, of recitalTruth, heard Recited) {
	t.read++
	if exactly(truth, heard.Text, of.Named) {
		t.exact++
		if strings.HasSuffix(strings.ReplaceAll(heard.Text, "\n", ""), truth) {
			t.marked++
		}
	}
	words := string(Spoken(truth))
	for _, p := range heard.Provisions {
		// Another law, or another version, may have the same words.
		if of.Law == p.Law && of.Number == p.Number || string(Spoken(p.Text)) == words {
			t.found++
			break
		}
	}
	said := words
	if of.Named {
		said = string(Spoken("根据"+of.Law+of.Number)) + words
	}
	t.characters += len([]rune(said))
	t.edits += accuracy.Distance(said, string(Spoken(heard.Spoken))).Total()
	// Figures are no errors.
	written := accuracy.Distance(inFigures(said), inFigures(heard.Text)).Total()
	t.written += written
	if written > accuracy.Distance(inFigures(said), inFigures(heard.Spoken)).Total() {
		t.harmed++
	}
}

// inFigures is a text's letters and figures, its numbers written in figures.
func inFigures(text string) string { return string(Spoken((&number.Style{}).Write(text).Text)) }

// WriteText prints the report for people.
func (r RecitalReport) WriteText(w io.Writer) error {
	t := newTable(w)
	for _, k := range []struct {
		name string
		RecitalKind
	}{{"articles read aloud", r.All}, {"  behind law and number", r.Named}, {"  by themselves", r.Bare}} {
		t.row(k.name, "%d: exact %s, %d with all marks, %d found; recognised with a CER of %s, written with %s, %d with more errors than before",
			k.Read, percent(k.Exact), k.Marked, k.Found, share(k.CER), share(k.WrittenCER), k.Harmed)
	}
	for _, x := range r.Wrong {
		t.row("  "+x.Name, "is    %s", x.Truth)
		t.row("", "wrote %s", strings.ReplaceAll(x.Text, "\n", " / "))
		t.row("", "heard %s", strings.ReplaceAll(x.Spoken, "\n", " / "))
	}
	t.row("sound", "%.0f s", r.AudioSeconds)
	if r.CPUFactor > 0 {
		t.row("processor time", "%.3f s for a second of sound", r.CPUFactor)
	}
	t.problems("not scored", r.Unscored)
	t.setting("", r.Setting)
	return t.Flush()
}
