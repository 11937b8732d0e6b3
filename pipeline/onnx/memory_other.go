//go:build !linux

package onnx

// returnMemory is not needed where the allocator returns freed pages by itself.
func returnMemory() {}
