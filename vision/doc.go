// Package vision holds what is read from pictures of people. Each sub-package takes upright rasters and loaded models and
// returns measurements; none of them knows how a picture arrived or who asked. It never imports ocr or speech.
package vision
