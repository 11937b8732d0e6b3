// Package pdf turns the pages of PDF files into pictures: a file's bytes go in, a raster for each page comes out, or a
// clear refusal. Poppler's pdfinfo and pdftoppm do the work as child processes with bounded memory and time, because a
// PDF is a program from outside: whatever it does to its reader, it does not do to the server. The file is handed to
// them in anonymous memory (memfd), so that nothing is ever written to disk and nothing can be left behind.
package pdf
