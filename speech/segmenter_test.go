package speech

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/pipeline/refusal"
	"github.com/courtsense/courtsense/speech/audio"
	"github.com/courtsense/courtsense/speech/vad"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const rate = 8000

// bursts makes raw 16-bit sound at 8 kHz: channel c buzzes from one to the other second of each of its spans, over quiet noise.
func bursts(seconds float64, channels ...[][2]float64) []byte {
	n := int(seconds * rate)
	out := make([]byte, 0, n*len(channels)*2)
	seed := uint32(7)
	for i := range n {
		for _, spans := range channels {
			seed = seed*1664525 + 1013904223
			x := float64(seed>>16) / 65536 * 40
			for _, s := range spans {
				if at := float64(i) / rate; at >= s[0] && at < s[1] {
					x += 6000 * math.Sin(2*math.Pi*300*at) * (1 + math.Sin(2*math.Pi*4*at)) / 2
				}
			}
			out = binary.LittleEndian.AppendUint16(out, uint16(int16(x)))
		}
	}
	return out
}

func raw(channels int) Config {
	return Config{Audio: audio.Config{Encoding: audio.Linear16, SampleRate: rate, Channels: channels}}
}

func newSegmenter(tb testing.TB, cfg Config) *Segmenter {
	tb.Helper()
	s, err := NewSegmenter(vad.NewEnergy(), cfg)
	require.NoError(tb, err)
	return s
}

func collect(s *Segmenter, r io.Reader) (results []Result, summary Summary, err error) {
	summary, err = s.Run(context.Background(), r, func(x Result) error {
		results = append(results, x)
		return nil
	})
	return results, summary, err
}

func finals(results []Result) (out []Segment) {
	for _, r := range results {
		if r.Final {
			out = append(out, r.Segment)
		}
	}
	return out
}

func TestSegmentsComePerChannelFirstInterimThenFinal(t *testing.T) {
	sound := bursts(8, [][2]float64{{1, 3}, {5, 7.9}}, [][2]float64{{2, 4}})
	results, summary, err := collect(newSegmenter(t, raw(2)), bytes.NewReader(sound))
	require.NoError(t, err)
	assert.Equal(t, 8*time.Second, summary.Duration)
	assert.Equal(t, 3, summary.Segments)
	got := finals(results)
	require.Len(t, got, 3)
	for i, want := range []Segment{{Start: .75, End: 3.25}, {Start: 1.75, End: 4.25, Channel: 1}, {Start: 4.75, End: 8}} {
		assert.InDelta(t, want.Start, got[i].Start, .2)
		assert.InDelta(t, want.End, got[i].End, .2)
		assert.Equal(t, want.Channel, got[i].Channel)
	}
	type key struct{ channel, index int }
	open := map[key][]Result{}
	for _, r := range results {
		k := key{r.Channel, r.Index}
		before := open[k]
		if len(before) > 0 {
			last := before[len(before)-1]
			assert.False(t, last.Final, "nothing follows the final result")
			assert.Equal(t, last.Start, r.Start)
			if !r.Final {
				assert.InDelta(t, .512, r.End-last.End, .001, "one interim result each half second of sound, in whole windows")
			}
		} else {
			assert.False(t, r.Final, "a segment is announced before it is final")
		}
		open[k] = append(before, r)
	}
	assert.Len(t, open, 3)

	silent := newSegmenter(t, Config{Audio: raw(2).Audio, Interim: -1})
	only, _, err := collect(silent, bytes.NewReader(sound))
	require.NoError(t, err)
	assert.Equal(t, got, finals(only))
	assert.Len(t, only, 3)
}

// pieces reads in chunks of the given sizes, over and over.
type pieces struct {
	r     io.Reader
	sizes []int
	next  int
}

func (p *pieces) Read(b []byte) (int, error) {
	n := p.sizes[p.next%len(p.sizes)]
	p.next++
	return p.r.Read(b[:min(n, len(b))])
}

func TestResultsDoNotDependOnChunks(t *testing.T) {
	sound := bursts(3, [][2]float64{{.5, 1}, {1.8, 2.5}}, [][2]float64{{.5, 2.7}})

	s := newSegmenter(t, raw(2))
	want, _, err := collect(s, bytes.NewReader(sound))
	require.NoError(t, err)
	require.NotEmpty(t, want)
	rapid.Check(t, func(rt *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 9000), 1, 10).Draw(rt, "sizes")
		got, _, err := collect(s, &pieces{r: bytes.NewReader(sound), sizes: sizes})
		require.NoError(rt, err)
		require.Equal(rt, want, got)

		var written []Result
		st := s.Open(context.Background(), func(r Result) error { written = append(written, r); return nil })
		defer st.Close()
		for rest, i := sound, 0; len(rest) > 0; i++ {
			n := min(len(rest), sizes[i%len(sizes)])
			require.NoError(rt, st.Write(context.Background(), rest[:n]))
			rest = rest[n:]
		}
		_, err = st.Finish(context.Background())
		require.NoError(rt, err)
		require.Equal(rt, want, written)
	})
}

func TestARefusalInTheMiddleLosesNothingBefore(t *testing.T) {
	sound := bursts(4, [][2]float64{{1, 2}, {3, 4}})
	s := newSegmenter(t, raw(1))
	want, _, err := collect(s, bytes.NewReader(sound))
	require.NoError(t, err)
	got, summary, err := collect(s, bytes.NewReader(append(sound, 1)))
	e, ok := refusal.As(err)
	require.True(t, ok, err)
	assert.Equal(t, refusal.Truncated, e.Reason)
	assert.Equal(t, want, got)
	assert.Equal(t, 2, summary.Segments)
}

func TestBackpressureHoldsTheWriter(t *testing.T) {
	s := newSegmenter(t, raw(1))
	release := make(chan struct{})
	started := make(chan struct{}, 1)
	st := s.Open(context.Background(), func(Result) error {
		select {
		case started <- struct{}{}:
		default:
		}
		<-release
		return nil
	})
	defer st.Close()
	sound := bursts(60, [][2]float64{{1, 59}})
	done := make(chan error, 1)
	go func() { done <- st.Write(context.Background(), sound) }()
	<-started
	select {
	case <-done:
		t.Fatal("58 s of sound were taken in while the receiver of results stood still")
	default:
	}
	close(release)
	require.NoError(t, <-done)
	_, err := st.Finish(context.Background())
	require.NoError(t, err)
}

func TestStreamsEndAtOnce(t *testing.T) {
	s := newSegmenter(t, raw(1))
	sound := bursts(3, [][2]float64{{1, 3}})
	ignore := func(Result) error { return nil }

	t.Run("when their context is cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		st := s.Open(ctx, ignore)
		defer st.Close()
		require.NoError(t, st.Write(context.Background(), sound))
		cancel()
		<-st.Done()
		assert.ErrorIs(t, st.Write(context.Background(), sound), context.Canceled)
		_, err := st.Finish(context.Background())
		assert.ErrorIs(t, err, context.Canceled)
	})
	t.Run("when a write's context ends", func(t *testing.T) {
		block := make(chan struct{})
		st := s.Open(context.Background(), func(Result) error { <-block; return nil })
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- st.Write(ctx, bursts(60, [][2]float64{{1, 59}})) }()
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
		close(block)
		st.Close()
	})
	t.Run("when they are closed", func(t *testing.T) {
		st := s.Open(context.Background(), func(r Result) error {
			if r.Final {
				t.Error("a closed stream completes nothing")
			}
			return nil
		})
		require.NoError(t, st.Write(context.Background(), sound))
		st.Close()
		st.Close()
		assert.ErrorIs(t, st.Write(context.Background(), sound), ErrClosed)
	})
	t.Run("when the receiver fails", func(t *testing.T) {
		gone := errors.New("client is gone")
		st := s.Open(context.Background(), func(Result) error { return gone })
		defer st.Close()
		err := st.Write(context.Background(), append(sound, make([]byte, 1<<20)...))
		assert.ErrorIs(t, err, gone)
		_, err = st.Finish(context.Background())
		assert.ErrorIs(t, err, gone)
	})
	t.Run("when the sound is refused", func(t *testing.T) {
		st := newSegmenter(t, Config{}).Open(context.Background(), ignore)
		defer st.Close()
		err := st.Write(context.Background(), bytes.Repeat([]byte("no sound "), 10000))
		e, ok := refusal.As(err)
		require.True(t, ok, err)
		assert.Equal(t, refusal.UnsupportedType, e.Reason)
	})
	t.Run("when nothing was sent", func(t *testing.T) {
		st := s.Open(context.Background(), ignore)
		defer st.Close()
		_, err := st.Finish(context.Background())
		e, ok := refusal.As(err)
		require.True(t, ok, err)
		assert.Equal(t, refusal.Empty, e.Reason)
		assert.ErrorIs(t, st.Write(context.Background(), sound), ErrClosed)
	})
}

func TestAPanicEndsTheStreamAndNotTheProcess(t *testing.T) {
	stream := newSegmenter(t, raw(1)).Open(t.Context(), func(Result) error { panic("in emit") })
	defer stream.Close()
	for err := error(nil); err == nil; {
		err = stream.Write(t.Context(), bursts(2, [][2]float64{{.5, 1}}))
	}
	_, err := stream.Finish(t.Context())
	require.ErrorContains(t, err, "in emit")
}

func TestWritersKeepTheirFormats(t *testing.T) {
	segments := []Segment{{Start: 1.23456, End: 3661.5}, {Start: 2, End: 3, Channel: 1, Text: "原告", Words: []Word{{Text: "原", Start: 2, End: 2.5, Confidence: .5}}}}
	var b strings.Builder
	require.NoError(t, WriteJSON(&b, segments))
	assert.Equal(t, `{"segments":[{"start":1.235,"end":3661.5,"channel":0,"text":"","words":[]},`+
		`{"start":2,"end":3,"channel":1,"text":"原告","words":[{"text":"原","start":2,"end":2.5,"confidence":0.5}]}]}`+"\n", b.String())
	b.Reset()
	require.NoError(t, WriteJSON(&b, nil))
	assert.Equal(t, "{\"segments\":[]}\n", b.String())
	b.Reset()
	require.NoError(t, WriteSRT(&b, segments[:1]))
	assert.Equal(t, "1\n00:00:01,235 --> 01:01:01,500\n[speech]\n\n", b.String())
	b.Reset()
	require.NoError(t, WriteVTT(&b, segments[1:]))
	assert.Equal(t, "WEBVTT\n\n00:00:02.000 --> 00:00:03.000\n<v channel 1>原告\n\n", b.String())
	b.Reset()
	require.NoError(t, WriteText(&b, segments[:1]))
	assert.Equal(t, "00:00:01.235 - 01:01:01.500  channel 0  (speech)\n", b.String())

	judge := []Segment{{Start: 1, End: 2, Speaker: "S1", Role: "judge", Text: "开庭"}, {Start: 2, End: 3, Speaker: "S2", Role: "unknown", Text: "好"}}
	b.Reset()
	require.NoError(t, WriteText(&b, judge))
	assert.Equal(t, "00:00:01.000 - 00:00:02.000  channel 0  S1  judge  开庭\n00:00:02.000 - 00:00:03.000  channel 0  S2  unknown  好\n", b.String())
	b.Reset()
	require.NoError(t, WriteVTT(&b, judge))
	assert.Equal(t, "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<v judge>开庭\n\n00:00:02.000 --> 00:00:03.000\n<v S2>好\n\n", b.String())
	b.Reset()
	require.NoError(t, WriteJSON(&b, []Segment{{Text: "第三条", Spoken: "第三条", Words: []Word{}, Quotations: []Quotation{{End: 3, Law: "法", Article: "第三条", Spoken: "第三条", Confidence: 1}}}}))
	assert.Equal(t, `{"segments":[{"start":0,"end":0,"channel":0,"text":"第三条","words":[],"spoken_text":"第三条",`+
		`"quotations":[{"start":0,"end":3,"law":"法","article":"第三条","spoken_text":"第三条","confidence":1}]}]}`+"\n", b.String())
}

// endless repeats a recording.
type endless struct {
	sound []byte
	left  int
	at    int
}

func (e *endless) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), e.left)], e.sound[e.at:])
	e.at = (e.at + n) % len(e.sound)
	e.left -= n
	return n, nil
}

func TestMemoryStaysFlatOverALongStream(t *testing.T) {
	minute := bursts(60, [][2]float64{{1, 8}, {10, 50}}, [][2]float64{{30, 31}, {33, 34}})
	s := newSegmenter(t, Config{Audio: raw(2).Audio, VAD: vad.Config{MaxSegment: 10 * time.Second}})
	const minutes = 20
	var heap []uint64
	count := 0
	sample := func() {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		heap = append(heap, m.HeapAlloc)
	}
	src := &endless{sound: minute, left: minutes * len(minute)}
	summary, err := s.Run(context.Background(), src, func(r Result) error {
		if r.Final {
			if count++; count%20 == 0 {
				sample()
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, minutes*time.Minute, summary.Duration)
	require.Greater(t, len(heap), 5)
	t.Logf("%d segments in %v of sound; heap from %d KiB after 20 segments to %d KiB at the end; resident %s",
		summary.Segments, summary.Duration, heap[0]>>10, heap[len(heap)-1]>>10, resident())
	assert.Less(t, float64(heap[len(heap)-1]), 1.1*float64(heap[0])+64<<10)
}

func resident() string {
	b, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "unknown"
}

func TestCrosstalkIsNoSegment(t *testing.T) {
	// The buzz of one channel is heard in the other, fainter and 5 ms later.
	sound := bursts(10, [][2]float64{{1, 4}}, [][2]float64{{5, 8}})
	leaking := make([]byte, len(sound))
	at := func(i, c int) float64 {
		if i < 0 {
			return 0
		}
		return float64(int16(binary.LittleEndian.Uint16(sound[(2*i+c)*2:])))
	}
	for i := range len(sound) / 4 {
		for c := range 2 {
			x := at(i, c) + .12*at(i-rate/200, 1-c)
			binary.LittleEndian.PutUint16(leaking[(2*i+c)*2:], uint16(int16(x)))
		}
	}
	cfg := raw(2)
	as, _, err := collect(newSegmenter(t, cfg), bytes.NewReader(leaking))
	require.NoError(t, err)
	assert.Len(t, finals(as), 4, "what leaks is heard as speech")
	cfg.SuppressCrosstalk = true
	suppressed, summary, err := collect(newSegmenter(t, cfg), bytes.NewReader(leaking))
	require.NoError(t, err)
	assert.Equal(t, 10*time.Second, summary.Duration)
	got := finals(suppressed)
	require.Len(t, got, 2)
	for c, want := range [][2]float64{{1, 4}, {5, 8}} {
		assert.Equal(t, c, got[c].Channel)
		assert.InDelta(t, want[0]-.25, got[c].Start, .1)
		assert.InDelta(t, want[1]+.25, got[c].End, .3)
		assert.False(t, got[c].Overlap)
	}
	pieced, _, err := collect(newSegmenter(t, cfg), &pieces{r: bytes.NewReader(leaking), sizes: []int{3, 5000, 171, 64000}})
	require.NoError(t, err)
	assert.Equal(t, suppressed, pieced)
}

func TestWhatNobodySpokeIsReportedToNobody(t *testing.T) {
	// Channel 0 hears somebody, who answers in a word at the end. A machine hums in channel 1 now and then, but nobody is there.
	sound := bursts(16, [][2]float64{{1, 4}, {9, 12}, {14, 14.3}}, nil)
	for i := range len(sound) / 4 {
		at, place := float64(i)/rate, sound[(2*i+1)*2:]
		for _, from := range []float64{5, 10} {
			if at > from && at < from+2 {
				hum := 900 * math.Sin(math.Pi*(at-from)/2) * math.Sin(2*math.Pi*60*at)
				binary.LittleEndian.PutUint16(place, binary.LittleEndian.Uint16(place)+uint16(int16(hum)))
			}
		}
	}
	cfg := raw(2)
	cfg.Interim = 100 * time.Millisecond
	plain, _, err := collect(newSegmenter(t, cfg), bytes.NewReader(sound))
	require.NoError(t, err)
	cfg.SuppressCrosstalk = true
	results, summary, err := collect(newSegmenter(t, cfg), bytes.NewReader(sound))
	require.NoError(t, err)
	assert.Equal(t, 5, len(finals(plain)), "%v", finals(plain))
	assert.Equal(t, 3, summary.Segments)
	index := 0
	for _, r := range results {
		assert.Zero(t, r.Channel, "interim results neither")
		assert.Equal(t, index, r.Index)
		if r.Final {
			index++
		}
	}
	assert.Equal(t, 3, index)
	assert.InDelta(t, 14.3, finals(results)[2].End, .5, "a word is enough")
}

func TestOverlapIsReported(t *testing.T) {
	cfg := raw(2)
	cfg.SuppressCrosstalk = true
	results, _, err := collect(newSegmenter(t, cfg), bytes.NewReader(bursts(10, [][2]float64{{1, 4}}, [][2]float64{{2.5, 6}, {8, 9}})))
	require.NoError(t, err)
	var overlaps []bool
	for _, r := range finals(results) {
		overlaps = append(overlaps, r.Overlap)
	}
	assert.Equal(t, []bool{true, true, false}, overlaps)
	mono := raw(1)
	mono.SuppressCrosstalk = true
	results, _, err = collect(newSegmenter(t, mono), bytes.NewReader(bursts(4, [][2]float64{{1, 3}})))
	require.NoError(t, err)
	assert.Len(t, finals(results), 1, "one channel has no cross-talk")
}
