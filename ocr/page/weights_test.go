package page

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

// embedded opens the page model that the program carries, and skips where the runtime is absent.
func embedded(tb testing.TB) *Orienter {
	tb.Helper()
	if _, _, err := onnx.FindLibrary(""); err != nil {
		tb.Skip(err)
	}
	store, err := models.Open(nil, tb.TempDir())
	require.NoError(tb, err)
	catalog, err := models.Builtin()
	require.NoError(tb, err)
	for _, e := range catalog.Task(models.TaskTextOrientation) {
		if e.Slot != "page" {
			continue
		}
		artifact, err := store.Resolve(e.ID)
		if errors.Is(err, models.ErrUnavailable) {
			continue
		}
		require.NoError(tb, err)
		backend, err := onnx.NewBackend(onnx.Config{})
		require.NoError(tb, err)
		x, err := backend.Open(context.Background(), artifact, pipeline.Options{Device: "cpu", IntraThreads: 1})
		require.NoError(tb, err)
		tb.Cleanup(func() { require.NoError(tb, x.Close()) })
		o, err := NewOrienter(x, artifact.Entry, nil)
		require.NoError(tb, err)
		return o
	}
	tb.Fatal("the catalogue has no page orientation that is embedded")
	return nil
}

func sharedPage(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(testinput.SharedData(tb), "images", name))
	require.NoError(tb, err)
	return b
}

// Pages that others scanned and photographed are told in each direction; no answer above the threshold is wrong.
func TestOrientsPagesOfOthers(t *testing.T) {
	o := embedded(t)
	for name, upright := range map[string]int{"devatest-rotated-270.png": 270, "phototest.tif": 0, "text_vertical_words.png": 0, "en.jpg": 0} {
		r, _, err := codec.Decode(context.Background(), sharedPage(t, name), imaging.DefaultLimits())
		require.NoError(t, err)
		for quarter, how := range []imaging.Orientation{1, 6, 3, 8} { // each turns clockwise by a quarter more
			got, err := o.DetectOrientation(context.Background(), imaging.Orient(r, how), false)
			require.NoError(t, err)
			t.Logf("%s turned by %d: %+v", name, 90*quarter, got)
			if got.Confidence >= o.Threshold() {
				assert.Equal(t, (upright+90*quarter)%360, got.Degrees, "%s turned by %d", name, 90*quarter)
			}
		}
	}
}

// BenchmarkEmbeddedOrientation answers for JPEG files with two goroutines, decoding and network included.
func BenchmarkEmbeddedOrientation(b *testing.B) {
	o := embedded(b)
	r, _, err := codec.Decode(context.Background(), sharedPage(b, "devatest-rotated-270.png"), imaging.DefaultLimits())
	require.NoError(b, err)
	content, err := codec.EncodeJPEG(imaging.Resize(imaging.Orient(r, 6), 1654, 788), 85) // the text upright, as large as at 150 dpi
	require.NoError(b, err)
	benchmarkPages(b, o, content)
}
