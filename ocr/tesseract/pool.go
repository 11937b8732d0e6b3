package tesseract

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// modelID names this engine in failures.
const modelID = "tesseract"

const (
	maxSide = 32767 // px; Tesseract keeps coordinates in 16 bits
	minSide = 8     // px; nothing smaller can be read, and Tesseract asserts on pictures smaller than its filters
	// A single line is scaled to 36 px of height and then read column by column: one of 4000x3 px ran for minutes.
	maxLineAspect = 200
)

// Config sets up a [Pool]. Zero values are replaced by the defaults.
type Config struct {
	Workers   int      // pages read at the same time, each on one thread; default: the number of CPUs
	Queue     int      // pages that may wait; default 4 per worker
	Languages []string // for requests that name none; default chi_sim, else eng, else the first that is installed
	DataDir   string   // folder of the *.traineddata files; default as in Installed
	// Instances that a worker keeps, one per set of languages (about 60 MB each); default 2.
	InstancesPerWorker int
	Logger             *slog.Logger // default slog.Default()
}

// Pool reads pages on a fixed number of workers. It implements ocr.Recognizer.
type Pool struct {
	installation Installation
	languages    []string
	dir          string
	instances    int
	log          *slog.Logger

	workers []*worker
	running sync.WaitGroup

	mu      sync.Mutex
	wake    *sync.Cond // workers wait on it; guards everything below and the fields of jobs
	queue   int        // most jobs in waiting
	waiting []*job
	closed  bool
}

var _ ocr.Recognizer = (*Pool)(nil)

// New starts the workers. It fails when a language is not installed, naming the package to install. Instances of
// Tesseract are made when first needed, or by [Pool.WarmUp].
func New(cfg Config) (*Pool, error) {
	in := Installed(cfg.DataDir)
	if len(in.Languages) == 0 {
		return nil, fmt.Errorf("no Tesseract language files in %s: install tesseract-ocr-eng and tesseract-ocr-chi-sim, or set TESSDATA_PREFIX",
			strings.Join(in.Searched, ", "))
	}
	if len(cfg.Languages) == 0 {
		cfg.Languages = in.defaults()
	}
	languages, err := in.resolve(cfg.Languages)
	if err != nil {
		return nil, err
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.NumCPU()
	}
	if cfg.Queue <= 0 {
		cfg.Queue = 4 * cfg.Workers
	}
	if cfg.InstancesPerWorker <= 0 {
		cfg.InstancesPerWorker = 2
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	p := &Pool{
		installation: in,
		languages:    languages,
		dir:          in.DataDir,
		instances:    cfg.InstancesPerWorker,
		log:          cfg.Logger,
		queue:        cfg.Queue,
	}
	p.wake = sync.NewCond(&p.mu)
	for range cfg.Workers {
		w := &worker{pool: p}
		p.workers = append(p.workers, w)
		p.running.Go(w.run)
	}
	return p, nil
}

// Installation tells what the pool found on this machine.
func (p *Pool) Installation() Installation { return p.installation }

// Languages are those used for requests that name none.
func (p *Pool) Languages() []string { return append([]string(nil), p.languages...) }

// WarmUp makes every worker's instance for the default languages, so that the first request need not wait for it.
func (p *Pool) WarmUp(ctx context.Context) error {
	done := make(chan error, len(p.workers))
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return rejected("closed")
	}
	for _, w := range p.workers {
		w.warmUps = append(w.warmUps, done)
	}
	p.wake.Broadcast()
	p.mu.Unlock()

	var errs []error
	for range p.workers {
		select {
		case err := <-done:
			errs = append(errs, err)
		case <-ctx.Done():
			return interrupted(ctx.Err())
		}
	}
	return errors.Join(errs...)
}

// Recognize implements ocr.Recognizer.
//
// When ctx ends while the page waits, or while it is being read, Recognize returns at once and the worker stops at the
// next word. Tesseract cannot be stopped during layout analysis, which comes before the first word: the worker is then
// busy a little longer than its caller, and free again after.
func (p *Pool) Recognize(ctx context.Context, page *imaging.Raster, o ocr.Options) (ocr.Page, error) {
	if err := ctx.Err(); err != nil {
		return ocr.Page{}, interrupted(err)
	}
	languages, err := p.check(page, o)
	if err != nil {
		return ocr.Page{}, err
	}
	if page.Width < minSide || page.Height < minSide || uniform(page) {
		return ocr.Page{Width: page.Width, Height: page.Height, Engine: p.engine(languages)}, nil
	}
	j := &job{page: page, options: o, languages: languages, taken: make(chan struct{}), done: make(chan struct{})}
	if err := p.admit(j); err != nil {
		return ocr.Page{}, err
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		p.abandon(j)
		return ocr.Page{}, interrupted(ctx.Err())
	}
	if j.err != nil {
		return ocr.Page{}, j.err
	}
	j.result.Engine = p.engine(languages)
	return j.result, nil
}

func (p *Pool) engine(languages []string) string {
	return "tesseract " + p.installation.Version + " " + strings.Join(languages, "+")
}

func (p *Pool) check(page *imaging.Raster, o ocr.Options) ([]string, error) {
	switch {
	case page == nil || page.Width <= 0 || page.Height <= 0:
		return nil, refusal.New(refusal.Empty, "the page has no pixels")
	case page.Width > maxSide || page.Height > maxSide:
		return nil, &refusal.Error{Reason: refusal.TooLarge, Limit: maxSide, Got: int64(max(page.Width, page.Height)),
			Msg: fmt.Sprintf("page of %dx%d px: Tesseract takes at most %d px a side; send a smaller picture", page.Width, page.Height, maxSide)}
	case len(page.Pix) != 3*page.Width*page.Height:
		return nil, refusal.New(refusal.Corrupt, "page of %dx%d px has %d bytes of pixels instead of %d", page.Width, page.Height,
			len(page.Pix), 3*page.Width*page.Height)
	case o.Candidates < 0 || o.Candidates > ocr.MaxCandidates:
		return nil, &refusal.Error{Reason: refusal.InvalidValue, Field: "candidates", Limit: ocr.MaxCandidates, Got: int64(o.Candidates),
			Msg: fmt.Sprintf("%d candidates asked for; 0 to %d are given", o.Candidates, ocr.MaxCandidates)}
	case o.DPI < 0 || o.DPI > 4800:
		return nil, &refusal.Error{Reason: refusal.InvalidValue, Field: "dpi", Limit: 4800, Got: int64(o.DPI),
			Msg: fmt.Sprintf("a resolution of %d dpi; 0 (unknown) to 4800 is accepted", o.DPI)}
	case o.Layout < ocr.LayoutAuto || o.Layout > ocr.LayoutSparse:
		return nil, &refusal.Error{Reason: refusal.InvalidValue, Field: "layout", Got: int64(o.Layout),
			Msg: fmt.Sprintf("layout %d is not one of auto, column, block, line, word, sparse", o.Layout)}
	case (o.Layout == ocr.LayoutLine || o.Layout == ocr.LayoutWord) && page.Width > maxLineAspect*page.Height:
		return nil, &refusal.Error{Reason: refusal.TooLarge, Field: "layout", Limit: maxLineAspect, Got: int64(page.Width / page.Height),
			Msg: fmt.Sprintf("a single line of %dx%d px is more than %d times as wide as high; cut it", page.Width, page.Height, maxLineAspect)}
	case len(o.Languages) == 0:
		return p.languages, nil
	}
	return p.installation.resolve(o.Languages)
}

// uniform tells a picture of one colour, on which Tesseract sees a letter when it is told that there is a line.
func uniform(r *imaging.Raster) bool {
	for i := 3; i < len(r.Pix); i++ {
		if r.Pix[i] != r.Pix[i-3] {
			return false
		}
	}
	return true
}

// admit puts the job into the queue, or refuses at once.
func (p *Pool) admit(j *job) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return rejected("closed")
	}
	if len(p.waiting) >= p.queue {
		return rejected(fmt.Sprintf("%d pages are waiting already; try again later", len(p.waiting)))
	}
	p.waiting = append(p.waiting, j)
	p.wake.Signal()
	return nil
}

// abandon gives a job up on its caller's behalf. When it returns, no worker reads the page's pixels any more.
func (p *Pool) abandon(j *job) {
	p.mu.Lock()
	if i := slices.Index(p.waiting, j); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	running := j.flag != nil
	if running {
		j.flag.set(true)
	}
	p.mu.Unlock()
	if running {
		<-j.taken
	}
}

// Close lets running pages end, fails waiting ones with REJECTED and frees the instances.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	for _, j := range p.waiting {
		j.err = rejected("closed")
		close(j.done)
	}
	p.waiting = nil
	p.wake.Broadcast()
	p.mu.Unlock()
	p.running.Wait()
	return nil
}

func rejected(why string) error {
	return &pipeline.Failure{Reason: pipeline.Rejected, Model: modelID, Err: errors.New(why)}
}

func interrupted(err error) error {
	reason := pipeline.Canceled
	if errors.Is(err, context.DeadlineExceeded) {
		reason = pipeline.DeadlineExceeded
	}
	return &pipeline.Failure{Reason: reason, Model: modelID, Err: err}
}
