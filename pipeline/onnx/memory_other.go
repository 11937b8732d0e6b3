//go:build !linux

package onnx

// frugally runs f. Other systems' allocators return freed pages by themselves.
func frugally(f func()) { f() }
