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
	pageNumber = regexp.MustCompile(`^[-—–]( ?)[0-9]{1,4}( ?)[-—–]$|^[0-9]{1,4}( ?)/( ?)[0-9]{1,4}$`)
)

// printed takes out the blanks that print does not have and networks read now and then: beside full-width marks, which bring their room
// along, on one side only of what stands in brackets, and behind the stop within a number. Where a page's number has a
// blank on one side of its dash or stroke, it gets the other.
func printed(glyphs []glyph) []glyph {
	var line strings.Builder
	for _, g := range glyphs {
		line.WriteString(g.text)
	}
	number := onlyNumber.MatchString(line.String())
	out := make([]glyph, 0, len(glyphs)+1)
	for i, g := range glyphs {
		if g.text != " " || i == 0 || i+1 == len(glyphs) || !unprinted(glyphs, i, number) {
			out = append(out, g)
		}
	}
	return paged(out, line.String())
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

// paged gives a page's number the blank on the other side.
func paged(glyphs []glyph, line string) []glyph {
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
			blank := glyph{text: " ", confidence: min(glyphs[i-1].confidence, g.confidence), inked: g.inked, from: glyphs[i-1].to, to: g.from}
			return slices.Insert(glyphs, i, blank)
		}
		bytes += len(g.text)
	}
	return glyphs
}
