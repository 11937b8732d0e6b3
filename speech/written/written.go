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
	if w.Statutes == nil {
		return w.around(ctx, spoken, nil, nil, whole)
	}
	snapped, err := w.Statutes.Snap(spoken, statute.Options{Day: day})
	if err != nil {
		return Text{}, err
	}
	return w.around(ctx, spoken, []rune(snapped.Text), snapped.Quotations, whole)
}

// breath is the longest pause, in seconds, over which a recital goes on.
const breath = 4

// Stream writes down what is said in one channel, one final result after the other: a recital may go on from one to the next. It is not safe
// for concurrent use.
type Stream struct {
	w      Writer
	reader *statute.Reader // nil without statutes
	end    float64
}

// NewStream returns a stream at the beginning of a channel.
func (w Writer) NewStream() *Stream {
	s := &Stream{w: w}
	if w.Statutes != nil {
		s.reader = w.Statutes.NewReader()
	}
	return s
}

// Final is a final result of recognition.
type Final struct {
	Text       string
	Confidence []float32 // of each character of Text, 0 to 1; nil when it is not known
	Start, End float64   // seconds
	// Evidence is what was heard beside Text, and Times are where each of its characters begins and ends in it, in seconds; nil when it is not known.
	Evidence statute.Evidence
	Times    [][2]float64
}

// Write writes the next final result down as [Writer.Write] does of a text that ends a sentence, but takes recitals for misheard where the
// recogniser was unsure, or what it heard fits the law's words about as well.
func (s *Stream) Write(ctx context.Context, f Final, day string) (Text, error) {
	if s.reader == nil {
		return s.w.around(ctx, f.Text, nil, nil, true)
	}
	if f.Start-s.end > breath {
		s.reader.Forget()
	}
	s.end = f.End
	snapped, err := s.reader.Snap(f.Text, statute.Options{Day: day, Confidence: f.Confidence, Evidence: f.Evidence, Times: f.Times})
	if err != nil {
		return Text{}, err
	}
	return s.w.around(ctx, f.Text, []rune(snapped.Text), snapped.Quotations, true)
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
