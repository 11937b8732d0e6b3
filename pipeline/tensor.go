package pipeline

import (
	"fmt"
	"slices"
)

// DType is the element type of a tensor.
type DType uint8

// The element types that the served models use.
const (
	Float32 DType = iota + 1
	Int64
	Uint8
)

// String returns the ONNX spelling of the type.
func (d DType) String() string {
	switch d {
	case Float32:
		return "float32"
	case Int64:
		return "int64"
	case Uint8:
		return "uint8"
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// Tensor is a dense, row-major array. Exactly one of the data slices is non-nil; its length is the product of Shape.
// A Tensor is a view: copying it shares the data.
type Tensor struct {
	Shape   []int64 // outermost dimension first; all >= 0
	Float32 []float32
	Int64   []int64
	Uint8   []uint8
}

// DType returns the type of the slice that is set, or 0 for the zero Tensor.
func (t Tensor) DType() DType {
	switch {
	case t.Float32 != nil:
		return Float32
	case t.Int64 != nil:
		return Int64
	case t.Uint8 != nil:
		return Uint8
	}
	return 0
}

// Elements returns the product of Shape.
func (t Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= int(d)
	}
	return n
}

// Validate reports a shape that disagrees with the data.
func (t Tensor) Validate() error {
	for _, d := range t.Shape {
		if d < 0 {
			return fmt.Errorf("tensor shape %v has a negative dimension", t.Shape)
		}
	}
	var n int
	switch t.DType() {
	case Float32:
		n = len(t.Float32)
	case Int64:
		n = len(t.Int64)
	case Uint8:
		n = len(t.Uint8)
	default:
		return fmt.Errorf("tensor of shape %v has no data", t.Shape)
	}
	if n != t.Elements() {
		return fmt.Errorf("tensor of shape %v needs %d elements, has %d", t.Shape, t.Elements(), n)
	}
	return nil
}

// Tensors maps the tensor names of a model's signature to values.
type Tensors map[string]Tensor

// TensorInfo describes one input or output of a model.
type TensorInfo struct {
	Name  string
	DType DType
	Shape []int64 // -1 where the dimension is dynamic
}

// Accepts reports why t can't be passed where info is declared, or nil.
func (info TensorInfo) Accepts(t Tensor) error {
	if err := t.Validate(); err != nil {
		return fmt.Errorf("%s: %w", info.Name, err)
	}
	if t.DType() != info.DType {
		return fmt.Errorf("%s: element type is %v, the model wants %v", info.Name, t.DType(), info.DType)
	}
	ok := len(t.Shape) == len(info.Shape)
	for i := 0; ok && i < len(t.Shape); i++ {
		ok = info.Shape[i] < 0 || info.Shape[i] == t.Shape[i]
	}
	if !ok {
		return fmt.Errorf("%s: shape is %v, the model wants %v (-1: any)", info.Name, t.Shape, info.Shape)
	}
	return nil
}

// Signature lists a model's inputs and outputs in the model's own order.
type Signature struct {
	Inputs, Outputs []TensorInfo
}

// Check reports the first input that is missing, unknown, or of the wrong type or shape.
func (s Signature) Check(inputs Tensors) error {
	for _, info := range s.Inputs {
		t, ok := inputs[info.Name]
		if !ok {
			return fmt.Errorf("input %q is missing", info.Name)
		}
		if err := info.Accepts(t); err != nil {
			return fmt.Errorf("input %w", err)
		}
	}
	for name := range inputs {
		if !slices.ContainsFunc(s.Inputs, func(i TensorInfo) bool { return i.Name == name }) {
			return fmt.Errorf("input %q is not in the model's signature", name)
		}
	}
	return nil
}
