// Package docx writes word-processing documents as Office Open XML (ECMA-376, transitional): styles, page geometry, a header and
// footer with page numbers, paragraphs of styled runs, and footnotes. [Settings] and then paragraph after paragraph go in, and a
// .docx file comes out as it is written, so that memory grows only with the footnotes. No clock is read: the same calls give
// the same bytes.
package docx
