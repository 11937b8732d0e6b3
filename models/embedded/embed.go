package embedded

import "embed"

// Files are the weights and cards, at the root of the file system.
//
//go:embed *.onnx *.md *.bin *.txt
var Files embed.FS
