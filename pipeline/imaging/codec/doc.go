// Package codec decodes and encodes pictures. Encoded bytes and limits go in; upright 8-bit BGR rasters, or a
// *refusal.Error, come out. With the build tag gocv_specific_modules OpenCV decodes (faster, and it knows more of TIFF and
// BMP); without it Go's decoders do, so that everything builds and runs where OpenCV is not installed.
package codec
