package acoustic

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// processSeconds is the CPU time that this process has used: on a busy machine the clock says little.
func processSeconds(b *testing.B) float64 {
	b.Helper()
	var u unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// BenchmarkStream measures CPU seconds per second of sound, from samples to rows, of streams that send 100 ms at a time:
// one by itself and many that share the network through the engine.
func BenchmarkStream(b *testing.B) {
	store, sound := openStore(b), sample(b)
	for _, streams := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("%s/streams=%d", embedded, streams), func(b *testing.B) {
			m := served(b, serve(b, store, nil), store, embedded)
			runtime.GC()
			b.ResetTimer()
			before, seconds := processSeconds(b), 0.
			for b.Loop() {
				var wg sync.WaitGroup
				for range streams {
					wg.Go(func() { read(b, m, sound, func(left int) int { return min(left, 1600) }) })
				}
				wg.Wait()
				seconds += float64(streams) * float64(len(sound)) / Rate
			}
			b.ReportMetric((processSeconds(b)-before)/seconds, "cpu-s/s")
		})
	}
	b.Run("features", func(b *testing.B) {
		m := open(b, store, embedded)
		s := m.features.NewStream()
		before, seconds := processSeconds(b), 0.
		for b.Loop() {
			s.Push(sound)
			seconds += float64(len(sound)) / Rate
		}
		b.ReportMetric((processSeconds(b)-before)/seconds, "cpu-s/s")
	})
	b.Run("network", func(b *testing.B) {
		m := open(b, store, embedded)
		states, x := m.network.zeros(), make([]float32, m.network.chunk*m.network.dim)
		before, seconds := processSeconds(b), 0.
		for b.Loop() {
			_, next, err := m.network.run(context.Background(), x, states)
			if err != nil {
				b.Fatal(err)
			}
			states = next
			seconds += float64(m.network.chunk) * m.frame.Seconds()
		}
		b.ReportMetric((processSeconds(b)-before)/seconds, "cpu-s/s")
	})
	b.Run("log-softmax", func(b *testing.B) {
		m := open(b, store, embedded)
		rows, i := read(b, m, sound, whole), 0
		before, seconds := processSeconds(b), 0.
		for b.Loop() {
			logSoftmax(rows[i%len(rows)])
			i++
			seconds += m.frame.Seconds()
		}
		b.ReportMetric((processSeconds(b)-before)/seconds, "cpu-s/s")
	})
}
