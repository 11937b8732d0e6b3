package eval

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
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
	Peer       ocr.Recognizer // reads every file too, right after or before; nil: none
	Options    ocr.Options    // languages and layout; the resolution is set for PDF pages only
	DPI        int            // at which PDF pages are rendered
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
	// Of pages whose characters are known; nil where none are.
	Causes      *Causes      `json:"causes,omitempty"`
	Corrections *Corrections `json:"corrections,omitempty"` // nil where nothing was changed
	Calibration *Calibration `json:"calibration,omitempty"`
	Boxes       *Boxes       `json:"boxes,omitempty"`
	Rotation    *Interval    `json:"rotation_right,omitempty"` // share of the pages whose direction is known
	Groups      []Group      `json:"groups,omitempty"`
	Peer        *PeerReport  `json:"peer,omitempty"`
	Engine      string       `json:"engine"`
	Setting
}

// Group is the result of the pages that have something in common: their kind, their font, something that was done to them.
type Group struct {
	Name       string   `json:"name"` // "key=value"
	Files      int      `json:"files"`
	Characters int      `json:"characters"`
	CER        Interval `json:"cer"`
	LinesExact Interval `json:"lines_exact"`
}

// PeerReport compares with another engine on the same pages in the same run.
type PeerReport struct {
	Engine   string           `json:"engine"`
	Summary  accuracy.Summary `json:"summary"`
	Seconds  Speed            `json:"seconds_per_page"`
	Failures int              `json:"failures"`
	Speedup  float64          `json:"speedup"`   // the peer's mean time a page by ours; of pages that both read
	CERRatio float64          `json:"cer_ratio"` // our character error rate by the peer's; 0 when the peer made no error
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
	Causes     *Causes `json:"causes,omitempty"` // of its errors; nil where the characters' places are not known
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
	engine, peer := make([]string, len(samples)), make([]string, len(samples))
	begin := time.Now()
	err = o.each(ctx, len(samples), func(ctx context.Context, i int) error {
		s := samples[i]
		records[i] = PageRecord{Name: s.name, File: s.file}
		own := func() {
			start := time.Now()
			pages, err := o.read(ctx, o.Recognizer, filepath.Join(dir, s.file))
			records[i].Seconds = seconds(time.Since(start))
			records[i].Output, engine[i], records[i].Error = textOf(pages), engineOf(pages), message(err)
			for _, p := range pages {
				records[i].Pages = append(records[i].Pages, pageOutput(p))
			}
		}
		other := func() {
			if o.Peer == nil {
				return
			}
			start := time.Now()
			pages, err := o.read(ctx, o.Peer, filepath.Join(dir, s.file))
			records[i].Peer = &PeerRecord{Output: textOf(pages), Seconds: seconds(time.Since(start)), Error: message(err)}
			peer[i] = engineOf(pages)
		}
		// They take turns in going first, so that neither always finds the file in the cache.
		if i%2 == 0 {
			own()
			other()
		} else {
			other()
			own()
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return raw.write(records[i])
	})
	if err != nil {
		return OCRReport{}, err
	}
	report := scorePages(samples, records)
	report.Seconds = speedOfPages(records, time.Since(begin), o.jobs())
	if o.Peer != nil {
		report.Seconds.PerSecond = 0 // the run's time was shared with the peer
	}
	report.Unscored = append(report.Unscored, unscored...)
	for i := range records {
		report.Engine = cmp.Or(engine[i], report.Engine)
		if report.Peer != nil {
			report.Peer.Engine = cmp.Or(peer[i], report.Peer.Engine)
		}
	}
	return report, nil
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func textOf(pages []ocr.Page) string {
	texts := make([]string, len(pages))
	for i, p := range pages {
		texts[i] = p.Text()
	}
	return strings.Join(texts, "\f")
}

func engineOf(pages []ocr.Page) string {
	if len(pages) == 0 {
		return ""
	}
	return pages[0].Engine
}

// seconds keeps a tenth of a millisecond: more is noise.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e4) / 1e4 }

// read returns the pages of one file. What was read before a page failed is not returned.
func (o OCR) read(ctx context.Context, by ocr.Recognizer, path string) ([]ocr.Page, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var pages []ocr.Page
	page := func(number int, r *imaging.Raster, options ocr.Options) error {
		result, err := by.Recognize(ctx, r, options)
		if err != nil {
			return fmt.Errorf("page %d: %w", number, err)
		}
		pages = append(pages, result)
		return nil
	}
	if pdf.Sniff(content) {
		err = o.eachPDFPage(ctx, content, page)
	} else {
		err = codec.DecodeAll(ctx, content, o.Images, func(number int, r *imaging.Raster) error { return page(number, r, o.Options) })
	}
	if err != nil {
		return nil, err
	}
	return pages, nil
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
	var chars []judged
	var corrections Corrections
	known, right := 0, 0 // pages by their direction
	groups := map[string][]accuracy.Score{}
	for i, r := range records {
		s := samples[i]
		if r.Error != "" {
			report.Failures = append(report.Failures, Problem{s.file, r.Error})
		}
		scores := scoreFile(s.truth, splitPages(r.Output))
		all = append(all, scores...)
		sum := accuracy.Summarize(scores)
		exact := 0
		for _, s := range scores {
			exact += s.LinesExact
		}
		file := FileScore{File: s.file, Pages: sum.Pages, Characters: sum.Characters, CER: sum.CER.Value, Lines: sum.Lines, LinesExact: exact}
		if len(s.truth) == 1 && len(r.Pages) == 1 {
			file.Causes = causesOf(r.Pages[0], s.truth[0], s.page, scores[0])
		}
		if file.Causes != nil {
			if report.Causes == nil {
				report.Causes = &Causes{}
			}
			report.Causes.add(*file.Causes)
		}
		report.PerFile = append(report.PerFile, file)
		for _, name := range s.page.groups() {
			groups[name] = append(groups[name], scores...)
		}
		if len(s.truth) == len(r.Pages) {
			for k, p := range r.Pages {
				chars = append(chars, judge(p, truthLines(s.truth[k], s.page))...)
				corrections.add(s.file, p, s.truth[k], s.page)
			}
		}
		if s.page != nil && s.page.Rotation != nil && len(s.truth) == 1 {
			known++
			if len(r.Pages) == 1 && r.Pages[0].Rotation == *s.page.Rotation {
				right++
			}
		}
	}
	report.Summary = accuracy.Summarize(all)
	report.Calibration, report.Boxes = calibrate(chars), measureBoxes(chars)
	report.Corrections = corrections.finish()
	if known > 0 {
		share := wilson(right, known)
		report.Rotation = &share
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		sum := accuracy.Summarize(groups[name])
		report.Groups = append(report.Groups, Group{name, len(groups[name]), sum.Characters, sum.CER, sum.LinesExact})
	}
	report.Peer = scorePeer(samples, records, report.Summary)
	return report
}

// scorePeer is nil when no record has a second engine's output.
func scorePeer(samples []sample, records []PageRecord, own accuracy.Summary) *PeerReport {
	r := &PeerReport{}
	var all []accuracy.Score
	var each []float64
	var ours, theirs float64
	for i, record := range records {
		if record.Peer == nil {
			return nil
		}
		scores := scoreFile(samples[i].truth, splitPages(record.Peer.Output))
		all = append(all, scores...)
		if record.Peer.Error != "" {
			r.Failures++
			continue
		}
		pages := len(splitPages(record.Peer.Output))
		for range pages {
			each = append(each, record.Peer.Seconds/float64(pages))
		}
		if record.Error == "" {
			ours += record.Seconds
			theirs += record.Peer.Seconds
		}
	}
	if len(records) == 0 {
		return nil
	}
	r.Summary = accuracy.Summarize(all)
	r.Seconds = speed(each, len(each), 0, 0)
	if ours > 0 {
		r.Speedup = theirs / ours
	}
	if r.Summary.CER.Value > 0 {
		r.CERRatio = own.CER.Value / r.Summary.CER.Value
	}
	return r
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
