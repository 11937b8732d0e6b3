package eval

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/accuracy"
	"github.com/courtsense/courtsense/ocr/pdf"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// OCR measures reading.
type OCR struct {
	Run
	Recognizer ocr.Recognizer
	Options    ocr.Options // languages and layout; the resolution is set for PDF pages only
	DPI        int         // at which PDF pages are rendered
	Images     imaging.Limits
	PDF        pdf.Limits
}

// OCRReport is the result of [OCR.Folder].
type OCRReport struct {
	Task     string           `json:"task"` // "ocr"
	Files    int              `json:"files"`
	Summary  accuracy.Summary `json:"summary"`
	Seconds  Speed            `json:"seconds_per_page"`
	Failures []Problem        `json:"failures"` // counted as read empty
	Unscored []Problem        `json:"unscored"` // pages without a truth, not counted at all
	PerFile  []FileScore      `json:"per_file"`
	Engine   string           `json:"engine"`
	Setting
}

// Setting says what a report was made with.
type Setting struct {
	Languages []string `json:"languages,omitempty"`
	Models    []Model  `json:"models"`
	Version   string   `json:"version"`  // of courtsense
	Platform  string   `json:"platform"` // operating system, architecture and number of CPUs
}

// FileScore is the result of one file.
type FileScore struct {
	File       string  `json:"file"`
	Pages      int     `json:"pages"`
	Characters int     `json:"characters"`
	CER        float64 `json:"cer"`
	Lines      int     `json:"lines"`
	LinesExact int     `json:"lines_exact"`
}

// Folder reads every page of dir that has a truth beside it. A file that can't be read is a failure in the report. The
// error is a folder without samples, raw output that can't be written, or the end of ctx.
func (o OCR) Folder(ctx context.Context, dir string) (OCRReport, error) {
	samples, unscored, err := documents(dir)
	if err != nil {
		return OCRReport{}, err
	}
	samples = spread(samples, o.Limit)
	records := make([]PageRecord, len(samples))
	raw := recorder{out: o.Raw}
	engine := make([]string, len(samples))
	begin := time.Now()
	err = o.each(ctx, len(samples), func(ctx context.Context, i int) error {
		s := samples[i]
		records[i] = PageRecord{Name: s.name, File: s.file}
		start := time.Now()
		text, by, err := o.read(ctx, filepath.Join(dir, s.file))
		records[i].Seconds = seconds(time.Since(start))
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			records[i].Error = err.Error()
		}
		records[i].Output, engine[i] = text, by
		return raw.write(records[i])
	})
	if err != nil {
		return OCRReport{}, err
	}
	report := scorePages(samples, records)
	report.Seconds = speedOfPages(records, time.Since(begin), o.jobs())
	report.Unscored = append(report.Unscored, unscored...)
	for _, by := range engine {
		if by != "" {
			report.Engine = by
		}
	}
	return report, nil
}

// seconds keeps a tenth of a millisecond: more is noise.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e4) / 1e4 }

// read returns the text of one file, and what read it. What was read before a page failed is not returned.
func (o OCR) read(ctx context.Context, path string) (text, engine string, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", "", err
	}
	var pages []string
	page := func(number int, r *imaging.Raster, options ocr.Options) error {
		result, err := o.Recognizer.Recognize(ctx, r, options)
		if err != nil {
			return fmt.Errorf("page %d: %w", number, err)
		}
		engine = result.Engine
		pages = append(pages, result.Text())
		return nil
	}
	if pdf.Sniff(content) {
		err = o.eachPDFPage(ctx, content, page)
	} else {
		err = codec.DecodeAll(ctx, content, o.Images, func(number int, r *imaging.Raster) error { return page(number, r, o.Options) })
	}
	if err != nil {
		return "", engine, err
	}
	return strings.Join(pages, "\f"), engine, nil
}

func (o OCR) eachPDFPage(ctx context.Context, content []byte, page func(int, *imaging.Raster, ocr.Options) error) error {
	d, err := pdf.Open(ctx, content, o.PDF)
	if err != nil {
		return err
	}
	defer d.Close()
	options := o.Options
	options.DPI = o.DPI
	for n := 1; n <= d.Pages(); n++ {
		r, err := d.Render(ctx, n, float64(o.DPI))
		if err != nil {
			return fmt.Errorf("page %d: %w", n, err)
		}
		if err := page(n, r, options); err != nil {
			return err
		}
	}
	return nil
}

// ScorePages scores raw records against the texts in dir, as [OCR.Folder] does; speeds are those in the records.
func ScorePages(dir string, records []PageRecord) (OCRReport, error) {
	all, unscored, err := documents(dir)
	if err != nil {
		return OCRReport{}, err
	}
	byName := map[string]sample{}
	for _, s := range all {
		byName[s.name] = s
		byName[s.file] = s
	}
	var samples []sample
	var known []PageRecord
	for _, r := range records {
		s, ok := byName[r.File]
		if !ok {
			s, ok = byName[r.Name]
		}
		if !ok {
			unscored = append(unscored, Problem{r.Name, fmt.Sprintf("the folder has no page of that name with a %s.txt", r.Name)})
			continue
		}
		samples, known = append(samples, s), append(known, r)
	}
	report := scorePages(samples, known)
	report.Seconds = speedOfPages(known, 0, 0)
	report.Unscored = append(report.Unscored, unscored...)
	return report, nil
}

// scorePages compares records with the samples that they belong to.
func scorePages(samples []sample, records []PageRecord) OCRReport {
	report := OCRReport{Task: "ocr", Files: len(records), Failures: []Problem{}, Unscored: []Problem{}, PerFile: []FileScore{}}
	var all []accuracy.Score
	for i, r := range records {
		if r.Error != "" {
			report.Failures = append(report.Failures, Problem{samples[i].file, r.Error})
		}
		scores := scoreFile(samples[i].truth, splitPages(r.Output))
		all = append(all, scores...)
		sum := accuracy.Summarize(scores)
		exact := 0
		for _, s := range scores {
			exact += s.LinesExact
		}
		report.PerFile = append(report.PerFile, FileScore{File: samples[i].file, Pages: sum.Pages, Characters: sum.Characters, CER: sum.CER.Value, Lines: sum.Lines, LinesExact: exact})
	}
	report.Summary = accuracy.Summarize(all)
	return report
}

// scoreFile scores page by page. A truth without page breaks is that of the whole file.
func scoreFile(truth, read [][]string) []accuracy.Score {
	if len(truth) == 1 && len(read) > 1 {
		var joined []string
		for _, page := range read {
			joined = append(joined, page...)
		}
		read = [][]string{joined}
	}
	at := func(pages [][]string, i int) []string {
		if i < len(pages) {
			return pages[i]
		}
		return nil
	}
	var out []accuracy.Score
	for i := range max(len(truth), len(read)) {
		out = append(out, accuracy.Page(at(truth, i), at(read, i)))
	}
	return out
}

// speedOfPages gives each page of a file an equal share of the file's time; failures are left out.
func speedOfPages(records []PageRecord, wall time.Duration, jobs int) Speed {
	var each []float64
	for _, r := range records {
		if r.Error != "" {
			continue
		}
		pages := len(splitPages(r.Output))
		for range pages {
			each = append(each, r.Seconds/float64(pages))
		}
	}
	return speed(each, len(each), wall, jobs)
}
