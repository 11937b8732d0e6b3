package speech

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/courtsense/courtsense/speech/role"
)

// The measures of a subtitle: two lines of 16 Chinese characters, as is common for Simplified Chinese, shown for 7 s at most.
// A narrow character (Latin, a digit) is half as wide.
const (
	lineWidth  = 16.
	cueWidth   = 2 * lineWidth
	cueSeconds = 7.
)

// WriteSRT writes SubRip subtitles. Segments that are too long for one are parted where the speaker pauses.
func WriteSRT(w io.Writer, segments []Segment) error {
	n := 0
	for _, s := range segments {
		for _, c := range cues(s) {
			n++
			if _, err := fmt.Fprintf(w, "%d\n%s --> %s\n%s\n\n", n, clock(c.Start, ','), clock(c.End, ','), wrapped(c)); err != nil {
				return err
			}
		}
	}
	return nil
}

// WriteVTT writes WebVTT subtitles (W3C), each with its role as its voice, its speaker where that is not known, or its channel where speakers are
// not told apart.
func WriteVTT(w io.Writer, segments []Segment) error {
	if _, err := io.WriteString(w, "WEBVTT\n\n"); err != nil {
		return err
	}
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	for _, s := range segments {
		for _, c := range cues(s) {
			voice := cmp.Or(c.Speaker, fmt.Sprintf("channel %d", c.Channel))
			if role.Role(c.Role).Told() {
				voice = c.Role
			}
			if _, err := fmt.Fprintf(w, "%s --> %s\n<v %s>%s\n\n", clock(c.Start, '.'), clock(c.End, '.'), escape.Replace(voice), escape.Replace(wrapped(c))); err != nil {
				return err
			}
		}
	}
	return nil
}

// cues parts a segment into pieces that fit on the screen. Without words there is nothing to part it by.
func cues(s Segment) []Segment {
	width := 0.
	for _, w := range s.Words {
		width += widthOf(w.Text)
	}
	if len(s.Words) < 2 || width <= cueWidth && s.End-s.Start <= cueSeconds {
		return []Segment{s}
	}
	cut := breakAt(s.Words, width, math.Inf(1))
	first, second := s, s
	first.Words, second.Words = s.Words[:cut], s.Words[cut:]
	first.Text, second.Text = joined(first.Words), joined(second.Words)
	first.End = min(max(s.Words[cut-1].End, s.Start), s.End)
	second.Start = min(max(s.Words[cut].Start, first.End), s.End)
	return append(cues(first), cues(second)...)
}

// breakAt returns the word before which a text is best broken: after the longest pause, unless that is far from the middle (a
// pause of a second there is worth one of half a second in the middle), and so that neither part is wider than most, if
// that can be.
func breakAt(words []Word, width, most float64) int {
	cut, best, before := 1, math.Inf(-1), 0.
	for i := 1; i < len(words); i++ {
		before += widthOf(words[i-1].Text)
		pause := max(words[i].Start-words[i-1].End, 0)
		score := (pause + .05) * (1 - math.Abs(2*before/width-1)/2)
		if glued(words[i-1].Text, words[i].Text) {
			score -= 100 // the halves of a Latin word
		}
		score -= 10 * max(before-most, width-before-most, 0)
		if score > best {
			best, cut = score, i
		}
	}
	return cut
}

// joined writes words as text: with spaces between those of letters that are written with spaces.
func joined(words []Word) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 && spaced(words[i-1].Text, w.Text) {
			b.WriteByte(' ')
		}
		b.WriteString(w.Text)
	}
	return b.String()
}

func spaced(left, right string) bool {
	l, _ := utf8.DecodeLastRuneInString(left)
	r, _ := utf8.DecodeRuneInString(right)
	return narrow(l) && narrow(r)
}

// glued tells words between which no line may break.
func glued(left, right string) bool { return spaced(left, right) && utf8.RuneCountInString(left) == 1 }

// narrow tells characters of alphabets and digits from those of Chinese and other full-width ones.
func narrow(r rune) bool { return r > ' ' && r < 0x2E80 }

func widthOf(text string) float64 {
	width := 0.
	for _, r := range text {
		if narrow(r) || r == ' ' {
			width += .5
		} else {
			width++
		}
	}
	return width
}

// wrapped breaks a subtitle's text into two lines of about the same width where one is not enough.
func wrapped(s Segment) string {
	text := textOr(s, "[speech]")
	width := widthOf(text)
	if width <= lineWidth || len(s.Words) < 2 {
		return text
	}
	cut := breakAt(s.Words, width, lineWidth)
	return joined(s.Words[:cut]) + "\n" + joined(s.Words[cut:])
}
