// Package onnx runs ONNX models in this process with ONNX Runtime, loaded at run time as a shared library. In go a model's
// bytes, a device and the catalogue's description of its tensors; out comes a [pipeline.Executor] whose outputs are
// ordinary Go memory. It is a cgo leaf: nothing else in the engine needs a C compiler.
package onnx
