package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

// evaluate runs "courtsense eval" with these arguments and an empty model store.
func evaluate(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("COURTSENSE_MODELS", t.TempDir())
	var out, err bytes.Buffer
	code = run(t.Context(), append([]string{"eval"}, args...), strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestEvalMistakesOfTheCommandLine(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"orient"}, "name one folder"},
		{[]string{"ocr", dir, "--compare", "tesseract", "--jobs", "2"}, "--jobs 2 does not go with it"},
		{[]string{"ocr", dir, "--compare", "onnx"}, `--compare "onnx" is not known`},
		{[]string{"asr"}, "name one folder"},
		{[]string{"asr", dir, "--distractors", "x"}, "--distractors needs --hotwords"},
		{[]string{"vad", dir, "--raw", "x"}, "unknown flag"},
		{[]string{"ocr"}, "name one folder"},
		{[]string{"face", dir, dir}, "name one folder"},
		{[]string{"ocr", dir, "--engine", "compare"}, `--engine "compare" is not known`},
		{[]string{"ocr", dir, "--limit", "-1"}, "--limit is not negative"},
		{[]string{"face", dir, "--jobs", "0"}, "--jobs is 1 to 64"},
		{[]string{"voices", dir}, "unknown command"},
	} {
		code, stdout, stderr := evaluate(t, c.args...)
		assert.Equal(t, exitUsage, code, c.args)
		assert.Empty(t, stdout, c.args)
		assert.Contains(t, stderr, c.want)
	}
}

func TestEvalFaceSaysWhatIsMissing(t *testing.T) {
	if _, _, err := onnx.FindLibrary(""); err != nil {
		t.Skip(err)
	}
	code, _, stderr := evaluate(t, "face", t.TempDir(), "--detector", "vad-embedded")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "model vad-embedded is made for voice-activity, not for face-detection")
	code, _, stderr = evaluate(t, "face", t.TempDir(), "--detector", "face-detect-yunet-n")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "courtsense models pull face-detect-yunet-n")
}

func TestEvalOCRMeasuresAndScoresAgain(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"agreement-en.png", "agreement-en.txt"} {
		b, err := os.ReadFile(testinput.Testdata(t, "documents", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "torn.jpg"), []byte{0xff, 0xd8, 0xff}, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "torn.txt"), []byte("two words\n"), 0o600))
	raw := filepath.Join(dir, "raw.jsonl")
	code, stdout, stderr := evaluate(t, "ocr", dir, "--json", "--raw", raw, "--engine", "tesseract", "--lang", "eng")
	require.Equal(t, exitOK, code, stderr)
	var r eval.OCRReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	assert.Equal(t, 2, r.Summary.Pages)
	require.Len(t, r.Failures, 1)
	assert.Equal(t, "torn.jpg", r.Failures[0].File)
	assert.Equal(t, []string{"eng"}, r.Languages)
	require.Len(t, r.Models, 1)
	assert.Len(t, r.Models[0].SHA256, 64)
	assert.Less(t, r.PerFile[0].CER, 0.05)
	assert.Equal(t, 1.0, r.PerFile[1].CER, "a file that can't be read counts as read empty")

	code, stdout, stderr = evaluate(t, "ocr", dir, "--json", "--score", raw)
	require.Equal(t, exitOK, code, stderr)
	var again eval.OCRReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &again))
	assert.Equal(t, r.Summary, again.Summary)

	code, stdout, _ = evaluate(t, "ocr", dir, "--score", raw)
	require.Equal(t, exitOK, code)
	assert.Contains(t, stdout, "character error rate")

	code, _, stderr = evaluate(t, "ocr", dir, "--score", filepath.Join(dir, "agreement-en.txt"))
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, stderr, "raw output line 1")
}

func TestEvalFaceScoresAFile(t *testing.T) {
	raw := filepath.Join(t.TempDir(), "raw.jsonl")
	var lines strings.Builder
	for i := range 20 {
		record := map[string]any{"left": "a.jpg", "right": "b.jpg", "same": i%2 == 0, "similarity": 0.2 + 0.5*float64((i+1)%2)}
		b, err := json.Marshal(record)
		require.NoError(t, err)
		lines.Write(append(b, '\n'))
	}
	require.NoError(t, os.WriteFile(raw, []byte(lines.String()), 0o600))
	code, stdout, stderr := evaluate(t, "face", ".", "--score", raw)
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "20: 10 genuine, 10 impostor")
	assert.Contains(t, stdout, "100.00 %")
}
