// Package embedded holds the weights that were trained by the recipes in models/training and are compiled into the
// program, each beside its model card. In goes nothing; out comes a read-only file system with NAME.onnx and NAME.md.
package embedded
