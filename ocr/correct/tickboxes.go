package correct

import (
	"slices"
	"strings"

	"github.com/courtsense/courtsense/ocr"
)

// tickBoxes finds 口 that was read for boxes to tick: on a line with several choices, such as “性别：口男 口女”, of which one
// follows a colon or is surely a box. The two look the same in many fonts, so that what the recogniser thinks of each says little:
// one in doubt, or one sure box, is enough for all of the line.
func (c *Corrector) tickBoxes(fs []flow) []change {
	var out []change
	for i, f := range fs {
		for from, to := range f.lines() {
			out = append(out, c.tickBoxesOf(f, i, from, to)...)
		}
	}
	return out
}

func (c *Corrector) tickBoxesOf(f flow, number, from, to int) []change {
	boxes, headed, doubtful := 0, false, false
	surely := slices.ContainsFunc(f[from:to], func(g glyph) bool { return box(g.r) })
	var found []change
	for at := from; at+1 < to; at++ { // a box has its choice behind it
		g := f[at]
		box := box(g.r)
		afterColon := at > from && (f[at-1].r == '：' || f[at-1].r == ':')
		beforeChoice := surely && strings.ContainsRune(likeBoxes, g.r) && f.choice(at+1, to)
		if !box && !beforeChoice && (g.r != '口' || !afterColon && g.symbol > 0) {
			continue // in the middle of a word
		}
		boxes++
		headed = headed || box || afterColon
		doubtful = doubtful || box || g.confidence < c.config.Doubt
		if box {
			continue
		}
		score := c.config.Han.Recognition * logarithm(g.confidence)
		found = append(found, change{place: place{flow: number, at: at}, to: ocr.Candidate{Char: "□", Confidence: g.confidence},
			original: score, corrected: score + tick, why: "a box to tick before each choice of the line"})
	}
	if boxes < 2 || !headed || !doubtful {
		return nil
	}
	return found
}

func box(r rune) bool { return r == '□' || r == '☑' || r == '☐' }

// likeBoxes are what a box is read for. Beside a sure one, and before one of the choices that forms give, none of them makes sense.
const likeBoxes = "口oOD"

var usualChoices = strings.Fields("是 否 有 无 男 女 同意 不同意 原件 复印件 电子件 一般授权 特别授权")

// choice tells whether one of the usual choices stands at a place of a line that ends before to, and nothing else until the next box or the
// line's end.
func (f flow) choice(at, to int) bool {
	end := at
	for end < to && !box(f[end].r) && !strings.ContainsRune(likeBoxes, f[end].r) {
		end++
	}
	return slices.Contains(usualChoices, string(f[at:end].runes()))
}

// tick is what a row of choices adds to the score of a box: 口 before each of them makes no sentence.
const tick = 5
