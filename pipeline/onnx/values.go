package onnx

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/courtsense/courtsense/pipeline"
)

// newValue wraps t's own memory, which is pinned until the run is over; nothing is copied.
func newValue(pins *runtime.Pinner, t pipeline.Tensor) (ort.Value, error) {
	if len(t.Shape) == 0 {
		return newScalar(t, t.DType())
	}
	switch t.DType() {
	case pipeline.Float32:
		return wrap(pins, t.Shape, t.Float32)
	case pipeline.Int64:
		return wrap(pins, t.Shape, t.Int64)
	default:
		return wrap(pins, t.Shape, t.Uint8)
	}
}

func wrap[T ort.TensorData](pins *runtime.Pinner, shape []int64, data []T) (ort.Value, error) {
	if len(data) > 0 {
		pins.Pin(&data[0])
	}
	return ort.NewTensor(ort.Shape(shape), data)
}

// newScalar makes the rank-0 value that the binding treats as a type of its own.
func newScalar(t pipeline.Tensor, dtype pipeline.DType) (ort.Value, error) {
	switch dtype {
	case pipeline.Float32:
		return ort.NewScalar(first(t.Float32))
	case pipeline.Int64:
		return ort.NewScalar(first(t.Int64))
	default:
		return ort.NewScalar(first(t.Uint8))
	}
}

func first[T any](data []T) T {
	var zero T
	if len(data) > 0 {
		return data[0]
	}
	return zero
}

// goTensor takes the Go memory out of a value, so that it outlives the native object.
func goTensor(v ort.Value) (pipeline.Tensor, error) {
	switch v := v.(type) {
	case *ort.Tensor[float32]:
		return pipeline.Tensor{Shape: v.GetShape(), Float32: v.GetData()}, nil
	case *ort.Tensor[int64]:
		return pipeline.Tensor{Shape: v.GetShape(), Int64: v.GetData()}, nil
	case *ort.Tensor[uint8]:
		return pipeline.Tensor{Shape: v.GetShape(), Uint8: v.GetData()}, nil
	case *ort.Scalar[float32]:
		return pipeline.Tensor{Shape: []int64{}, Float32: []float32{v.GetData()}}, nil
	case *ort.Scalar[int64]:
		return pipeline.Tensor{Shape: []int64{}, Int64: []int64{v.GetData()}}, nil
	case *ort.Scalar[uint8]:
		return pipeline.Tensor{Shape: []int64{}, Uint8: []uint8{v.GetData()}}, nil
	}
	return pipeline.Tensor{}, fmt.Errorf("unsupported value %T", v)
}

func destroy(values []ort.Value) {
	for _, v := range values {
		if v != nil {
			_ = v.Destroy() // never fails for tensors and scalars
		}
	}
}

func newTensor(dtype pipeline.DType, shape []int64) pipeline.Tensor {
	t := pipeline.Tensor{Shape: shape}
	switch dtype {
	case pipeline.Float32:
		t.Float32 = make([]float32, t.Elements())
	case pipeline.Int64:
		t.Int64 = make([]int64, t.Elements())
	case pipeline.Uint8:
		t.Uint8 = make([]uint8, t.Elements())
	}
	return t
}

func outputValue(pins *runtime.Pinner, t pipeline.Tensor, info pipeline.TensorInfo) (ort.Value, error) {
	if len(info.Shape) == 0 {
		return newScalar(pipeline.Tensor{}, info.DType)
	}
	return newValue(pins, t)
}

// maxKnownShapes bounds what a session remembers of picture sizes, which are endless.
const maxKnownShapes = 64

// outputShapes remembers which output shapes follow from which input shapes, as they do in nearly all models, so that
// the runtime need not allocate outputs that are then copied.
type outputShapes struct {
	mu    sync.RWMutex
	known map[string][][]int64
	never bool // an output's shape depends on values
}

func (o *outputShapes) key(sig pipeline.Signature, inputs pipeline.Tensors) string {
	b := make([]byte, 0, 64)
	for _, info := range sig.Inputs {
		for _, d := range inputs[info.Name].Shape {
			b = binary.AppendUvarint(b, uint64(d))
		}
	}
	return string(b)
}

func (o *outputShapes) lookUp(key string) [][]int64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.known[key]
}

func (o *outputShapes) learn(key string, out []ort.Value) {
	shapes := make([][]int64, len(out))
	for i, v := range out {
		shapes[i] = slices.Clone([]int64(v.GetShape()))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.never:
		return
	case o.known == nil, len(o.known) >= maxKnownShapes:
		o.known = map[string][][]int64{}
	}
	o.known[key] = shapes
}

// forget gives up remembering.
func (o *outputShapes) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.never, o.known = true, nil
}
