package text

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

const (
	maxKeys     = 1 << 16
	maxKeyBytes = 64
)

// ParseKeys reads a recogniser's keys file: the characters of classes 1, 2, ... one a line, in UTF-8, with or without a byte
// order mark and carriage returns. A line that holds a blank is the class of the blank.
func ParseKeys(data []byte) ([]string, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.TrimSuffix(data, []byte("\n"))
	if len(bytes.TrimSuffix(data, []byte("\r"))) == 0 {
		return nil, fmt.Errorf("the keys file is empty")
	}
	var keys []string
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		n := len(keys) + 1
		switch {
		case n > maxKeys:
			return nil, fmt.Errorf("the keys file has more than %d lines", maxKeys)
		case len(line) == 0:
			return nil, fmt.Errorf("line %d of the keys file is empty; every line is the character of a class", n)
		case len(line) > maxKeyBytes:
			return nil, fmt.Errorf("line %d of the keys file has %d bytes, over the limit of %d: it is no list of characters", n, len(line), maxKeyBytes)
		case !utf8.Valid(line):
			return nil, fmt.Errorf("line %d of the keys file is not UTF-8", n)
		}
		keys = append(keys, string(line))
	}
	return keys, nil
}

// alphabet returns the text of every class for a keys file: "" for the blank of CTC. The parameter "space" says where the
// class of the blank character is: "last", behind the keys; "keys", among them; "none".
func alphabet(keys []string, blank int, space string) ([]string, error) {
	switch space {
	case "last":
		keys = append(keys[:len(keys):len(keys)], " ")
	case "keys", "none":
	default:
		return nil, fmt.Errorf("parameter space is %q, want last, keys or none", space)
	}
	if blank < 0 || blank > len(keys) {
		return nil, fmt.Errorf("parameter blank is %d, want 0 to %d", blank, len(keys))
	}
	out := make([]string, 0, len(keys)+1)
	out = append(out, keys[:blank]...)
	out = append(out, "")
	out = append(out, keys[blank:]...)
	for i, k := range out {
		if k == "\u3000" { // the same blank, a full width of it
			out[i] = " "
		}
	}
	return out, nil
}
