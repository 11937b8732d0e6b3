package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/vision/gallery"
	"github.com/courtsense/courtsense/vision/gallery/search"
)

// galleries is the store of galleries, opened on its first use: whoever only looks for faces need not wait for it, nor for
// another process that has it open.
type galleries struct {
	app *App
	cfg gallery.Config

	mu       sync.Mutex
	store    *gallery.Store
	searcher search.Searcher
	retain   context.CancelFunc // ends the deletion of expired persons
	retained sync.WaitGroup
	closed   bool
}

// expireEvery is how often persons whose retention has ended are deleted; searches leave them out at once.
const expireEvery = 10 * time.Minute

// newGalleries returns nil where no key is configured. A key that can't be read is an error.
func (a *App) newGalleries() (*galleries, error) {
	cfg, err := GalleryConfig(a.cfg)
	if err != nil || cfg.Keys == nil {
		return nil, err
	}
	cfg.Logger = a.log
	return &galleries{app: a, cfg: cfg}, nil
}

// GalleryConfig is the configured store, without keys where none are configured.
func GalleryConfig(c conf.Config) (gallery.Config, error) {
	cfg := gallery.Config{Path: c.Galleries.Path, Limits: gallery.Limits{
		Persons: int(c.Galleries.MaxPersons), TemplatesPerPerson: c.Galleries.MaxTemplates, FileBytes: int64(c.Galleries.MaxBytes),
	}}
	var err error
	switch {
	case c.Galleries.KeyFile != "":
		if cfg.Keys, err = gallery.LoadKeyring(c.Galleries.KeyFile); err != nil {
			return cfg, fmt.Errorf("galleries.key_file: %w", err)
		}
	case os.Getenv(conf.GalleryKeyVariable) != "":
		if cfg.Keys, err = gallery.KeyringFromEnv(conf.GalleryKeyVariable); err != nil {
			return cfg, err
		}
	}
	if cfg.Path == "" {
		beside, err := models.DefaultDir()
		if err != nil {
			return cfg, fmt.Errorf("galleries.path: %w", err)
		}
		cfg.Path = filepath.Join(filepath.Dir(beside), "galleries.db")
	}
	return cfg, nil
}

// Open implements [service.Galleries].
func (g *galleries) Open(ctx context.Context) (*gallery.Store, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.store != nil || g.closed {
		if g.closed {
			return nil, fmt.Errorf("galleries: %w", gallery.ErrClosed)
		}
		return g.store, nil
	}
	if g.app.cfg.Galleries.Path == "" {
		if err := os.MkdirAll(filepath.Dir(g.cfg.Path), 0o700); err != nil {
			return nil, fmt.Errorf("%w: galleries: %w", gallery.ErrReadOnly, err)
		}
	}
	if g.searcher == nil && g.app.runtime != nil {
		searcher, err := search.NewEngine(ctx, g.app.runtime, g.app.cfg.Models.Device)
		if err != nil {
			return nil, err
		}
		g.searcher, g.cfg.Search = searcher, searcher
	}
	store, err := gallery.Open(ctx, g.cfg)
	if err != nil {
		return nil, err
	}
	g.store = store
	ctx, g.retain = context.WithCancel(context.WithoutCancel(ctx))
	g.retained.Go(func() { store.Retain(ctx, expireEvery) })
	return store, nil
}

// Close gives the file back. It is idempotent.
func (g *galleries) Close() error {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	var errs []error
	if g.store != nil {
		g.retain()
		g.retained.Wait()
		errs = append(errs, g.store.Close())
	}
	if g.searcher != nil {
		errs = append(errs, g.searcher.Close())
	}
	g.store, g.searcher = nil, nil
	return errors.Join(errs...)
}

// Galleries opens the galleries for work that goes past the service; the store stays the app's to close.
func (a *App) Galleries(ctx context.Context) (*gallery.Store, error) {
	if a.galleries == nil {
		return nil, errors.New("there are no galleries: no key is configured")
	}
	return a.galleries.Open(ctx)
}

// OpenGalleries opens the galleries before anybody asks for one, where there are any, so that a server says at its start
// what is wrong with them.
func (a *App) OpenGalleries(ctx context.Context) {
	if a.galleries == nil {
		return
	}
	a.progress("opening galleries")
	if _, err := a.galleries.Open(ctx); err != nil {
		a.note("galleries are not available: %v", err)
	}
}
