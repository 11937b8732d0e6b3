package app_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/ocr/pdf"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

// Floors of our own weights on the committed pages, turned and degraded (docs/accuracy.md has what was measured). They stand
// a little below the measured figures, so that they trip on a broken stage and not on a rounding.
const (
	floorCER        = 0.04
	floorLinesExact = 0.6
	floorECE        = 0.05
)

// worn is a page as it comes from a phone or a bad copier: less contrast, grain, and JPEG on top.
func worn(t *testing.T, r *imaging.Raster, seed uint64) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 7))
	for i, v := range r.Pix {
		r.Pix[i] = byte(min(max(35+int(v)*4/5+random.IntN(21)-10, 0), 255))
	}
	b, err := codec.EncodeJPEG(r, 70)
	require.NoError(t, err)
	return b
}

// turnedPages writes the committed pages of one page each, each turned another way and worn, with their truth.
func turnedPages(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, content []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	turns := []struct {
		degrees     int
		orientation imaging.Orientation
	}{{0, 1}, {90, 6}, {180, 3}, {270, 8}}
	for i, name := range []string{"agreement-en.png", "complaint-zh.png", "idcard-specimen.jpg", "judgment-seal-zh.jpg", "notice-zh.tif"} {
		stem := strings.TrimSuffix(name, filepath.Ext(name))
		truth := sample(t, "documents", stem+".txt")
		for k, turn := range turns {
			if k != i%4 && k != (i+2)%4 {
				continue // two of the four for each page: enough to notice, and half the time
			}
			id := fmt.Sprintf("%s-%d", stem, turn.degrees)
			write(id+".jpg", worn(t, imaging.Orient(picture(t, sample(t, "documents", name)), turn.orientation), uint64(i)))
			write(id+".txt", truth)
			write(id+".json", fmt.Appendf(nil, `{"rotation":%d}`, turn.degrees))
		}
	}
	return dir
}

// TestEmbeddedModelsHoldTheirFloors is the regression gate of reading without any download.
func TestEmbeddedModelsHoldTheirFloors(t *testing.T) {
	cfg := conf.Default()
	cfg.Models.Dir, cfg.OCR.Engine = t.TempDir(), app.EngineONNX
	a, err := app.New(t.Context(), cfg, app.Options{Parts: app.Documents, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	reader, uses, err := a.PageReader(app.EngineONNX)
	require.NoError(t, err)
	tasks := map[string]bool{}
	for _, use := range uses {
		tasks[use.GetTask()] = true
		require.Equal(t, pb.ModelSource_MODEL_SOURCE_EMBEDDED, use.GetSource(), use.GetName())
	}
	require.Len(t, tasks, 4, "detection, recognition, orientation and correction: %v", uses)

	turned := turnedPages(t)
	measure := eval.OCR{Recognizer: reader, DPI: cfg.OCR.DPI, Images: imaging.DefaultLimits(), PDF: pdf.DefaultLimits()}
	for _, dir := range []string{testinput.Testdata(t, "documents"), turned} {
		r, err := measure.Folder(t.Context(), dir)
		require.NoError(t, err)
		var text strings.Builder
		require.NoError(t, r.WriteText(&text))
		t.Log("\n" + text.String())
		assert.Empty(t, r.Failures)
		assert.LessOrEqual(t, r.Summary.CER.Value, floorCER)
		assert.GreaterOrEqual(t, r.Summary.LinesExact.Value, floorLinesExact)
		assert.LessOrEqual(t, r.Calibration.ECE, floorECE)
		if dir == turned {
			assert.InDelta(t, 1, r.Rotation.Value, 1e-9, "every page is turned upright")
		}
	}

	threshold, _, err := a.OrientationThreshold()
	require.NoError(t, err)
	o := eval.Orient{Detect: a.Orientation, Threshold: float64(threshold)}
	r, err := o.Folder(t.Context(), turned)
	require.NoError(t, err)
	assert.Empty(t, r.Wrong)
	assert.Empty(t, r.Failures)
}

// Where the network doubts, reading decides, and English and Devanagari upside down look like text as well.
func TestPagesOfOthersAreVerifiedByReading(t *testing.T) {
	dir := t.TempDir()
	for name, upright := range map[string]string{"phototest.tif": "0", "devatest-rotated-270.png": "270"} {
		b, err := os.ReadFile(filepath.Join(testinput.SharedData(t), "images", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, strings.TrimSuffix(name, filepath.Ext(name))+".txt"), []byte(upright), 0o600))
	}
	cfg := conf.Default()
	cfg.Models.Dir, cfg.OCR.Engine = t.TempDir(), app.EngineONNX
	a, err := app.New(t.Context(), cfg, app.Options{Parts: app.Documents, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	threshold, _, err := a.OrientationThreshold()
	require.NoError(t, err)
	o := eval.Orient{Detect: a.Orientation, Threshold: float64(threshold)}
	r, err := o.Folder(t.Context(), dir)
	require.NoError(t, err)
	assert.Equal(t, 2, r.Files)
	assert.Empty(t, r.Wrong)
	assert.Empty(t, r.Failures)
}
