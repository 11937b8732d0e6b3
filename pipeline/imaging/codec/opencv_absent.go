//go:build !gocv_specific_modules

package codec

import "github.com/courtsense/courtsense/pipeline/imaging"

// Backend names the decoder that this binary was built with.
const Backend = "go"

func decode(b []byte, f imaging.Format, p imaging.PageHeader) (*imaging.Raster, error) {
	return decodeGo(b, f, p)
}

// decodeReducedGray returns nil: Go's JPEG decoder knows no reduced decoding.
func decodeReducedGray([]byte, imaging.Format, imaging.PageHeader, int) (*imaging.Raster, error) {
	return nil, nil
}
