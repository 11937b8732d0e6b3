package onnx_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

func TestAutoFallsBackAndSaysWhy(t *testing.T) {
	newBackend(t)
	var log bytes.Buffer
	b, err := onnx.NewBackend(onnx.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	if b.Probe("cuda:0") == nil {
		t.Skip("this machine has a working CUDA provider, so nothing falls back")
	}
	data, err := os.ReadFile("testdata/tiny.onnx")
	require.NoError(t, err)
	x, err := b.OpenBytes(context.Background(), "tiny", data, pipeline.Options{Device: "auto", IntraThreads: 1})
	require.NoError(t, err)
	defer x.Close()
	p := x.(pipeline.Placed).Placement()
	require.Equal(t, "cpu", p.Device)
	require.Contains(t, p.Fallback, "cuda:0: ")
	require.Equal(t, 1, p.IntraThreads)
	require.Contains(t, log.String(), "fallback")

	// An explicit wish is not quietly replaced.
	_, err = b.OpenBytes(context.Background(), "tiny", data, pipeline.Options{Device: "cuda:0"})
	require.ErrorContains(t, err, "cuda:0")
	_, err = b.OpenBytes(context.Background(), "tiny", data, pipeline.Options{Device: "tensorrt:0"})
	require.ErrorContains(t, err, "tensorrt:0")
	_, err = b.OpenBytes(context.Background(), "tiny", data, pipeline.Options{Device: "NoSuchProvider"})
	require.ErrorContains(t, err, "NoSuchProvider")
}

func TestDeviceSyntax(t *testing.T) {
	b := newBackend(t)
	for _, dev := range []string{"", "auto", "cpu", "CPU", " cpu "} {
		require.NoError(t, b.Probe(dev), dev)
	}
	for _, dev := range []string{"cuda:x", "cuda:-1", "cpu:1", "auto:0", ":1", "cuda:0:1"} {
		require.ErrorContains(t, b.Probe(dev), "want auto, cpu", dev)
	}
}

func TestOpenRefusesWhatIsNoModel(t *testing.T) {
	b := newBackend(t)
	for name, data := range map[string][]byte{"empty": nil, "garbage": []byte("not a model"), "zeros": make([]byte, 4096)} {
		_, err := b.OpenBytes(context.Background(), "broken-model", data, pipeline.Options{Device: "cpu"})
		require.ErrorContains(t, err, "broken-model", name)
		require.Equal(t, pipeline.Backend, pipeline.ReasonOf(err), name)
	}
}

func TestProviders(t *testing.T) {
	b := newBackend(t)
	all, err := onnx.Providers()
	require.NoError(t, err)
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	require.Contains(t, names, "CPUExecutionProvider")
	require.NotEmpty(t, b.Version())
	path, why := b.Library()
	require.FileExists(t, path)
	require.NotEmpty(t, why)
}

func TestFindLibrary(t *testing.T) {
	dir := t.TempDir()
	lib := filepath.Join(dir, "libonnxruntime.so")
	require.NoError(t, os.WriteFile(lib, nil, 0o600))

	t.Setenv(onnx.EnvLibrary, "")
	got, why, err := onnx.FindLibrary(lib)
	require.NoError(t, err)
	require.Equal(t, lib, got)
	require.Equal(t, "configuration", why)

	t.Setenv(onnx.EnvLibrary, filepath.Join(dir, "absent.so"))
	_, _, err = onnx.FindLibrary(lib)
	require.ErrorContains(t, err, onnx.EnvLibrary, "what was named explicitly is not replaced")

	t.Setenv(onnx.EnvLibrary, lib)
	_, why, err = onnx.FindLibrary("")
	require.NoError(t, err)
	require.Contains(t, why, onnx.EnvLibrary)

	t.Setenv(onnx.EnvLibrary, dir)
	_, _, err = onnx.FindLibrary("")
	require.ErrorContains(t, err, "is a folder")
}
