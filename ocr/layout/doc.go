// Package layout puts a page's lines into reading order. A page ([ocr.Page]) whose lines are in any order goes in, and, where
// there is one, the picture, for its ruled tables; the same page comes out with its lines as a person would read them, told
// into paragraphs, and with regions for tables, their cells, and what stands in the margins. Coordinates are those of an
// upright page: the content is not turned.
package layout
