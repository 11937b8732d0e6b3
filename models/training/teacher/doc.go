// Command teacher runs one ONNX model for the training recipes over standard input and output: named float32 or int64
// tensors go in, named float32 tensors and the run's duration come out. It stands in for Python's onnxruntime where
// that package is not installed.
package main
