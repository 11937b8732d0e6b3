package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/server"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/internal/telemetry"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr/tesseract"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/speech/acoustic"
	"github.com/courtsense/courtsense/speech/language"
	"github.com/courtsense/courtsense/speech/statute"
)

// Part is a set of services.
type Part uint8

// The services.
const (
	Faces Part = 1 << iota
	Documents
	Speech
	ModelAdmin

	All = Faces | Documents | Speech | ModelAdmin
)

// Options of [New].
type Options struct {
	Logger   *slog.Logger       // nil: slog.Default()
	Metrics  *telemetry.Metrics // nil: none
	Parts    Part               // what is needed; 0: [All]
	Progress func(step string)  // told what is being done, for people who wait; may be nil
	Watch    WatchOptions       // of the gates
}

// App is the assembled program without its ports. Its owner calls Close.
type App struct {
	cfg     conf.Config
	o       Options
	log     *slog.Logger
	store   *models.Store
	runtime *onnx.Backend    // nil when the library is missing
	engine  *pipeline.Engine // nil when the library is missing
	absent  error            // why there is no engine
	ocr     *tesseract.Pool  // nil when there is none
	decoder *codec.Decoder

	pages     *service.PageModels // nil when they can't read
	documents *service.Document   // nil when it is no part of this app
	speech    *service.Speech     // nil when it is no part of this app
	galleries *galleries          // nil without a key, or when faces are no part of this app
	gates     *gateway            // nil when faces are no part of this app
	statutes  *statute.Index      // nil without an index
	records   *records            // nil where none are kept
	languages []*language.NGram   // files of language models, mapped into memory
	unread    []error             // why an engine can't read pages

	parts []part
	notes []string

	close    sync.Once
	closeErr error
}

// part is a service and whether it can do its work.
type part struct {
	server.Service
	ready bool
}

// New assembles the parts that o asks for. What is missing on this machine (a library, a model) is not an error: the
// service that needs it answers FAILED_PRECONDITION, and [App.Notes] says what to do. An error is a mistake in the
// configuration, a damaged store, or the end of ctx.
func New(ctx context.Context, cfg conf.Config, o Options) (*App, error) {
	a := &App{cfg: cfg, o: o, log: o.Logger}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.o.Parts == 0 {
		a.o.Parts = All
	}
	if err := a.assemble(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) assemble(ctx context.Context) error {
	var err error
	if a.store, err = models.Open(nil, a.cfg.Models.Dir, models.WithLogger(a.log)); err != nil {
		return err
	}
	a.decoder = codec.NewDecoder(codec.Config{})
	if a.o.Parts != Documents || a.cfg.OCR.Engine != EngineTesseract {
		if err := a.startEngine(); err != nil {
			return err
		}
	}
	for _, build := range []struct {
		part Part
		add  func(context.Context) error
	}{{Faces, a.addFaces}, {Documents, a.addDocuments}, {Speech, a.addSpeech}, {ModelAdmin, a.addModelAdmin}} {
		if a.o.Parts&build.part == 0 {
			continue
		}
		if err := build.add(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) startEngine() error {
	backend, err := onnx.NewBackend(onnx.Config{Library: a.cfg.ONNXRuntime.Library, Logger: a.log})
	if err != nil {
		if a.cfg.ONNXRuntime.Library != "" {
			return err // named by the operator: to go on without it would hide a mistake
		}
		a.absent = err
		a.note("models can't run: %v", err)
		return nil
	}
	a.runtime = backend
	cfg := pipeline.EngineConfig{
		Store: a.store, Backend: backend, Device: a.cfg.Models.Device, IntraThreads: a.cfg.Models.IntraThreads, Instances: a.instances(),
		MaxBatch: a.cfg.Models.Batch.Max, MaxDelay: a.cfg.Models.Batch.Delay.Std(), QueueLimit: a.cfg.Models.Batch.Queue,
		Logger: a.log, Complete: acoustic.Complete,
	}
	if cfg.MaxDelay == 0 {
		cfg.MaxDelay = -1 // an operator's 0 means no waiting, the engine's 0 means the catalogue's wait
	}
	if a.o.Metrics != nil {
		cfg.Observer = a.o.Metrics
	}
	a.engine, err = pipeline.NewEngine(cfg)
	return err
}

// instances is how many runs of one model keep all cores busy.
func (a *App) instances() int {
	m := a.cfg.Models
	if m.Instances > 0 || m.IntraThreads == 0 {
		return m.Instances
	}
	return max(1, runtime.GOMAXPROCS(0)/m.IntraThreads)
}

// activate loads the model that serves a task, or a slot of it: the configured one, else the best available. The id is ""
// and the error says why when there is none; an error in configuration is returned as fatal.
func (a *App) activate(ctx context.Context, task, slot, configured, key string) (id string, missing, fatal error) {
	if a.engine == nil {
		return "", a.absent, nil
	}
	candidate := configured
	if candidate == "" {
		if candidate, missing = a.best(task, slot); missing != nil {
			return "", missing, nil
		}
	} else if e, err := a.store.Catalog().Entry(candidate); err != nil {
		return "", nil, fmt.Errorf("%s: %w", key, err)
	} else if e.Task != task {
		return "", nil, fmt.Errorf("%s: model %s is made for %s, not for %s", key, candidate, e.Task, task)
	} else if slot != "" && e.Slot != slot {
		return "", nil, fmt.Errorf("%s: model %s is made for %s of a %s, not of a %s", key, candidate, task, e.Slot, slot)
	}
	if err := a.load(ctx, candidate); err != nil {
		if configured != "" || ctx.Err() != nil {
			return "", nil, fmt.Errorf("%s: %w", cmp.Or(key, candidate), err)
		}
		return "", err, nil
	}
	return candidate, nil, nil
}

// best is the id of the best available model of a task, or of a slot of it.
func (a *App) best(task, slot string) (string, error) {
	all, err := a.store.SelectAll(task)
	if err != nil {
		return "", a.noModel(task, err)
	}
	for _, artifact := range all {
		if slot == "" || artifact.Entry.Slot == slot {
			return artifact.Entry.ID, nil
		}
	}
	return "", a.noModel(task+" of a "+slot, nil)
}

// noModel says in one line why no model of a task can be used. A damaged one is named; of absent ones there can be many.
func (a *App) noModel(task string, err error) error {
	var damaged *models.MismatchError
	if errors.As(err, &damaged) {
		return damaged
	}
	return fmt.Errorf("no model for %s is in %s and none is embedded; get one with 'courtsense models pull'", task, a.store.Dir())
}

func (a *App) load(ctx context.Context, id string) error {
	a.progress("loading model " + id)
	return a.engine.Load(ctx, id)
}

func (a *App) progress(step string) {
	if a.o.Progress != nil {
		a.o.Progress(step)
	}
}

func (a *App) note(format string, args ...any) {
	a.notes = append(a.notes, fmt.Sprintf(format, args...))
	a.log.Warn(fmt.Sprintf(format, args...))
}

// Services returns the services for [server.New].
func (a *App) Services() []server.Service {
	var out []server.Service
	for _, p := range a.parts {
		out = append(out, p.Service)
	}
	return out
}

// Announce tells the server which services can do their work, and that it is ready to be asked. Health then says so.
func (a *App) Announce(s *server.Server) {
	for _, p := range a.parts {
		s.SetServing(p.Desc.ServiceName, p.ready)
	}
	a.gates.announce(s)
	s.SetServing("", true)
}

// Notes says what is missing, and what to do about it; empty when everything is there.
func (a *App) Notes() []string { return append([]string(nil), a.notes...) }

// Store returns the model store.
func (a *App) Store() *models.Store { return a.store }

// Engine returns the engine, nil when ONNX Runtime is missing.
func (a *App) Engine() *pipeline.Engine { return a.engine }

// Close unloads the models and ends the workers. It is idempotent.
func (a *App) Close() error {
	a.close.Do(func() {
		var errs []error
		if a.ocr != nil {
			errs = append(errs, a.ocr.Close())
		}
		errs = append(errs, a.gates.Close(), a.galleries.Close(), a.records.Close())
		if a.engine != nil {
			errs = append(errs, a.engine.Close())
		}
		for _, m := range a.languages {
			errs = append(errs, m.Close())
		}
		if a.statutes != nil {
			errs = append(errs, a.statutes.Close())
		}
		a.closeErr = errors.Join(errs...)
	})
	return a.closeErr
}
