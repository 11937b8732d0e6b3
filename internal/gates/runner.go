package gates

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/courtsense/courtsense/vision/camera"
	"github.com/courtsense/courtsense/vision/gate"
)

// runner is one camera at work.
type runner struct {
	gates  *Gates
	name   string
	camera *camera.Camera
	gate   *gate.Gate
	policy func() *gate.Policy

	looks  time.Duration // least time between two pictures that are wanted
	wanted atomic.Int64  // time of the last one, unix nanoseconds
	lost   atomic.Bool   // an event has said so
	said   time.Time     // when a failure of recognition was logged last
}

// sayEvery is how often a camera's log says that recognition fails; metrics count every time.
const sayEvery = time.Minute

func newRunner(g *Gates, c camera.Config, cfg gate.Config) *runner {
	cfg.Camera = c.Name
	r := &runner{gates: g, name: c.Name, gate: gate.New(cfg), policy: cfg.Policy, looks: cfg.LookEvery}
	c.State = r.state
	r.camera = camera.New(c)
	g.cameras[c.Name] = r.camera
	return r
}

// run follows the camera until ctx ends, or its file does. A mistake in the program ends one picture's work, not the gate.
func (r *runner) run(ctx context.Context) {
	for {
		err := r.guarded(ctx)
		switch {
		case ctx.Err() != nil, err == nil:
		case errors.Is(err, camera.ErrNoOpenCV):
			r.gates.log.ErrorContext(ctx, "a camera can't be used", "camera", r.name, "error", err)
			r.state(camera.State{Reason: err.Error()})
		default:
			r.gates.log.ErrorContext(ctx, "a camera's work failed and begins anew", "camera", r.name, "error", err)
			r.flush(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
				continue
			}
		}
		break
	}
	r.flush(ctx)
	r.health(false)
}

func (r *runner) guarded(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			r.gates.log.ErrorContext(ctx, "panic at a gate", "camera", r.name, "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return r.camera.Run(ctx, r.want, r.take)
}

// want picks the pictures in which faces are looked for; the others are not decoded.
func (r *runner) want(at time.Time) bool {
	if r.gates.cfg.Every {
		return true
	}
	if at.UnixNano()-r.wanted.Load() < int64(r.looks) {
		return false
	}
	r.wanted.Store(at.UnixNano())
	return true
}

func (r *runner) take(ctx context.Context, f camera.Frame) error {
	frame := gate.Frame{Image: f.Image, Time: f.Time}
	began := time.Now()
	o, err := r.gate.Observe(ctx, frame)
	r.gates.metrics.looks.WithLabelValues(r.name).Observe(time.Since(began).Seconds())
	if err != nil && ctx.Err() == nil {
		r.gates.metrics.failures.WithLabelValues(r.name).Inc()
		if time.Since(r.said) > sayEvery {
			r.said = time.Now()
			r.gates.log.ErrorContext(ctx, "faces at a gate can't be recognised", "camera", r.name, "error", err)
		}
	}
	r.report(ctx, o)
	if r.gates.cfg.Observed != nil {
		r.gates.cfg.Observed(r.name, frame, o)
	}
	return nil
}

// state is told by the camera. A camera that is lost is flushed here: the camera's goroutine takes no pictures meanwhile.
func (r *runner) state(s camera.State) {
	ctx := context.Background()
	r.health(s.Live)
	if s.Live {
		if r.lost.CompareAndSwap(true, false) {
			r.gates.log.InfoContext(ctx, "a camera is back", "camera", r.name)
			r.gates.recorder.post(entry{events: []gate.Event{r.policy().CameraEvent(gate.CameraRestored, r.name, "", s.Since)}})
		}
		return
	}
	r.flush(ctx)
	if r.lost.CompareAndSwap(false, true) {
		r.gates.log.WarnContext(ctx, "a camera is lost", "camera", r.name, "why", s.Reason, "retry", s.Retry.String())
		r.gates.recorder.post(entry{events: []gate.Event{r.policy().CameraEvent(gate.CameraLost, r.name, s.Reason, s.Since)}})
	}
}

func (r *runner) health(live bool) {
	if r.gates.cfg.Health != nil {
		r.gates.cfg.Health(r.name, live)
	}
}

// flush decides on whoever was in the picture when it ended. The models may be asked once more though the server stops.
func (r *runner) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	at := r.camera.Stats().LastFrame
	if at.IsZero() {
		at = time.Now()
	}
	r.report(ctx, r.gate.Flush(ctx, at))
}

func (r *runner) report(ctx context.Context, o gate.Observation) {
	for _, e := range o.Events {
		// Who it was is in the journal, not in the log.
		r.gates.log.InfoContext(ctx, "gate event", "camera", r.name, "zone", e.Zone, "type", e.Type.String(), "rule", e.Rule, "reason", e.Reason, "alarm", e.Alarm)
	}
	if len(o.Events)+len(o.Endings) > 0 {
		r.gates.recorder.post(entry{o.Events, o.Endings})
	}
}
