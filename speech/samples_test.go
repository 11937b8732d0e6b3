package speech

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/speech/internal/vadtest"
	"github.com/courtsense/courtsense/speech/vad"
)

// reference reads the intervals of NAME.txt: start, end, channel, text, separated by tabs.
func reference(tb testing.TB, name string) (out []Segment) {
	tb.Helper()
	f, err := os.Open(name)
	require.NoError(tb, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		c := strings.Split(lines.Text(), "\t")
		require.Len(tb, c, 4, name)
		var s Segment
		s.Start, err = strconv.ParseFloat(c[0], 64)
		require.NoError(tb, err)
		s.End, err = strconv.ParseFloat(c[1], 64)
		require.NoError(tb, err)
		s.Channel, err = strconv.Atoi(c[2])
		require.NoError(tb, err)
		out = append(out, s)
	}
	return out
}

var samples = []string{"court-en-16k.wav", "court-zh-16k.wav", "opening-zh-48k.flac", "opening-zh-opus.ogg", "record-en-44k.mp3",
	"session-en-8k.wav", "two-seats-16k.wav", "tones-16k.wav"}

func TestSamplesOfAllContainersGiveTheirSegments(t *testing.T) {
	for _, id := range []string{vadtest.Silero, vadtest.Embedded, "energy"} {
		t.Run(id, func(t *testing.T) {
			v := vad.NewEnergy()
			if id != "energy" {
				v, _ = vadtest.Open(t, id)
			}
			s, err := NewSegmenter(v, Config{})
			require.NoError(t, err)
			for _, name := range samples {
				if id != vadtest.Silero && strings.HasPrefix(name, "tones") {
					continue // the energy detector takes any sound for speech, the embedded model steady tones
				}
				path := testinput.Testdata(t, "speech", name)
				want := reference(t, strings.TrimSuffix(path, filepath.Ext(path))+".txt")
				f, err := os.Open(path)
				require.NoError(t, err)
				results, _, err := collect(s, f)
				require.NoError(t, f.Close())
				require.NoError(t, err, name)
				got := finals(results)
				var line strings.Builder
				for _, g := range got {
					fmt.Fprintf(&line, " [%d: %.2f-%.2f]", g.Channel, g.Start, g.End)
				}
				t.Logf("%s:%s, %d interim", name, line.String(), len(results)-len(got))
				if !assert.Len(t, got, len(want), name) {
					continue
				}
				for i := range want {
					assert.Equal(t, want[i].Channel, got[i].Channel, name)
					// The padding is a quarter of a second, a window 32 ms, and a synthetic voice begins and ends softly.
					assert.InDelta(t, want[i].Start-.25, got[i].Start, .2, "%s, start of segment %d", name, i)
					assert.InDelta(t, want[i].End+.25, got[i].End, .3, "%s, end of segment %d", name, i)
				}
			}
		})
	}
}

// Many streams share one model through the batcher; each must hear only itself.
func TestStreamsThatShareAModelDoNotChangeEachOther(t *testing.T) {
	for _, id := range []string{vadtest.Silero, vadtest.Embedded} {
		t.Run(id, func(t *testing.T) {
			alone, x := vadtest.Open(t, id)
			catalog, err := models.Builtin()
			require.NoError(t, err)
			entry, err := catalog.Entry(id)
			require.NoError(t, err)
			axes := map[string]int{}
			for _, spec := range append(append([]models.TensorSpec{}, entry.Inputs...), entry.Outputs...) {
				axes[spec.Name] = spec.BatchAxis
			}
			batcher := pipeline.NewBatcher(x, pipeline.BatchConfig{Model: id, MaxBatch: 16, MaxDelay: 2e6, Axes: axes})
			defer func() { require.NoError(t, batcher.Close()) }()
			shared, err := vad.New(batcher, entry)
			require.NoError(t, err)

			read := func(v *vad.VAD, name string) []Result {
				s, err := NewSegmenter(v, Config{})
				require.NoError(t, err)
				f, err := os.Open(testinput.Testdata(t, "speech", name))
				require.NoError(t, err)
				defer f.Close()
				var results []Result
				_, err = s.Run(context.Background(), f, func(r Result) error { results = append(results, r); return nil })
				assert.NoError(t, err)
				return results
			}
			want := map[string][]Result{}
			for _, name := range samples {
				want[name] = read(alone, name)
			}
			var wg sync.WaitGroup
			for range 2 {
				for _, name := range samples {
					wg.Go(func() {
						got := read(shared, name)
						if !assert.Len(t, got, len(want[name]), name) {
							return
						}
						for i, r := range got {
							assert.InDelta(t, want[name][i].Probability, r.Probability, 1e-4, name)
							r.Probability = want[name][i].Probability
							assert.Equal(t, want[name][i], r, name)
						}
					})
				}
			}
			wg.Wait()
		})
	}
}

func BenchmarkSegmenter(b *testing.B) {
	sound, err := os.ReadFile(testinput.Testdata(b, "speech", "court-zh-16k.wav"))
	require.NoError(b, err)
	for _, id := range []string{vadtest.Silero, vadtest.Embedded, "energy"} {
		b.Run(id, func(b *testing.B) {
			v := vad.NewEnergy()
			if id != "energy" {
				v, _ = vadtest.Open(b, id)
			}
			s, err := NewSegmenter(v, Config{})
			require.NoError(b, err)
			seconds := 0.
			b.ReportAllocs()
			for b.Loop() {
				_, summary, err := collect(s, strings.NewReader(string(sound)))
				if err != nil {
					b.Fatal(err)
				}
				seconds += summary.Duration.Seconds()
			}
			b.ReportMetric(b.Elapsed().Seconds()/seconds, "real-time-factor")
		})
	}
}
