package pdf

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/refusal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, content []byte, l Limits) *Document {
	t.Helper()
	d, err := Open(t.Context(), content, l)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, d.Close()) })
	return d
}

func refused(t *testing.T, err error, reason refusal.Reason) *refusal.Error {
	t.Helper()
	require.Error(t, err)
	r, ok := refusal.As(err)
	require.True(t, ok, "not a refusal: %v", err)
	require.Equal(t, reason, r.Reason, r.Error())
	return r
}

func at(r *imaging.Raster, x, y int) [3]byte { return [3]byte(r.Pix[3*(y*r.Width+x):]) }

var (
	red   = [3]byte{0, 0, 255} // B, G, R
	white = [3]byte{255, 255, 255}
)

func TestRender(t *testing.T) {
	d := open(t, sample(
		page{content: redSquare},
		page{content: redSquare, extra: "/Rotate 90"},
		page{content: redSquare, box: "0 0 600 800", extra: "/CropBox [0 320 100 420]"},
	), Limits{})
	require.Equal(t, 3, d.Pages())

	t.Run("colours and position", func(t *testing.T) {
		r, err := d.Render(t.Context(), 1, 144)
		require.NoError(t, err)
		assert.Equal(t, [2]int{596, 840}, [2]int{r.Width, r.Height})
		assert.Equal(t, red, at(r, 10, 10))
		assert.Equal(t, red, at(r, 140, 140))
		assert.Equal(t, white, at(r, 150, 150))
	})
	t.Run("the page's own rotation is applied", func(t *testing.T) {
		r, err := d.Render(t.Context(), 2, 72)
		require.NoError(t, err)
		size, err := d.Size(2)
		require.NoError(t, err)
		assert.Equal(t, Size{420, 298}, size)
		assert.Equal(t, [2]int{420, 298}, [2]int{r.Width, r.Height})
		assert.Equal(t, red, at(r, r.Width-10, 10), "the top left corner is turned to the right")
	})
	t.Run("only the crop box is shown", func(t *testing.T) {
		r, err := d.Render(t.Context(), 3, 72)
		require.NoError(t, err)
		assert.Equal(t, [2]int{100, 100}, [2]int{r.Width, r.Height})
		assert.Equal(t, red, at(r, 5, 5))
	})
	t.Run("a page that is not there", func(t *testing.T) {
		for _, n := range []int{-1, 0, 4} {
			_, err := d.Render(t.Context(), n, 72)
			refused(t, err, refusal.InvalidValue)
		}
	})
	t.Run("a resolution out of range", func(t *testing.T) {
		for _, dpi := range []float64{0, -1, 9, 1201, nan()} {
			_, err := d.Render(t.Context(), 1, dpi)
			refused(t, err, refusal.InvalidValue)
		}
	})
}

func nan() float64 { z := 0.0; return z / z }

func TestRenderSampleFile(t *testing.T) {
	content, err := os.ReadFile(testinput.Testdata(t, "documents", "evidence-two-pages.pdf"))
	require.NoError(t, err)
	d := open(t, content, Limits{})
	require.Equal(t, 2, d.Pages())
	var group sync.WaitGroup
	for n := 1; n <= 2; n++ {
		group.Go(func() {
			r, err := d.Render(t.Context(), n, 150)
			if assert.NoError(t, err) {
				assert.InDelta(t, 1240, r.Width, 1)
				assert.InDelta(t, 1754, r.Height, 1)
				assert.False(t, blank(r))
			}
		})
	}
	group.Wait()
}

func TestRefusedFiles(t *testing.T) {
	ok := sample(page{content: redSquare})
	many := sample(make([]page, 30)...)
	for _, c := range []struct {
		name    string
		content []byte
		limits  Limits
		reason  refusal.Reason
		says    string
	}{
		{"empty", nil, Limits{}, refusal.Empty, "0 bytes"},
		{"a picture", []byte("\x89PNG\r\n\x1a\n----------"), Limits{}, refusal.UnsupportedType, "not a PDF"},
		{"marker too late", append(bytes.Repeat([]byte(" "), sniffed), ok...), Limits{}, refusal.UnsupportedType, "1024"},
		{"marker only", []byte("%PDF-1.7\n"), Limits{}, refusal.Corrupt, "damaged"},
		{"noise behind the marker", append([]byte("%PDF-1.4\n"), bytes.Repeat([]byte{0xA5, 0x00, 0x3C}, 3000)...), Limits{}, refusal.Corrupt, "damaged"},
		{"over the size limit", ok, Limits{MaxBytes: 100}, refusal.TooLarge, "limits.max_pdf_bytes"},
		{"over the page limit", many, Limits{MaxPages: 29}, refusal.TooManyPages, "30 pages, over the limit of 29"},
		{"a password to open", encrypted(t, ok, "secret"), Limits{}, refusal.Encrypted, "password"},
		{"no pages", sample(), Limits{}, refusal.Corrupt, "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(t.Context(), c.content, c.limits)
			r := refused(t, err, c.reason)
			assert.Contains(t, r.Error(), c.says)
		})
	}
}

func TestAcceptedOddFiles(t *testing.T) {
	ok := sample(page{content: redSquare})
	for name, content := range map[string][]byte{
		"junk before the marker":           append([]byte("HTTP/1.1 200 OK\r\n\r\n"), ok...),
		"no cross-reference table":         slices.Concat(ok[:bytes.Index(ok, []byte("\nxref\n"))+1], ok[bytes.Index(ok, []byte("trailer")):]),
		"may be opened, not printed":       encrypted(t, ok, ""),
		"a title that pretends to be info": liar(),
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, content, Limits{})
			assert.Equal(t, 1, d.Pages())
			r, err := d.Render(t.Context(), 1, 72)
			require.NoError(t, err)
			assert.Equal(t, red, at(r, 5, 5))
		})
	}
}

// liar is a file whose title holds lines as pdfinfo would write them.
func liar() []byte {
	content := string(sample(page{content: redSquare}))
	title := `(x\nPages:           9\nPage    1 size:  9 x 9 pts\nEncrypted: no)`
	return []byte(strings.Replace(content, "/Root", "/Info << /Title "+title+" >> /Root", 1))
}

func TestRefusedPages(t *testing.T) {
	t.Run("too large at this resolution names one that fits", func(t *testing.T) {
		d := open(t, sample(page{content: redSquare, box: "0 0 3000 3000"}), Limits{MaxPixels: 1_000_000})
		_, err := d.Render(t.Context(), 1, 100)
		r := refused(t, err, refusal.TooLarge)
		assert.Equal(t, "page 1: 4167x4167 px at 100 dpi exceeds max_pixels 1000000 (config limits.max_pixels); ask for at most 23 dpi", r.Error())
		picture, err := d.Render(t.Context(), 1, 23)
		require.NoError(t, err)
		assert.LessOrEqual(t, picture.Width*picture.Height, 1_000_000)
	})
	t.Run("an endless page box", func(t *testing.T) {
		d := open(t, sample(page{content: redSquare, box: "0 0 100000000 100000000"}), Limits{})
		_, err := d.Render(t.Context(), 1, 72)
		refused(t, err, refusal.TooLarge)
	})
	t.Run("one bad page leaves the others", func(t *testing.T) {
		d := open(t, sample(page{content: redSquare, box: "0 0 90000 90000"}, page{content: redSquare}), Limits{})
		_, err := d.Render(t.Context(), 1, 72)
		refused(t, err, refusal.TooLarge)
		_, err = d.Render(t.Context(), 2, 72)
		require.NoError(t, err)
	})
	t.Run("a page that never ends", func(t *testing.T) {
		d := open(t, laughs(9), Limits{PageTime: 3 * time.Second}) // opening takes its part of it
		_, err := d.Render(t.Context(), 1, 72)
		r := refused(t, err, refusal.TooLong)
		assert.Contains(t, r.Error(), "page 1 takes longer than 3s")
	})
	t.Run("a page that eats memory", func(t *testing.T) {
		d := open(t, sample(page{content: redSquare, box: "0 0 10000 10000"}), Limits{MaxMemory: 150 << 20})
		_, err := d.Render(t.Context(), 1, 72)
		refused(t, err, refusal.TooLarge)
	})
	t.Run("a damaged picture is not an empty page", func(t *testing.T) {
		w := &writer{}
		image := w.stream("/Type /XObject /Subtype /Image /Width 100 /Height 100 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode", "not a JPEG")
		d := open(t, w.document(page{content: "200 0 0 200 0 0 cm /I Do", resources: "/XObject << /I " + ref(image) + " >>"}), Limits{})
		_, err := d.Render(t.Context(), 1, 72)
		refused(t, err, refusal.Corrupt)
	})
}

func TestContextEndsTheChild(t *testing.T) {
	d := open(t, laughs(9), Limits{})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := d.Render(ctx, 1, 72)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = Open(ctx, laughs(2), Limits{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestCloseTwiceAndRenderAfter(t *testing.T) {
	d, err := Open(t.Context(), sample(page{content: redSquare}), Limits{})
	require.NoError(t, err)
	require.NoError(t, d.Close())
	require.NoError(t, d.Close())
	_, err = d.Render(t.Context(), 1, 72)
	require.Error(t, err)
}

// Neither good nor bad files leave descriptors, children or temporary files behind.
func TestNothingIsLeftBehind(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	use := func() {
		for _, content := range [][]byte{sample(page{content: redSquare}), []byte("%PDF-1.4 broken"), nil, encrypted(t, sample(page{}), "x")} {
			d, err := Open(t.Context(), content, Limits{})
			if err != nil {
				continue
			}
			_, err = d.Render(t.Context(), 1, 20)
			require.NoError(t, err)
			_, _ = d.Render(t.Context(), 1, 5000)
			require.NoError(t, d.Close())
		}
	}
	use()
	before := descriptors(t)
	for range 10 {
		use()
	}
	runtime.GC()
	assert.LessOrEqual(t, descriptors(t), before)
	left, err := filepath.Glob(filepath.Join(temp, "*"))
	require.NoError(t, err)
	assert.Empty(t, left)
	children, err := os.ReadFile("/proc/thread-self/children")
	if err == nil {
		assert.Empty(t, strings.TrimSpace(string(children)))
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(fds)
}

func TestMissingPopplerIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Open(t.Context(), sample(page{}), Limits{})
	require.ErrorIs(t, err, ErrNotInstalled)
	assert.Contains(t, err.Error(), "poppler-utils")
	_, err = Installed(t.Context())
	require.ErrorIs(t, err, ErrNotInstalled)
}

func TestInstalled(t *testing.T) {
	version, err := Installed(t.Context())
	require.NoError(t, err)
	assert.Regexp(t, `^\d+\.\d+`, version)
}
