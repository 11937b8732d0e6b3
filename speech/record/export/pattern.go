package export

import (
	"errors"
	"fmt"
	"strings"
)

// pattern is a line of a template: text with places to fill in, such as 案号：{number}[，{cause}]. What stands in square brackets is
// left out where one of its places is empty; any other empty place leaves out the whole line.
type pattern []piece

// piece is a text, a place or a group in brackets: one of the three.
type piece struct {
	text  string
	place string
	group pattern
}

// parsePattern reads a line. Doubled braces and brackets stand for themselves.
func parsePattern(s string) (pattern, error) {
	p, rest, err := parsePieces(s, false)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", s, err)
	}
	if rest != "" {
		return nil, fmt.Errorf("%q: ] without [ before it; write ]] for the bracket itself", s)
	}
	return p, nil
}

func parsePieces(s string, inGroup bool) (p pattern, rest string, err error) {
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			p = append(p, piece{text: text.String()})
			text.Reset()
		}
	}
	for s != "" {
		switch c := s[0]; {
		case len(s) > 1 && s[1] == c && (c == '{' || c == '}' || c == '[' || c == ']'):
			text.WriteByte(c)
			s = s[2:]
		case c == '{':
			flush()
			end := strings.IndexAny(s, "}[]")
			if end < 0 || s[end] != '}' {
				return nil, "", errors.New("{ without } after it; write {{ for the brace itself")
			}
			if end == 1 {
				return nil, "", errors.New("{} names nothing")
			}
			p = append(p, piece{place: s[1:end]})
			s = s[end+1:]
		case c == '}':
			return nil, "", errors.New("} without { before it; write }} for the brace itself")
		case c == '[' && inGroup:
			return nil, "", errors.New("brackets inside brackets")
		case c == '[':
			flush()
			group, after, err := parsePieces(s[1:], true)
			if err != nil {
				return nil, "", err
			}
			if !strings.HasPrefix(after, "]") {
				return nil, "", errors.New("[ without ] after it; write [[ for the bracket itself")
			}
			p = append(p, piece{group: group})
			s = after[1:]
		case c == ']':
			flush()
			return p, s, nil
		default:
			text.WriteByte(c)
			s = s[1:]
		}
	}
	flush()
	return p, "", nil
}

// places calls f with each place.
func (p pattern) places(f func(string)) {
	for _, x := range p {
		if x.place != "" {
			f(x.place)
		}
		x.group.places(f)
	}
}

// has tells whether a place begins so.
func (p pattern) has(prefix string) bool {
	found := false
	p.places(func(name string) { found = found || strings.HasPrefix(name, prefix) })
	return found
}

// fill returns the line, and false where it is to be left out.
func (p pattern) fill(value func(place string) string) (string, bool) {
	var b strings.Builder
	for _, x := range p {
		switch {
		case x.place != "":
			v := value(x.place)
			if v == "" {
				return "", false
			}
			b.WriteString(v)
		case x.group != nil:
			if v, ok := x.group.fill(value); ok {
				b.WriteString(v)
			}
		default:
			b.WriteString(x.text)
		}
	}
	return b.String(), true
}
