package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
)

// TestDemoNoticesWrongAnswers gives the demo samples of which one is known wrongly and most are absent.
func TestDemoNoticesWrongAnswers(t *testing.T) {
	folder, out := t.TempDir(), t.TempDir()
	put := func(name, from string) {
		b, err := os.ReadFile(filepath.Join(samples, from))
		require.NoError(t, err)
		require.NoError(t, writeFile(filepath.Join(folder, name), b))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "documents"), 0o755))
	put("speech/session-en-8k.wav", "speech/session-en-8k.wav")
	put("speech/session-en-8k.txt", "speech/session-en-8k.txt")
	put("speech/two-seats-16k.wav", "speech/two-seats-16k.wav")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "speech/two-seats-16k.txt"), []byte("0.5\t3.3\t0\tx\n3.0\t4.4\t0\tx\n"), 0o644))

	r := courtsense(t, "demo", "--samples", folder, "--out", out)
	require.Equal(t, exitFailed, r.code, r.stdout)
	require.Regexp(t, `WRONG hear two speakers on two channels`, r.stdout)
	require.Contains(t, r.stdout, "the utterance from 3.00 to 4.40 s on channel 0 was not heard")
	require.Regexp(t, `WRONG read a Chinese page`, r.stdout)
	require.Regexp(t, `ok    hear a telephone line`, r.stdout)
	require.Regexp(t, `ok    stop the server`, r.stdout)
	require.Contains(t, r.stdout, "FAILED: ")
	require.FileExists(t, filepath.Join(out, "server.log"))

	r = courtsense(t, "demo", "--samples", t.TempDir())
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "the samples are not in")
}

// TestDemo is the whole way: a server as a process of its own, called on every sample.
func TestDemo(t *testing.T) {
	store := testinput.SharedModels(t)
	out := t.TempDir()
	r := courtsense(t, "demo", "--samples", samples, "--models", store, "--out", out)
	require.Zero(t, r.code, r.stdout)
	for _, name := range []string{"astronaut.faces.jpg", "complaint-zh.page-1.png", "evidence-two-pages.page-2.png", "hearing.docx"} {
		require.FileExists(t, filepath.Join(out, name))
	}
}
