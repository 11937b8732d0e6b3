package eval

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/courtsense/courtsense/ocr/accuracy"
)

// ASR measures speech recognition.
type ASR struct {
	Run
	// Hear recognises one file; with hotWords it is given them.
	Hear func(ctx context.Context, path string, hotWords bool) (Heard, error)
	// HotWords are what is said in the folder and given to the recogniser, Distractors what is given and not said. With
	// any, every file is heard twice: without them and with them.
	HotWords, Distractors []string
	// ProcessorTime is the time that the process has spent on a CPU so far; nil where it is not known.
	ProcessorTime func() time.Duration
}

// Heard is what was recognised in one file.
type Heard struct {
	Text         string  // the final results, in order
	AudioSeconds float64 // length of the sound
}

// ASRRecord is the raw output for one recording.
type ASRRecord struct {
	Name         string  `json:"name"` // of the file without its extension, as in NAME.txt
	File         string  `json:"file"`
	Output       string  `json:"output"`              // with the hot words, where there are any
	Plain        *string `json:"plain,omitempty"`     // without them; absent where there are none
	AudioSeconds float64 `json:"audio_seconds"`       // length of the sound
	Seconds      float64 `json:"seconds"`             // that recognition took, once
	Error        string  `json:"error,omitempty"`     // why it failed; what it had recognised counts
	Truth        string  `json:"truth,omitempty"`     // for readers of the file; NAME.txt decides
	HotWords     int     `json:"hot_words,omitempty"` // how many were given
}

// ASRReport is the result of [ASR.Folder].
type ASRReport struct {
	Task           string      `json:"task"` // "asr"
	Files          int         `json:"files"`
	Characters     int         `json:"characters"` // of the truth, without punctuation and spaces
	Substitutions  int         `json:"substitutions"`
	Insertions     int         `json:"insertions"`
	Deletions      int         `json:"deletions"`
	CER            Interval    `json:"cer"`
	Exact          Interval    `json:"files_exact"` // share without any error
	AudioSeconds   float64     `json:"audio_seconds"`
	RealTimeFactor float64     `json:"real_time_factor"`     // time that recognition took, by file and added up, by the length of the sound
	CPUFactor      float64     `json:"cpu_factor,omitempty"` // processor time of the whole process by the length of the sound
	Jobs           int         `json:"jobs"`
	HotWords       *HotWordUse `json:"hot_words,omitempty"`
	Failures       []Problem   `json:"failures"` // counted with what they had recognised
	Unscored       []Problem   `json:"unscored"`
	PerFile        []HeardFile `json:"per_file"`
	Setting
}

// HeardFile is the result of one recording.
type HeardFile struct {
	File       string  `json:"file"`
	Characters int     `json:"characters"`
	Errors     int     `json:"errors"`
	CER        float64 `json:"cer"`
}

// soundTypes are the extensions of files that are taken for recordings; what they hold is told by content.
var soundTypes = []string{".wav", ".flac", ".mp3", ".opus", ".ogg"}

// recordings finds the sound files of a folder and the words that belong to each.
func recordings(dir string) (samples []sample, unscored []Problem, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		if f.IsDir() || !slices.Contains(soundTypes, strings.ToLower(filepath.Ext(f.Name()))) {
			continue
		}
		name := strings.TrimSuffix(f.Name(), filepath.Ext(f.Name()))
		text, err := os.ReadFile(filepath.Join(dir, name+".txt"))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			unscored = append(unscored, Problem{f.Name(), fmt.Sprintf("there is no %s.txt with its words", name)})
		case err != nil:
			unscored = append(unscored, Problem{f.Name(), err.Error()})
		default:
			samples = append(samples, sample{name: name, file: f.Name(), truth: [][]string{{string(text)}}})
		}
	}
	if len(samples) == 0 {
		return nil, nil, fmt.Errorf("%s holds no recording with its words: want NAME.txt beside NAME.wav (%s)", dir, strings.Join(soundTypes, ", "))
	}
	return samples, unscored, nil
}

// Spoken brings a text into the form in which the characters of speech are compared: letters and digits only, compatibility
// forms folded (NFKC), Latin letters small. Numbers stay as they were said or written.
func Spoken(s string) []rune {
	var out []rune
	for _, r := range norm.NFKC.String(s) {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			out = append(out, unicode.ToLower(r))
		}
	}
	return out
}

// Folder hears every recording of dir that has its words beside it. A file that can't be heard is a failure in the report.
// The error is a folder without samples, raw output that can't be written, or the end of ctx.
func (a ASR) Folder(ctx context.Context, dir string) (ASRReport, error) {
	samples, unscored, err := recordings(dir)
	if err != nil {
		return ASRReport{}, err
	}
	samples = spread(samples, a.Limit)
	records := make([]ASRRecord, len(samples))
	raw := recorder{out: a.Raw}
	given := len(a.HotWords) + len(a.Distractors)
	var spent time.Duration
	if a.ProcessorTime != nil {
		spent = a.ProcessorTime()
	}
	err = a.each(ctx, len(samples), func(ctx context.Context, i int) error {
		s := samples[i]
		path := filepath.Join(dir, s.file)
		r := ASRRecord{Name: s.name, File: s.file, Truth: strings.TrimSpace(s.truth[0][0]), HotWords: given}
		start := time.Now()
		heard, err := a.Hear(ctx, path, given > 0)
		r.Seconds, r.Output, r.AudioSeconds, r.Error = seconds(time.Since(start)), heard.Text, heard.AudioSeconds, message(err)
		if given > 0 && err == nil {
			plain, err := a.Hear(ctx, path, false)
			r.Plain, r.Error = &plain.Text, message(err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		records[i] = r
		return raw.write(r)
	})
	if err != nil {
		return ASRReport{}, err
	}
	report := scoreSpeech(samples, records, a.HotWords, a.Distractors)
	report.Jobs = a.jobs()
	if a.ProcessorTime != nil && given == 0 && report.AudioSeconds > 0 {
		report.CPUFactor = (a.ProcessorTime() - spent).Seconds() / report.AudioSeconds
	}
	report.Unscored = append(report.Unscored, unscored...)
	return report, nil
}

// ScoreSpeech scores raw records against the texts in dir, as [ASR.Folder] does; times are those in the records.
func ScoreSpeech(dir string, records []ASRRecord, hotWords, distractors []string) (ASRReport, error) {
	all, unscored, err := recordings(dir)
	if err != nil {
		return ASRReport{}, err
	}
	byName := map[string]sample{}
	for _, s := range all {
		byName[s.name] = s
		byName[s.file] = s
	}
	var samples []sample
	var known []ASRRecord
	for _, r := range records {
		s, ok := byName[r.File]
		if !ok {
			s, ok = byName[r.Name]
		}
		if !ok {
			unscored = append(unscored, Problem{r.Name, fmt.Sprintf("the folder has no recording of that name with a %s.txt", r.Name)})
			continue
		}
		samples, known = append(samples, s), append(known, r)
	}
	report := scoreSpeech(samples, known, hotWords, distractors)
	report.Unscored = append(report.Unscored, unscored...)
	return report, nil
}

// ReadSpeech reads a raw file of 'eval asr'.
func ReadSpeech(in io.Reader) ([]ASRRecord, error) {
	return readRecords(in, func(r ASRRecord) error {
		if r.Name == "" {
			return errors.New(`it has no "name"`)
		}
		return nil
	})
}

func scoreSpeech(samples []sample, records []ASRRecord, hotWords, distractors []string) ASRReport {
	report := ASRReport{Task: "asr", Files: len(records), Failures: []Problem{}, Unscored: []Problem{}, PerFile: []HeardFile{}}
	var scores []accuracy.Score
	var words *wordCount
	if len(hotWords)+len(distractors) > 0 {
		words = newWordCount(hotWords, distractors)
	}
	took := 0.
	for i, r := range records {
		if r.Error != "" {
			report.Failures = append(report.Failures, Problem{samples[i].file, r.Error})
		}
		truth, read := Spoken(samples[i].truth[0][0]), Spoken(r.Output)
		s := accuracy.Score{Characters: len(truth), Edits: accuracy.Distance(string(truth), string(read)), Lines: 1}
		if s.Edits.Total() == 0 {
			s.LinesExact = 1
		}
		scores = append(scores, s)
		report.PerFile = append(report.PerFile, HeardFile{samples[i].file, s.Characters, s.Edits.Total(), s.CER()})
		report.AudioSeconds += r.AudioSeconds
		took += r.Seconds
		if words != nil && r.Plain != nil {
			words.add(truth, Spoken(*r.Plain), read)
		}
	}
	sum := accuracy.Summarize(scores)
	report.Characters, report.CER, report.Exact = sum.Characters, sum.CER, sum.LinesExact
	report.Substitutions, report.Insertions, report.Deletions = sum.Substitutions, sum.Insertions, sum.Deletions
	if report.AudioSeconds > 0 {
		report.RealTimeFactor = took / report.AudioSeconds
	}
	if words != nil {
		report.HotWords = words.report()
	}
	return report
}

// resampled returns the percentile interval of a statistic over n utterances drawn with replacement, as [accuracy.Summarize]
// does for the error rate.
func resampled(n int, statistic func(draw []int) float64) Interval {
	draw := make([]int, n)
	for i := range draw {
		draw[i] = i
	}
	out := Interval{Value: statistic(draw)}
	random := rand.New(rand.NewPCG(1, 1))
	values := make([]float64, resamples)
	for k := range values {
		for i := range draw {
			draw[i] = random.IntN(n)
		}
		values[k] = statistic(draw)
	}
	slices.Sort(values)
	out.Low, out.High = values[resamples*25/1000], values[resamples*975/1000-1]
	return out
}
