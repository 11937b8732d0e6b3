// Package pipeline is the inference engine: it says how a model is run, never what its numbers mean. Tensors go in and
// tensors come out of an [Executor]; around executors it adds dynamic batching, admission, deadlines, warm-up, hot
// swapping and metrics. The ONNX Runtime executor lives in the leaf package pipeline/onnx, so that nothing here needs cgo.
package pipeline
