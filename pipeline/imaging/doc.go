// Package imaging turns outside bytes into pictures and pictures into tensors. Bytes go in; a [Raster] (8-bit BGR,
// upright) or a clear refusal comes out. What a file is and how large it would become is decided from its header, before
// a pixel is decoded. It is the one place where raster images are decoded, shared by vision and ocr.
//
// JPEG, PNG, TIFF, BMP and WebP are accepted, whatever a file's name says. GIF and animations are refused by name: one
// frame of a moving picture would be a silent loss, which evidence can't afford.
package imaging
