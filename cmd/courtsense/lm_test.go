package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLMScore(t *testing.T) {
	dir := t.TempDir()
	statute, noise := filepath.Join(dir, "statute.txt"), filepath.Join(dir, "noise.txt")
	require.NoError(t, os.WriteFile(statute, []byte("民事主体的人身权利、财产权利以及其他合法权益受法律保护，任何组织或者个人不得侵犯。\n"), 0o600))
	require.NoError(t, os.WriteFile(noise, []byte("鹅瓜驼锅丛碟咏犁帚氮绸粪杉泵蚕瓢榴蝶砚\n"), 0o600))
	r := courtsense(t, "lm", "score", "--json", statute, noise)
	require.Equal(t, 0, r.code, r.stderr)
	var fits []lmFileFit
	for l := range strings.Lines(r.stdout) {
		var f lmFileFit
		require.NoError(t, json.Unmarshal([]byte(l), &f))
		fits = append(fits, f)
	}
	require.Len(t, fits, 2)
	require.Less(t, fits[0].Perplexity, 20.0)
	require.Greater(t, fits[1].Perplexity, 100*fits[0].Perplexity)
	require.InDelta(t, 1, fits[0].Coverage, 1e-9)

	r = courtsense(t, "lm", "score", filepath.Join(dir, "absent.txt"))
	require.Equal(t, 1, r.code)
	r.requireOneLine(t, "absent.txt")
	bad := filepath.Join(dir, "bad.lm")
	require.NoError(t, os.WriteFile(bad, []byte("CSLM and nothing"), 0o600))
	r = courtsense(t, "lm", "score", "--model", bad, statute)
	require.Equal(t, 1, r.code)
	r.requireOneLine(t, "bad.lm", "not a language model")
}

func TestLMAdapt(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "court.lm")
	var b strings.Builder
	for i := range 120 {
		fmt.Fprintf(&b, "收到%s漆盒，封口完好，编号%d，置于东侧木架，由值班员%s签收。\n", strings.Repeat("靛", 1+i%3), i, strings.Repeat("某", 1+i%5))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte(b.String()), 0o600))
	r := courtsense(t, "lm", "adapt", "--texts", dir, "-o", out, "--json", "--epochs", "0.5", "--rate", "2e-3", "--places", "20")
	require.Equal(t, 0, r.code, r.stderr)
	var report struct {
		Output        string
		Before, After lmFit
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &report))
	require.Equal(t, out, report.Output)
	require.Less(t, report.After.Perplexity, report.Before.Perplexity)

	r = courtsense(t, "lm", "score", "--model", out, filepath.Join(dir, "notes.txt"))
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, "notes.txt")

	r = courtsense(t, "lm", "adapt", "--texts", dir, "-o", out)
	require.Equal(t, 2, r.code)
	r.requireOneLine(t, "--force")
	r = courtsense(t, "lm", "adapt", "--texts", t.TempDir(), "-o", filepath.Join(dir, "x.lm"))
	require.Equal(t, 1, r.code)
	r.requireOneLine(t, "too little text", "1,000")
}
