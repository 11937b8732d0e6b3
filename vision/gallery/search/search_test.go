package search_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
	"github.com/courtsense/courtsense/vision/gallery/search"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// searchers returns every searcher that this machine has.
func searchers(tb testing.TB) map[string]search.Searcher {
	tb.Helper()
	all := map[string]search.Searcher{"plain": search.NewPlain()}
	if b, err := onnx.NewBackend(onnx.Config{}); err != nil {
		tb.Logf("without ONNX Runtime: %v", err)
	} else {
		engine, err := search.NewEngine(tb.Context(), b, "cpu")
		require.NoError(tb, err)
		tb.Cleanup(func() { require.NoError(tb, engine.Close()) })
		all["engine"] = engine
		// A device that is not called "cpu" keeps its rows as float32.
		other, err := search.NewEngine(tb.Context(), elsewhere{b}, "cpu")
		require.NoError(tb, err)
		tb.Cleanup(func() { require.NoError(tb, other.Close()) })
		all["engine, float"] = other
	}
	return all
}

// elsewhere runs on the CPU and says that it does not.
type elsewhere struct{ *onnx.Backend }

func (e elsewhere) OpenBytes(ctx context.Context, id string, model []byte, o pipeline.Options) (pipeline.Executor, error) {
	o.Device = "cpu"
	x, err := e.Backend.OpenBytes(ctx, id, model, o)
	return disguised{x}, err
}

type disguised struct{ pipeline.Executor }

func (disguised) Placement() pipeline.Placement { return pipeline.Placement{Device: "cuda:0"} }

func newIndex(tb testing.TB, s search.Searcher, dimensions int) *search.Index {
	x := search.NewIndex(search.Config{Dimensions: dimensions, Searcher: s, Threads: 2})
	tb.Cleanup(func() { require.NoError(tb, x.Close()) })
	return x
}

func unit(rng *rand.Rand, dimensions int) []float32 {
	v := make([]float32, dimensions)
	var sum float64
	for i := range v {
		v[i] = float32(rng.NormFloat64())
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

// near returns a vector whose cosine with v is about c.
func near(rng *rand.Rand, v []float32, c float64) []float32 {
	w, sum := unit(rng, len(v)), 0.0
	for i := range w {
		w[i] = float32(c*float64(v[i]) + math.Sqrt(1-c*c)*float64(w[i]))
		sum += float64(w[i]) * float64(w[i])
	}
	for i := range w {
		w[i] /= float32(math.Sqrt(sum))
	}
	return w
}

// rows is what an index should hold.
type rows map[int32][][]float32

func (r rows) nearest(query []float32, k int, skip func(int32) bool) []search.Hit {
	var hits []search.Hit
	for owner, vectors := range r {
		if skip != nil && skip(owner) || len(vectors) == 0 {
			continue
		}
		h := search.Hit{Owner: owner, Cosine: -1}
		for _, v := range vectors {
			h.Cosine = max(h.Cosine, search.Cosine(query, v))
		}
		hits = append(hits, h)
	}
	slices.SortFunc(hits, func(a, b search.Hit) int {
		switch {
		case a.Cosine > b.Cosine:
			return -1
		case a.Cosine < b.Cosine:
			return 1
		}
		return int(a.Owner - b.Owner)
	})
	return hits[:min(k, len(hits))]
}

// TestNearestIsExact fills indexes past several blocks with strangers, relatives and equals, removes some, and compares
// with every vector one by one.
func TestNearestIsExact(t *testing.T) {
	for name, s := range searchers(t) {
		for _, c := range []struct{ dimensions, n int }{{4, 20}, {128, 600}, {32, 17000}, {512, 8500}} {
			if testing.Short() && c.n > 1000 {
				continue
			}
			t.Run(fmt.Sprintf("%s/%dx%d", name, c.n, c.dimensions), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(uint64(c.n), uint64(c.dimensions)))
				x, want := newIndex(t, s, c.dimensions), rows{}
				centre := unit(rng, c.dimensions)
				add := func(owner int32, v []float32) {
					require.NoError(t, x.Add(owner, v))
					want[owner] = append(want[owner], v)
				}
				for i := range c.n {
					v := unit(rng, c.dimensions)
					switch i % 10 {
					case 0, 1: // relatives: many vectors within the codes' error of each other
						v = near(rng, centre, 0.97)
					case 2: // a further vector of somebody
						add(int32(rng.IntN(c.n)), near(rng, v, 0.9))
					case 3: // a twin
						add(int32(i+c.n), v)
					}
					add(int32(i), v)
				}
				compare := func() {
					t.Helper()
					for _, query := range [][]float32{unit(rng, c.dimensions), near(rng, centre, 0.95)} {
						all := want.nearest(query, 100, nil)
						for _, k := range []int{1, 5, 100} {
							got, err := x.Nearest(t.Context(), query, k, nil)
							require.NoError(t, err)
							require.Equal(t, all[:min(k, len(all))], got)
						}
					}
				}
				compare()
				require.NoError(t, x.Settle(t.Context()))
				compare()
				var gone []int32
				for owner := range want {
					if owner%3 == 0 || owner < int32(c.n/2) {
						gone = append(gone, owner)
					}
				}
				count := 0
				for _, owner := range gone {
					count += len(want[owner])
					delete(want, owner)
				}
				assert.Equal(t, count, x.Remove(gone...))
				compare()
				require.NoError(t, x.Settle(t.Context()))
				compare()
				assert.Zero(t, x.Remove(gone...))
				odd := func(owner int32) bool { return owner%2 == 1 }
				query := near(rng, centre, 0.9)
				got, err := x.Nearest(t.Context(), query, 10, odd)
				require.NoError(t, err)
				require.Equal(t, want.nearest(query, 10, odd), got)
			})
		}
	}
}

// TestRandomChanges drives an index with small blocks' worth of random additions and removals.
func TestRandomChanges(t *testing.T) {
	for name, s := range searchers(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				dimensions := rapid.IntRange(2, 40).Draw(rt, "dimensions")
				rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
				x, want := search.NewIndex(search.Config{Dimensions: dimensions, Searcher: s, Threads: 2}), rows{}
				defer x.Close()
				for range rapid.IntRange(1, 40).Draw(rt, "steps") {
					switch rapid.IntRange(0, 3).Draw(rt, "action") {
					case 0, 1:
						for range rapid.IntRange(1, 100).Draw(rt, "count") {
							owner, v := int32(rng.IntN(50)), unit(rng, dimensions)
							require.NoError(rt, x.Add(owner, v))
							want[owner] = append(want[owner], v)
						}
					case 2:
						owner := int32(rng.IntN(50))
						require.Equal(rt, len(want[owner]), x.Remove(owner))
						delete(want, owner)
					default:
						query, k := unit(rng, dimensions), 1+rng.IntN(10)
						got, err := x.Nearest(context.Background(), query, k, nil)
						require.NoError(rt, err)
						require.Equal(rt, len(want.nearest(query, k, nil)), len(got))
						for i, h := range want.nearest(query, k, nil) {
							require.Equal(rt, h, got[i])
						}
					}
				}
			})
		})
	}
}

// TestConcurrentUse searches while rows come and go. What was added before a search began is found, what was removed is
// not.
func TestConcurrentUse(t *testing.T) {
	for name, s := range searchers(t) {
		t.Run(name, func(t *testing.T) {
			const dimensions, workers, each = 8, 4, 60
			x := newIndex(t, s, dimensions)
			rng := rand.New(rand.NewPCG(5, 6))
			for i := range 8150 { // the block fills up on the way
				require.NoError(t, x.Add(int32(100000+i), unit(rng, dimensions)))
			}
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() {
					rng := rand.New(rand.NewPCG(7, uint64(w)))
					for i := range each {
						owner, v := int32(w*each+i), unit(rng, dimensions)
						if !assert.NoError(t, x.Add(owner, v)) {
							return
						}
						hits, err := x.Nearest(t.Context(), v, 1, nil)
						if !assert.NoError(t, err) || !assert.Equal(t, owner, hits[0].Owner) {
							return
						}
						if i%2 == 0 {
							continue
						}
						assert.Equal(t, 1, x.Remove(owner))
						hits, err = x.Nearest(t.Context(), v, 3, nil)
						if !assert.NoError(t, err) {
							return
						}
						for _, h := range hits {
							assert.NotEqual(t, owner, h.Owner)
						}
					}
				})
			}
			wg.Wait()
			assert.Equal(t, 8150+workers*each/2, x.Len())
		})
	}
}

func TestCallersWhoLeave(t *testing.T) {
	x := newIndex(t, search.NewPlain(), 16)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 3000 {
		require.NoError(t, x.Add(int32(i), unit(rng, 16)))
	}
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(2, uint64(w)))
			for range 30 {
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				if hits, err := x.Nearest(ctx, unit(rng, 16), 2, nil); err != nil {
					assert.ErrorIs(t, err, context.Canceled)
				} else {
					assert.Len(t, hits, 2)
				}
			}
		})
	}
	wg.Wait()
	hits, err := x.Nearest(t.Context(), unit(rng, 16), 2, nil)
	require.NoError(t, err)
	assert.Len(t, hits, 2)
}

// TestBound holds prepared products to what they promise, with vectors that are hard to code.
func TestBound(t *testing.T) {
	for name, s := range searchers(t) {
		if name == "plain" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			for _, dimensions := range []int{1, 3, 128, 512, 2048} {
				const n, q = 300, 4
				var all, queries []float32
				for i := range n + q {
					v := unit(rng, dimensions)
					if i%3 == 0 { // one large coordinate leaves the others with few codes
						v = near(rng, append([]float32{1}, make([]float32, dimensions-1)...), 0.9)
					}
					if i < n {
						all = append(all, v...)
					} else {
						queries = append(queries, v...)
					}
				}
				clear(all[5*dimensions : 6*dimensions])
				p, err := s.Prepare(t.Context(), all, dimensions)
				require.NoError(t, err)
				out, queryErrors := make([]float32, n*q), make([]float32, q)
				require.NoError(t, p.Dot(t.Context(), queries, out, queryErrors))
				for j := range q {
					for i := range n {
						exact := search.Cosine(queries[j*dimensions:(j+1)*dimensions], all[i*dimensions:(i+1)*dimensions])
						bound := float64(p.RowErrors()[i] + queryErrors[j])
						require.LessOrEqual(t, math.Abs(exact-float64(out[j*n+i])), bound, "row %d, query %d, %d dimensions", i, j, dimensions)
						require.Less(t, bound, 0.5)
					}
				}
				require.NoError(t, p.Close())
				require.NoError(t, p.Close())
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	x := newIndex(t, nil, 2)
	nan := float32(math.NaN())
	for want, v := range map[string][]float32{
		"3 dimensions, want 2": {1, 0, 0}, "length 0": {0, 0}, "length 2": {2, 0}, "length NaN": {nan, 0}, "length +Inf": {float32(math.Inf(1)), 0},
	} {
		require.ErrorContains(t, x.Add(1, v), want)
		_, err := x.Nearest(t.Context(), v, 1, nil)
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, x.Add(-1, []float32{1, 0}), "negative")
	_, err := x.Nearest(t.Context(), []float32{1, 0}, 0, nil)
	require.ErrorContains(t, err, "k is 0")
	hits, err := x.Nearest(t.Context(), []float32{1, 0}, 1, nil)
	require.NoError(t, err)
	assert.Empty(t, hits, "an empty index")
	require.NoError(t, x.Close())
	require.NoError(t, x.Close())
	require.ErrorContains(t, x.Add(1, []float32{1, 0}), "closed")
	_, err = x.Nearest(t.Context(), []float32{1, 0}, 1, nil)
	require.ErrorContains(t, err, "closed")
}
