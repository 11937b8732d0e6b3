package pipeline_test

import (
	"context"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeExecutor doubles x[B,4] to y[B,4] and adds one to state[2,B,3]; rate, a scalar, multiplies y. It records its runs.
type fakeExecutor struct {
	before func(ctx context.Context, in pipeline.Tensors) error // called in Run, may block

	mu     sync.Mutex
	runs   []int // rows of each run
	closed int
}

var fakeSignature = pipeline.Signature{
	Inputs: []pipeline.TensorInfo{
		{Name: "x", DType: pipeline.Float32, Shape: []int64{-1, -1}},
		{Name: "state", DType: pipeline.Float32, Shape: []int64{2, -1, 3}},
		{Name: "rate", DType: pipeline.Int64, Shape: []int64{}},
	},
	Outputs: []pipeline.TensorInfo{
		{Name: "y", DType: pipeline.Float32, Shape: []int64{-1, -1}},
		{Name: "stateN", DType: pipeline.Float32, Shape: []int64{2, -1, 3}},
	},
}

var fakeAxes = map[string]int{"x": 0, "state": 1, "rate": -1, "y": 0, "stateN": 1}

func (f *fakeExecutor) Signature() pipeline.Signature { return fakeSignature }

func (f *fakeExecutor) Run(ctx context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	f.mu.Lock()
	f.runs = append(f.runs, int(in["x"].Shape[0]))
	f.mu.Unlock()
	if f.before != nil {
		if err := f.before(ctx, in); err != nil {
			return nil, err
		}
	}
	y := make([]float32, len(in["x"].Float32))
	for i, v := range in["x"].Float32 {
		y[i] = v * float32(in["rate"].Int64[0])
	}
	state := make([]float32, len(in["state"].Float32))
	for i, v := range in["state"].Float32 {
		state[i] = v + 1
	}
	return pipeline.Tensors{
		"y":      {Shape: in["x"].Shape, Float32: y},
		"stateN": {Shape: in["state"].Shape, Float32: state},
	}, nil
}

func (f *fakeExecutor) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed++
	return nil
}

func (f *fakeExecutor) Runs() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]int(nil), f.runs...)
}

// fakeInput returns a request of some rows of a width, in which every number is known from id.
func fakeInput(id, rows, width int, rate int64) pipeline.Tensors {
	x := make([]float32, rows*width)
	for i := range x {
		x[i] = float32(id*1000 + i)
	}
	state := make([]float32, 2*rows*3)
	for i := range state {
		state[i] = float32(-id*1000 - i)
	}
	return pipeline.Tensors{
		"x":     {Shape: []int64{int64(rows), int64(width)}, Float32: x},
		"state": {Shape: []int64{2, int64(rows), 3}, Float32: state},
		"rate":  {Shape: []int64{}, Int64: []int64{rate}},
	}
}

func fakeOutput(in pipeline.Tensors) pipeline.Tensors {
	out, _ := new(fakeExecutor).Run(context.Background(), in)
	return out
}
