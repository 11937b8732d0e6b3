package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// demo starts its own executable, which here is this one.
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		main()
	}
	// ONNX Runtime and OpenTelemetry keep nothing running; what serve and the in-process services start must end with them.
	goleak.VerifyTestMain(m)
}

const samples = "../../testdata"

type result struct {
	code           int
	stdout, stderr string
}

// courtsense runs a command in this process. The store is an empty folder unless the arguments name one.
func courtsense(t *testing.T, args ...string) result {
	t.Helper()
	return courtsenseWith(t, "", args...)
}

func courtsenseWith(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "COURTSENSE_") {
			t.Setenv(name, "")
			require.NoError(t, os.Unsetenv(name))
		}
	}
	t.Setenv("COURTSENSE_MODELS", t.TempDir())
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), args, strings.NewReader(stdin), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// requireOneLine wants an error of one line that says each of the things.
func (r result) requireOneLine(t *testing.T, says ...string) {
	t.Helper()
	require.Equal(t, 1, strings.Count(r.stderr, "\n"), "one line: %q", r.stderr)
	require.True(t, strings.HasPrefix(r.stderr, "courtsense: "), r.stderr)
	for _, s := range says {
		require.Contains(t, r.stderr, s)
	}
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"frobnicate"}, "unknown command"},
		{[]string{"ocr"}, "name a file or folder"},
		{[]string{"ocr", "x.png", "--frobnicate"}, "unknown flag: --frobnicate; see 'courtsense ocr --help'"},
		{[]string{"ocr", "x.png", "--format", "docx"}, `--format "docx" is not known; there are text, json, hocr, alto, pdf`},
		{[]string{"ocr", "x.png", "--engine", "magic"}, "there are auto, onnx, tesseract, compare"},
		{[]string{"ocr", "x.png", "--candidates", "6"}, "0 to 5"},
		{[]string{"ocr", "x.png", "y.png", "--format", "alto"}, "add -o DIR"},
		{[]string{"ocr", "x.png", "--merge", "a.pdf", "-o", "d"}, "do not go with it"},
		{[]string{"ocr", "x.png", "--merge", "a.pdf", "--format", "json"}, "does not go with it"},
		{[]string{"ocr", "x.png", "--force"}, "--force is for -o"},
		{[]string{"ocr", samples + "/documents/evidence-two-pages.pdf", "--format", "pdf", "-o", samples + "/documents"}, "would be written over"},
		{[]string{"orient"}, "name a picture"},
		{[]string{"enhance"}, "name a picture"},
		{[]string{"ocr", "x.png", "--pages", "3-1"}, `--pages: "3-1"`},
		{[]string{"ocr", "x.png", "--jobs", "0"}, "--jobs 0 is out of range"},
		{[]string{"ocr", samples + "/faces", "--tls"}, "--tls needs --server"},
		{[]string{"ocr", samples + "/faces", "--server", "localhost", "--models", "x"}, "--models has no effect with --server"},
		{[]string{"ocr", samples + "/faces", "--server", "h:1", "--cert", "c.pem"}, "--cert and --key belong together"},
		{[]string{"ocr", samples + "/faces", "--server", "h:1", "--ca", "none.pem"}, "--ca: open none.pem"},
		{[]string{"ocr", samples + "/faces", "--server", "h:1", "--token", "secret"}, "in the clear: add --tls"},
		{[]string{"ocr", samples + "/faces", "--set", "ocr.langages=eng"}, `did you mean "ocr.languages"?`},
		{[]string{"face", "detect"}, "name a picture"},
		{[]string{"transcribe"}, "name a recording, or record with --mic"},
		{[]string{"transcribe", "x.wav", "--mic"}, "exclude each other"},
		{[]string{"transcribe", "x.raw", "--encoding", "linear16"}, "needs --rate"},
		{[]string{"transcribe", "x.wav", "--rate", "8000"}, "are for raw samples"},
		{[]string{"transcribe", "a.wav", "b.wav", "--format", "srt"}, "add -o DIR"},
		{[]string{"models", "list", "--task", "cooking"}, "the tasks are face-detection"},
		{[]string{"models", "show"}, "accepts 1 arg"},
		{[]string{"models", "pull", "--all", "vad-silero-16k"}, "exclude each other"},
		{[]string{"serve", "--grpc-address", "nowhere"}, "server.grpc.address"},
		{[]string{"bench", "--batch", "0"}, "--batch and --callers go from 1"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			r := courtsense(t, c.args...)
			require.Equal(t, exitUsage, r.code, r.stderr)
			r.requireOneLine(t, c.says)
			require.Empty(t, r.stdout)
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitInterrupted, run(ctx, []string{"ocr", samples + "/documents", "--json"}, nil, &stdout, &stderr))
	require.Equal(t, "courtsense: interrupted\n", stderr.String())
	require.Empty(t, stdout.String())
}

func TestVersionAndHelp(t *testing.T) {
	require.Contains(t, courtsense(t, "version").stdout, "courtsense ")
	require.Contains(t, courtsense(t, "--version").stdout, "courtsense ")
	help := courtsense(t)
	require.Zero(t, help.code)
	require.Contains(t, help.stdout, "Work on files:")
	require.Contains(t, courtsense(t, "face").stdout, "detect")
	require.Contains(t, courtsense(t, "completion", "bash").stdout, "courtsense")
}

func TestEveryCommandHasHelpWithoutGaps(t *testing.T) {
	walk(newRootCommand(), func(c *cobra.Command) {
		require.NotEmpty(t, c.Short, c.CommandPath())
		require.False(t, strings.HasSuffix(c.Short, "."), "%s: a title, not a sentence", c.CommandPath())
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			require.NotEmpty(t, f.Usage, "%s --%s", c.CommandPath(), f.Name)
		})
	})
}

func walk(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		if sub.Name() != "help" && sub.Name() != "completion" {
			walk(sub, visit)
		}
	}
}

// TestReferenceIsComplete keeps docs/cli.md and the commands in step.
func TestReferenceIsComplete(t *testing.T) {
	b, err := os.ReadFile("../../docs/cli.md")
	require.NoError(t, err)
	reference := string(b)
	walk(newRootCommand(), func(c *cobra.Command) {
		if c.Runnable() && !c.HasSubCommands() {
			require.True(t, strings.Contains(reference, "`"+c.CommandPath()), "docs/cli.md does not tell of %s", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && f.Name != "version" {
				require.True(t, strings.Contains(reference, "`--"+f.Name+"`"), "docs/cli.md does not tell of --%s of %s", f.Name, c.CommandPath())
			}
		})
	})
}

func TestModels(t *testing.T) {
	var list struct {
		Store  string
		Models []map[string]any
	}
	r := courtsense(t, "models", "list", "--json")
	require.Zero(t, r.code, r.stderr)
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &list))
	active := map[string]bool{}
	for _, m := range list.Models {
		for _, key := range []string{"id", "version", "title", "task", "family", "license", "available", "active", "source", "reason", "bytes"} {
			require.Contains(t, m, key)
		}
		if m["active"].(bool) {
			active[m["id"].(string)] = true
		}
	}
	require.True(t, active["vad-embedded"], "an empty store has the embedded models: %v", active)

	r = courtsense(t, "models", "list")
	require.Contains(t, r.stdout, "* vad-embedded")
	require.Contains(t, r.stdout, "get it with 'courtsense models pull face-detect-yunet-n'")
	require.Contains(t, courtsense(t, "models", "list", "--task", "voice-activity").stdout, "vad-silero-16k")
	require.NotContains(t, courtsense(t, "models", "list", "--task", "voice-activity").stdout, "face-detect-yunet-n")
	require.Contains(t, courtsense(t, "models", "show", "vad-embedded").stdout, "SHA-256 checked")
	require.Contains(t, courtsense(t, "models", "verify").stdout, " 0 wrong")

	r = courtsense(t, "models", "show", "vad-silero-16")
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "did you mean vad-silero-16k or")
	r = courtsense(t, "models", "pull", "vad-silero-16k", "--mirror", filepath.Join(t.TempDir(), "absent"))
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "mirror")
	r = courtsense(t, "models", "pull", "vad-silero-16k", "--mirror", t.TempDir())
	require.Equal(t, exitFailed, r.code)
	r.requireOneLine(t, "vad-silero-16k", "not in the mirror")
}

func TestVerifyFindsDamage(t *testing.T) {
	store := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(store, "face"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(store, "face/yunet_n_dynamic.onnx"), make([]byte, 322906), 0o644))
	r := courtsense(t, "models", "verify", "--models", store)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.stdout, "mismatch")
	require.Contains(t, courtsense(t, "models", "list", "--models", store).stdout, "damaged")
}

func TestDoctor(t *testing.T) {
	r := courtsense(t, "doctor", "--grpc-address", "127.0.0.1:0", "--http-address", "")
	for _, thing := range []string{"ONNX Runtime", "Tesseract", "Poppler", "OpenCV", "microphones", "voice-activity", "vad-embedded", "reading documents"} {
		require.Contains(t, r.stdout, thing)
	}
	var report struct {
		OK       bool
		Findings []finding
	}
	r = courtsense(t, "doctor", "--json", "--set", "ocr.languages=eng,xyz", "--set", "ocr.engine=tesseract", "--grpc-address", "127.0.0.1:0", "--http-address", "")
	require.Equal(t, exitFailed, r.code)
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &report))
	require.False(t, report.OK)
	found := false
	for _, f := range report.Findings {
		if f.Name == "Tesseract" {
			found = true
			require.Equal(t, verdictMissing, f.Verdict)
			require.Contains(t, f.Fix, "tesseract-ocr-xyz")
		}
		if f.Verdict == verdictMissing {
			require.NotEmpty(t, f.Fix, "%+v", f)
		}
	}
	require.True(t, found)
	r = courtsense(t, "doctor", "--config", "nowhere.yaml")
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.stdout, "nowhere.yaml")
}
