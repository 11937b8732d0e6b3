package export

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/courtsense/courtsense/speech/record"
	"github.com/courtsense/courtsense/speech/record/export/docx"
)

// spans parts a turn's text where it recites the law; none when there is no text. Only what stands word for word in the article
// is marked: a clerk may have changed the text since, and nobody's words may pass for the law's.
func (c *composer) spans(t record.Turn) []span {
	runes := []rune(strings.TrimRightFunc(t.Text, unicode.IsSpace))
	quotations := slices.Clone(t.Quotations)
	slices.SortStableFunc(quotations, func(a, b record.Quotation) int { return cmp.Compare(a.Start, b.Start) })
	var out []span
	add := func(text string, quoted bool, note string) {
		if text = continued.Replace(docx.Clean(text)); text != "" || note != "" {
			out = append(out, span{text, quoted, note})
		}
	}
	done := 0
	for _, q := range quotations {
		if !q.Recited || q.Start < done || q.End > len(runes) || q.End <= q.Start {
			continue
		}
		text := string(runes[q.Start:q.End])
		if !recites(q.Provision, text) {
			continue
		}
		before, after := string(runes[done:q.Start]), string(runes[q.End:])
		opening, closing := c.t.file.Quotation.Open, c.t.file.Quotation.Close
		if quotedAlready(before, after) {
			opening, closing = "", ""
		}
		add(before+opening, false, "")
		add(text, true, "")
		add(closing, false, c.source(q))
		done = q.End
	}
	add(string(runes[done:]), false, "")
	return out
}

// continued moves the further lines of a turn in, so that none can pass for a turn of its own.
var continued = strings.NewReplacer("\n", "\n　　　　", "\t", " ")

// source says where a quotation is from.
func (c *composer) source(q record.Quotation) string {
	note, _ := c.t.note.fill(func(place string) string {
		switch place {
		case "law":
			return oneLine(strings.Trim(q.Law, "《》"))
		case "version":
			return oneLine(q.Version)
		case "article":
			return oneLine(q.Article)
		case "spoken":
			return oneLine(q.Spoken)
		}
		return ""
	})
	return note
}

// recites tells whether a text stands in a provision word for word; blanks and line breaks don't count.
func recites(provision, text string) bool {
	text = withoutBlanks(text)
	return text != "" && strings.Contains(withoutBlanks(provision), text)
}

func withoutBlanks(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// quotedAlready tells whether a text stands in quotation marks of its own.
func quotedAlready(before, after string) bool {
	l, _ := utf8.DecodeLastRuneInString(before)
	r, _ := utf8.DecodeRuneInString(after)
	return strings.ContainsRune(`“‘「『"`, l) && strings.ContainsRune(`”’」』"`, r)
}
