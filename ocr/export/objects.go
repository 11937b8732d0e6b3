package export

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"strings"
	"unicode/utf16"
)

// objects writes a PDF's objects one after the other and remembers where they are. The first error sticks.
type objects struct {
	w       *bufio.Writer
	sum     hash.Hash // of all that was written, for the file's identifier
	at      int64
	offsets []int64 // by object number - 1; 0 while not written
	err     error
}

func newObjects(w io.Writer, reserved int) objects {
	return objects{w: bufio.NewWriterSize(w, 64<<10), sum: sha256.New(), offsets: make([]int64, reserved)}
}

func (o *objects) bytes(b []byte) {
	if o.err != nil {
		return
	}
	o.sum.Write(b)
	o.at += int64(len(b))
	_, o.err = o.w.Write(b)
}

func (o *objects) printf(format string, args ...any) { o.bytes(fmt.Appendf(nil, format, args...)) }

// header writes the version and, as PDF/A demands, four bytes that say the file is binary.
func (o *objects) header() { o.printf("%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n") }

// reserve returns the number of an object that will be written later.
func (o *objects) reserve() int {
	o.offsets = append(o.offsets, 0)
	return len(o.offsets)
}

func (o *objects) object(id int, body string) {
	o.offsets[id-1] = o.at
	o.printf("%d 0 obj\n%s\nendobj\n", id, body)
}

// stream writes a stream object whose content is the parts, as they are.
func (o *objects) stream(id int, dictionary string, parts ...[]byte) {
	length := 0
	for _, p := range parts {
		length += len(p)
	}
	o.offsets[id-1] = o.at
	o.printf("%d 0 obj\n<< %s /Length %d >>\nstream\n", id, dictionary, length)
	for _, p := range parts {
		o.bytes(p)
	}
	o.printf("\nendstream\nendobj\n")
}

// deflated writes a compressed stream object.
func (o *objects) deflated(id int, dictionary string, content []byte) {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(content) // a buffer takes all
	_ = z.Close()
	o.stream(id, strings.TrimSpace(dictionary+" /Filter /FlateDecode"), b.Bytes())
}

// trailer ends the file. Its identifier is a hash of the content, so that the same content gives the same file.
func (o *objects) trailer() {
	at := o.at
	o.printf("xref\n0 %d\n0000000000 65535 f \n", len(o.offsets)+1)
	for _, offset := range o.offsets {
		o.printf("%010d 00000 n \n", offset)
	}
	id := o.sum.Sum(nil)[:16]
	o.printf("trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /ID [<%x> <%x>] >>\nstartxref\n%d\n%%%%EOF\n",
		len(o.offsets)+1, catalogObject, infoObject, id, id, at)
	if o.err == nil {
		o.err = o.w.Flush()
	}
}

func references(ids []int) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d 0 R", id)
	}
	return b.String()
}

// pdfString writes a text string: UTF-16BE in hexadecimal, plain where it is all ASCII.
func pdfString(s string) string {
	ascii := true
	for _, r := range s {
		ascii = ascii && r >= ' ' && r <= '~'
	}
	if ascii {
		return "(" + strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(s) + ")"
	}
	b := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.BigEndian.AppendUint16(b, u)
	}
	return fmt.Sprintf("<%x>", b)
}

// point writes a length in points, to a thousandth.
func point(v float64) string { return string(appendNumber(nil, v, 3)) }
