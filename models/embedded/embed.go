package embedded

import "embed"

// Files are the weights and cards, at the root of the file system.
//
//go:embed *
var Files embed.FS
