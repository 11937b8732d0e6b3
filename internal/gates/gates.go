package gates

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/courtsense/courtsense/internal/webhook"
	"github.com/courtsense/courtsense/vision/camera"
	"github.com/courtsense/courtsense/vision/gate"
	"github.com/courtsense/courtsense/vision/gate/journal"
)

// Config sets up [Gates].
type Config struct {
	Cameras []camera.Config
	Policy  *gate.PolicyFile // nil: there are no zones, so no events
	// Gate is what all cameras have in common; camera, recogniser and policy are filled in.
	Gate    gate.Config
	Journal journal.Config
	Webhook *webhook.Sender // nil: none; stays its owner's to close
	// Body writes an event for the webhook.
	Body func(journal.Record) ([]byte, error)
	// Health is told when a camera's pictures come and when they don't; nil: nobody is.
	Health func(camera string, live bool)
	// Observed is told of every picture that was looked at, from the camera's goroutine, which waits for it; nil: nobody is.
	Observed func(camera string, f gate.Frame, o gate.Observation)
	// Every has all pictures observed, not only those in which faces are looked for.
	Every    bool
	Registry *prometheus.Registry // gets the metrics; nil: there are none
	Logger   *slog.Logger
}

const (
	// followPolicy is how often the policy's file is looked at.
	followPolicy = 2 * time.Second
	// expireEvery is how often what is older than the retention is deleted.
	expireEvery = 10 * time.Minute
)

// Gates are the running gates. Its owner calls Close.
type Gates struct {
	cfg      Config
	log      *slog.Logger
	hub      *hub
	recorder *recorder
	metrics  *metrics
	cameras  map[string]*camera.Camera

	mu      sync.Mutex
	journal *journal.Journal
	closed  bool
	cancel  context.CancelFunc // ends the cameras; nil before Start
	done    chan struct{}      // closed when all cameras have ended
	running sync.WaitGroup     // cameras
	keepers sync.WaitGroup     // retention, policy
	retain  context.CancelFunc
}

// New returns gates whose cameras are not opened yet. It is an error when two cameras have one name, or the policy names a
// camera that there is not.
func New(cfg Config) (*Gates, error) {
	g := &Gates{cfg: cfg, log: cfg.Logger, cameras: map[string]*camera.Camera{}, done: make(chan struct{})}
	if g.log == nil {
		g.log = slog.Default()
	}
	for _, c := range cfg.Cameras {
		if g.cameras[c.Name] != nil {
			return nil, fmt.Errorf("gate.cameras: there are two cameras named %q", c.Name)
		}
		c.State = nil
		g.cameras[c.Name] = camera.New(c)
	}
	if cfg.Policy != nil {
		for _, name := range cfg.Policy.Policy().Cameras() {
			if g.cameras[name] == nil && len(cfg.Cameras) > 0 {
				return nil, fmt.Errorf("the gates' policy names camera %q, which gate.cameras has not; it has %q", name, slices.Sorted(maps.Keys(g.cameras)))
			}
		}
	}
	g.metrics = newMetrics(g)
	g.hub = newHub()
	if cfg.Registry != nil {
		if err := cfg.Registry.Register(g.metrics); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// Journal opens the journal on its first use.
func (g *Gates) Journal(ctx context.Context) (*journal.Journal, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, journal.ErrClosed
	}
	if g.journal != nil {
		return g.journal, nil
	}
	j, err := journal.Open(ctx, g.cfg.Journal)
	if err != nil {
		return nil, err
	}
	g.journal = j
	ctx, g.retain = context.WithCancel(context.WithoutCancel(ctx))
	g.keepers.Go(func() { j.Retain(ctx, expireEvery) })
	return j, nil
}

// Location is the time zone of the policy's days, or the machine's where there is no policy.
func (g *Gates) Location() *time.Location {
	if g.cfg.Policy == nil {
		return time.Local
	}
	return g.cfg.Policy.Policy().Location()
}

// NeedsLiveness tells whether any zone of the policy does.
func (g *Gates) NeedsLiveness() bool {
	return g.cfg.Policy != nil && g.cfg.Policy.Policy().NeedsLiveness()
}

// Start opens the cameras. It may be called once.
func (g *Gates) Start(ctx context.Context, r gate.Recogniser, scores gate.TrackerConfig) error {
	j, err := g.Journal(ctx)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.cancel != nil {
		return errors.New("the gates were started before, or closed")
	}
	ctx, g.cancel = context.WithCancel(context.WithoutCancel(ctx))
	g.recorder = startRecorder(g, j)
	cfg := g.cfg.Gate
	cfg.Recogniser, cfg.Tracker = r, scores
	cfg.Policy = g.policy()
	for _, c := range g.cfg.Cameras {
		if z, _ := cfg.Policy().Zone(c.Name); z == nil {
			g.log.WarnContext(ctx, "a camera watches no zone, so that nothing of it becomes an event: name it in the gates' policy", "camera", c.Name)
		}
		run := newRunner(g, c, cfg)
		g.running.Go(func() { run.run(ctx) })
	}
	go func() {
		g.running.Wait()
		close(g.done)
	}()
	if g.cfg.Policy != nil {
		g.keepers.Go(func() { g.cfg.Policy.Follow(ctx, followPolicy, func(err error) { g.reloaded(ctx, err) }) })
	}
	return nil
}

// noZones is the policy where there is no file.
var noZones = new(gate.Policy)

func (g *Gates) policy() func() *gate.Policy {
	if g.cfg.Policy == nil {
		return func() *gate.Policy { return noZones }
	}
	return g.cfg.Policy.Policy
}

func (g *Gates) reloaded(ctx context.Context, err error) {
	if err != nil {
		g.metrics.reloads.WithLabelValues("refused").Inc()
		g.log.ErrorContext(ctx, "the gates' policy file can't be used; the policy stays as it was", "error", err)
		return
	}
	g.metrics.reloads.WithLabelValues("taken").Inc()
	g.log.InfoContext(ctx, "the gates' policy has changed", "zones", g.cfg.Policy.Policy().Zones())
	for _, name := range g.cfg.Policy.Policy().Cameras() {
		if g.cameras[name] == nil {
			g.log.WarnContext(ctx, "the gates' policy names a camera that is not in gate.cameras", "camera", name)
		}
	}
}

// Done is closed when all cameras have ended, as those of files do.
func (g *Gates) Done() <-chan struct{} { return g.done }

// Cameras are the cameras' names and what they delivered.
func (g *Gates) Cameras() map[string]camera.Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := map[string]camera.Stats{}
	for name, c := range g.cameras {
		out[name] = c.Stats()
	}
	return out
}

// Drain ends the cameras and waits until what they saw is recorded and told.
func (g *Gates) Drain() {
	g.mu.Lock()
	cancel := g.cancel
	g.mu.Unlock()
	if cancel == nil {
		return
	}
	cancel()
	<-g.done
	g.recorder.close()
}

// Close ends everything. It is idempotent.
func (g *Gates) Close() error {
	if g == nil {
		return nil
	}
	g.Drain()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	if g.retain != nil {
		g.retain()
	}
	g.keepers.Wait()
	g.hub.close()
	if g.cfg.Registry != nil {
		g.cfg.Registry.Unregister(g.metrics)
	}
	if g.journal == nil {
		return nil
	}
	return g.journal.Close()
}
