package export

import (
	"bytes"
	"strings"

	"github.com/courtsense/courtsense/pipeline/refusal"
)

// CheckOriginal refuses a PDF that must not be written anew: one that is signed, because every copy would look like the
// signed document and no longer be it, and one that is encrypted, because its owner restricted what may be done with it. A
// file of another type passes. What it looks for, a signature's byte range and the encryption dictionary, stands outside of
// all compressed parts of a PDF (PDF 32000-1, 7.5.7 and 12.8.1), so that nothing has to be decoded.
func CheckOriginal(content []byte) error {
	if !bytes.Contains(content[:min(len(content), 1024)], []byte("%PDF-")) {
		return nil
	}
	names := names{content: content}
	for names.next() {
		rest := bytes.TrimLeft(content[names.end:min(len(content), names.end+64)], "\x00\t\n\f\r ")
		switch {
		case names.is("ByteRange") && bytes.HasPrefix(rest, []byte("[")):
			return refusal.New(refusal.UnsupportedType, "the PDF is signed: a searchable copy would not carry the signature, so none is made; "+
				"keep the signed file, and take the text as JSON, hOCR or ALTO beside it")
		case names.is("Encrypt") && len(rest) > 0 && (rest[0] >= '0' && rest[0] <= '9' || bytes.HasPrefix(rest, []byte("<<"))):
			return refusal.New(refusal.Encrypted, "the PDF is encrypted; send it unlocked")
		}
	}
	return nil
}

// names walks over everything that looks like a PDF name.
type names struct {
	content    []byte
	begin, end int // of the current name, without its slash
}

func (n *names) next() bool {
	i := bytes.IndexByte(n.content[n.end:], '/')
	if i < 0 {
		return false
	}
	n.begin = n.end + i + 1
	n.end = n.begin
	for n.end < len(n.content) && n.end-n.begin < 127 && strings.IndexByte("\x00\t\n\f\r ()<>[]{}/%", n.content[n.end]) < 0 {
		n.end++
	}
	return true
}

// is compares with a name, in which any letter may be written as # and two hexadecimal digits.
func (n *names) is(name string) bool {
	b := n.content[n.begin:n.end]
	for i := range len(name) {
		if len(b) >= 3 && b[0] == '#' && hexDigit(b[1]) >= 0 && hexDigit(b[2]) >= 0 {
			if byte(hexDigit(b[1])<<4|hexDigit(b[2])) != name[i] {
				return false
			}
			b = b[3:]
			continue
		}
		if len(b) == 0 || b[0] != name[i] {
			return false
		}
		b = b[1:]
	}
	return len(b) == 0
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
