// Package ocr holds what reading a page means: the result types (document, page, line, word, symbol), the [Recognizer]
// that every reading engine implements, and the exporters. A picture ([imaging.Raster]) goes in through a Recognizer; a
// [Page] comes out, and goes on as JSON ([WriteJSON]), text ([WriteText]) or a marked picture ([Annotate]).
package ocr
