package benchmarks

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

// EngineConfig says what [EngineVersusBare] measures.
type EngineConfig struct {
	Store        pipeline.Resolver
	Backend      *onnx.Backend
	Model        string        // catalogue id
	Batches      []int         // largest batches to try; nil: 1, 2, 4, 8, 16, where the graph is dynamic
	Callers      []int         // numbers of concurrent callers; nil: 1, 4, 16, 64
	Rounds       int           // the median of so many rounds is reported; 0: 5
	Window       time.Duration // length of each half of a round; 0: 200 ms
	IntraThreads int           // 0: one per core
	Instances    int           // concurrent runs, of the engine and of the bare loop; 0: 1
}

// EngineResult compares the engine with a bare loop over the same graph with the same session options.
type EngineResult struct {
	Model   string
	Batch   int // the engine's largest batch
	Callers int // each sends one row at a time and waits for the answer
	// BareRate is rows a second of loops that do nothing but run the session on min(Batch, Callers) rows: as many
	// different inputs as there are callers, already joined, and outputs that are overwritten by the next run.
	BareRate   float64
	EngineRate float64 // rows a second that the callers got answered
	Ratio      float64 // median over the rounds of EngineRate / BareRate of the same round
	// CPURatio is the bare loop's processor time a row over the engine's, which includes the callers'. Unlike the rates
	// it hardly depends on what else the machine does. Median over the rounds; 0 where the system does not tell.
	CPURatio  float64
	MeanBatch float64 // rows in the engine's runs
}

// EngineOverhead is what a lone call costs over the bare run of the same row.
type EngineOverhead struct {
	Model        string
	Bare, Engine time.Duration // medians
	Overhead     time.Duration // median of the differences between neighbouring calls
}

// EngineVersusBare measures throughput for each batch and number of callers. The halves of a round follow each other, so
// that other work on the machine meets both.
func EngineVersusBare(ctx context.Context, cfg EngineConfig) ([]EngineResult, error) {
	cfg = cfg.withDefaults()
	var results []EngineResult
	for _, batch := range cfg.Batches {
		d, err := newDuel(ctx, cfg, batch)
		if err != nil {
			return results, err
		}
		if d.batch < batch { // the graph is not dynamic, so this would repeat batch 1
			if err := d.close(); err != nil {
				return results, err
			}
			continue
		}
		for _, callers := range cfg.Callers {
			r, err := d.measure(ctx, callers, cfg.Rounds, cfg.Window)
			if err != nil {
				return results, cmp.Or(d.close(), err)
			}
			results = append(results, r)
		}
		if err := d.close(); err != nil {
			return results, err
		}
	}
	return results, nil
}

// MeasureEngineOverhead measures calls of one row by one caller, alternating with bare runs.
func MeasureEngineOverhead(ctx context.Context, cfg EngineConfig, calls int) (EngineOverhead, error) {
	d, err := newDuel(ctx, cfg.withDefaults(), 16)
	if err != nil {
		return EngineOverhead{}, err
	}
	o, err := d.overhead(ctx, calls)
	return o, cmp.Or(err, d.close())
}

func (c EngineConfig) withDefaults() EngineConfig {
	if c.Batches == nil {
		c.Batches = []int{1, 2, 4, 8, 16}
	}
	if c.Callers == nil {
		c.Callers = []int{1, 4, 16, 64}
	}
	c.Rounds = cmp.Or(c.Rounds, 5)
	c.Window = cmp.Or(c.Window, 200*time.Millisecond)
	c.Instances = cmp.Or(c.Instances, 1)
	return c
}

// duel holds an engine and a bare session of one model.
type duel struct {
	cfg    EngineConfig
	batch  int
	engine *pipeline.Engine
	model  *pipeline.Model
	bare   *bareSession
	counts *counter
	row    func() pipeline.Tensors
}

// rebatched lets any dynamic graph be tried with any batch, whatever the catalogue thinks worth while.
type rebatched struct {
	pipeline.Resolver
	batch int
}

func (r rebatched) Resolve(id string) (models.Artifact, error) {
	a, err := r.Resolver.Resolve(id)
	if a.Entry.Batch.Dynamic {
		a.Entry.Batch.Max = r.batch
	} else {
		a.Entry.Batch.Max = 1
	}
	return a, err
}

func newDuel(ctx context.Context, cfg EngineConfig, batch int) (*duel, error) {
	store := rebatched{cfg.Store, batch}
	a, err := store.Resolve(cfg.Model)
	if err != nil {
		return nil, err
	}
	d := &duel{cfg: cfg, batch: a.Entry.Batch.Max, counts: &counter{}}
	d.engine, err = pipeline.NewEngine(pipeline.EngineConfig{
		Store: store, Backend: cfg.Backend, Device: "cpu", IntraThreads: cfg.IntraThreads, Instances: cfg.Instances,
		QueueLimit: 1 << 16, Observer: d.counts, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		return nil, err
	}
	if err := d.engine.Load(ctx, cfg.Model); err != nil {
		return nil, cmp.Or(err, d.engine.Close())
	}
	if d.model, err = d.engine.Model(cfg.Model); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(1, 2))
	entry, sig := d.model.Entry(), d.model.Signature()
	d.row = func() pipeline.Tensors { return randomRows(rng, entry, sig, 1) }
	data, err := a.Bytes(models.RoleModel)
	if err != nil {
		return nil, err
	}
	d.bare, err = newBareSession(data, sig, cfg.IntraThreads, func(rows int) pipeline.Tensors { return randomRows(rng, entry, sig, rows) })
	if err != nil {
		return nil, cmp.Or(err, d.engine.Close())
	}
	return d, nil
}

func (d *duel) close() error { return cmp.Or(d.engine.Close(), d.bare.close()) }

func (d *duel) measure(ctx context.Context, callers, rounds int, window time.Duration) (EngineResult, error) {
	rows := min(d.batch, callers)
	loops, err := d.bare.loops(d.cfg.Instances, rows, max(callers/rows/d.cfg.Instances, 1))
	if err != nil {
		return EngineResult{}, err
	}
	defer destroyLoops(loops)
	inputs := make([]pipeline.Tensors, callers)
	for i := range inputs {
		inputs[i] = d.row()
	}
	var bare, engine, ratio, cpu, batch []float64
	for round := range rounds + 1 {
		// One half first, then the other: a machine that gets busier favours neither.
		var b, e rate
		for half := range 2 {
			if (round+half)%2 == 0 {
				b, err = during(window, len(loops), func(i int) (int, error) { return rows, loops[i].run() })
			} else {
				d.counts.reset()
				e, err = during(window, callers, func(i int) (int, error) {
					_, err := d.model.Run(ctx, inputs[i])
					return 1, err
				})
			}
			if err != nil {
				return EngineResult{}, fmt.Errorf("%s, batch %d, %d callers: %w", d.cfg.Model, d.batch, callers, err)
			}
		}
		if round == 0 {
			continue // memory arenas and pools fill
		}
		bare, engine, ratio = append(bare, b.perSecond), append(engine, e.perSecond), append(ratio, e.perSecond/b.perSecond)
		cpu, batch = append(cpu, b.cpu/max(e.cpu, 1e-12)), append(batch, d.counts.mean())
	}
	return EngineResult{Model: d.cfg.Model, Batch: d.batch, Callers: callers,
		BareRate: median(bare), EngineRate: median(engine), Ratio: median(ratio), CPURatio: median(cpu), MeanBatch: median(batch)}, nil
}

func (d *duel) overhead(ctx context.Context, calls int) (EngineOverhead, error) {
	loops, err := d.bare.loops(1, 1, 1)
	if err != nil {
		return EngineOverhead{}, err
	}
	defer destroyLoops(loops)
	// A server's calls can be cancelled, which costs a little more.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	input := d.row()
	var bare, engine, difference []time.Duration
	for i := range calls + 100 {
		start := time.Now()
		if err := loops[0].run(); err != nil {
			return EngineOverhead{}, err
		}
		middle := time.Now()
		if _, err := d.model.Run(ctx, input); err != nil {
			return EngineOverhead{}, err
		}
		end := time.Now()
		if i < 100 {
			continue
		}
		bare, engine = append(bare, middle.Sub(start)), append(engine, end.Sub(middle))
		difference = append(difference, end.Sub(middle)-middle.Sub(start))
	}
	return EngineOverhead{Model: d.cfg.Model, Bare: median(bare), Engine: median(engine), Overhead: median(difference)}, nil
}

// rate is how fast rows went by: a second, and in processor seconds each.
type rate struct{ perSecond, cpu float64 }

// during calls f, which returns a number of rows, in n goroutines for a while, each at least once.
func during(window time.Duration, n int, f func(i int) (int, error)) (rate, error) {
	var rows atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	start, cpu := time.Now(), processorTime()
	for i := range n {
		wg.Go(func() {
			for {
				done, err := f(i)
				if err != nil {
					failed.Store(&err)
					return
				}
				rows.Add(int64(done))
				if time.Since(start) >= window || failed.Load() != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return rate{}, *err
	}
	total := float64(rows.Load())
	return rate{perSecond: total / time.Since(start).Seconds(), cpu: (processorTime() - cpu).Seconds() / total}, nil
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// counter counts the engine's runs.
type counter struct{ runs, rows atomic.Int64 }

func (c *counter) RequestFinished(pipeline.RequestStats)       {}
func (c *counter) StateChanged(model string, s pipeline.State) {}
func (c *counter) RunFinished(s pipeline.RunStats) {
	c.runs.Add(1)
	c.rows.Add(int64(s.Rows))
}

func (c *counter) reset() { c.runs.Store(0); c.rows.Store(0) }

func (c *counter) mean() float64 { return float64(c.rows.Load()) / float64(max(c.runs.Load(), 1)) }

// randomRows makes inputs at the catalogue's example shapes.
func randomRows(rng *rand.Rand, e models.Entry, sig pipeline.Signature, rows int) pipeline.Tensors {
	in := pipeline.Tensors{}
	for _, info := range sig.Inputs {
		spec, _ := e.Input(info.Name)
		t := pipeline.Tensor{Shape: spec.WarmupShape()}
		if spec.BatchAxis >= 0 && info.Shape[spec.BatchAxis] < 0 {
			t.Shape[spec.BatchAxis] = int64(rows)
		}
		switch info.DType {
		case pipeline.Float32:
			t.Float32 = make([]float32, t.Elements())
			for i := range t.Float32 {
				t.Float32[i] = rng.Float32()
			}
		case pipeline.Int64:
			t.Int64 = make([]int64, t.Elements())
			for i := range t.Int64 {
				t.Int64[i] = int64(e.Parameters.Int("sample_rate", 0))
			}
		case pipeline.Uint8:
			t.Uint8 = make([]uint8, t.Elements())
		}
		in[info.Name] = t
	}
	return in
}
