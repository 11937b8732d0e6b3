package onnx_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
)

// ownCatalog describes the committed models, so that the engine is tested through a real store wherever the runtime is.
const ownCatalog = `
format: 1
models:
  - id: test-tiny
    version: "1"
    title: Two layers and a recurrent state
    task: voice-activity
    family: vad-stream
    license: Apache-2.0
    training_data: none
    source: https://example.org/tiny
    files: [{role: model, path: tiny.onnx, sha256: %s, url: "https://example.org/tiny.onnx"}]
    inputs:
      - {name: x, dtype: float32, shape: [-1, 4], batch_axis: 0}
      - {name: state, dtype: float32, shape: [2, -1, 3], batch_axis: 1, next: stateN}
    outputs:
      - {name: "y", dtype: float32, shape: [-1, 2], batch_axis: 0}
      - {name: stateN, dtype: float32, shape: [2, -1, 3], batch_axis: 1}
    batch: {max: 16, dynamic: true}
  - id: test-picture
    version: "1"
    title: One convolution
    task: face-detection
    family: yunet
    license: Apache-2.0
    training_data: none
    source: https://example.org/picture
    files: [{role: model, path: picture.onnx, sha256: %s, url: "https://example.org/picture.onnx"}]
    inputs: [{name: x, dtype: float32, shape: [-1, 3, -1, -1], layout: NCHW, batch_axis: 0, example: [1, 3, 32, 48]}]
    outputs: [{name: map, dtype: float32, shape: [-1, 1, -1, -1], batch_axis: 0}]
    batch: {max: 8, dynamic: true}
`

func ownStore(t testing.TB) *models.Store {
	t.Helper()
	catalog, err := models.ParseCatalog(fmt.Appendf(nil, ownCatalog, sha256Of(t, "tiny.onnx"), sha256Of(t, "picture.onnx")))
	require.NoError(t, err)
	store, err := models.Open(catalog, "testdata")
	require.NoError(t, err)
	return store
}

func newEngine(t testing.TB, store pipeline.Resolver, cfg pipeline.EngineConfig) *pipeline.Engine {
	t.Helper()
	cfg.Backend, cfg.Store = newBackend(t), store
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	e, err := pipeline.NewEngine(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// TestNeighboursNeverChangeAResult runs every model that the catalogue serves and this machine has: a request alone, and
// the same request in one batch with random neighbours.
func TestNeighboursNeverChangeAResult(t *testing.T) {
	t.Run("committed", func(t *testing.T) {
		store := ownStore(t)
		for _, id := range []string{"test-tiny", "test-picture"} {
			t.Run(id, func(t *testing.T) { neighbours(t, store, id) })
		}
	})
	t.Run("served", func(t *testing.T) {
		store, err := models.Open(nil, testinput.SharedModels(t))
		require.NoError(t, err)
		for _, entry := range store.Catalog().Models {
			if _, err := entry.File(models.RoleModel); err != nil || entry.Task == models.TaskOCRSystem {
				continue // not a single graph
			}
			t.Run(entry.ID, func(t *testing.T) { neighbours(t, store, entry.ID) })
		}
	})
}

func neighbours(t *testing.T, store *models.Store, id string) {
	a, err := store.Resolve(id)
	if err != nil {
		t.Skip(err)
	}
	if len(a.Entry.Inputs) == 0 {
		t.Skip("the catalogue leaves the model's inputs to its family")
	}
	e := newEngine(t, store, pipeline.EngineConfig{Device: "cpu"})
	require.NoError(t, e.Load(context.Background(), id))
	m, err := e.Model(id)
	require.NoError(t, err)

	x, err := newBackend(t).Open(context.Background(), a, pipeline.Options{Device: "cpu"})
	require.NoError(t, err)
	alone := func(in pipeline.Tensors) pipeline.Tensors {
		out, err := x.Run(context.Background(), in)
		require.NoError(t, err)
		return out
	}

	const requests = 24
	seed := fnv.New64a()
	seed.Write([]byte(id))
	rng := rand.New(rand.NewPCG(seed.Sum64(), 1))
	ins, wants := make([]pipeline.Tensors, requests), make([]pipeline.Tensors, requests)
	for i := range ins {
		ins[i] = randomInput(rng, m.Entry(), m.Signature())
		wants[i] = alone(ins[i])
	}

	first := &gated{Executor: x, gate: make(chan struct{})}
	b := pipeline.NewBatcher(first, pipeline.BatchConfig{Model: id, MaxBatch: max(a.Entry.Batch.Max, 1), Axes: axesOf(m.Entry())})
	worst := 0.0
	var mu sync.Mutex
	defer func() { require.NoError(t, b.Close()) }()
	check := func(run pipeline.Executor, all func()) {
		var wg sync.WaitGroup
		for i := range ins {
			wg.Go(func() {
				out, err := run.Run(context.Background(), ins[i])
				if !assert.NoError(t, err) {
					return
				}
				diff, err := difference(wants[i], out)
				assert.NoError(t, err)
				mu.Lock()
				worst = max(worst, diff)
				mu.Unlock()
			})
		}
		all()
		wg.Wait()
	}
	// The first run waits until all the others are in the queue, so that full batches form.
	check(b, func() {
		assert.Eventually(t, func() bool { return b.Load().Queued == requests-1 }, time.Minute, time.Millisecond)
		close(first.gate)
	})
	check(m, func() {}) // and the way the services go
	require.LessOrEqual(t, worst, 1e-5)
	require.GreaterOrEqual(t, first.largest, int64(min(max(a.Entry.Batch.Max, 1), requests-1)), "no full batch was formed")
	t.Logf("largest batch %d, largest difference %g", first.largest, worst)
}

// gated holds its first run until the gate opens and notes the largest batch.
type gated struct {
	pipeline.Executor
	gate    chan struct{}
	largest int64 // runs follow each other, and the test reads it after the last
}

func (g *gated) Run(ctx context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	<-g.gate
	g.largest = max(g.largest, in[g.Signature().Inputs[0].Name].Shape[0])
	return g.Executor.Run(ctx, in)
}

func axesOf(e models.Entry) map[string]int {
	axes := map[string]int{}
	for _, spec := range append(append([]models.TensorSpec(nil), e.Inputs...), e.Outputs...) {
		axes[spec.Name] = spec.BatchAxis
	}
	return axes
}

// randomInput returns one row of noise, pictures in 0..255, ids in 0..199 and everything else in -1..1.
func randomInput(rng *rand.Rand, e models.Entry, sig pipeline.Signature) pipeline.Tensors {
	in := pipeline.Tensors{}
	for _, info := range sig.Inputs {
		spec, _ := e.Input(info.Name)
		t := pipeline.Tensor{Shape: spec.WarmupShape()}
		n := t.Elements()
		switch info.DType {
		case pipeline.Float32:
			t.Float32 = make([]float32, n)
			for i := range t.Float32 {
				if t.Float32[i] = rng.Float32()*2 - 1; spec.Color != "" && len(spec.Mean) == 0 {
					t.Float32[i] = rng.Float32() * 255
				}
			}
		case pipeline.Int64:
			t.Int64 = make([]int64, n)
			for i := range t.Int64 {
				t.Int64[i] = int64(e.Parameters.Int("sample_rate", 16000))
				if len(t.Shape) > 1 { // ids of characters, of which every table has more
					t.Int64[i] = rng.Int64N(200)
				}
			}
		case pipeline.Uint8:
			t.Uint8 = make([]uint8, n)
			for i := range t.Uint8 {
				t.Uint8[i] = uint8(rng.IntN(256))
			}
		}
		in[info.Name] = t
	}
	return in
}

// difference returns the largest difference between two outputs, relative where a number is above one.
func difference(want, got pipeline.Tensors) (float64, error) {
	worst := 0.0
	for name, w := range want {
		g := got[name]
		if fmt.Sprint(w.Shape) != fmt.Sprint(g.Shape) {
			return 0, fmt.Errorf("%s: shape %v became %v", name, w.Shape, g.Shape)
		}
		for i, v := range w.Float32 {
			d := math.Abs(float64(v)-float64(g.Float32[i])) / max(1, math.Abs(float64(v)))
			if !(d <= worst) {
				worst = d
			}
		}
		for i, v := range w.Int64 {
			if v != g.Int64[i] {
				return 0, fmt.Errorf("%s[%d]: %d became %d", name, i, v, g.Int64[i])
			}
		}
	}
	return worst, nil
}

// Real sessions are replaced and destroyed while callers use them.
func TestHotSwapUnderLoad(t *testing.T) {
	e := newEngine(t, ownStore(t), pipeline.EngineConfig{Device: "cpu", IntraThreads: 1})
	require.NoError(t, e.Load(context.Background(), "test-tiny"))
	m, err := e.Model("test-tiny")
	require.NoError(t, err)
	want, err := m.Run(context.Background(), tinyInput(1, 1))
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var served atomic.Int64
	progress := make(chan struct{}, 1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				out, err := m.Run(context.Background(), tinyInput(1, 1))
				if !assert.NoError(t, err) {
					return
				}
				if diff, err := difference(want, out); err != nil || diff > 1e-6 {
					t.Errorf("a swap changed a result: %v, %v", diff, err)
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
	for range 20 {
		require.NoError(t, e.Load(context.Background(), "test-tiny"))
		<-progress // on a busy machine the callers must get their turn too
	}
	cancel()
	wg.Wait()
	require.Positive(t, served.Load())
	t.Logf("%d requests served during 20 swaps", served.Load())
}

func TestCatalogueMismatchIsFoundAtLoad(t *testing.T) {
	text := fmt.Sprintf(ownCatalog, sha256Of(t, "tiny.onnx"), sha256Of(t, "picture.onnx"))
	catalog, err := models.ParseCatalog([]byte(strings.Replace(text, "shape: [2, -1, 3], batch_axis: 1, next", "shape: [2, -1, 5], batch_axis: 1, next", 1)))
	require.NoError(t, err)
	store, err := models.Open(catalog, "testdata")
	require.NoError(t, err)
	e := newEngine(t, store, pipeline.EngineConfig{Device: "cpu"})
	err = e.Load(context.Background(), "test-tiny")
	require.ErrorContains(t, err, `input "state" has shape [2 -1 5] in the catalogue and [2 -1 3] in the model`)
}

func sha256Of(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return hexSHA256(data)
}
