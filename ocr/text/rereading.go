package text

import (
	"context"
	"slices"
)

// A line in which a character was read less surely than unsure is read again, drawn drawnWider times as wide: narrow letters and strokes then
// fall on other frames of the network. Of each character the surer of both readings counts; what only one reading has counts when it is surer
// than aloneSure. Chosen on the rendered pages that rules are made on: drawn narrower, or wider still, lines gained nothing.
const (
	unsure     = 0.75
	drawnWider = 1.1
	aloneSure  = 0.6
)

// rereadUnsure reads lines with unsure characters a second time.
func (r *Recognizer) rereadUnsure(ctx context.Context, src plane, read []reading) error {
	var again []attempt
	for i, one := range read {
		if !one.vertical && one.doubted() {
			again = append(again, attempt{region: i, Region: one.region, boxed: one.boxed, wide: drawnWider})
		}
	}
	if len(again) == 0 {
		return nil
	}
	second, err := r.attempts(ctx, src, again)
	if err != nil {
		return err
	}
	for k, s := range second {
		one := &read[again[k].region]
		// The surer of two readings is always surer than one: as such it must not win over another way of reading.
		confidence := one.confidence
		one.glyphs = surer(one.glyphs, s.glyphs)
		one.finish()
		one.confidence = confidence
	}
	return nil
}

// doubted reports whether a character of the line is unsure.
func (r *reading) doubted() bool {
	return slices.ContainsFunc(r.glyphs, func(g glyph) bool { return g.text != " " && g.confidence < unsure })
}

// surer merges two readings of a line: they are aligned with the fewest differences, and where they differ the surer characters are taken.
// Blanks are the first one's.
func surer(a, b []glyph) []glyph {
	// cost[i][j] is that of aligning a[i:] with b[j:].
	cost := make([][]int, len(a)+1)
	for i := range cost {
		cost[i] = make([]int, len(b)+1)
	}
	for i := len(a); i >= 0; i-- {
		for j := len(b); j >= 0; j-- {
			switch {
			case i == len(a):
				cost[i][j] = len(b) - j
			case j == len(b):
				cost[i][j] = len(a) - i
			default:
				cost[i][j] = min(cost[i+1][j+1]+differ(a[i], b[j]), cost[i+1][j]+1, cost[i][j+1]+1)
			}
		}
	}
	var out []glyph
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && cost[i][j] == cost[i+1][j+1]+differ(a[i], b[j]):
			if b[j].confidence > a[i].confidence && a[i].text != " " {
				out = append(out, b[j])
			} else {
				out = append(out, a[i])
			}
			i, j = i+1, j+1
		case i < len(a) && cost[i][j] == cost[i+1][j]+1:
			if a[i].text == " " || a[i].confidence > aloneSure {
				out = append(out, a[i])
			}
			i++
		default:
			if b[j].text != " " && b[j].confidence > aloneSure {
				out = append(out, b[j])
			}
			j++
		}
	}
	return out
}

// differ is the cost of taking two characters for one; a blank is never another character.
func differ(a, b glyph) int {
	switch {
	case a.text == b.text:
		return 0
	case a.text == " " || b.text == " ":
		return 3
	}
	return 1
}
