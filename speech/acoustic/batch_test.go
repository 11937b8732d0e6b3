package acoustic

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runs counts the runs and the streams in them.
type runs struct {
	mu            sync.Mutex
	count, joined int
}

func (r *runs) RequestFinished(pipeline.RequestStats) {}
func (r *runs) StateChanged(string, pipeline.State)   {}
func (r *runs) RunFinished(s pipeline.RunStats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if s.Requests > 1 {
		r.joined++
	}
}

func serve(tb testing.TB, store *models.Store, seen pipeline.Observer) *pipeline.Engine {
	tb.Helper()
	e, err := pipeline.NewEngine(pipeline.EngineConfig{Store: store, Backend: backend(tb), Device: "cpu", IntraThreads: 1,
		Complete: Complete, Observer: seen, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, e.Close()) })
	return e
}

// served opens a model whose networks the engine runs.
func served(tb testing.TB, e *pipeline.Engine, store *models.Store, id string) *Model {
	tb.Helper()
	require.NoError(tb, e.Load(context.Background(), id))
	handle, err := e.Model(id)
	require.NoError(tb, err)
	a, err := store.Resolve(id)
	require.NoError(tb, err)
	tokens, err := a.Bytes(models.RoleTokens)
	require.NoError(tb, err)
	all := Networks{}
	for _, role := range a.Entry.Networks() {
		all[role] = handle.Part(role)
	}
	m, err := New(context.Background(), handle.Entry(), all, tokens)
	require.NoError(tb, err)
	return m
}

// Streams that are joined into one run hear only themselves: each has the rows that it has alone, bit for bit. Networks
// that quantise by the range of the whole run are never joined, since there it would not be so.
func TestNeighboursNeverChangeAResult(t *testing.T) {
	store, sound := openStore(t), sample(t)
	for _, id := range append([]string{embedded}, folders...) {
		t.Run(id, func(t *testing.T) {
			seen := &runs{}
			m := served(t, serve(t, store, seen), store, id)
			const streams = 12
			parts := make([][]float32, streams)
			want := make([][][]float32, streams)
			for i := range parts {
				first := i * 9000
				parts[i] = sound[first : first+20000+1500*i]
				want[i] = read(t, m, parts[i], whole)
			}
			seen.joined = 0
			var wg sync.WaitGroup
			for i := range parts {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(6, uint64(i)))
					got := read(t, m, parts[i], func(left int) int { return 1 + r.IntN(min(left, 6000)) })
					assert.Equal(t, want[i], got, "stream %d", i)
				})
			}
			wg.Wait()
			_, quantised := map[string]bool{"zipformer-int8": true, "zipformer2-int8": true, "ctc-int8": true}[id]
			require.Equal(t, !quantised, seen.joined > 0, "%d of %d runs had several streams", seen.joined, seen.count)
			t.Logf("%d of %d runs had several streams", seen.joined, seen.count)
		})
	}
}

// slow is a network of two rows in, two rows out, that takes 10 ms a run however many streams are in it.
type slow struct{}

var slowEntry = models.Entry{ID: "slow", Family: models.FamilyCTCStream, Parameters: models.Parameters{"mel_bins": 2, "chunk": 2}}

func (slow) Signature() pipeline.Signature {
	return pipeline.Signature{
		Inputs: []pipeline.TensorInfo{
			{Name: "x", DType: pipeline.Float32, Shape: []int64{-1, 2, 2}},
			{Name: "sum", DType: pipeline.Float32, Shape: []int64{-1, 2}},
		},
		Outputs: []pipeline.TensorInfo{
			{Name: "logits", DType: pipeline.Float32, Shape: []int64{-1, -1, 2}},
			{Name: "new_sum", DType: pipeline.Float32, Shape: []int64{-1, 2}},
		},
	}
}

func (slow) Run(_ context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	<-time.After(10 * time.Millisecond)
	x, sum := in["x"], in["sum"]
	next := make([]float32, len(sum.Float32))
	logits := make([]float32, len(x.Float32))
	for i, v := range x.Float32 {
		at := i/4*2 + i%2 // two rows of two values a stream
		next[at] = sum.Float32[at] + v
		logits[i] = next[at]
	}
	return pipeline.Tensors{
		"logits":  {Shape: x.Shape, Float32: logits},
		"new_sum": {Shape: sum.Shape, Float32: next},
	}, nil
}

func (slow) Close() error { return nil }

// In virtual time: five streams speak in turn with one that floods and two that fall silent. Nobody waits for the silent
// ones by more than the batch's longest delay, and the one that floods takes no more than its turn.
func TestSilenceAndFloodsHoldNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := Complete(slowEntry, models.RoleModel, slow{}.Signature(), pipeline.Description{})
		require.NoError(t, err)
		require.Equal(t, models.BatchSpec{Max: 16, DelayMS: 5, Dynamic: true}, e.Batch)
		b := pipeline.NewBatcher(slow{}, pipeline.BatchConfig{MaxBatch: e.Batch.Max, MaxDelay: 5 * time.Millisecond})
		defer b.Close()
		m, err := New(context.Background(), slowEntry, Networks{models.RoleModel: b}, []byte("<blk>\na\n"))
		require.NoError(t, err)
		const frame = 160
		speak := func(pushes, samples int, every time.Duration) (worst time.Duration) {
			s, err := m.NewStream()
			assert.NoError(t, err)
			start := time.Now()
			for i := range pushes {
				<-time.After(time.Until(start.Add(time.Duration(i) * every)))
				sent := time.Now()
				_, err := s.Push(context.Background(), make([]float32, samples))
				assert.NoError(t, err)
				worst = max(worst, time.Since(sent))
			}
			return worst
		}
		var wg sync.WaitGroup
		waits := make([]time.Duration, 5)
		for i := range waits {
			wg.Go(func() { waits[i] = speak(100, 4*frame, 120*time.Millisecond) })
		}
		for range 2 {
			wg.Go(func() { speak(10, 4*frame, 120*time.Millisecond) }) // and then nothing for ten seconds
		}
		wg.Go(func() { speak(1, 100*16000, 0) }) // a hundred seconds of sound at once
		wg.Wait()
		for i, w := range waits {
			// Two runs of two rows each: at most the run that is under way, the wait for companions and the own run.
			require.LessOrEqual(t, w, 2*(10+5+10)*time.Millisecond, "stream %d", i)
		}
	})
}
