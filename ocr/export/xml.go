package export

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/courtsense/courtsense/ocr"
)

func floor(v float64) float64 { return math.Floor(v + 1e-6) }

func ceil(v float64) float64 { return math.Ceil(v - 1e-6) }

// xmlWriter writes XML by hand: a page has thousands of small elements, and encoding/xml can neither choose where to break
// lines nor order attributes freely. Errors stick in the buffered writer until Flush.
type xmlWriter struct {
	b       *bufio.Writer
	scratch []byte
}

func newXMLWriter(w io.Writer) xmlWriter { return xmlWriter{b: bufio.NewWriterSize(w, 64<<10)} }

func (x *xmlWriter) raw(parts ...string) {
	for _, s := range parts {
		_, _ = x.b.WriteString(s)
	}
}

func (x *xmlWriter) rawf(format string, args ...any) { fmt.Fprintf(x.b, format, args...) }

// text writes escaped character data that holds inside attributes in either kind of quotes too.
func (x *xmlWriter) text(s string) { _, _ = escaper.WriteString(x.b, clean(s)) }

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

// attribute writes a space, the name and the escaped value.
func (x *xmlWriter) attribute(name, value string) {
	x.raw(" ", name, `="`)
	x.text(value)
	x.raw(`"`)
}

// number writes a finite value rounded to the given decimals, without trailing zeros.
func (x *xmlWriter) number(v float64, decimals int) {
	x.scratch = appendNumber(x.scratch[:0], v, decimals)
	_, _ = x.b.Write(x.scratch)
}

// appendNumber appends v rounded, as plain decimal digits, and never "-0".
func appendNumber(b []byte, v float64, decimals int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		v = 0
	}
	scale := math.Pow10(decimals)
	v = math.Round(v*scale) / scale
	if v == 0 {
		return append(b, '0')
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

// checkPage refuses a page that no format can hold.
func checkPage(p ocr.Page) error {
	if p.Width < 1 || p.Height < 1 || p.Width > farAway || p.Height > farAway {
		return fmt.Errorf("export page %d: a picture of %dx%d px", p.Number, p.Width, p.Height)
	}
	return nil
}
