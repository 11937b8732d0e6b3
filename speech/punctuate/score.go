package punctuate

import (
	"context"
	"strings"
)

// Count is how often a mark was put rightly, wrongly, and left out.
type Count struct {
	Right, Wrong, Missed int
}

// Precision is the share of the marks put that are right; like the other shares 0 to 1, and 0 where there are none.
func (c Count) Precision() float64 { return share(c.Right, c.Right+c.Wrong) }

// Recall is the share of the wanted marks that were put.
func (c Count) Recall() float64 { return share(c.Right, c.Right+c.Missed) }

// F1 is the harmonic mean of precision and recall.
func (c Count) F1() float64 { return share(2*c.Right, 2*c.Right+c.Wrong+c.Missed) }

func share(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// Score takes a paragraph's marks away, has them put again, and counts by mark; 0 counts all together. A mark in another's place is wrong for
// itself and missed for the other. It returns how many characters were looked at.
func Score(ctx context.Context, p *Punctuator, paragraph string, into map[rune]*Count) (int, error) {
	var bare []rune
	var want []rune
	for _, r := range paragraph {
		switch {
		case counts(r):
			bare, want = append(bare, r), append(want, 0)
		case strings.ContainsRune(string(Marks[1:]), r) && len(want) > 0 && want[len(want)-1] == 0:
			want[len(want)-1] = r
		}
	}
	if len(bare) == 0 {
		return 0, nil
	}
	ends := want[len(want)-1] != 0
	got, err := p.Behind(ctx, string(bare), nil, ends)
	if err != nil {
		return 0, err
	}
	count := func(mark rune) *Count {
		if into[mark] == nil {
			into[mark] = &Count{}
		}
		return into[mark]
	}
	for i := range bare {
		switch {
		case got[i] == want[i] && want[i] != 0:
			count(want[i]).Right++
			count(0).Right++
		case got[i] != want[i]:
			if got[i] != 0 {
				count(got[i]).Wrong++
				count(0).Wrong++
			}
			if want[i] != 0 {
				count(want[i]).Missed++
				count(0).Missed++
			}
		}
	}
	return len(bare), nil
}
