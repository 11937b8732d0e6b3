package text

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/accuracy"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a model by its catalogue id from the shared or embedded weights, and skips where these or the runtime are
// absent.
func open(tb testing.TB, id string) (pipeline.Executor, models.Artifact) {
	tb.Helper()
	store, err := models.Open(nil, testinput.SharedModels(tb))
	require.NoError(tb, err)
	artifact, err := store.Resolve(id)
	if errors.Is(err, models.ErrUnavailable) {
		tb.Skip(err)
	}
	require.NoError(tb, err)
	if _, _, err := onnx.FindLibrary(""); err != nil {
		tb.Skip(err)
	}
	backend, err := onnx.NewBackend(onnx.Config{})
	require.NoError(tb, err)
	x, err := backend.Open(context.Background(), artifact, pipeline.Options{Device: "cpu", IntraThreads: 1})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, x.Close()) })
	return x, artifact
}

func openDetector(tb testing.TB, id string) *Detector {
	tb.Helper()
	x, a := open(tb, id)
	d, err := NewDetector(x, a.Entry)
	require.NoError(tb, err)
	return d
}

func openRecognizer(tb testing.TB, id string) *Recognizer {
	tb.Helper()
	x, a := open(tb, id)
	keys, err := a.Bytes(models.RoleKeys)
	require.NoError(tb, err)
	r, err := NewRecognizer(x, a.Entry, keys)
	require.NoError(tb, err)
	return r
}

func document(tb testing.TB, name string) (*imaging.Raster, []string) {
	tb.Helper()
	data, err := os.ReadFile(testinput.Testdata(tb, "documents", name))
	require.NoError(tb, err)
	r, _, err := codec.Decode(context.Background(), data, imaging.DefaultLimits())
	require.NoError(tb, err)
	truth, err := os.ReadFile(testinput.Testdata(tb, "documents", strings.TrimSuffix(name, name[strings.LastIndex(name, "."):])+".txt"))
	require.NoError(tb, err)
	return r, strings.Split(strings.TrimSpace(string(truth)), "\n")
}

// The published models run unchanged, whichever way up the page is: a complaint is read with at most a few commas wrong, and turned by a
// half by the direction model.
func TestPublishedModelsReadAPage(t *testing.T) {
	d, r := openDetector(t, "text-detection-ppocr-v3"), openRecognizer(t, "text-recognition-ppocr-v2")
	page, truth := document(t, "complaint-zh.png")
	regions, err := d.Detect(background, page, DetectOptions{})
	require.NoError(t, err)
	require.Len(t, regions, 29)
	lines, err := r.Read(background, page, regions, ReadOptions{Candidates: 5})
	require.NoError(t, err)
	assertReads(t, truth, lines, 0.006)
	for _, l := range lines {
		assert.Greater(t, l.Confidence, float32(0.85), l.Text)
		for _, s := range l.Symbols() {
			assert.NotEmpty(t, s.Candidates)
			b, q := s.Box, l.Polygon.Bounds()
			m := q.H / 4 // the crop is fitted to the ink, which may reach beyond the detector's box
			assert.True(t, b.X >= q.X-m && b.X+b.W <= q.X+q.W+m && b.Y >= q.Y-m && b.Y+b.H <= q.Y+q.H+m, "%q at %+v leaves its line %+v", s.Char, b, q)
		}
	}

	head := imaging.Orient(page, 3)
	upside, err := d.Detect(background, head, DetectOptions{})
	require.NoError(t, err)
	x, a := open(t, "text-orientation-ppocr-v2")
	direction, err := NewDirection(x, a.Entry)
	require.NoError(t, err)
	upside, err = direction.Turn(background, head, upside)
	require.NoError(t, err)
	turned := 0
	for _, g := range upside {
		if g.Polygon[0].Y > g.Polygon[2].Y {
			turned++
		}
	}
	assert.Greater(t, turned, len(upside)*8/10, "of %d lines", len(upside))
	lines, err = r.Read(background, head, upside, ReadOptions{})
	require.NoError(t, err)
	for i, k := 0, len(lines)-1; i < k; i, k = i+1, k-1 {
		lines[i], lines[k] = lines[k], lines[i]
	}
	assertReads(t, truth, lines, 0.08) // the direction model overlooks a few lines
}

func assertReads(t *testing.T, truth []string, lines []ocr.Line, limit float64) {
	t.Helper()
	var read []string
	for _, l := range lines {
		read = append(read, l.Text)
	}
	s := accuracy.Page(truth, read)
	assert.LessOrEqual(t, s.CER(), limit, "%+v: %q", s, read)
}

// A line turned by a quarter is read in the direction in which it makes sense. (PP-OCR's models also read characters that lie
// on their side, and can take it for a column.)
func TestEmbeddedModelReadsTurnedLines(t *testing.T) {
	r := openRecognizer(t, "text-recognition-embedded")
	page, _ := document(t, "complaint-zh.png")
	line := ocr.Box{X: 205, Y: 318, W: 876, H: 31}
	want := "被告：北京样本网络科技有限公司，住所地北京市朝阳区示例大街66"
	for turn, g := range map[imaging.Orientation]ocr.Box{
		6: {X: float32(page.Height) - line.Y - line.H, Y: line.X, W: line.H, H: line.W},
		8: {X: line.Y, Y: float32(page.Width) - line.X - line.W, W: line.H, H: line.W},
	} {
		lines, err := r.Read(background, imaging.Orient(page, turn), []Region{{Polygon: g.Polygon(), Vertical: true}}, ReadOptions{})
		require.NoError(t, err)
		assert.Equal(t, want, lines[0].Text)
		assert.False(t, lines[0].Vertical)
	}
}

func BenchmarkDetect(b *testing.B) {
	d := openDetector(b, "text-detection-ppocr-v3")
	page, _ := document(b, "complaint-zh.png")
	for b.Loop() {
		if _, err := d.Detect(background, page, DetectOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	d, r := openDetector(b, "text-detection-ppocr-v3"), openRecognizer(b, "text-recognition-ppocr-v2")
	page, _ := document(b, "complaint-zh.png")
	regions, err := d.Detect(background, page, DetectOptions{})
	require.NoError(b, err)
	for b.Loop() {
		if _, err := r.Read(background, page, regions, ReadOptions{Candidates: 5}); err != nil {
			b.Fatal(err)
		}
	}
}
