package onnx_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/onnx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newBackend skips the test where the shared library is not installed, so that the rest of the package still tests.
func newBackend(t testing.TB) *onnx.Backend {
	t.Helper()
	if _, _, err := onnx.FindLibrary(""); err != nil {
		t.Skip(err)
	}
	b, err := onnx.NewBackend(onnx.Config{})
	require.NoError(t, err)
	return b
}

func open(t testing.TB, file string, o pipeline.Options) pipeline.Executor {
	t.Helper()
	b := newBackend(t)
	data, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	x, err := b.OpenBytes(context.Background(), file, data, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	return x
}

func tinyInput(rows int, start float32) pipeline.Tensors {
	x := make([]float32, rows*4)
	for i := range x {
		x[i] = start + float32(i)/10
	}
	return pipeline.Tensors{
		"x":     {Shape: []int64{int64(rows), 4}, Float32: x},
		"state": {Shape: []int64{2, int64(rows), 3}, Float32: make([]float32, 2*rows*3)},
	}
}

func TestRun(t *testing.T) {
	x := open(t, "tiny.onnx", pipeline.Options{Device: "cpu"})
	require.Equal(t, pipeline.Signature{
		Inputs: []pipeline.TensorInfo{
			{Name: "x", DType: pipeline.Float32, Shape: []int64{-1, 4}},
			{Name: "state", DType: pipeline.Float32, Shape: []int64{2, -1, 3}},
		},
		Outputs: []pipeline.TensorInfo{
			{Name: "y", DType: pipeline.Float32, Shape: []int64{-1, 2}},
			{Name: "stateN", DType: pipeline.Float32, Shape: []int64{2, -1, 3}},
		},
	}, x.Signature())

	out, err := x.Run(context.Background(), tinyInput(3, 1))
	require.NoError(t, err)
	require.Equal(t, []int64{3, 2}, out["y"].Shape)
	require.Equal(t, []int64{2, 3, 3}, out["stateN"].Shape)
	for row := range 3 {
		require.InDelta(t, 1, out["y"].Float32[2*row]+out["y"].Float32[2*row+1], 1e-6, "softmax sums to one")
	}

	empty, err := x.Run(context.Background(), tinyInput(0, 0))
	require.NoError(t, err)
	require.NoError(t, empty["y"].Validate())
	require.Equal(t, []int64{0, 2}, empty["y"].Shape)
}

// Outputs must stay as they are when the session is used again, closed, and its memory reused.
func TestOutputsBelongToTheCaller(t *testing.T) {
	b := newBackend(t)
	data, err := os.ReadFile("testdata/tiny.onnx")
	require.NoError(t, err)
	x, err := b.OpenBytes(context.Background(), "tiny", data, pipeline.Options{Device: "cpu"})
	require.NoError(t, err)
	in := tinyInput(2, 1)
	out, err := x.Run(context.Background(), in)
	require.NoError(t, err)
	want := append([]float32(nil), out["y"].Float32...)
	for i := range in["x"].Float32 {
		in["x"].Float32[i] = 99
	}
	_, err = x.Run(context.Background(), tinyInput(2, -5))
	require.NoError(t, err)
	require.NoError(t, x.Close())
	runtime.GC()
	require.Equal(t, want, out["y"].Float32)
}

func TestInvalidInput(t *testing.T) {
	x := open(t, "tiny.onnx", pipeline.Options{Device: "cpu"})
	for name, in := range map[string]pipeline.Tensors{
		"missing":       {"x": tinyInput(1, 0)["x"]},
		"unknown":       {"x": tinyInput(1, 0)["x"], "state": tinyInput(1, 0)["state"], "z": tinyInput(1, 0)["x"]},
		"rank":          {"x": {Shape: []int64{4}, Float32: make([]float32, 4)}, "state": tinyInput(1, 0)["state"]},
		"type":          {"x": {Shape: []int64{1, 4}, Int64: make([]int64, 4)}, "state": tinyInput(1, 0)["state"]},
		"too few":       {"x": {Shape: []int64{2, 4}, Float32: make([]float32, 4)}, "state": tinyInput(2, 0)["state"]},
		"no data":       {"x": {Shape: []int64{1, 4}}, "state": tinyInput(1, 0)["state"]},
		"negative size": {"x": {Shape: []int64{-1, 4}, Float32: make([]float32, 4)}, "state": tinyInput(1, 0)["state"]},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := x.Run(context.Background(), in)
			require.Error(t, err)
			require.Equal(t, pipeline.Invalid, pipeline.ReasonOf(err), err)
		})
	}
	// The signature can't express that both batch dimensions must be equal; the runtime finds it.
	_, err := x.Run(context.Background(), pipeline.Tensors{"x": tinyInput(2, 0)["x"], "state": tinyInput(3, 0)["state"]})
	require.Equal(t, pipeline.Backend, pipeline.ReasonOf(err), err)
}

// Remembered output shapes must not be trusted where shapes depend on values.
func TestOutputShapeThatDependsOnValues(t *testing.T) {
	x := open(t, "found.onnx", pipeline.Options{Device: "cpu"})
	for _, c := range []struct {
		x    []float32
		want []int64
	}{
		{[]float32{1, 0, 1, 0}, []int64{0, 2}}, {[]float32{0, 0, 1, 1}, []int64{2, 3}}, {[]float32{1, 1, 1, 0}, []int64{0, 1, 2}},
		{[]float32{0, 0, 0, 0}, []int64{}}, {[]float32{0, 1, 0, 1}, []int64{1, 3}}, {[]float32{0, 1, 0}, []int64{1}},
	} {
		out, err := x.Run(context.Background(), pipeline.Tensors{"x": {Shape: []int64{int64(len(c.x))}, Float32: c.x}})
		require.NoError(t, err)
		require.Equal(t, c.want, out["indices"].Int64)
		require.Equal(t, []int64{1, int64(len(c.want))}, out["indices"].Shape)
	}
}

func slowInput(steps int64) pipeline.Tensors {
	return pipeline.Tensors{
		"x":     {Shape: []int64{1, 256}, Float32: make([]float32, 256)},
		"steps": {Shape: []int64{}, Int64: []int64{steps}},
	}
}

// The loop would take hours, so that only a run that is really stopped can end the test.
func TestCancelDuringRun(t *testing.T) {
	x := open(t, "slow.onnx", pipeline.Options{Device: "cpu", IntraThreads: 1})

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := x.Run(ctx, slowInput(1<<40))
	require.Equal(t, pipeline.DeadlineExceeded, pipeline.ReasonOf(err), err)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	ctx, cancel = context.WithCancel(context.Background())
	go cancel()
	_, err = x.Run(ctx, slowInput(1<<40))
	require.Equal(t, pipeline.Canceled, pipeline.ReasonOf(err), err)

	// The stopped runs' options are reused: the flag must not stick.
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	for range 3 {
		_, err = x.Run(ctx, slowInput(3))
		require.NoError(t, err)
	}
}

func TestEndedContextDoesNotRun(t *testing.T) {
	x := open(t, "slow.onnx", pipeline.Options{Device: "cpu"})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := x.Run(ctx, slowInput(1<<40))
	require.Equal(t, pipeline.Canceled, pipeline.ReasonOf(err), err)
}

func TestCloseWaitsAndIsIdempotent(t *testing.T) {
	b := newBackend(t)
	data, err := os.ReadFile("testdata/slow.onnx")
	require.NoError(t, err)
	x, err := b.OpenBytes(context.Background(), "slow", data, pipeline.Options{Device: "cpu", IntraThreads: 1})
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			_, err := x.Run(ctx, slowInput(1<<40))
			require.Contains(t, []pipeline.Reason{pipeline.DeadlineExceeded, pipeline.Rejected}, pipeline.ReasonOf(err), err)
		})
		wg.Go(func() { require.NoError(t, x.Close()) })
	}
	wg.Wait()
	require.NoError(t, x.Close())
	_, err = x.Run(context.Background(), slowInput(1))
	require.Equal(t, pipeline.Rejected, pipeline.ReasonOf(err), err)
}

// Concurrent runs of one session must not see each other's data.
func TestConcurrentRuns(t *testing.T) {
	x := open(t, "tiny.onnx", pipeline.Options{Device: "cpu", IntraThreads: 2})
	want := map[int][]float32{}
	for i := range 8 {
		out, err := x.Run(context.Background(), tinyInput(i+1, float32(i)))
		require.NoError(t, err)
		want[i] = out["y"].Float32
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				out, err := x.Run(ctx, tinyInput(i+1, float32(i)))
				if err != nil || !equal(out["y"].Float32, want[i]) {
					t.Errorf("run %d: %v, %v", i, out, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func equal(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
