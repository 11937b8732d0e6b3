package eval

import (
	"context"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Run is what all measurements have in common.
type Run struct {
	Raw      io.Writer             // gets every raw record as a JSON line; nil: nobody
	Limit    int                   // samples, spread evenly over the folder; 0: all
	Jobs     int                   // samples under way at a time; 0: the number of CPUs that Go uses
	Progress func(done, total int) // told after each sample, never concurrently; may be nil
}

func (r Run) jobs() int {
	if r.Jobs > 0 {
		return r.Jobs
	}
	return runtime.GOMAXPROCS(0)
}

// each calls work for 0..n-1, Jobs at a time, until all are done, one fails or ctx ends.
func (r Run) each(ctx context.Context, n int, work func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range min(r.jobs(), n) {
		wg.Go(func() {
			for i := range next {
				if err := work(ctx, i); err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				done++
				if r.Progress != nil {
					r.Progress(done, n)
				}
				mu.Unlock()
			}
		})
	}
feed:
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// Model says exactly which weights gave the results.
type Model struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	Source  string `json:"source"`
	Device  string `json:"device"`
}

// Speed summarises how long samples took, in seconds, while Jobs of them were under way.
type Speed struct {
	Mean      float64 `json:"mean_seconds"`
	Median    float64 `json:"median_seconds"`
	P95       float64 `json:"p95_seconds"`
	PerSecond float64 `json:"per_second"` // over the whole run
	Jobs      int     `json:"jobs"`
}

// speed summarises durations of work on count things that took wall together; 0 wall when that is not known.
func speed(each []float64, count int, wall time.Duration, jobs int) Speed {
	s := Speed{Jobs: jobs}
	if len(each) == 0 {
		return s
	}
	sorted := slices.Sorted(slices.Values(each))
	for _, v := range sorted {
		s.Mean += v / float64(len(sorted))
	}
	at := func(q float64) float64 { return sorted[int(math.Ceil(q*float64(len(sorted))))-1] }
	s.Median, s.P95 = at(0.5), at(0.95)
	if wall > 0 {
		s.PerSecond = float64(count) / wall.Seconds()
	}
	return s
}
