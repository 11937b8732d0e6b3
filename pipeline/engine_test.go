package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// fakeStore has every model that does not begin with "no-".
type fakeStore struct{ version atomic.Int64 }

func (s *fakeStore) Resolve(id string) (models.Artifact, error) {
	if id[:3] == "no-" {
		return models.Artifact{}, models.ErrUnknown
	}
	v := s.version.Add(1)
	return models.Artifact{SHA256: fmt.Sprint(v), Source: models.SourceDisk, Entry: models.Entry{
		ID: id, Version: fmt.Sprint(v),
		Inputs: []models.TensorSpec{
			{Name: "x", DType: "float32", Shape: []int64{-1, -1}, BatchAxis: 0, Example: []int64{1, 4}},
			{Name: "state", DType: "float32", Shape: []int64{2, -1, 3}, BatchAxis: 1},
			{Name: "rate", DType: "int64", BatchAxis: -1},
		},
		Outputs: []models.TensorSpec{
			{Name: "y", Shape: []int64{-1, -1}, BatchAxis: 0},
			{Name: "stateN", Shape: []int64{2, -1, 3}, BatchAxis: 1},
		},
		Batch: models.BatchSpec{Max: 8, Dynamic: true},
	}}, nil
}

// fakeRuntime opens fake executors and keeps them.
type fakeRuntime struct {
	before func(ctx context.Context, a models.Artifact) error
	run    func(ctx context.Context, in pipeline.Tensors) error

	mu     sync.Mutex
	opened []*fakeExecutor
}

func (r *fakeRuntime) Open(ctx context.Context, a models.Artifact, o pipeline.Options) (pipeline.Executor, error) {
	if r.before != nil {
		if err := r.before(ctx, a); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	x := &fakeExecutor{before: r.run}
	r.opened = append(r.opened, x)
	return x, nil
}

func (r *fakeRuntime) open() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.opened {
		x.mu.Lock()
		n += 1 - x.closed
		x.mu.Unlock()
	}
	return n
}

func newEngine(t *testing.T, r *fakeRuntime) (*pipeline.Engine, *recorder) {
	seen := &recorder{}
	e, err := pipeline.NewEngine(pipeline.EngineConfig{Store: &fakeStore{}, Backend: r, Observer: seen,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	require.NoError(t, err)
	return e, seen
}

func TestEngineLife(t *testing.T) {
	r := &fakeRuntime{}
	e, seen := newEngine(t, r)
	_, err := e.Model("face")
	require.ErrorIs(t, err, pipeline.ErrNotLoaded)
	require.ErrorIs(t, e.Unload(background, "face"), pipeline.ErrNotLoaded)
	require.ErrorIs(t, e.Load(background, "no-face"), models.ErrUnknown)

	require.NoError(t, e.Load(background, "face"))
	require.Equal(t, []int{1, 8}, r.opened[0].Runs(), "warmed up alone and in the largest batch")
	m, err := e.Model("face")
	require.NoError(t, err)
	in := fakeInput(1, 2, 4, 3)
	out, id, err := m.RunIdentified(background, in)
	require.NoError(t, err)
	require.Equal(t, fakeOutput(in), out)
	require.Equal(t, pipeline.Identity{ID: "face", Version: "1", SHA256: "1", Source: "disk"}, id)
	require.Equal(t, "face", m.Entry().ID)
	require.Equal(t, fakeSignature, m.Signature())

	require.NoError(t, e.Load(background, "face"), "a hot swap")
	require.Equal(t, "2", m.Identity().Version)
	require.NoError(t, e.Unload(background, "face"))
	_, err = m.Run(background, in)
	require.ErrorIs(t, err, pipeline.ErrNotLoaded)
	require.Equal(t, pipeline.Rejected, pipeline.ReasonOf(err))
	require.NoError(t, e.Load(background, "face"))
	_, err = m.Run(background, in)
	require.NoError(t, err, "the handle came back to life")
	require.NoError(t, m.Close())
	_, err = m.Run(background, in)
	require.ErrorContains(t, err, "handle is closed")
	_, err = e.Model("face")
	require.NoError(t, err, "other handles are not closed")

	status := e.Status()
	require.Len(t, status, 2)
	require.Equal(t, pipeline.Ready, status[0].State)
	require.Equal(t, pipeline.Failed, status[1].State)
	require.ErrorIs(t, status[1].Err, models.ErrUnknown)

	require.NoError(t, e.Close())
	require.NoError(t, e.Close())
	require.Zero(t, r.open())
	require.Equal(t, pipeline.Rejected, pipeline.ReasonOf(e.Load(background, "face")))
	require.Equal(t, pipeline.Unloaded, e.Status()[0].State)
	require.Equal(t, []string{
		"no-face LOADING", "no-face FAILED", "face LOADING", "face WARMING", "face READY", // the swap is not seen from outside
		"face READY", "face UNLOADING", "face UNLOADED", "face LOADING", "face WARMING", "face READY", "face UNLOADING", "face UNLOADED",
	}, seen.states)
}

func TestAFailedLoadKeepsTheOldVersion(t *testing.T) {
	broken := errors.New("out of memory")
	var fail atomic.Pointer[error]
	r := &fakeRuntime{}
	r.run = func(context.Context, pipeline.Tensors) error {
		if err := fail.Load(); err != nil {
			return *err
		}
		return nil
	}
	e, _ := newEngine(t, r)
	require.NoError(t, e.Load(background, "face"))
	m, err := e.Model("face")
	require.NoError(t, err)
	fail.Store(&broken)
	require.ErrorIs(t, e.Load(background, "face"), broken, "the warm-up failed")
	fail.Store(nil)
	_, err = m.Run(background, fakeInput(1, 1, 4, 2))
	require.NoError(t, err)
	require.Equal(t, "1", m.Identity().Version)
	require.Equal(t, 1, r.open(), "the broken one was closed")
	status := e.Status()[0]
	require.Equal(t, pipeline.Ready, status.State)
	require.Empty(t, status.Next)
	require.ErrorIs(t, status.Err, broken)
	require.NoError(t, e.Close())
}

func TestConcurrentLoadsAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r := &fakeRuntime{}
		r.before = func(ctx context.Context, _ models.Artifact) error {
			select {
			case <-gate:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		e, _ := newEngine(t, r)
		impatient, cancel := context.WithCancel(background)
		var wg sync.WaitGroup
		wg.Go(func() {
			assert.Equal(t, pipeline.Canceled, pipeline.ReasonOf(e.Load(impatient, "face")))
		})
		for range 5 {
			wg.Go(func() { assert.NoError(t, e.Load(background, "face")) })
		}
		synctest.Wait()
		require.Equal(t, pipeline.Loading, e.Status()[0].State)
		cancel() // the one who came first leaves; the others still want it
		synctest.Wait()
		close(gate)
		wg.Wait()
		require.Len(t, r.opened, 1)

		gate = make(chan struct{})
		alone, stop := context.WithTimeout(background, time.Second)
		defer stop()
		require.Equal(t, pipeline.DeadlineExceeded, pipeline.ReasonOf(e.Load(alone, "other")))
		synctest.Wait()
		require.Equal(t, pipeline.Failed, e.Status()[1].State, "nobody waits: given up")

		go func() { _ = e.Load(background, "third") }()
		synctest.Wait()
		require.NoError(t, e.Close(), "which gives up the load that still waits")
		require.Zero(t, r.open())
	})
}

func TestUnloadWaitsForRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r := &fakeRuntime{run: func(_ context.Context, in pipeline.Tensors) error {
			if in["rate"].Int64[0] != 0 { // not the warm-up
				<-gate
			}
			return nil
		}}
		e, _ := newEngine(t, r)
		require.NoError(t, e.Load(background, "face"))
		m, err := e.Model("face")
		require.NoError(t, err)
		var wg sync.WaitGroup
		for id := range 3 {
			wg.Go(func() {
				_, err := m.Run(background, fakeInput(id, 1, 4, 2))
				assert.NoError(t, err)
			})
		}
		synctest.Wait()
		soon, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		require.Equal(t, pipeline.DeadlineExceeded, pipeline.ReasonOf(e.Unload(soon, "face")))
		require.Equal(t, pipeline.Unloading, e.Status()[0].State)
		_, err = m.Run(background, fakeInput(9, 1, 4, 2))
		require.Equal(t, pipeline.Rejected, pipeline.ReasonOf(err))
		require.Equal(t, 1, r.open())
		close(gate)
		wg.Wait()
		require.NoError(t, e.Close())
		require.Zero(t, r.open())
	})
}

// Versions are swapped under load as fast as they can be: no request may fail or get another's result.
func TestHotSwapDropsNothing(t *testing.T) {
	r := &fakeRuntime{}
	e, seen := newEngine(t, r)
	require.NoError(t, e.Load(background, "face"))
	m, err := e.Model("face")
	require.NoError(t, err)
	stop := make(chan struct{})
	progress := make(chan struct{}, 1)
	var served atomic.Int64
	var wg sync.WaitGroup
	for caller := range 16 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				in := fakeInput(caller*7+i, 1, 4, 2)
				out, err := m.Run(background, in)
				if !assert.NoError(t, err) || !assert.Equal(t, fakeOutput(in), out) {
					return
				}
				served.Add(1)
				select {
				case progress <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 50 {
		require.NoError(t, e.Load(background, "face"))
		<-progress // on a busy machine the callers must get their turn too
	}
	close(stop)
	wg.Wait()
	require.NoError(t, e.Close())
	require.Zero(t, r.open())
	require.EqualValues(t, served.Load(), seen.reasons()[""])
	require.Len(t, seen.reasons(), 1, "nothing but successes: %v", seen.reasons())
}

func TestCheckEntry(t *testing.T) {
	a, err := new(fakeStore).Resolve("face")
	require.NoError(t, err)
	_, err = pipeline.CheckEntry(fakeSignature, a.Entry)
	require.NoError(t, err)
	for want, change := range map[string]func(e *models.Entry){
		`has no input "xx"`:                             func(e *models.Entry) { e.Inputs[0].Name = "xx" },
		`input "rate" is not in the catalogue`:          func(e *models.Entry) { e.Inputs = e.Inputs[:2] },
		`input "x" is int64 in the catalogue`:           func(e *models.Entry) { e.Inputs[0].DType = "int64" },
		`input "state" has shape [2 -1 4]`:              func(e *models.Entry) { e.Inputs[1].Shape = []int64{2, -1, 4} },
		`input "state" has shape [-1 -1 3]`:             func(e *models.Entry) { e.Inputs[1].Shape = []int64{-1, -1, 3} },
		`output "y" has shape [-1]`:                     func(e *models.Entry) { e.Outputs[0].Shape = []int64{-1} },
		`has no output "z"`:                             func(e *models.Entry) { e.Outputs[0].Name = "z" },
		`of rank 2 has no batch_axis 2`:                 func(e *models.Entry) { e.Inputs[0].BatchAxis = 2 },
		`input "state" can't be batched`:                func(e *models.Entry) { e.Inputs[1].BatchAxis = 0 },
		`output "stateN" has no batch_axis in the cata`: func(e *models.Entry) { e.Outputs = e.Outputs[:1] },
	} {
		a, _ := new(fakeStore).Resolve("face")
		change(&a.Entry)
		_, err := pipeline.CheckEntry(fakeSignature, a.Entry)
		require.ErrorContains(t, err, want)
	}
}

// A stream's states belong to the version that it began with: that one stays while it is held, and answers the handle alone.
func TestAHeldVersionOutlivesItsReplacement(t *testing.T) {
	r := &fakeRuntime{}
	e, _ := newEngine(t, r)
	require.NoError(t, e.Load(background, "face"))
	m, err := e.Model("face")
	require.NoError(t, err)
	_, ok := m.Hold()
	require.False(t, ok, "a handle that follows replacements holds nothing")
	first := m.Fix()
	release, ok := first.Hold()
	require.True(t, ok)
	again, ok := first.Hold()
	require.True(t, ok)

	require.NoError(t, e.Load(background, "face"))
	require.Equal(t, "2", m.Identity().Version)
	require.Equal(t, "1", first.Identity().Version)
	require.False(t, first.Same(m.Fix()))
	in := fakeInput(1, 2, 4, 3)
	_, id, err := first.RunIdentified(background, in)
	require.NoError(t, err)
	require.Equal(t, "1", id.Version)
	again()
	again()
	_, _, err = first.Part("").RunIdentified(background, in)
	require.NoError(t, err, "it is held once more")
	release()
	require.Eventually(t, func() bool { return r.open() == 1 }, time.Minute, time.Millisecond, "the last one lets it go")
	_, err = first.Run(background, in)
	require.ErrorIs(t, err, pipeline.ErrNotLoaded)
	_, ok = first.Hold()
	require.False(t, ok)

	// Unloading is a demand for the memory: nothing is kept from it.
	second := m.Fix()
	release, ok = second.Hold()
	require.True(t, ok)
	require.NoError(t, e.Load(background, "face"))
	require.NoError(t, e.Unload(background, "face"))
	require.Eventually(t, func() bool { return r.open() == 0 }, time.Minute, time.Millisecond)
	_, err = second.Run(background, in)
	require.ErrorIs(t, err, pipeline.ErrNotLoaded)
	require.Nil(t, m.Fix())
	release()

	require.NoError(t, e.Load(background, "face"))
	release, ok = m.Fix().Hold()
	require.True(t, ok)
	require.NoError(t, e.Load(background, "face"))
	require.NoError(t, e.Close())
	require.Zero(t, r.open(), "a closed engine keeps nothing")
	release()
}
