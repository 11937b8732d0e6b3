package written

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/courtsense/courtsense/speech/number"
	"github.com/courtsense/courtsense/speech/punctuate"
	"github.com/courtsense/courtsense/speech/statute"
)

// Writer writes down. Its fields don't change once it is in use; nil ones are left out.
type Writer struct {
	Punctuator *punctuate.Punctuator
	Statutes   *statute.Index
	Numbers    *number.Style
}

// Text is a written text.
type Text struct {
	Text       string
	Quotations []statute.Quotation // their Start and End are places in Text, in characters
}

// Write writes a spoken text down. Quotations are found in what was spoken, because its figures and marks are the law's own; day is the day on
// which the law counts, YYYY-MM-DD or empty. whole says that the text ends a sentence.
func (w Writer) Write(ctx context.Context, spoken, day string, whole bool) (Text, error) {
	var out Text
	if w.Statutes != nil {
		snapped, err := w.Statutes.Snap(spoken, statute.Options{Day: day})
		if err != nil {
			return out, err
		}
		words := []rune(snapped.Text)
		out.Quotations = snapped.Quotations
		return w.around(ctx, spoken, words, out.Quotations, whole)
	}
	return w.around(ctx, spoken, nil, nil, whole)
}

// around writes what stands between the quotations, whose words are those of exact at their Start and End.
func (w Writer) around(ctx context.Context, spoken string, exact []rune, quotations []statute.Quotation, whole bool) (Text, error) {
	said := []rune(spoken)
	marks := make([]rune, len(said))
	if w.Punctuator != nil {
		kept := number.Places(spoken)
		for _, q := range quotations {
			kept = append(kept, [2]int{q.SpokenStart, q.SpokenEnd})
		}
		var err error
		if marks, err = w.Punctuator.Behind(ctx, spoken, kept, whole); err != nil {
			return Text{}, err
		}
	}
	var b strings.Builder
	length, at := 0, 0
	between := func(to int) {
		var part strings.Builder
		for i := at; i < to; i++ {
			part.WriteRune(said[i])
			if marks[i] != 0 {
				part.WriteRune(marks[i])
			}
		}
		text := part.String()
		if w.Numbers != nil {
			text = w.Numbers.Write(text).Text
		}
		b.WriteString(text)
		length += utf8.RuneCountInString(text)
	}
	out := Text{Quotations: make([]statute.Quotation, len(quotations))}
	for i, q := range quotations {
		between(q.SpokenStart)
		words := exact[q.Start:q.End]
		q.Start, q.End = length, length+len(words)
		b.WriteString(string(words))
		length = q.End
		if mark := marks[q.SpokenEnd-1]; mark != 0 && !unicode.IsPunct(words[len(words)-1]) {
			b.WriteRune(mark)
			length++
		}
		out.Quotations[i], at = q, q.SpokenEnd
	}
	between(len(said))
	out.Text = b.String()
	return out, nil
}
