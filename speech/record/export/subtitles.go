package export

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/record"
)

// writeSRT writes SubRip subtitles, each turn beginning with its speaker.
func writeSRT(w io.Writer, d document) error {
	var segments []speech.Segment
	for _, t := range spoken(d) {
		segments = append(segments, segment(*t, t.voice+"："))
	}
	return speech.WriteSRT(w, segments)
}

// writeVTT writes WebVTT subtitles (W3C) with the speaker as the voice of each.
func writeVTT(w io.Writer, d document) error {
	var segments []speech.Segment
	for _, t := range spoken(d) {
		s := segment(*t, "")
		s.Speaker = t.voice
		segments = append(segments, s)
	}
	return speech.WriteVTT(w, segments)
}

// spoken are the turns that can be heard, in the order of their starts: what a clerk inserted without a time has no place in the
// sound.
func spoken(d document) []*shownTurn {
	var out []*shownTurn
	for _, x := range d.body {
		if t := x.turn; t != nil && !t.struck && t.End > t.Start && t.Start >= 0 {
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b *shownTurn) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

// segment is a turn as subtitles take it: its text as it shows, each word with its time.
func segment(t shownTurn, before string) speech.Segment {
	var text strings.Builder
	for _, s := range t.spans {
		text.WriteString(s.text)
	}
	out := speech.Segment{Start: t.Start, End: t.End, Channel: t.Channel, Text: strings.Join(strings.Fields(text.String()), " ")}
	out.Words = timed(tokens(out.Text), t.Turn)
	if before != "" {
		out.Text = before + out.Text
		if len(out.Words) > 0 {
			out.Words[0].Text = before + out.Words[0].Text
		}
	}
	return out
}

// tokens parts a text into what no line may be broken inside: Chinese characters and the words of other scripts, each with the
// punctuation behind it.
func tokens(text string) []string {
	var out []string
	wasWide, blank := true, true
	for _, r := range text {
		wide := r >= 0x2E80
		switch {
		case unicode.IsSpace(r):
			blank = true
			continue
		case len(out) > 0 && (wide && unicode.IsPunct(r) || !blank && !wide && !wasWide):
			out[len(out)-1] += string(r)
		default:
			out = append(out, string(r))
		}
		wasWide, blank = wide, false
	}
	return out
}

// lookAhead is how many recognised characters are passed over to find one of the text: more than the longest number in words.
const lookAhead = 24

// sounded is a recognised character, in lower case, with its time.
type sounded struct {
	r     rune
	start float64
}

func soundOf(t record.Turn) []sounded {
	var out []sounded
	for _, w := range t.Words {
		runes := []rune(w.Text)
		for n, r := range runes {
			out = append(out, sounded{unicode.ToLower(r), w.Start + (w.End-w.Start)*float64(n)/float64(len(runes))})
		}
	}
	return out
}

func firstOf(token string) rune {
	r, _ := utf8.DecodeRuneInString(token)
	return unicode.ToLower(r)
}

// timed gives each token the time of its first character in the sound. Where the text was changed, or written otherwise than it was
// said, the times between those that are known are spread evenly.
func timed(tokens []string, t record.Turn) []speech.Word {
	sound := soundOf(t)
	out := make([]speech.Word, len(tokens))
	known := make([]bool, len(tokens))
	at := 0
	for i, token := range tokens {
		out[i].Text = token
		for k := at; k < min(at+lookAhead, len(sound)); k++ {
			// Far away one character is no evidence: the next must follow.
			near := k < at+3 || i+1 < len(tokens) && k+1 < len(sound) && sound[k+1].r == firstOf(tokens[i+1])
			if near && sound[k].r == firstOf(token) {
				out[i].Start, known[i] = min(max(sound[k].start, t.Start), t.End), true
				at = k + 1
				break
			}
		}
	}
	// Times that are not known lie between their neighbours'.
	for i := 0; i < len(out); {
		if known[i] {
			i++
			continue
		}
		end := i
		for end < len(out) && !known[end] {
			end++
		}
		from, to, steps := t.Start, t.End, end-i
		if i > 0 {
			from = out[i-1].Start
			steps++
		}
		if end < len(out) {
			to = out[end].Start
		}
		for k := i; k < end; k++ {
			n := k - i
			if i > 0 {
				n++
			}
			out[k].Start = from + (to-from)*float64(n)/float64(steps)
		}
		i = end
	}
	for i := range out {
		if i > 0 {
			out[i].Start = max(out[i].Start, out[i-1].Start)
		}
	}
	for i := range out {
		next := t.End
		if i+1 < len(out) {
			next = out[i+1].Start
		}
		out[i].End = next
		// One breathes at punctuation: there a subtitle is best broken.
		if r, size := utf8.DecodeLastRuneInString(out[i].Text); size < len(out[i].Text) && unicode.IsPunct(r) {
			out[i].End = (out[i].Start + next) / 2
		}
	}
	return out
}
