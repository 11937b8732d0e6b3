// Package export writes the record of a hearing as the document that a court files and as what other programs take: a
// word-processing document (.docx), plain text, SubRip and WebVTT subtitles, and JSON with all revisions. The state of a record
// ([record.State]) and, of documents, a [Template] that a court can adapt go in; one file comes out ([Write]). Corrected text
// is shown as it stands last, withdrawn turns are left out, and what is marked as the words of a law is the law's text. No clock is read:
// the same state and options give the same bytes.
package export
