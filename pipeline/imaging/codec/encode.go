package codec

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// DefaultJPEGQuality keeps the artefacts below what matters to a reader or a recogniser.
const DefaultJPEGQuality = 92

// EncodeJPEG encodes r as a baseline JPEG of the given quality, 1 to 100; 0 stands for DefaultJPEGQuality.
func EncodeJPEG(r *imaging.Raster, quality int) ([]byte, error) {
	if quality == 0 {
		quality = DefaultJPEGQuality
	}
	if quality < 1 || quality > 100 {
		return nil, fmt.Errorf("JPEG quality %d is not in 1..100", quality)
	}
	var out bytes.Buffer
	img, err := rgba(r)
	if err != nil {
		return nil, err
	}
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode JPEG: %w", err)
	}
	return out.Bytes(), nil
}

// EncodePNG encodes r without loss.
func EncodePNG(r *imaging.Raster) ([]byte, error) {
	var out bytes.Buffer
	img, err := rgba(r)
	if err != nil {
		return nil, err
	}
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, img); err != nil {
		return nil, fmt.Errorf("encode PNG: %w", err)
	}
	return out.Bytes(), nil
}

func rgba(r *imaging.Raster) (*image.RGBA, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	img := image.NewRGBA(image.Rect(0, 0, r.Width, r.Height))
	for i := range r.Width * r.Height {
		img.Pix[4*i], img.Pix[4*i+1], img.Pix[4*i+2], img.Pix[4*i+3] = r.Pix[3*i+2], r.Pix[3*i+1], r.Pix[3*i], 255
	}
	return img, nil
}
