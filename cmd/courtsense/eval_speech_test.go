package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

func TestEvalASRCountsErrorsAndHotWords(t *testing.T) {
	if _, _, err := onnx.FindLibrary(""); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	sound, err := os.ReadFile(testinput.Testdata(t, "speech", "court-zh-16k.wav"))
	require.NoError(t, err)
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	write("a.wav", sound)
	write("a.txt", []byte("请原告陈述诉讼请求。\n请求判令被告退还货款一万两千元。\n"))
	write("b.wav", []byte("no sound at all, though the name says so"))
	write("b.txt", []byte("有\n"))
	words := write("hot.words", []byte("# said\n诉讼请求\t3\n退还货款\n"))
	others := write("others.words", []byte("海淀区人民法院\n"))

	code, stdout, stderr := evaluate(t, "asr", dir, "--json", "--hotwords", words, "--distractors", others, "--raw", filepath.Join(dir, "raw.jsonl"))
	require.Equal(t, exitOK, code, stderr)
	var r eval.ASRReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	assert.Equal(t, 2, r.Files)
	assert.Equal(t, 25, r.Characters)
	assert.Less(t, r.CER.Value, .8)
	assert.Len(t, r.Failures, 1)
	require.NotNil(t, r.HotWords)
	assert.Equal(t, 2, r.HotWords.Occurrences)
	assert.GreaterOrEqual(t, r.HotWords.Recall.Value, r.HotWords.RecallPlain.Value)
	assert.NotEmpty(t, r.Models)

	code, again, stderr := evaluate(t, "asr", dir, "--json", "--hotwords", words, "--distractors", others, "--score", filepath.Join(dir, "raw.jsonl"))
	require.Equal(t, exitOK, code, stderr)
	var scored eval.ASRReport
	require.NoError(t, json.Unmarshal([]byte(again), &scored))
	assert.Equal(t, r.CER, scored.CER)
	assert.Equal(t, r.HotWords, scored.HotWords)
}

func TestEvalVADMeasuresRecordings(t *testing.T) {
	if _, _, err := onnx.FindLibrary(""); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	sound, err := os.ReadFile(testinput.Testdata(t, "speech", "court-zh-16k.wav"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.wav"), sound, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "who.rttm"), []byte("SPEAKER a 1 0.8 2.795 <NA> <NA> x <NA> <NA>\nSPEAKER a 1 4.795 4.47 <NA> <NA> x <NA> <NA>\n"), 0o600))
	code, stdout, stderr := evaluate(t, "vad", dir, "--json")
	require.Equal(t, exitOK, code, stderr)
	var r eval.VADReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	assert.InDelta(t, 7.265, r.SpeechSeconds, .02)
	assert.Less(t, r.Error, .25)
	code, stdout, _ = evaluate(t, "vad", dir)
	require.Equal(t, exitOK, code)
	assert.Contains(t, stdout, "vad-embedded")
}
