package text

import (
	"regexp"
	"slices"
	"strings"
)

const (
	// roomBehind are the marks whose square has the room behind them, so that no blank follows; roomBefore those that none goes before.
	roomBehind = "，、；"
	roomBefore = "，、；：。！？"
	opening    = "（(〔【[《“"
	closing    = "）)〕】]》”"
)

var (
	onlyNumber = regexp.MustCompile(`^[0-9.,%¥￥/ -]+$`)
	// pageNumber may have a hyphen that was read for a stop, and so may hyphenated, between hyphens without blanks.
	pageNumber = regexp.MustCompile(`^[-—–]( ?)[0-9]{1,4}( ?)[-—–。]$|^[0-9]{1,4}( ?)/( ?)[0-9]{1,4}$`)
	// clause is the number of a clause before that of one of its items.
	clause     = regexp.MustCompile(`^([0-9]{1,2}\.[0-9]{1,2})[（(][一二三四五六七八九十]{1,3}[）)]`)
	hyphenated = regexp.MustCompile(`^-[0-9]{1,3}[-。]$`)
)

// Gaps between the ink of two characters, in heights of the network's input. Of 1147 behind marks or within short lines of 224 pages,
// those with a blank in print and those without lay on either side.
const (
	// A full-width colon stands at the beginning of its square: without a blank it has 0.4 to 0.86 before a figure or letter, with one 0.93
	// or more. What was read is believed between these two.
	colonTight, colonWide = 0.75, 0.89
	// A half-width comma or colon behind a Chinese character has up to 0.27 before a figure, with a blank 0.38 or more.
	halfRoom = 0.31
	// A hyphen has about 0.1 to the figure of a page, with a blank 0.26 or more.
	hyphenRoom = 0.2
)

// printed takes out the blanks that print does not have and networks read now and then: beside full-width marks, which bring their room
// along, on one side only of what stands in brackets, and behind the stop within a number. Behind a colon or comma the gap decides.
// Where a page's number has a blank on one side of its dash or stroke, it gets the other.
func printed(glyphs []glyph) []glyph {
	number := onlyNumber.MatchString(textOf(glyphs))
	out := make([]glyph, 0, len(glyphs)+1)
	for i, g := range glyphs {
		if g.text != " " || i == 0 || i+1 == len(glyphs) || !unprinted(glyphs, i, number) {
			out = append(out, g)
		}
	}
	return paged(numbered(behindMarks(out)))
}

func textOf(glyphs []glyph) string {
	var text strings.Builder
	for _, g := range glyphs {
		text.WriteString(g.text)
	}
	return text.String()
}

// numbered puts a blank behind a clause's number, where the room within a full-width bracket hides it: 5.2 （十）.
func numbered(glyphs []glyph) []glyph {
	at := clause.FindStringSubmatchIndex(textOf(glyphs))
	if at == nil {
		return glyphs
	}
	// All of a number's characters are one byte and one glyph each.
	n := at[3]
	return slices.Insert(glyphs, n, blankBetween(glyphs[n-1], glyphs[n]))
}

// behindMarks puts in and takes out blanks between a mark that follows a Chinese character and a figure or letter, by the gap.
func behindMarks(glyphs []glyph) []glyph {
	out := make([]glyph, 0, len(glyphs)+1)
	for i, g := range glyphs {
		mark := len(out) - 1 // the last one that is not a blank
		blank := mark >= 0 && out[mark].text == " "
		if blank {
			mark--
		}
		if g.text == " " || mark < 1 || !g.inked || !out[mark].inked || scriptOf(g.text) != spacedScript || scriptOf(out[mark-1].text) != unspacedScript {
			out = append(out, g)
			continue
		}
		switch gap := between(out[mark], g); {
		case out[mark].text == "：" && !blank && gap >= colonWide:
			out = append(out, blankBetween(glyphs[i-1], g))
		case blank && (out[mark].text == "：" && gap < colonTight || strings.ContainsAny(out[mark].text, ",:") && isDigit(g.text) && gap < halfRoom):
			out = out[:mark+1]
		}
		out = append(out, g)
	}
	return out
}

func blankBetween(a, b glyph) glyph {
	return glyph{text: " ", confidence: min(a.confidence, b.confidence), inked: b.inked, from: a.to, to: b.from}
}

// unprinted reports whether the blank at i, which is neither first nor last, is none.
func unprinted(glyphs []glyph, i int, number bool) bool {
	before, after := glyphs[i-1].text, glyphs[i+1].text
	switch {
	case strings.Contains(roomBehind, before), strings.Contains(roomBefore, after):
		return true
	case number:
		return i >= 2 && before == "." && isDigit(after) && isDigit(glyphs[i-2].text)
	case strings.Contains(opening, before):
		end := slices.IndexFunc(glyphs[i:], func(g glyph) bool { return strings.Contains(closing, g.text) })
		return end > 1 && glyphs[i+end-1].text != " "
	case strings.Contains(closing, after):
		for k := i - 1; k >= 0; k-- {
			if strings.Contains(opening, glyphs[k].text) {
				return k < i-1 && glyphs[k+1].text != " "
			}
		}
	}
	return false
}

// paged gives a page's number the blank on the other side, or both where the hyphens stand apart.
func paged(glyphs []glyph) []glyph {
	line := textOf(glyphs)
	if n := len(glyphs); hyphenated.MatchString(line) && glyphs[0].inked &&
		min(between(glyphs[0], glyphs[1]), between(glyphs[n-2], glyphs[n-1])) >= hyphenRoom {
		glyphs = slices.Insert(glyphs, n-1, blankBetween(glyphs[n-2], glyphs[n-1]))
		return slices.Insert(glyphs, 1, blankBetween(glyphs[0], glyphs[1]))
	}
	at := pageNumber.FindStringSubmatchIndex(line)
	if at == nil {
		return glyphs
	}
	one, other := at[2:4], at[4:6]
	if at[6] >= 0 {
		one, other = at[6:8], at[8:10]
	}
	if (one[0] == one[1]) == (other[0] == other[1]) {
		return glyphs
	}
	want := one[0]
	if one[0] < one[1] {
		want = other[0]
	}
	bytes := 0
	for i, g := range glyphs {
		if bytes == want && i > 0 {
			return slices.Insert(glyphs, i, blankBetween(glyphs[i-1], g))
		}
		bytes += len(g.text)
	}
	return glyphs
}
