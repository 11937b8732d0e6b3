package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// writeText writes the document as lines: head, turns, the sources of what they quote below each, and the places for signatures.
func writeText(w io.Writer, d document) error {
	b := bufio.NewWriter(w)
	group := func(lines []string, tail string) {
		for _, line := range lines {
			_, _ = b.WriteString(line + tail + "\n")
		}
		if len(lines) > 0 {
			_ = b.WriteByte('\n')
		}
	}
	group(d.title, "")
	group(d.head, "")
	group(d.opening, "")
	notes := 0
	for i, x := range d.body {
		switch {
		case x.turn != nil:
			notes = writeTurn(b, *x.turn, notes)
		case x.heading != "":
			if i > 0 {
				_ = b.WriteByte('\n')
			}
			_, _ = b.WriteString(x.heading + "\n\n")
		default:
			_, _ = b.WriteString(x.decision + "\n")
		}
	}
	_ = b.WriteByte('\n')
	group(d.closing, "")
	group(d.signatures, strings.Repeat("＿", 10))
	return b.Flush() // which reports the first error
}

// writeTurn returns the number of the last note.
func writeTurn(b *bufio.Writer, t shownTurn, notes int) int {
	var text, sources strings.Builder
	for _, s := range t.spans {
		text.WriteString(s.text)
		if s.note != "" {
			notes++
			fmt.Fprintf(&text, "[%d]", notes)
			fmt.Fprintf(&sources, "　　[%d] %s\n", notes, s.note)
		}
	}
	said := text.String()
	if t.struck {
		said = "［撤回］" + said + "［/撤回］"
	}
	_, _ = b.WriteString(t.label + said + "\n" + sources.String())
	return notes
}
