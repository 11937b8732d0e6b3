package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/courtsense/courtsense/models"
)

// ErrNotLoaded is in the chain of errors about a model that is not being served.
var ErrNotLoaded = errors.New("the model is not loaded")

// Resolver finds models by catalogue id; [models.Store] is one.
type Resolver interface {
	Resolve(id string) (models.Artifact, error)
}

// EngineConfig configures an [Engine]. Store and Backend are needed; the zero value of the rest is a fair default.
type EngineConfig struct {
	Store   Resolver
	Backend Runtime
	// Device is where models run, as in [Options].
	Device string
	// IntraThreads is the number of threads in one run; 0 leaves it to the runtime (one per core).
	IntraThreads int
	// Instances is how many runs of one model may be under way at a time; 0 means 1.
	Instances int
	// MaxBatch lowers the catalogue's largest batch; 0 takes the catalogue's. It never raises it.
	MaxBatch int
	// MaxDelay replaces the catalogue's longest wait for companions; 0 takes the catalogue's, a negative one never waits.
	MaxDelay time.Duration
	// QueueLimit is how many requests may wait for each model; 0 means 256.
	QueueLimit int
	// Complete fills in the tensors of an entry that leaves them to its family, once for each of its networks; nil takes
	// entries as they are.
	Complete func(e models.Entry, role string, sig Signature, d Description) (models.Entry, error)
	Logger   *slog.Logger
	Observer Observer
}

// Engine loads models, serves them and replaces them while they serve. It is safe for concurrent use.
//
// A loaded model is reached through a [Model] handle. Load and Unload of one id are done one after the other, and
// concurrent loads of one id are one load.
type Engine struct {
	cfg        EngineConfig
	buffers    BufferPool
	background sync.WaitGroup // loads, drains of replaced versions

	mu     sync.Mutex
	slots  map[string]*slot
	kept   map[*version]bool // replaced ones that are held
	closed bool
}

// slot is a model id's place in the engine. It outlives the versions served in it.
type slot struct {
	id      string
	current atomic.Pointer[version]
	turn    chan struct{} // holds a token while the slot is loading or unloading

	// Guarded by Engine.mu.
	state   State
	since   time.Time
	next    State // of the version being loaded while current serves
	lastErr error
	loading *loading
}

// loading is one load that any number of callers wait for.
type loading struct {
	done    chan struct{}
	err     error // set before done is closed
	waiters int   // guarded by Engine.mu
	cancel  context.CancelFunc
}

// version is one loaded model.
type version struct {
	entry     models.Entry // of the main network
	identity  Identity
	placement Placement // of the main network, with the bytes of all
	parts     []part    // the main network first
	took      time.Duration

	// Guarded by Engine.mu.
	holds int  // handles that keep it open when it is replaced
	gone  bool // it is closed, or about to be
}

// part is one network of a model.
type part struct {
	role    string
	entry   models.Entry
	batcher *Batcher
}

// part returns the network with a role, or nil; "" is the main one.
func (v *version) part(role string) *part {
	for i := range v.parts {
		if role == "" || v.parts[i].role == role {
			return &v.parts[i]
		}
	}
	return nil
}

func (v *version) load() (sum Load) {
	for _, p := range v.parts {
		l := p.batcher.Load()
		sum.Queued, sum.Running = sum.Queued+l.Queued, sum.Running+l.Running
	}
	return sum
}

func (v *version) close() error {
	var errs []error
	for _, p := range v.parts {
		errs = append(errs, p.batcher.Close())
	}
	return errors.Join(errs...)
}

// NewEngine returns an engine that serves nothing yet.
func NewEngine(cfg EngineConfig) (*Engine, error) {
	if cfg.Store == nil || cfg.Backend == nil {
		return nil, errors.New("an engine needs a model store and a backend")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Observer == nil {
		cfg.Observer = noObserver{}
	}
	return &Engine{cfg: cfg, slots: map[string]*slot{}, kept: map[*version]bool{}}, nil
}

// Buffers is the pool that image tensors should be built in.
func (e *Engine) Buffers() *BufferPool { return &e.buffers }

// Load resolves the model, opens it, warms it up and serves it, in the place of the version that was served before, if
// any: that one goes on until the new one is ready and then finishes the requests it has, and the streams that hold it. When
// the load fails, it keeps serving. When ctx ends the load is given up, unless another caller waits for it too.
func (e *Engine) Load(ctx context.Context, id string) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return e.fail(Rejected, id, errEngineClosed)
	}
	s := e.slot(id)
	l := s.loading
	if l == nil {
		// The first caller's deadline is not the others'.
		loadCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		l = &loading{done: make(chan struct{}), cancel: cancel}
		s.loading = l
		e.background.Go(func() { e.load(loadCtx, s, l) })
	}
	l.waiters++
	e.mu.Unlock()

	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if l.waiters--; l.waiters == 0 {
		l.cancel()
		if s.loading == l {
			s.loading = nil // who comes now wants a load that is not given up
		}
	}
	return e.fail(ReasonOf(ctx.Err()), id, fmt.Errorf("loading: %w", ctx.Err()))
}

var errEngineClosed = errors.New("the engine is closed")

func (e *Engine) fail(reason Reason, id string, err error) error {
	var f *Failure
	if errors.As(err, &f) {
		return err
	}
	return &Failure{Reason: reason, Model: id, Err: err}
}

// slot returns the place of id. Callers hold mu.
func (e *Engine) slot(id string) *slot {
	s, ok := e.slots[id]
	if !ok {
		s = &slot{id: id, turn: make(chan struct{}, 1), since: time.Now()}
		e.slots[id] = s
	}
	return s
}

func (e *Engine) load(ctx context.Context, s *slot, l *loading) {
	defer l.cancel()
	err := e.replace(ctx, s)
	e.mu.Lock()
	l.err = err
	if s.loading == l {
		s.loading = nil
	}
	close(l.done)
	e.mu.Unlock()
}

// replace does the work of a load.
func (e *Engine) replace(ctx context.Context, s *slot) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
	}
	// Both may have been ready, and a given-up load must not start.
	if err := ctx.Err(); err != nil {
		return e.fail(ReasonOf(err), s.id, fmt.Errorf("loading: %w", err))
	}
	e.enter(s, Loading, nil)
	v, err := e.open(ctx, s)
	if err != nil {
		err = e.fail(Backend, s.id, err)
		e.enter(s, Failed, err)
		e.cfg.Logger.WarnContext(ctx, "model could not be loaded", "model", s.id, "error", err, "still_serving", s.current.Load() != nil)
		return err
	}
	old := s.current.Swap(v)
	e.enter(s, Ready, nil)
	e.cfg.Logger.InfoContext(ctx, "model is ready", "model", s.id, "version", v.identity.Version, "source", v.identity.Source,
		"device", v.identity.Device, "bytes", v.placement.Bytes, "took", v.took.Round(time.Millisecond))
	if old != nil && !e.keep(old) {
		e.background.Go(func() { e.retire(old) })
	}
	return nil
}

// keep leaves a replaced version to the streams that began with it: the last of them retires it. It is false when there is none.
func (e *Engine) keep(v *version) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v.holds == 0 || e.closed {
		v.gone = true
		return false
	}
	e.kept[v] = true
	e.cfg.Logger.Info("the replaced version stays for the streams that began with it", "model", v.identity.ID,
		"version", v.identity.Version, "streams", v.holds)
	return true
}

// hold is false when the version is gone.
func (e *Engine) hold(v *version) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v.gone {
		return false
	}
	v.holds++
	return true
}

func (e *Engine) release(v *version) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v.holds--; v.holds > 0 || !e.kept[v] {
		return
	}
	delete(e.kept, v)
	v.gone = true
	e.background.Go(func() { e.retire(v) })
}

func (e *Engine) open(ctx context.Context, s *slot) (*version, error) {
	start := time.Now()
	a, err := e.cfg.Store.Resolve(s.id)
	if err != nil {
		return nil, err
	}
	v := &version{}
	for i, role := range a.Entry.Networks() {
		p, placement, err := e.openPart(ctx, s, a, role)
		if err != nil {
			return nil, errors.Join(err, v.close())
		}
		v.parts = append(v.parts, p)
		if i == 0 {
			v.entry, v.placement = p.entry, placement
		} else {
			v.placement.Bytes += placement.Bytes
		}
	}
	v.identity = Identity{ID: a.Entry.ID, Version: a.Entry.Version, SHA256: a.SHA256, Device: v.placement.Device, Source: string(a.Source)}
	v.took = time.Since(start)
	return v, nil
}

func (e *Engine) openPart(ctx context.Context, s *slot, a models.Artifact, role string) (part, Placement, error) {
	x, err := e.cfg.Backend.Open(ctx, a, Options{Device: e.cfg.Device, IntraThreads: e.cfg.IntraThreads, Role: role})
	if err != nil {
		return part{}, Placement{}, err
	}
	entry, description := a.Entry, Describe(x)
	if e.cfg.Complete != nil {
		entry, err = e.cfg.Complete(entry, role, x.Signature(), description)
	}
	if err == nil {
		entry, err = CheckEntry(x.Signature(), entry)
	}
	if err != nil {
		return part{}, Placement{}, errors.Join(err, x.Close())
	}
	cfg := e.batchConfig(entry)
	if description.BatchDependent {
		// Without a batch axis a request may still bring several rows, but is never joined with others.
		cfg.MaxBatch = 1
		for name := range cfg.Axes {
			cfg.Axes[name] = -1
		}
	}
	e.enter(s, Warming, nil)
	if err := warmUp(ctx, x, entry, cfg); err != nil {
		return part{}, Placement{}, errors.Join(fmt.Errorf("warm-up: %w", err), x.Close())
	}
	var placement Placement
	if placed, ok := x.(Placed); ok {
		placement = placed.Placement()
	}
	return part{role: role, entry: entry, batcher: NewBatcher(x, cfg)}, placement, nil
}

func (e *Engine) batchConfig(entry models.Entry) BatchConfig {
	cfg := BatchConfig{
		Model: entry.ID, MaxBatch: max(entry.Batch.Max, 1), MaxDelay: time.Duration(entry.Batch.DelayMS * float64(time.Millisecond)),
		QueueLimit: e.cfg.QueueLimit, Instances: e.cfg.Instances, Axes: map[string]int{},
		Pool: &e.buffers, Observer: e.cfg.Observer, Logger: e.cfg.Logger,
	}
	if e.cfg.MaxBatch > 0 {
		cfg.MaxBatch = min(cfg.MaxBatch, e.cfg.MaxBatch)
	}
	if e.cfg.MaxDelay != 0 {
		cfg.MaxDelay = max(e.cfg.MaxDelay, 0)
	}
	for _, spec := range slices.Concat(entry.Inputs, entry.Outputs) {
		cfg.Axes[spec.Name] = spec.BatchAxis
	}
	return cfg
}

// enter moves s to a state. While an earlier version serves, the slot stays READY and only its next version moves.
func (e *Engine) enter(s *slot, state State, err error) {
	e.mu.Lock()
	serving := s.current.Load() != nil
	s.lastErr = err
	if serving && state != Ready {
		s.next = state
		if state == Failed {
			s.next = ""
		}
		e.mu.Unlock()
		return
	}
	s.state, s.since, s.next = state, time.Now(), ""
	e.mu.Unlock()
	e.cfg.Observer.StateChanged(s.id, state)
}

// retire lets a version finish its requests and gives its memory back.
func (e *Engine) retire(v *version) {
	if err := v.close(); err != nil {
		e.cfg.Logger.Error("model could not be closed cleanly", "model", v.identity.ID, "error", err)
	}
	debug.FreeOSMemory() // the runtime returned its own; this returns the batches' and the file's
}

// Unload refuses new requests for the model, waits for the running ones and gives the memory back. When ctx ends first,
// the unloading goes on without the caller.
func (e *Engine) Unload(ctx context.Context, id string) error {
	e.mu.Lock()
	s, ok := e.slots[id]
	if e.closed || !ok {
		err := ErrNotLoaded
		if ok {
			err = errEngineClosed
		}
		e.mu.Unlock()
		return e.fail(Rejected, id, err)
	}
	e.background.Add(1)
	e.mu.Unlock()
	defer e.background.Done()
	return e.unload(ctx, s)
}

func (e *Engine) unload(ctx context.Context, s *slot) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return e.fail(ReasonOf(ctx.Err()), s.id, fmt.Errorf("waiting to unload: %w", ctx.Err()))
	}
	v := s.current.Swap(nil)
	if v == nil {
		<-s.turn
		return e.fail(Rejected, s.id, ErrNotLoaded)
	}
	e.enter(s, Unloading, nil)
	gone := e.abandon(v)
	done := make(chan struct{})
	e.background.Go(func() {
		defer close(done)
		for _, v := range gone {
			e.retire(v)
		}
		e.enter(s, Unloaded, nil)
		e.cfg.Logger.Info("model is unloaded", "model", s.id)
		<-s.turn
	})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return e.fail(ReasonOf(ctx.Err()), s.id, fmt.Errorf("unloading goes on: %w", ctx.Err()))
	}
}

// abandon returns a version, and all that it replaced and that streams still hold: who unloads a model wants its memory.
func (e *Engine) abandon(v *version) []*version {
	e.mu.Lock()
	defer e.mu.Unlock()
	gone := []*version{v}
	for k := range e.kept {
		if k.identity.ID == v.identity.ID {
			delete(e.kept, k)
			gone = append(gone, k)
		}
	}
	for _, v := range gone {
		v.gone = true
	}
	return gone
}

// ModelStatus tells how a model is doing.
type ModelStatus struct {
	ID        string
	State     State
	Since     time.Time // when State was entered
	Next      State     // LOADING or WARMING while a newer version is being prepared, else ""
	Identity  Identity  // of the version that serves; zero when none does
	Placement Placement // of the version that serves
	Load      Load
	LoadTime  time.Duration // how long the serving version took to become ready
	Err       error         // why the last load failed; nil after a success
}

// Status lists every model that was ever loaded or tried, by id.
func (e *Engine) Status() []ModelStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]ModelStatus, 0, len(e.slots))
	for _, s := range e.slots {
		if s.state == "" {
			continue // a load that has not had its turn
		}
		st := ModelStatus{ID: s.id, State: s.state, Since: s.since, Next: s.next, Err: s.lastErr}
		if v := s.current.Load(); v != nil {
			st.Identity, st.Placement, st.LoadTime, st.Load = v.identity, v.placement, v.took, v.load()
		}
		all = append(all, st)
	}
	slices.SortFunc(all, func(a, b ModelStatus) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Close gives up running loads, unloads every model and waits for all of it. It is idempotent.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	slots := slices.Collect(maps.Values(e.slots))
	for _, s := range slots {
		if s.loading != nil {
			s.loading.cancel()
		}
	}
	e.mu.Unlock()
	var errs []error
	for _, s := range slots {
		if err := e.unload(context.Background(), s); err != nil && !errors.Is(err, ErrNotLoaded) {
			errs = append(errs, err)
		}
	}
	// Closed as it is, the engine keeps no more.
	e.mu.Lock()
	kept := slices.Collect(maps.Keys(e.kept))
	clear(e.kept)
	for _, v := range kept {
		v.gone = true
	}
	e.mu.Unlock()
	for _, v := range kept {
		e.retire(v)
	}
	e.background.Wait()
	return errors.Join(errs...)
}
