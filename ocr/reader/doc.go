// Package reader reads whole pages: a picture goes in and an [ocr.Page] in the picture's own coordinates comes out, through
// the stages enhance, orient, turn upright, find lines, read them, correct and order. Every stage is an interface and may be
// missing. A [Verifier] tells a page's direction by reading it.
package reader
