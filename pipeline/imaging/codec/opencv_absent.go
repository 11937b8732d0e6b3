//go:build !gocv_specific_modules

package codec

import "github.com/courtsense/courtsense/pipeline/imaging"

// Backend names the decoder that this binary was built with.
const Backend = "go"

func decode(b []byte, f imaging.Format, p imaging.PageHeader) (*imaging.Raster, error) {
	return decodeGo(b, f, p)
}
