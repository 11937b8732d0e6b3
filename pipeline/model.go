package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/courtsense/courtsense/models"
)

// Identity says exactly which model gave an answer.
type Identity struct {
	ID      string // catalogue id
	Version string // as the publisher names it
	SHA256  string // hex, of the model's file
	Device  string // "cpu", "cuda:0", ...
	Source  string // "disk", "embedded", "system" or "remote"
}

// Model is a handle on a served model. It stays valid when the model is replaced by another version, unloaded and loaded
// again: each Run goes to the version that serves at that moment, and fails with REJECTED when there is none.
type Model struct {
	engine *Engine
	slot   *slot
	role   string   // of the network that runs; "" is the main one
	fixed  *version // nil: whichever serves
	closed atomic.Bool
}

var _ Executor = (*Model)(nil)

// Model returns a handle on a model that is being served. The error wraps [ErrNotLoaded] when it is not.
func (e *Engine) Model(id string) (*Model, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, ok := e.slots[id]
	if !ok || s.current.Load() == nil {
		return nil, e.fail(Rejected, id, ErrNotLoaded)
	}
	return &Model{engine: e, slot: s}, nil
}

// Part returns a handle on one network of the same model, by its file's role, such as the decoder of a transducer. Runs
// fail with REJECTED when the model has none. The handle's [Model.Entry] is the catalogue entry with that network's tensors.
func (m *Model) Part(role string) *Model {
	return &Model{engine: m.engine, slot: m.slot, role: role, fixed: m.fixed}
}

// Fix returns a handle on the version that serves now, and on none that replaces it, for streams, whose states belong to one
// version. It is nil when none serves. Without a [Model.Hold] its runs fail once the version is replaced.
func (m *Model) Fix() *Model {
	v := m.serving()
	if v == nil {
		return nil
	}
	return &Model{engine: m.engine, slot: m.slot, role: m.role, fixed: v}
}

// Same reports whether two handles that [Model.Fix] made run the same version: one that was loaded again is another.
func (m *Model) Same(o *Model) bool { return m.fixed == o.fixed }

// Hold keeps the version of a handle that [Model.Fix] made open until release is called, which is idempotent, though another
// version may serve by then. Unloading the model and closing the engine end it sooner. It is false when the version is gone.
func (m *Model) Hold() (release func(), ok bool) {
	if m.fixed == nil || !m.engine.hold(m.fixed) {
		return nil, false
	}
	return sync.OnceFunc(func() { m.engine.release(m.fixed) }), true
}

// serving is the version that the handle runs, or nil.
func (m *Model) serving() *version {
	if m.fixed != nil {
		return m.fixed
	}
	return m.slot.current.Load()
}

// Run implements [Executor].
func (m *Model) Run(ctx context.Context, inputs Tensors) (Tensors, error) {
	out, _, err := m.RunIdentified(ctx, inputs)
	return out, err
}

// RunIdentified is Run, and says which version ran: after a swap that need not be the one that Identity now returns.
func (m *Model) RunIdentified(ctx context.Context, inputs Tensors) (Tensors, Identity, error) {
	start := time.Now()
	for {
		v := m.serving()
		if v == nil || m.closed.Load() {
			err := ErrNotLoaded
			if m.closed.Load() {
				err = errors.New("the handle is closed")
			}
			return nil, Identity{}, m.reject(start, err)
		}
		p := v.part(m.role)
		if p == nil {
			return nil, Identity{}, m.reject(start, fmt.Errorf("the model has no network in the role %q", m.role))
		}
		out, err := p.batcher.Run(ctx, inputs)
		if !errors.Is(err, errBatcherClosed) {
			return out, v.identity, err
		}
		if m.fixed != nil {
			return nil, Identity{}, m.reject(start, fmt.Errorf("version %s was replaced or unloaded: %w", v.identity.Version, ErrNotLoaded))
		}
		// The version was retired between the look-up and the call; nothing has run.
		if m.slot.current.Load() == v {
			return nil, Identity{}, m.reject(start, errBatcherClosed)
		}
	}
}

func (m *Model) reject(start time.Time, err error) error {
	m.engine.cfg.Observer.RequestFinished(RequestStats{Model: m.slot.id, Reason: Rejected, Queue: time.Since(start)})
	return &Failure{Reason: Rejected, Model: m.slot.id, Err: err}
}

// Signature implements [Executor]; it is empty while nothing is served.
func (m *Model) Signature() Signature {
	if p := m.part(); p != nil {
		return p.batcher.Signature()
	}
	return Signature{}
}

// Describe implements [Described]; it is empty while nothing is served.
func (m *Model) Describe() Description {
	if p := m.part(); p != nil {
		return p.batcher.Describe()
	}
	return Description{}
}

func (m *Model) part() *part {
	if v := m.serving(); v != nil {
		return v.part(m.role)
	}
	return nil
}

// Entry returns the catalogue entry of the version that serves, or the zero entry.
func (m *Model) Entry() models.Entry {
	if p := m.part(); p != nil {
		return p.entry
	}
	return models.Entry{}
}

// Identity returns the identity of the version that serves, or the zero identity.
func (m *Model) Identity() Identity {
	if v := m.serving(); v != nil {
		return v.identity
	}
	return Identity{}
}

// Close implements [Executor]: it ends this handle and leaves the model loaded.
func (m *Model) Close() error {
	m.closed.Store(true)
	return nil
}

// warmUp runs the model with zeros, alone and in its largest batch, so that the first caller does not pay for lazy
// allocation and kernel selection, and a wrong batch axis in the catalogue is found before it mixes up callers.
//
// An entry without inputs is not warmed up: only its decoding family knows what the model takes.
func warmUp(ctx context.Context, x Executor, e models.Entry, cfg BatchConfig) error {
	if len(e.Inputs) == 0 {
		return nil
	}
	j := newJoiner(x.Signature(), cfg.Axes, cfg.Pool)
	batches := []int{1}
	if cfg.MaxBatch > 1 && j.joinable() {
		batches = append(batches, cfg.MaxBatch)
	}
	for _, rows := range batches {
		inputs, err := zeros(j, e, rows)
		if err != nil {
			return err
		}
		out, err := x.Run(ctx, inputs)
		if err != nil {
			return fmt.Errorf("batch of %d: %w", rows, err)
		}
		if !j.joinable() {
			continue
		}
		if _, err := j.split(out, []int{rows}, rows); err != nil {
			return fmt.Errorf("batch of %d: %w", rows, err)
		}
	}
	return nil
}

func zeros(j joiner, e models.Entry, rows int) (Tensors, error) {
	inputs := make(Tensors, len(j.sig.Inputs))
	for i, info := range j.sig.Inputs {
		spec, ok := e.Input(info.Name)
		if !ok {
			return nil, fmt.Errorf("input %q is not in the catalogue entry", info.Name)
		}
		t := Tensor{Shape: spec.WarmupShape()}
		if axis := j.in[i]; axis >= 0 && axis < len(t.Shape) && info.Shape[axis] < 0 {
			t.Shape[axis] = int64(rows)
		}
		switch info.DType {
		case Float32:
			t.Float32 = make([]float32, t.Elements())
		case Int64:
			t.Int64 = make([]int64, t.Elements())
		case Uint8:
			t.Uint8 = make([]uint8, t.Elements())
		}
		inputs[info.Name] = t
	}
	return inputs, nil
}
