package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline"
)

// recorder is an Observer that keeps what it is told.
type recorder struct {
	mu       sync.Mutex
	requests []pipeline.RequestStats
	runs     []pipeline.RunStats
	states   []string
}

func (r *recorder) RequestFinished(s pipeline.RequestStats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, s)
}

func (r *recorder) RunFinished(s pipeline.RunStats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs = append(r.runs, s)
}

func (r *recorder) StateChanged(model string, s pipeline.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, model+" "+string(s))
}

func (r *recorder) reasons() map[pipeline.Reason]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := map[pipeline.Reason]int{}
	for _, s := range r.requests {
		n[s.Reason]++
	}
	return n
}

// bench is a batcher around a fake executor whose runs wait for the test's leave, inside a synctest bubble.
type bench struct {
	t     *testing.T
	fake  *fakeExecutor
	b     *pipeline.Batcher
	seen  *recorder
	gate  chan error // one value lets one run go on, with that error
	calls sync.WaitGroup
}

func newBench(t *testing.T, cfg pipeline.BatchConfig) *bench {
	k := &bench{t: t, seen: &recorder{}, gate: make(chan error)}
	k.fake = &fakeExecutor{before: func(ctx context.Context, _ pipeline.Tensors) error {
		select {
		case err := <-k.gate:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	cfg.Model, cfg.Axes, cfg.Observer, cfg.Logger = "fake", fakeAxes, k.seen, slog.New(slog.NewTextHandler(io.Discard, nil))
	k.b = pipeline.NewBatcher(k.fake, cfg)
	return k
}

// call starts a request whose result must be right, or fail for the reason, and waits until it is where it can get to.
func (k *bench) call(ctx context.Context, in pipeline.Tensors, want pipeline.Reason) {
	k.calls.Go(func() {
		out, err := k.b.Run(ctx, in)
		if want != "" {
			assert.Error(k.t, err)
			assert.Equal(k.t, want, pipeline.ReasonOf(err), "%v", err)
			return
		}
		if assert.NoError(k.t, err) {
			assert.Equal(k.t, fakeOutput(in), out)
		}
	})
	synctest.Wait()
}

func (k *bench) finish() {
	close(k.gate)
	k.calls.Wait()
	require.NoError(k.t, k.b.Close())
	require.NoError(k.t, k.b.Close(), "idempotent")
	require.Equal(k.t, 1, k.fake.closed, "the executor is closed once")
	require.Equal(k.t, pipeline.Load{}, k.b.Load())
}

var background = context.Background()

func TestJoinsWhatQueuedDuringTheLastRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newBench(t, pipeline.BatchConfig{MaxBatch: 8})
		for id := range 7 {
			k.call(background, fakeInput(id, 1+id%2, 4, 2), "")
		}
		require.Equal(t, pipeline.Load{Queued: 6, Running: 1}, k.b.Load())
		k.gate <- nil
		synctest.Wait()
		require.Equal(t, []int{1, 8}, k.fake.Runs(), "2+1+2+1+2 rows are a full batch")
		k.finish()
		require.Equal(t, []int{1, 8, 1}, k.fake.Runs())
		require.Equal(t, map[pipeline.Reason]int{"": 7}, k.seen.reasons())
		require.Equal(t, 5, k.seen.runs[1].Requests)
		require.Equal(t, 8, k.seen.runs[1].Rows)
	})
}

func TestOnlyEqualShapeClassesJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newBench(t, pipeline.BatchConfig{MaxBatch: 8})
		k.call(background, fakeInput(0, 1, 4, 2), "")
		k.call(background, fakeInput(1, 1, 4, 2), "")
		k.call(background, fakeInput(2, 1, 5, 2), "") // another width
		k.call(background, fakeInput(3, 1, 4, 3), "") // another scalar
		k.call(background, fakeInput(4, 1, 5, 2), "")
		k.call(background, fakeInput(5, 1, 4, 2), "")
		k.finish()
		require.Equal(t, []int{1, 2, 2, 1}, k.fake.Runs(), "first of all the class of the oldest request")
	})
}

func TestALoneCallerNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newBench(t, pipeline.BatchConfig{MaxBatch: 8, MaxDelay: time.Hour})
		start := time.Now()
		for id := range 3 {
			k.call(background, fakeInput(id, 2, 4, 2), "")
			k.gate <- nil
			k.calls.Wait()
		}
		require.Zero(t, time.Since(start))
		k.finish()
		require.Equal(t, []int{2, 2, 2}, k.fake.Runs())
	})
}

func TestWaitsForLikelyCompanionsUpToMaxDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = 5 * time.Millisecond
		k := newBench(t, pipeline.BatchConfig{MaxBatch: 8, MaxDelay: delay})
		for id := range 4 {
			k.call(background, fakeInput(id, 1, 4, 2), "")
		}
		k.gate <- nil // 1 ran, 3 waited: four callers want the model
		synctest.Wait()
		require.Equal(t, []int{1}, k.fake.Runs(), "three of four are there")
		start := time.Now()
		k.call(background, fakeInput(5, 1, 4, 2), "")
		require.Equal(t, []int{1, 4}, k.fake.Runs(), "the fourth came back")
		require.Zero(t, time.Since(start))
		k.gate <- nil
		synctest.Wait()

		k.call(background, fakeInput(6, 1, 4, 2), "")
		time.Sleep(delay - 1)
		synctest.Wait()
		require.Equal(t, []int{1, 4}, k.fake.Runs(), "three more may come")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Equal(t, []int{1, 4, 1}, k.fake.Runs(), "nobody came in time")
		k.finish()
	})
}

func TestAFullQueueRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newBench(t, pipeline.BatchConfig{MaxBatch: 2, QueueLimit: 3})
		for id := range 4 {
			k.call(background, fakeInput(id, 1, 4, 2), "")
		}
		start := time.Now()
		k.call(background, fakeInput(9, 1, 4, 2), pipeline.Rejected)
		require.Zero(t, time.Since(start))
		require.Equal(t, map[pipeline.Reason]int{pipeline.Rejected: 1}, k.seen.reasons())
		k.finish()
	})
}

func TestLeavingTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newBench(t, pipeline.BatchConfig{MaxBatch: 8})
		k.call(background, fakeInput(0, 1, 4, 2), "")
		ctx, cancel := context.WithCancel(background)
		k.call(ctx, fakeInput(1, 1, 4, 2), pipeline.Canceled)
		late, stop := context.WithTimeout(background, time.Second)
		defer stop()
		k.call(late, fakeInput(2, 1, 4, 2), pipeline.DeadlineExceeded)
		k.call(background, fakeInput(3, 1, 4, 2), "")
		require.Equal(t, 3, k.b.Load().Queued)
		cancel()
		synctest.Wait()
		require.Equal(t, 2, k.b.Load().Queued)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, 1, k.b.Load().Queued)
		k.call(ctx, fakeInput(4, 1, 4, 2), pipeline.Canceled) // ended before it came
		k.finish()
		require.Equal(t, []int{1, 1}, k.fake.Runs(), "those who left were not run")
		require.Equal(t, map[pipeline.Reason]int{"": 2, pipeline.Canceled: 2, pipeline.DeadlineExceeded: 1}, k.seen.reasons())
	})
}

func TestLeavingAJoinedRunLetsTheNeighboursFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newBench(t, pipeline.BatchConfig{MaxBatch: 8})
		k.call(background, fakeInput(0, 1, 4, 2), "")
		ctx, cancel := context.WithCancel(background)
		left := make(chan struct{})
		go func() {
			defer close(left)
			_, err := k.b.Run(ctx, fakeInput(1, 1, 4, 2))
			assert.Equal(t, pipeline.Canceled, pipeline.ReasonOf(err))
		}()
		synctest.Wait()
		k.call(background, fakeInput(2, 1, 4, 2), "")
		k.gate <- nil
		synctest.Wait()
		require.Equal(t, []int{1, 2}, k.fake.Runs())
		cancel()
		<-left // while the run is still held by the gate
		require.Equal(t, 2, k.b.Load().Running)
		k.finish()
	})
}

func TestARunThatAllCallersLeftIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newBench(t, pipeline.BatchConfig{MaxBatch: 8})
		k.call(background, fakeInput(0, 1, 4, 2), "")
		ctx, cancel := context.WithCancel(background)
		for id := range 3 {
			k.call(ctx, fakeInput(id, 1, 4, 2), pipeline.Canceled)
		}
		k.gate <- nil
		synctest.Wait()
		require.Equal(t, []int{1, 3}, k.fake.Runs())
		cancel()
		k.calls.Wait() // only the end of the run's own context can open the gate
		synctest.Wait()
		require.Zero(t, k.b.Load().Running)

		alone, stop := context.WithTimeout(background, time.Minute)
		defer stop()
		k.call(alone, fakeInput(5, 1, 4, 2), pipeline.DeadlineExceeded)
		k.calls.Wait()
		k.finish()
		require.Equal(t, []int{1, 3, 1}, k.fake.Runs(), "nothing was repeated")
	})
}

func TestBadInputFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newBench(t, pipeline.BatchConfig{MaxBatch: 8})
		poisoned := func(in pipeline.Tensors) bool {
			for _, v := range in["x"].Float32 {
				if v == 2000 { // the first number of request 2
					return true
				}
			}
			return false
		}
		gate := k.fake.before
		k.fake.before = func(ctx context.Context, in pipeline.Tensors) error {
			if err := gate(ctx, in); err != nil {
				return err
			}
			if poisoned(in) {
				if in["rate"].Int64[0] == 7 {
					panic("index out of range")
				}
				return errors.New("the runtime does not like a number")
			}
			return nil
		}
		for _, rate := range []int64{2, 7} {
			k.call(background, fakeInput(9, 1, 4, rate), "")
			for id := range 4 {
				want := pipeline.Reason("")
				if id == 2 {
					want = pipeline.Backend
				}
				k.call(background, fakeInput(id, 1, 4, rate), want)
			}
			for range 6 {
				k.gate <- nil
			}
			k.calls.Wait()
		}
		k.finish()
		require.Equal(t, []int{1, 4, 1, 1, 1, 1, 1, 4, 1, 1, 1, 1}, k.fake.Runs())
	})
}

func TestInstancesRunAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newBench(t, pipeline.BatchConfig{MaxBatch: 1, Instances: 3})
		for id := range 5 {
			k.call(background, fakeInput(id, 1, 4, 2), "")
		}
		require.Equal(t, pipeline.Load{Queued: 2, Running: 3}, k.b.Load())
		k.finish()
	})
}

func TestCloseDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newBench(t, pipeline.BatchConfig{MaxBatch: 2, MaxDelay: time.Hour})
		for id := range 4 {
			k.call(background, fakeInput(id, 1, 4, 2), "")
		}
		closed := make(chan error, 1)
		go func() { closed <- k.b.Close() }()
		synctest.Wait()
		k.call(background, fakeInput(9, 1, 4, 2), pipeline.Rejected)
		select {
		case <-closed:
			t.Fatal("closed with requests waiting")
		default:
		}
		k.finish()
		require.NoError(t, <-closed)
	})
}

func TestRefusesWhatDoesNotFit(t *testing.T) {
	b := pipeline.NewBatcher(&fakeExecutor{}, pipeline.BatchConfig{MaxBatch: 4, Axes: fakeAxes})
	defer b.Close()
	unequal := fakeInput(0, 2, 4, 2)
	unequal["state"] = fakeInput(0, 3, 4, 2)["state"]
	for want, in := range map[string]pipeline.Tensors{
		"5 rows in one request exceed the largest batch, 4": fakeInput(0, 5, 4, 2),
		"has no rows": fakeInput(0, 0, 4, 2),
		"input state has 3 rows along axis 1, another input has 2": unequal,
		`input "x" is missing`: {},
	} {
		_, err := b.Run(background, in)
		require.ErrorContains(t, err, want)
		require.Equal(t, pipeline.Invalid, pipeline.ReasonOf(err))
	}
}

// A catalogue entry that names the wrong batch axis must not hand one caller another's rows.
func TestWrongOutputAxisIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeExecutor{}
		gate := make(chan struct{})
		fake.before = func(context.Context, pipeline.Tensors) error { <-gate; return nil }
		b := pipeline.NewBatcher(fake, pipeline.BatchConfig{MaxBatch: 4, Axes: map[string]int{"state": 1, "rate": -1, "stateN": 0}})
		defer b.Close()
		var wg sync.WaitGroup
		for id := range 4 {
			wg.Go(func() {
				out, err := b.Run(background, fakeInput(id, 1, 4, 2))
				// The joined run fails, and each is repeated by itself, where the axis does not matter.
				assert.NoError(t, err)
				assert.Equal(t, fakeOutput(fakeInput(id, 1, 4, 2)), out)
			})
			synctest.Wait()
		}
		close(gate)
		wg.Wait()
		require.Equal(t, []int{1, 3, 1, 1, 1}, fake.Runs())
	})
}

// Many callers with every kind of request and of departure: each gets its own result or its own failure.
func TestManyCallers(t *testing.T) {
	fake := &fakeExecutor{}
	seen := &recorder{}
	b := pipeline.NewBatcher(fake, pipeline.BatchConfig{MaxBatch: 8, MaxDelay: time.Millisecond, Instances: 2, QueueLimit: 16,
		Axes: fakeAxes, Observer: seen})
	var wg sync.WaitGroup
	for caller := range 32 {
		wg.Go(func() {
			for i := range 100 {
				in := fakeInput(caller*100+i, 1+i%3, 4+caller%2, 2)
				ctx, cancel := context.WithCancel(background)
				if (caller+i)%5 == 0 {
					go cancel()
				}
				out, err := b.Run(ctx, in)
				cancel()
				switch reason := pipeline.ReasonOf(err); {
				case err == nil:
					if !assert.Equal(t, fakeOutput(in), out) {
						return
					}
				case reason != pipeline.Canceled && reason != pipeline.Rejected:
					t.Errorf("caller %d: %v", caller, err)
					return
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, b.Close())
	total := 0
	for _, n := range seen.reasons() {
		total += n
	}
	require.Equal(t, 3200, total, fmt.Sprint(seen.reasons()))
}
