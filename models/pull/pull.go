package pull

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/courtsense/courtsense/models"
)

// Defaults of [Config].
const (
	DefaultParallel = 4
	DefaultAttempts = 5
	DefaultStall    = time.Minute
	DefaultMaxBytes = 4 << 30
)

// Config says where files come from and how patiently. The zero value pulls from each file's URL.
type Config struct {
	// Mirror is a folder, or an http(s) URL (user:password@ in it is sent as basic authentication), that holds every file
	// at its catalogue path. It replaces all URLs: a network that needs a mirror has no internet to fall back on.
	Mirror   string
	Parallel int           // files at once; 0: DefaultParallel
	Attempts int           // tries per file; 0: DefaultAttempts
	Stall    time.Duration // a transfer without a byte for so long is tried again; 0: DefaultStall
	MaxBytes int64         // limit for files whose size the catalogue does not know; 0: DefaultMaxBytes
	Client   *http.Client  // nil: one that honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY
	Progress Progress      // nil: none
	Logger   *slog.Logger  // nil: slog.Default()

	backoff time.Duration // first wait between attempts; tests shorten it
}

// Progress is told how files come along. Calls for one file come in order, but different files report at the same time
// from different goroutines.
type Progress interface {
	// Transfer reports bytes present so far, those of an earlier interrupted pull included; total is -1 when unknown.
	Transfer(f models.File, done, total int64)
	// Finish reports the end of a file.
	Finish(r Result)
}

// Outcome is what became of a file.
type Outcome string

// The outcomes.
const (
	Present  Outcome = "present"   // was there already, and its hash is right
	Pulled   Outcome = "pulled"    // transferred whole
	Resumed  Outcome = "resumed"   // an interrupted transfer was completed
	NoSource Outcome = "no-source" // has no URL, or the mirror lacks it
	Failed   Outcome = "failed"
)

// Result is the outcome for one file. Files shared by several entries are pulled once and reported for the first.
type Result struct {
	ID      string // entry
	File    models.File
	Outcome Outcome
	Bytes   int64  // transferred in this pull
	SHA256  string // of the file in the store, when it is there
	Err     error  // for Failed and NoSource
}

// Puller fills one store. It is safe for concurrent use; pulls into one folder wait for each other, also across
// processes.
type Puller struct {
	store  *models.Store
	cfg    Config
	origin origin
	lockMu sync.Mutex // guards the store's lock file (hashes), not the folder
}

// New returns a puller for a store. It fails for a mirror that is neither a folder nor an http(s) URL.
func New(s *models.Store, cfg Config) (*Puller, error) {
	if cfg.Parallel <= 0 {
		cfg.Parallel = DefaultParallel
	}
	if cfg.Attempts <= 0 {
		cfg.Attempts = DefaultAttempts
	}
	if cfg.Stall <= 0 {
		cfg.Stall = DefaultStall
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Progress == nil {
		cfg.Progress = silent{}
	}
	if cfg.backoff <= 0 {
		cfg.backoff = 500 * time.Millisecond
	}
	o, err := newOrigin(cfg)
	if err != nil {
		return nil, err
	}
	return &Puller{store: s, cfg: cfg, origin: o}, nil
}

// Pull brings the files of the entries called ids into the store; without ids those of the whole catalogue, save what is
// embedded, a system package's, or (unless there is a mirror) marked optional. One file's failure does
// not stop the others: the results say what became of each, and the error joins those that failed. A file without a
// source is an error only when its entry was asked for by id. When ctx ends, what was transferred so far is kept for the
// next pull.
func (p *Puller) Pull(ctx context.Context, ids ...string) ([]Result, error) {
	jobs, err := p.jobs(ids)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(p.store.Dir(), 0o755); err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	unlock, err := lockFolder(ctx, p.store.Dir(), p.cfg.Logger)
	if err != nil {
		return nil, err
	}
	defer unlock()

	results := make([]Result, len(jobs))
	var group errgroup.Group
	group.SetLimit(p.cfg.Parallel)
	for i, j := range jobs {
		group.Go(func() error {
			results[i] = p.one(ctx, j)
			p.cfg.Progress.Finish(results[i])
			return nil
		})
	}
	_ = group.Wait() // the jobs report through results
	var failures []error
	for _, r := range results {
		if r.Outcome == Failed || (r.Outcome == NoSource && len(ids) > 0) {
			failures = append(failures, r.Err)
		}
	}
	if err := ctx.Err(); err != nil {
		return results, fmt.Errorf("pull stopped, 'courtsense models pull' goes on from here: %w", err)
	}
	return results, errors.Join(failures...)
}

type job struct {
	id   string
	file models.File
}

func (p *Puller) jobs(ids []string) ([]job, error) {
	entries := p.store.Catalog().Models
	if len(ids) > 0 {
		entries = nil
		for _, id := range ids {
			e, err := p.store.Catalog().Entry(id)
			if err != nil {
				return nil, err
			}
			entries = append(entries, e)
		}
	}
	var jobs []job
	seen := map[string]bool{}
	for _, e := range entries {
		// Embedded and system models are there without a pull. What a mirror holds, its owner chose: optional or not.
		if len(ids) == 0 && (e.Embedded || e.System || (e.Optional && p.cfg.Mirror == "")) {
			continue
		}
		for _, f := range e.Files {
			if !seen[f.Path] {
				seen[f.Path] = true
				jobs = append(jobs, job{e.ID, f})
			}
		}
	}
	return jobs, nil
}

type silent struct{}

func (silent) Transfer(models.File, int64, int64) {}
func (silent) Finish(Result)                      {}
