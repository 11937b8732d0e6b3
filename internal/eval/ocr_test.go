package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/pdf"
	"github.com/courtsense/courtsense/ocr/tesseract"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// byWidth reads a page of width n as the n-th text.
type byWidth map[int]string

func (b byWidth) Close() error { return nil }

func (b byWidth) Recognize(ctx context.Context, r *imaging.Raster, _ ocr.Options) (ocr.Page, error) {
	text, ok := b[r.Width]
	if !ok {
		return ocr.Page{}, errors.New("the reader broke down")
	}
	p := ocr.Page{Engine: "by width"}
	for line := range strings.SplitSeq(text, "\n") {
		p.Lines = append(p.Lines, ocr.Line{Text: line})
	}
	return p, ctx.Err()
}

// folder writes files; a number becomes a PNG of that width.
func folder(t *testing.T, files map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		var b []byte
		switch c := content.(type) {
		case string:
			b = []byte(c)
		case int:
			var err error
			b, err = codec.EncodePNG(imaging.NewRaster(c, 10))
			require.NoError(t, err)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	return dir
}

func withoutSpeed(r OCRReport) OCRReport {
	r.Seconds, r.Engine = Speed{}, ""
	return r
}

func TestOCRCountsEverything(t *testing.T) {
	dir := folder(t, map[string]any{
		"a.png": 11, "a.txt": "\ufeffone two\r\n\r\nthree\n",
		"b.PNG": 12, "b.txt": "abcdefghij\n",
		"broken.jpg": "not a picture", "broken.txt": "lost\n",
		"stuck.png": 13, "stuck.txt": "lost too\n",
		"alone.png": 14, "notes.md": "x", "unused.txt": "y",
	})
	o := OCR{Recognizer: byWidth{11: "one two\nthree", 12: "abcdefghiX"}, Images: imaging.DefaultLimits()}
	var raw bytes.Buffer
	o.Raw = &raw
	var steps []int
	o.Progress = func(done, total int) {
		steps = append(steps, done)
		assert.Equal(t, 4, total)
	}
	r, err := o.Folder(t.Context(), dir)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2, 3, 4}, steps)
	assert.Equal(t, 4, r.Files)
	assert.Equal(t, "by width", r.Engine)
	assert.Equal(t, 4, r.Summary.Pages)
	assert.Equal(t, 13+10+4+8, r.Summary.Characters)
	assert.Equal(t, 1, r.Summary.Substitutions)
	assert.Equal(t, 4+8, r.Summary.Deletions, "what could not be read counts as read empty")
	assert.InDelta(t, 13./35, r.Summary.CER.Value, 1e-12)
	assert.InDelta(t, 2./5, r.Summary.LinesExact.Value, 1e-12)
	require.Len(t, r.Failures, 2)
	assert.Equal(t, "broken.jpg", r.Failures[0].File)
	assert.Equal(t, Problem{"stuck.png", "page 1: the reader broke down"}, r.Failures[1])
	assert.Equal(t, []Problem{{"alone.png", "there is no alone.txt with its lines"}}, r.Unscored)

	var printed bytes.Buffer
	require.NoError(t, r.WriteText(&printed))
	for _, want := range []string{"37.14 %", "40.00 %", "2, counted as read empty", "broken.jpg", "alone.png", "pages/s"} {
		assert.Contains(t, printed.String(), want)
	}

	// Anyone can score the raw file again, and gets the same.
	for line := range strings.Lines(raw.String()) {
		var record map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		assert.Contains(t, record, "name")
		assert.Contains(t, record, "output")
		assert.Contains(t, record, "seconds")
	}
	records, err := ReadPages(&raw)
	require.NoError(t, err)
	require.Len(t, records, 4)
	byName := map[string]PageRecord{}
	for _, record := range records {
		byName[record.Name] = record
	}
	assert.Equal(t, "one two\nthree\n", byName["a"].Output)
	ordered := []PageRecord{byName["a"], byName["b"], byName["broken"], byName["stuck"]}
	again, err := ScorePages(dir, ordered)
	require.NoError(t, err)
	assert.Equal(t, withoutSpeed(r), withoutSpeed(again))

	again, err = ScorePages(dir, append(ordered, PageRecord{Name: "elsewhere", Output: "x"}))
	require.NoError(t, err)
	assert.Equal(t, r.Summary, again.Summary)
	assert.Len(t, again.Unscored, 2)
}

func TestOCRStopsForMistakes(t *testing.T) {
	o := OCR{Recognizer: byWidth{11: "a"}, Images: imaging.DefaultLimits()}
	_, err := o.Folder(t.Context(), filepath.Join(t.TempDir(), "absent"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = o.Folder(t.Context(), folder(t, map[string]any{"a.png": 11, "b.txt": ""}))
	require.ErrorContains(t, err, "NAME.txt beside NAME.jpg")

	dir := folder(t, map[string]any{"a.png": 11, "a.txt": "a"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = o.Folder(ctx, dir)
	require.ErrorIs(t, err, context.Canceled)
	o.Raw = full{}
	_, err = o.Folder(t.Context(), dir)
	require.ErrorContains(t, err, "raw output: no space")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestPagesArePartedByFormFeeds(t *testing.T) {
	assert.Equal(t, [][]string{{"a", "b"}, {"c"}}, splitPages("a\nb\n\fc\n"))
	assert.Equal(t, [][]string{{"a"}, nil}, splitPages("a\n\f\f"))
	assert.Equal(t, [][]string{nil}, splitPages(""))
	// A truth without page breaks is that of the whole file.
	one := scoreFile(splitPages("a\nb"), splitPages("a\fb"))
	require.Len(t, one, 1)
	assert.Zero(t, one[0].Edits.Total())
	// A page too many is all insertions, one that is missing all deletions.
	more := scoreFile(splitPages("a\fb"), splitPages("a\fb\fc"))
	require.Len(t, more, 3)
	assert.Equal(t, 1, more[2].Edits.Insertions)
	assert.Equal(t, 1, scoreFile(splitPages("a\fb"), splitPages("a"))[1].Edits.Deletions)
}

func TestRawFilesNameTheirBadLine(t *testing.T) {
	for text, want := range map[string]string{
		"{\"name\":\"a\"}\n{\"name\":": "raw output line 2",
		"\n{\"output\":\"a\"}\n":       `raw output line 2: it has no "name"`,
	} {
		_, err := ReadPages(strings.NewReader(text))
		require.ErrorContains(t, err, want)
	}
	_, err := ReadPairs(strings.NewReader("\n"))
	require.ErrorContains(t, err, "there is no record in it")
	_, err = ReadPairs(strings.NewReader(`{"left":"a.jpg","similarity":0.5}`))
	require.ErrorContains(t, err, `line 1: it has no "left" or no "right"`)
}

// The floor of reading: testdata/documents as measured (docs/accuracy.md), with room for other versions of Tesseract's
// library and data.
func TestCommittedPagesAreRead(t *testing.T) {
	pool, err := tesseract.New(tesseract.Config{Workers: 1, Languages: []string{"chi_sim"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, pool.Close()) }()
	var raw bytes.Buffer
	o := OCR{Run: Run{Raw: &raw, Jobs: 1}, Recognizer: pool, DPI: 200, Images: imaging.DefaultLimits(), PDF: pdf.DefaultLimits()}
	dir := testinput.Testdata(t, "documents")
	r, err := o.Folder(t.Context(), dir)
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	t.Log("\n" + text.String())
	assert.Empty(t, r.Failures)
	assert.Empty(t, r.Unscored)
	assert.LessOrEqual(t, r.Summary.CER.Value, 0.06)
	assert.GreaterOrEqual(t, r.Summary.LinesExact.Value, 0.6)

	records, err := ReadPages(&raw)
	require.NoError(t, err)
	again, err := ScorePages(dir, records)
	require.NoError(t, err)
	assert.Equal(t, r.Summary, again.Summary)
	assert.Equal(t, r.PerFile, again.PerFile)
}
