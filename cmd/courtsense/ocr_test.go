package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const card = samples + "/documents/idcard-specimen.jpg"

func TestOCRWritesEveryFormat(t *testing.T) {
	out := t.TempDir()
	for format, want := range map[string]struct{ suffix, holds string }{
		"hocr": {".hocr", "class=\"ocr_line\""},
		"alto": {".alto.xml", "<alto"},
		"pdf":  {".pdf", "%PDF-1.7"},
	} {
		r := courtsense(t, "ocr", card, "--format", format, "-o", out)
		require.Zero(t, r.code, r.stderr)
		b, err := os.ReadFile(filepath.Join(out, "idcard-specimen"+want.suffix))
		require.NoError(t, err)
		require.Contains(t, string(b), want.holds)
	}
	text, err := exec.Command("pdftotext", filepath.Join(out, "idcard-specimen.pdf"), "-").Output()
	require.NoError(t, err)
	require.Contains(t, strings.ReplaceAll(string(text), " ", ""), "000000209913400000")
}

func TestOCRMergesFilesIntoOnePDF(t *testing.T) {
	target := filepath.Join(t.TempDir(), "folder", "case.pdf")
	r := courtsense(t, "ocr", card, samples+"/documents/evidence-two-pages.pdf", "--merge", target)
	require.Zero(t, r.code, r.stderr)
	info, err := exec.Command("pdfinfo", target).Output()
	require.NoError(t, err)
	require.Regexp(t, `Pages:\s+3\n`, string(info))

	bad := filepath.Join(t.TempDir(), "torn.png")
	require.NoError(t, os.WriteFile(bad, []byte("\x89PNG\r\n\x1a\n"), 0o600))
	whole := filepath.Join(t.TempDir(), "all.pdf")
	r = courtsense(t, "ocr", card, bad, "--merge", whole)
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "torn.png")
	require.NoFileExists(t, whole)
	require.FileExists(t, whole+".incomplete")
	leftovers, err := filepath.Glob(filepath.Join(filepath.Dir(whole), ".courtsense-*"))
	require.NoError(t, err)
	require.Empty(t, leftovers)
}

// What is done is not done again, unless the file changed since, its result lacks pages, or it is asked for.
func TestOCRGoesOnWhereItWas(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	picture, err := os.ReadFile(card)
	require.NoError(t, err)
	page, bad := filepath.Join(in, "page.jpg"), filepath.Join(in, "torn.jpg")
	require.NoError(t, os.WriteFile(page, picture, 0o600))
	require.NoError(t, os.WriteFile(bad, picture[:3000], 0o600))
	past := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(page, past, past))

	r := courtsense(t, "ocr", in, "-o", out)
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "torn.jpg")
	result := filepath.Join(out, "page.txt")
	require.FileExists(t, result)
	require.NoFileExists(t, filepath.Join(out, "torn.txt"), "half a result is not taken for all of it")
	require.NoError(t, os.WriteFile(result, []byte("mine"), 0o600))

	r = courtsense(t, "ocr", page, "-o", out)
	require.Zero(t, r.code)
	require.Equal(t, "1 file done already and skipped; --force reads them again\n", r.stderr)
	require.Equal(t, "mine", readFile(t, result))

	r = courtsense(t, "ocr", page, "-o", out, "--force")
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, readFile(t, result), "000000209913400000")

	require.NoError(t, os.WriteFile(result, []byte("old"), 0o600))
	require.NoError(t, os.Chtimes(result, past.Add(-time.Hour), past.Add(-time.Hour)))
	r = courtsense(t, "ocr", page, "-o", out)
	require.Zero(t, r.code, r.stderr)
	require.NotEqual(t, "old", readFile(t, result), "the file is newer than its result")
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func TestEnhanceMeasuresAndCleans(t *testing.T) {
	out := t.TempDir()
	r := courtsense(t, "enhance", samples+"/documents/judgment-seal-zh.jpg", "-o", out, "--json")
	require.Zero(t, r.code, r.stderr)
	var answer enhancedJSON
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &answer))
	require.Equal(t, "accept", answer.Verdict)
	require.Len(t, answer.ToOriginal, 6)
	require.Equal(t, 1, answer.SealRegions)
	require.FileExists(t, answer.Written)
	r = courtsense(t, "enhance", samples+"/documents/judgment-seal-zh.jpg")
	require.Contains(t, r.stdout, "accept (sharpness")
	r = courtsense(t, "enhance", samples+"/documents/agreement-en.png", "-o", samples+"/documents")
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "would be written over")
	r = courtsense(t, "enhance", samples+"/speech/tones-16k.wav")
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "[UNSUPPORTED_TYPE]")
}
