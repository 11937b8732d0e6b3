package ocr

import (
	"bufio"
	"io"
)

// WriteText writes the document's lines as UTF-8 text, one line each, with a form feed between pages as pdftotext does.
func WriteText(w io.Writer, d Document) error {
	b := bufio.NewWriter(w)
	for i, p := range d.Pages {
		if i > 0 {
			_ = b.WriteByte('\f')
		}
		_, _ = b.WriteString(p.Text())
	}
	return b.Flush()
}
