// Package export writes read pages in the formats that archives and other programs take: hOCR 1.2 ([WriteHOCR]), ALTO 4
// ([WriteALTO]) and searchable PDF/A-2b ([NewPDF]). Pages ([ocr.Page]) and, for PDF, the pictures that they were read from
// go in; one file of many pages comes out, written page by page, so that memory does not grow with their number. The same
// pages and [Meta] always give the same bytes.
package export
