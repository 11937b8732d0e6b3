package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/speech/record"
)

// records are the records of hearings, opened on first use: whoever only transcribes needs no folder for them.
type records struct {
	app *App

	mu     sync.Mutex
	store  *record.Store
	closed bool
}

// RecordsDir is where records are kept when the configuration names no folder.
func RecordsDir() (string, error) {
	beside, err := models.DefaultDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(beside), "records"), nil
}

// newRecords returns nil where no records are kept.
func (a *App) newRecords() service.Records {
	if a.cfg.Records.Dir == none {
		return nil
	}
	a.records = &records{app: a}
	return a.records
}

// Open implements [service.Records].
func (r *records) Open(context.Context) (*record.Store, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.store != nil || r.closed {
		if r.closed {
			return nil, fmt.Errorf("records: %w", record.ErrClosed)
		}
		return r.store, nil
	}
	dir := r.app.cfg.Records.Dir
	if dir == "" {
		var err error
		if dir, err = RecordsDir(); err != nil {
			return nil, fmt.Errorf("records.dir: %w", err)
		}
	}
	store, err := record.Open(dir, record.Options{KeepAudio: r.app.cfg.Records.KeepAudio, Logger: r.app.log})
	if err != nil {
		return nil, fmt.Errorf("records.dir: %w", err)
	}
	r.store = store
	return store, nil
}

// Close gives the records back. It is idempotent.
func (r *records) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.store == nil {
		return nil
	}
	err := r.store.Close()
	r.store = nil
	return err
}

// OpenRecords opens the records before anybody asks for one, so that a server says at its start what is wrong with them.
func (a *App) OpenRecords(ctx context.Context) {
	if a.records == nil {
		return
	}
	if dir, err := RecordsDir(); a.cfg.Records.Dir == "" && err == nil {
		if _, err := os.Stat(dir); err != nil {
			return // it is made with the first record
		}
	}
	if _, err := a.records.Open(ctx); err != nil {
		a.note("records of hearings are not available: %v", err)
	}
}
