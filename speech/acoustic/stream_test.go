package acoustic

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

// However the sound is cut, the rows are the same, bit for bit, and so is their number.
func TestRowsDoNotDependOnTheCut(t *testing.T) {
	store, sound := openStore(t), sample(t)
	for _, id := range append([]string{embedded}, folders...) {
		t.Run(id, func(t *testing.T) {
			m := open(t, store, id)
			rapid.Check(t, func(t *rapid.T) {
				first := rapid.IntRange(0, 60000).Draw(t, "first")
				pcm := sound[first : first+rapid.IntRange(0, 20000).Draw(t, "samples")]
				s, err := m.NewStream()
				require.NoError(t, err)
				want := readOn(t, s, pcm, whole)
				cut := func(left int) int { return rapid.IntRange(1, min(left, 5000)).Draw(t, "cut") }
				s.Reset()
				require.Equal(t, want, readOn(t, s, pcm, cut))
			})
		})
	}
}

// The networks of sherpa-onnx' kinds come to what they make of the whole sound at once, as other code computed it.
func TestStreamingEqualsTheWholeNetwork(t *testing.T) {
	store := openStore(t)
	pcm := sample(t)[12000 : 12000+52345]
	for _, id := range folders {
		t.Run(id, func(t *testing.T) {
			m := open(t, store, id)
			require.Equal(t, isCTC(id), m.Kind() == CTC)
			require.Equal(t, 40*time.Millisecond, m.FrameDuration())
			require.Equal(t, 17, m.Tokens().Len())
			rows := read(t, m, pcm, func(left int) int { return min(left, 1600) })
			require.Len(t, rows, 12*8, "3.3 s and a tail of 0.3 s are twelve chunks of 0.32 s")
			source, quantised := strings.CutSuffix(id, "-int8")
			want := expected(t, filepath.Join("testdata", source, "whole.f32"), m.Width())
			sum := 0.0
			for i, row := range rows {
				for k, v := range row {
					d := math.Abs(float64(v - want[i][k]))
					if !quantised {
						require.Less(t, d, 2e-3, "row %d", i)
					}
					sum += d
				}
			}
			mean := sum / float64(len(rows)*m.Width())
			t.Logf("mean difference %.2g", mean)
			if quantised {
				require.Less(t, mean, .25, "8 bits change much in a network of so few numbers, which deviate by 2 to 4")
				require.NotZero(t, mean)
			}
		})
	}
}

// Of a network that takes any number of rows, streaming equals one run over all of them.
func TestStreamingEqualsOneRun(t *testing.T) {
	m := open(t, openStore(t), embedded)
	require.Equal(t, CTC, m.Kind())
	require.Equal(t, 30*time.Millisecond, m.FrameDuration())
	waits := defaultChunk - 1 + m.Entry().Parameters.Int("look_ahead", 0) // rows
	require.Equal(t, time.Duration(waits)*30*time.Millisecond+45*time.Millisecond, m.LookAhead(), "and two frames and the rest of one")
	require.Equal(t, "zh", m.Language())
	pcm := sample(t)
	streamed := read(t, m, pcm, func(left int) int { return min(left, 777) })

	f := m.features.NewStream()
	features := append([]float32(nil), f.Push(pcm)...)
	features = append(features, f.Flush()...)
	n := &m.network
	count := len(features) / n.dim
	for range n.delay {
		features = append(features, features[len(features)-n.dim:]...)
	}
	out, _, err := n.run(context.Background(), features, n.zeros())
	require.NoError(t, err)
	require.Len(t, streamed, count, "a row for each row of features")
	for i, row := range streamed {
		at := out[(i+n.delay)*n.width:][:n.width]
		logSoftmax(at)
		require.InDeltaSlice(t, at, row, 1e-4, "row %d", i)
	}
	// The best class of each row: its times are those of the recording.
	text, first, last := greedy(m, streamed)
	t.Log(text)
	require.Greater(t, len([]rune(text)), 12, "25 characters are spoken")
	require.InDelta(t, .8, first.Seconds(), .4)
	require.InDelta(t, 9.27, last.Seconds(), .6)
}

func greedy(m *Model, rows [][]float32) (text string, first, last time.Duration) {
	var ids []int
	before := m.Tokens().Blank()
	for i, row := range rows {
		best := 0
		for k, v := range row {
			if v > row[best] {
				best = k
			}
		}
		if best != before && best != m.Tokens().Blank() {
			if ids = append(ids, best); len(ids) == 1 {
				first = time.Duration(i) * m.FrameDuration()
			}
			last = time.Duration(i) * m.FrameDuration()
		}
		before = best
	}
	return m.Tokens().Text(ids), first, last
}

func TestRowsAreLogarithmsOfProbabilities(t *testing.T) {
	store := openStore(t)
	for _, id := range []string{embedded, "ctc"} {
		for _, row := range read(t, open(t, store, id), sample(t)[:16000], whole) {
			sum := 0.0
			for _, v := range row {
				sum += math.Exp(float64(v))
			}
			require.InDelta(t, 1, sum, 1e-4)
		}
	}
}

func TestAShortSoundAndNone(t *testing.T) {
	store := openStore(t)
	for _, id := range []string{embedded, "zipformer2"} {
		m := open(t, store, id)
		require.Empty(t, read(t, m, nil, whole))
		s, err := m.NewStream()
		require.NoError(t, err)
		rows := readOn(t, s, sample(t)[:500], whole)
		require.NotEmpty(t, rows)
		again, err := s.Flush(context.Background())
		require.NoError(t, err)
		require.Empty(t, again)
		_, err = s.Push(context.Background(), nil)
		require.ErrorContains(t, err, "stream is over")
		s.Reset()
		require.Equal(t, rows, readOn(t, s, sample(t)[:500], whole))
	}
}

// Samples that are no numbers would stay in the states for ever, so they are refused before anything is taken.
func TestSamplesThatAreNoNumbers(t *testing.T) {
	store, sound := openStore(t), sample(t)[12000:24000]
	for _, id := range []string{embedded, "zipformer2"} {
		m := open(t, store, id)
		want := read(t, m, sound, whole)
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			s, err := m.NewStream()
			require.NoError(t, err)
			got, err := s.Push(context.Background(), sound[:5000])
			require.NoError(t, err)
			_, err = s.Push(context.Background(), []float32{0, .1, float32(bad)})
			r, ok := refusal.As(err)
			require.True(t, ok)
			require.Equal(t, refusal.InvalidValue, r.Reason)
			require.ErrorContains(t, err, "sample 5002 is")
			require.Equal(t, want, append(got, readOn(t, s, sound[5000:], whole)...), "as if it had not been sent")
		}
	}
}

func TestLoudAndOffset(t *testing.T) {
	m := open(t, openStore(t), embedded)
	sound := sample(t)[12000:24000]
	loud, offset := make([]float32, len(sound)), make([]float32, len(sound))
	for i, v := range sound {
		loud[i], offset[i] = v*1e6, v+.5
	}
	for _, row := range read(t, m, loud, whole) {
		for _, v := range row {
			require.False(t, math.IsNaN(float64(v)) || math.IsInf(float64(v), 0), "samples far over the range are still numbers")
		}
	}
	clean, shifted := read(t, m, sound, whole), read(t, m, offset, whole)
	for i := range clean {
		require.InDeltaSlice(t, clean[i], shifted[i], .6, "row %d: an offset is taken out of every frame", i)
	}
}

// failing breaks off every other run.
type failing struct {
	pipeline.Executor
	runs int
}

func (f *failing) Run(ctx context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	if f.runs++; f.runs%2 == 0 {
		return nil, errors.New("the queue is full")
	}
	return f.Executor.Run(ctx, in)
}

// A run that fails, as when the queue is full, loses nothing.
func TestARunThatFailsCanBeRepeated(t *testing.T) {
	store, sound := openStore(t), sample(t)[12000:30000]
	for _, id := range []string{embedded, "ctc"} {
		a, err := store.Resolve(id)
		require.NoError(t, err)
		tokens, err := a.Bytes(models.RoleTokens)
		require.NoError(t, err)
		x := networks(t, a)[models.RoleModel]
		good, err := New(context.Background(), a.Entry, Networks{models.RoleModel: x}, tokens)
		require.NoError(t, err)
		bad, err := New(context.Background(), a.Entry, Networks{models.RoleModel: described{&failing{Executor: x}, pipeline.Describe(x)}}, tokens)
		require.NoError(t, err)

		s, err := bad.NewStream()
		require.NoError(t, err)
		failures := 0
		var got [][]float32
		rest := sound
		for err = errors.New("not yet pushed"); err != nil; {
			var rows [][]float32
			rows, err = s.Push(context.Background(), rest)
			got, rest = append(got, rows...), nil
			failures++
		}
		for err = errors.New("not yet flushed"); err != nil; {
			var rows [][]float32
			rows, err = s.Flush(context.Background())
			got = append(got, rows...)
			failures++
		}
		require.Greater(t, failures, 4)
		require.Equal(t, read(t, good, sound, whole), got)
	}
}

type described struct {
	pipeline.Executor
	d pipeline.Description
}

func (x described) Describe() pipeline.Description { return x.d }

func TestMemoryOfAStreamDoesNotGrow(t *testing.T) {
	m := open(t, openStore(t), embedded)
	s, err := m.NewStream()
	require.NoError(t, err)
	sound := sample(t)
	push := func() {
		for at := 0; at < len(sound); at += 3200 {
			_, err := s.Push(context.Background(), sound[at:min(at+3200, len(sound))])
			require.NoError(t, err)
		}
	}
	push()
	held := cap(s.pending)
	for range 5 {
		push()
	}
	require.Equal(t, held, cap(s.pending))
	require.Len(t, s.states, len(m.network.states))
}

// Ten thousand streams that are begun and dropped leave nothing behind.
func TestDroppedStreamsLeaveNothing(t *testing.T) {
	m := open(t, openStore(t), embedded)
	sound := sample(t)[12000:13600]
	drop := func(count int) uint64 {
		for i := range count {
			s, err := m.NewStream()
			require.NoError(t, err)
			if i%100 == 0 {
				_, err = s.Push(context.Background(), sound)
				require.NoError(t, err)
			}
		}
		var heap runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&heap)
		return heap.HeapAlloc
	}
	before := drop(100)
	require.Less(t, drop(10000), before+1<<20)
}

func TestLogSoftmaxOfExtremes(t *testing.T) {
	row := []float32{1000, 999, -1e30, float32(math.Inf(-1))}
	logSoftmax(row)
	require.InDeltaSlice(t, []float32{-.31326, -1.31326}, row[:2], 1e-4)
	require.True(t, math.IsInf(float64(row[3]), -1))
}
