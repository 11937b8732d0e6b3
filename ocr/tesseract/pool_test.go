package tesseract

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(tb testing.TB, cfg Config) *Pool {
	tb.Helper()
	p, err := New(cfg)
	require.NoError(tb, err)
	tb.Cleanup(func() { assert.NoError(tb, p.Close()) })
	return p
}

// strip is the English sample's line of title, a picture that takes milliseconds.
func strip(tb testing.TB) *imaging.Raster {
	tb.Helper()
	pages, _ := document(tb, "agreement-en.png")
	return pages[0].Crop(380, 100, 520, 80)
}

// slow is a picture that keeps a worker busy for seconds, most of them at reading, where it can be stopped.
func slow(tb testing.TB) *imaging.Raster {
	tb.Helper()
	pages, _ := document(tb, "complaint-zh.png")
	return pages[0]
}

func paper(w, h int) *imaging.Raster {
	r := imaging.NewRaster(w, h)
	for i := range r.Pix {
		r.Pix[i] = 255
	}
	return r
}

func noise(w, h int) *imaging.Raster {
	r := imaging.NewRaster(w, h)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range r.Pix {
		r.Pix[i] = byte(random.Uint32())
	}
	return r
}

func TestSpacesAreOfTheScript(t *testing.T) {
	p := start(t, Config{Workers: 1})
	english, err := p.Recognize(t.Context(), strip(t), ocr.Options{Languages: []string{"en"}, Layout: ocr.LayoutLine})
	require.NoError(t, err)
	assert.Equal(t, []string{"SALE AGREEMENT"}, texts(english))
	assert.Len(t, english.Lines[0].Words, 2)
	assert.Contains(t, english.Engine, "eng")

	pages, truth := document(t, "evidence-two-pages.pdf")
	chinese, err := p.Recognize(t.Context(), pages[0].Crop(100, 300, 1040, 220), ocr.Options{Languages: []string{"zh"}, Layout: ocr.LayoutBlock})
	require.NoError(t, err)
	require.NotEmpty(t, chinese.Lines)
	assert.NotContains(t, chinese.Text(), " ", "read %q of %q", chinese.Text(), truth[0])
}

func TestCandidates(t *testing.T) {
	p := start(t, Config{Workers: 1, Languages: []string{"eng"}})
	plain, err := p.Recognize(t.Context(), strip(t), ocr.Options{})
	require.NoError(t, err)
	with, err := p.Recognize(t.Context(), strip(t), ocr.Options{Candidates: 3})
	require.NoError(t, err)
	assert.Equal(t, plain.Text(), with.Text(), "asking for candidates does not change the reading")
	several := 0
	for _, l := range with.Lines {
		for _, s := range l.Symbols() {
			require.LessOrEqual(t, len(s.Candidates), 3)
			if len(s.Candidates) > 1 {
				several++
			}
			for i, c := range s.Candidates {
				assert.NotEmpty(t, c.Char)
				if i > 0 {
					assert.LessOrEqual(t, c.Confidence, s.Candidates[i-1].Confidence, "best first")
				}
			}
		}
	}
	assert.Positive(t, several)
	for _, l := range plain.Lines {
		for _, s := range l.Symbols() {
			assert.Nil(t, s.Candidates)
		}
	}
}

func TestPagesWithoutText(t *testing.T) {
	p := start(t, Config{Workers: 1})
	for _, r := range []*imaging.Raster{
		paper(1, 1), paper(2, 2000), paper(3, 3), paper(40, 2), paper(600, 400), imaging.NewRaster(300, 300), paper(8, 2000), paper(1600, 8),
	} {
		for _, layout := range []ocr.Layout{ocr.LayoutAuto, ocr.LayoutColumn, ocr.LayoutBlock, ocr.LayoutLine, ocr.LayoutWord, ocr.LayoutSparse} {
			page, err := p.Recognize(t.Context(), r, ocr.Options{Layout: layout, Languages: []string{"en"}})
			require.NoError(t, err, "%dx%d", r.Width, r.Height)
			assert.Empty(t, page.Lines, "%dx%d, %v", r.Width, r.Height, layout)
			assert.Equal(t, [2]int{r.Width, r.Height}, [2]int{page.Width, page.Height})
		}
	}
	page, err := p.Recognize(t.Context(), noise(300, 200), ocr.Options{})
	require.NoError(t, err)
	checkParts(t, page)
}

func TestRefusedInput(t *testing.T) {
	p := start(t, Config{Workers: 1})
	good := paper(20, 20)
	for name, c := range map[string]struct {
		page    *imaging.Raster
		options ocr.Options
		reason  refusal.Reason
	}{
		"no page":            {nil, ocr.Options{}, refusal.Empty},
		"no pixels":          {&imaging.Raster{}, ocr.Options{}, refusal.Empty},
		"missing pixels":     {&imaging.Raster{Width: 4, Height: 4, Pix: make([]byte, 47)}, ocr.Options{}, refusal.Corrupt},
		"too wide":           {paper(32768, 3), ocr.Options{}, refusal.TooLarge},
		"unknown language":   {good, ocr.Options{Languages: []string{"tlh"}}, refusal.InvalidValue},
		"a path as language": {good, ocr.Options{Languages: []string{"../5/tessdata/eng"}}, refusal.InvalidValue},
		"joined languages":   {good, ocr.Options{Languages: []string{"chi_sim+eng"}}, refusal.InvalidValue},
		"many languages":     {good, ocr.Options{Languages: []string{"en", "en", "en", "en", "en"}}, refusal.InvalidValue},
		"many candidates":    {good, ocr.Options{Candidates: 6}, refusal.InvalidValue},
		"negative dpi":       {good, ocr.Options{DPI: -1}, refusal.InvalidValue},
		"an endless line":    {paper(1601, 8), ocr.Options{Layout: ocr.LayoutLine}, refusal.TooLarge},
		"no such layout":     {good, ocr.Options{Layout: 99}, refusal.InvalidValue},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Recognize(t.Context(), c.page, c.options)
			r, ok := refusal.As(err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, c.reason, r.Reason)
		})
	}
}

func TestMissingLanguagesAreNamed(t *testing.T) {
	_, err := New(Config{DataDir: t.TempDir()})
	require.ErrorContains(t, err, "tesseract-ocr-chi-sim")
	_, err = New(Config{Languages: []string{"tlh"}})
	require.ErrorContains(t, err, "installed: ")

	in := Installed("")
	assert.Contains(t, in.Languages, "eng")
	assert.DirExists(t, in.DataDir)
	assert.Regexp(t, `^\d+\.\d+`, in.Version)
}

// occupied starts a slow page and returns once a worker reads it.
func occupied(t *testing.T, p *Pool) (cancel func(), result <-chan error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	page := slow(t)
	go func() {
		_, err := p.Recognize(ctx, page, ocr.Options{})
		done <- err
	}()
	require.Eventually(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return !p.workers[0].idle
	}, time.Minute, time.Millisecond)
	return stop, done
}

func waiting(p *Pool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

func TestQueue(t *testing.T) {
	p := start(t, Config{Workers: 1, Queue: 1, Languages: []string{"eng"}})
	require.NoError(t, p.WarmUp(t.Context()))
	small := strip(t)
	stop, busy := occupied(t, p)

	ctx, leave := context.WithCancel(t.Context())
	queued := make(chan error, 1)
	go func() {
		_, err := p.Recognize(ctx, small, ocr.Options{})
		queued <- err
	}()
	require.Eventually(t, func() bool { return waiting(p) == 1 }, time.Minute, time.Millisecond)

	_, err := p.Recognize(t.Context(), small, ocr.Options{})
	assert.Equal(t, pipeline.Rejected, pipeline.ReasonOf(err), "a full queue answers at once: %v", err)

	leave()
	assert.Equal(t, pipeline.Canceled, pipeline.ReasonOf(<-queued))
	assert.Zero(t, waiting(p), "a caller who left leaves no page in the queue")

	stop()
	assert.Equal(t, pipeline.Canceled, pipeline.ReasonOf(<-busy))
	page, err := p.Recognize(t.Context(), small, ocr.Options{})
	require.NoError(t, err, "a page that was stopped does no harm to the next")
	assert.Equal(t, "SALE AGREEMENT\n", page.Text())
}

func TestDeadline(t *testing.T) {
	p := start(t, Config{Workers: 1, Languages: []string{"eng"}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := p.Recognize(ctx, slow(t), ocr.Options{})
	require.Equal(t, pipeline.DeadlineExceeded, pipeline.ReasonOf(err))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestClose(t *testing.T) {
	p, err := New(Config{Workers: 1, Languages: []string{"eng"}})
	require.NoError(t, err)
	small := strip(t)
	_, busy := occupied(t, p)
	queued := make(chan error, 1)
	go func() {
		_, err := p.Recognize(t.Context(), small, ocr.Options{})
		queued <- err
	}()
	require.Eventually(t, func() bool { return waiting(p) == 1 }, time.Minute, time.Millisecond)

	var group sync.WaitGroup
	for range 3 {
		group.Go(func() { assert.NoError(t, p.Close()) })
	}
	assert.Equal(t, pipeline.Rejected, pipeline.ReasonOf(<-queued))
	assert.NoError(t, <-busy, "a running page is read to its end")
	group.Wait()
	_, err = p.Recognize(t.Context(), small, ocr.Options{})
	assert.Equal(t, pipeline.Rejected, pipeline.ReasonOf(err))
	assert.Equal(t, pipeline.Rejected, pipeline.ReasonOf(p.WarmUp(t.Context())))
}

// Pages read at the same time, with other languages between, come out as they do alone.
func TestNeighboursChangeNothing(t *testing.T) {
	p := start(t, Config{Workers: 2, Queue: 100, InstancesPerWorker: 1, Languages: []string{"eng"}})
	small := strip(t)
	alone, err := p.Recognize(t.Context(), small, ocr.Options{Candidates: 2})
	require.NoError(t, err)
	var group sync.WaitGroup
	for i := range 12 {
		group.Go(func() {
			o := ocr.Options{Candidates: 2}
			if i%3 == 0 {
				o = ocr.Options{Languages: []string{"zh"}, Layout: ocr.LayoutLine}
			}
			page, err := p.Recognize(t.Context(), small, o)
			if assert.NoError(t, err) && i%3 != 0 {
				assert.Equal(t, alone, page)
			}
		})
	}
	group.Wait()
}

// A damaged language file fails the page, not the process, and keeps failing cleanly.
func TestDamagedLanguageFile(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "eng.traineddata"), []byte("not a model"), 0o600))
	p := start(t, Config{Workers: 1, DataDir: dir})
	require.Equal(t, []string{"eng"}, p.Languages())
	require.Error(t, p.WarmUp(t.Context()))
	for range 3 {
		_, err := p.Recognize(t.Context(), strip(t), ocr.Options{})
		require.Equal(t, pipeline.Backend, pipeline.ReasonOf(err))
		require.ErrorContains(t, err, "eng")
	}
}

// Memory stays where it is over many pages: results, iterators and pictures are all freed.
func TestMemoryStaysFlat(t *testing.T) {
	p := start(t, Config{Workers: 1, Languages: []string{"eng"}})
	small := strip(t)
	read := func(n int) int {
		for range n {
			_, err := p.Recognize(t.Context(), small, ocr.Options{Candidates: 3})
			require.NoError(t, err)
		}
		return resident(t)
	}
	before := read(30)
	after := read(200)
	t.Logf("resident memory: %d KiB after 30 pages, %d KiB after 230", before, after)
	assert.Less(t, after-before, 8<<10, "KiB grown over 200 pages")
}

// resident is the process's resident memory in KiB, without what the garbage collector has not come to yet.
func resident(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	f, err := os.Open("/proc/self/status")
	require.NoError(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			var kib int
			_, err := fmt.Sscan(value, &kib)
			require.NoError(t, err)
			return kib
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

func BenchmarkRecognize(b *testing.B) {
	for _, c := range []struct{ name, file, language string }{
		{"chinese-page", "complaint-zh.png", "zh"}, {"english-page", "agreement-en.png", "en"},
	} {
		pages, _ := document(b, c.file)
		p := start(b, Config{Workers: 1, Languages: []string{c.language}})
		require.NoError(b, p.WarmUp(b.Context()))
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				_, err := p.Recognize(b.Context(), pages[0], ocr.Options{})
				require.NoError(b, err)
			}
		})
	}
}
