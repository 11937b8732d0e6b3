// Package tesseract reads pages with the system's Tesseract library: a raster goes into a [Pool], an ocr.Page with lines,
// words and symbols comes out. It is a leaf with native code: gosseract owns the Tesseract instances, and a small bridge
// runs a page and collects its results in one pass.
package tesseract
