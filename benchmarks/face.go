package benchmarks

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Spread summarises how long one kind of call took.
type Spread struct {
	Count          int
	Median, P99    time.Duration
	Mean           time.Duration
	ProcessorTime  time.Duration // of the whole process, per call
	PerSecond      float64
	ProcessorCores float64 // processor time over wall time
}

// Repeat calls work n times, one after the other, and summarises what its own clock says of each: work returns the time
// that counts. Ten calls before are not counted.
func Repeat(ctx context.Context, n int, work func(context.Context) (time.Duration, error)) (Spread, error) {
	for range min(10, n) {
		if _, err := work(ctx); err != nil {
			return Spread{}, err
		}
	}
	took := make([]time.Duration, 0, n)
	cpu, begin := processorTime(), time.Now()
	for range n {
		if err := ctx.Err(); err != nil {
			return Spread{}, err
		}
		d, err := work(ctx)
		if err != nil {
			return Spread{}, err
		}
		took = append(took, d)
	}
	wall, used := time.Since(begin), processorTime()-cpu
	return summarise(took, wall, used), nil
}

func summarise(took []time.Duration, wall, used time.Duration) Spread {
	if len(took) == 0 {
		return Spread{}
	}
	slices.Sort(took)
	n := len(took)
	s := Spread{Count: n, Median: took[n/2], P99: took[int(math.Ceil(0.99*float64(n)))-1]}
	for _, d := range took {
		s.Mean += d / time.Duration(n)
	}
	s.ProcessorTime = used / time.Duration(n)
	s.PerSecond = float64(n) / max(wall.Seconds(), 1e-9)
	s.ProcessorCores = used.Seconds() / max(wall.Seconds(), 1e-9)
	return s
}

// Memory is what the process holds after some calls.
type Memory struct {
	Calls      int
	Resident   int64 // bytes; 0 where the system does not tell
	Goroutines int
}

// Flat makes n calls and looks at the process ten times meanwhile, the first time after a tenth of them, when pools are full
// and models are warm.
func Flat(ctx context.Context, n int, call func(ctx context.Context, i int) error) ([]Memory, error) {
	var out []Memory
	step := max(n/10, 1)
	for i := range n {
		if err := call(ctx, i); err != nil {
			return out, fmt.Errorf("call %d: %w", i, err)
		}
		if (i+1)%step == 0 {
			runtime.GC()
			out = append(out, Memory{i + 1, resident(), runtime.NumGoroutine()})
		}
	}
	return out, nil
}

// resident is the memory that the process has in use, as Linux tells it.
func resident() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
