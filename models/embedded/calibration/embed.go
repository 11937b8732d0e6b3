package calibration

import "embed"

// Files are the calibration files, at the root of the file system.
//
//go:embed *.json
var Files embed.FS
