package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/courtsense/courtsense/internal/gates"
	"github.com/courtsense/courtsense/internal/server"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/internal/webhook"
	"github.com/courtsense/courtsense/vision/camera"
	"github.com/courtsense/courtsense/vision/gate"
	"github.com/courtsense/courtsense/vision/gate/journal"
)

// cameraHealth begins the name under which grpc.health.v1 knows a camera.
const cameraHealth = "cameras/"

// gateway is the gates with what they hang on.
type gateway struct {
	app     *App
	face    *service.Face
	running *gates.Gates // nil without a key
	webhook *webhook.Sender
	problem error // why the cameras can't be opened

	mu     sync.Mutex
	live   map[string]bool // cameras
	server *server.Server
}

// WatchOptions are for those who watch in this process.
type WatchOptions struct {
	// Observed is told of every picture that was looked at, and with Every of all; its camera waits for it.
	Observed func(camera string, f gate.Frame, o gate.Observation)
	Every    bool
}

// newGateway sets the gates up. A mistake in their configuration is found now, and told when they are to be started: whoever
// only works on pictures is not concerned.
func (a *App) newGateway() *gateway {
	w := &gateway{app: a, live: map[string]bool{}}
	if a.galleries == nil {
		if len(a.cfg.Gate.Cameras) > 0 {
			w.problem = errors.New("gate.cameras: gates need galleries, which are only kept encrypted, and there is no key: make one with 'courtsense gallery keygen FILE', and name it in galleries.key_file")
		}
		return w
	}
	cfg, err := a.gateConfig(w)
	if err == nil {
		w.running, err = gates.New(cfg)
	}
	if err != nil {
		w.problem = err
		// What was recorded can be asked for all the same.
		cfg.Cameras, cfg.Policy, cfg.Webhook = nil, nil, nil
		if w.running, err = gates.New(cfg); err != nil {
			w.problem = errors.Join(w.problem, err)
		}
	}
	return w
}

var cameraName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

func (a *App) gateConfig(w *gateway) (gates.Config, error) {
	c := a.cfg.Gate
	out := gates.Config{
		Journal: journal.Config{Path: c.Path, Keys: a.galleries.cfg.Keys, Retention: c.Retention.Std(), Logger: a.log},
		Gate: gate.Config{
			LookEvery: c.LookInterval.Std(), MinFrames: c.MinFrames, MinFace: float32(c.MinFace), Patience: max(c.Patience.Std(), 1), Tailgate: max(c.Tailgate.Std(), 1),
		},
		Health: w.health, Observed: a.o.Watch.Observed, Every: a.o.Watch.Every, Logger: a.log,
	}
	if out.Journal.Path == "" {
		out.Journal.Path = filepath.Join(filepath.Dir(a.galleries.cfg.Path), "gates.db")
	}
	if a.o.Metrics != nil {
		out.Registry = a.o.Metrics.Registry()
	}
	for i, text := range c.Cameras {
		name, address, ok := strings.Cut(text, "=")
		if !ok || !cameraName.MatchString(name) {
			return out, fmt.Errorf("gate.cameras: an entry is NAME=SOURCE, with a name of 1 to 63 of a-z, 0-9, \"-\" and \"_\"; number %d is not", i+1)
		}
		source, err := camera.ParseSource(address)
		if err != nil {
			return out, fmt.Errorf("gate.cameras: %s: %w", name, err)
		}
		out.Cameras = append(out.Cameras, camera.Config{
			Name: name, Source: source, Limits: ImageLimits(a.cfg.Limits), Silence: c.CameraSilence.Std(), LongestRetry: c.CameraRetry.Std(),
		})
	}
	var err error
	if c.Policy != "" {
		if out.Policy, err = gate.OpenPolicy(c.Policy); err != nil {
			return out, fmt.Errorf("gate.policy: %w", err)
		}
	}
	if c.Webhook.URL != "" {
		err = a.openWebhook(w, &out)
	}
	return out, err
}

func (a *App) openWebhook(w *gateway, out *gates.Config) error {
	c := a.cfg.Gate.Webhook
	if c.SecretFile == "" {
		return errors.New("gate.webhook: events are only posted signed: name the secret's file in gate.webhook.secret_file")
	}
	text, err := os.ReadFile(c.SecretFile)
	if err != nil {
		return fmt.Errorf("gate.webhook.secret_file: %w", err)
	}
	secret, err := webhook.ParseSecret(string(text))
	if err != nil {
		return fmt.Errorf("gate.webhook.secret_file: %w", err)
	}
	w.webhook, err = webhook.New(webhook.Config{
		URL: c.URL, Secret: secret, Queue: c.Queue, Timeout: c.Timeout.Std(), GiveUp: max(c.GiveUp.Std(), 1), Logger: a.log,
		Outcome: func(o webhook.Outcome) { w.running.Delivered(o) },
	})
	if err != nil {
		return fmt.Errorf("gate.webhook: %w", err)
	}
	out.Webhook, out.Body = w.webhook, service.GateEventJSON
	return nil
}

// serves keeps the service whose models the gates use.
func (w *gateway) serves(f *service.Face) *service.Face {
	w.face = f
	return f
}

// announce has the server's health say how the cameras are, from now on.
func (w *gateway) announce(s *server.Server) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.server = s
	for name, live := range w.live {
		s.SetServing(cameraHealth+name, live)
	}
}

func (w *gateway) health(name string, live bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if was, known := w.live[name]; known && was == live {
		return
	}
	w.live[name] = live
	if w.server != nil {
		w.server.SetServing(cameraHealth+name, live)
	}
}

// StartGates opens the configured cameras; without any it does nothing. An error is a mistake in the configuration, or a journal
// that can't be used. What is missing besides is noted: it may come later, and until then nobody is admitted.
func (a *App) StartGates(ctx context.Context) error {
	w := a.gates
	switch {
	case w == nil || w.problem == nil && len(a.cfg.Gate.Cameras) == 0:
		return nil
	case w.problem != nil:
		return w.problem
	}
	a.progress("opening cameras")
	r := w.face.NewGateRecogniser(a.cfg.Gate.FPIR)
	if err := r.Ready(ctx, w.running.NeedsLiveness()); err != nil {
		a.note("the gates admit nobody: %v", err)
	}
	scores, err := r.Scores()
	if err != nil {
		return fmt.Errorf("gate.cameras: faces can't be found: %w", err)
	}
	for name := range w.running.Cameras() {
		w.health(name, false)
	}
	if err := w.running.Start(ctx, r, scores); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	return nil
}

// Gates are the gates, nil when there are none.
func (a *App) Gates() *gates.Gates {
	if a.gates == nil {
		return nil
	}
	return a.gates.running
}

// Close ends the cameras, then the webhook. It is idempotent.
func (w *gateway) Close() error {
	if w == nil {
		return nil
	}
	err := w.running.Close()
	if w.webhook != nil {
		err = errors.Join(err, w.webhook.Close())
	}
	return err
}

// GateRecogniser is what the gates look at faces with, for measuring it without a camera, and the scores that its detections are
// followed from.
func (a *App) GateRecogniser() (*service.GateRecogniser, gate.TrackerConfig, error) {
	if a.gates == nil {
		return nil, gate.TrackerConfig{}, errors.New("faces are no part of this app")
	}
	r := a.gates.face.NewGateRecogniser(a.cfg.Gate.FPIR)
	scores, err := r.Scores()
	return r, scores, err
}
