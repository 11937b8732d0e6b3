package eval

import (
	"cmp"
	"math"
	"slices"

	"github.com/courtsense/courtsense/ocr/accuracy"
)

// Causes parts the edits of pages whose characters' places are known by what went wrong, in characters. The four together
// are the edits that the character error rate counts.
type Causes struct {
	Pages      int `json:"pages"`
	Characters int `json:"characters"`
	Order      int `json:"order"`   // more than if the same lines stood in the truth's order
	Missed     int `json:"missed"`  // in lines of the truth where nothing was read
	Extra      int `json:"extra"`   // in lines that were read where the truth has none
	Misread    int `json:"misread"` // what remains: in lines that were read where one stands
}

// OrderFree is the character error rate that would remain if the lines that were read stood in the truth's order.
func (c Causes) OrderFree() float64 {
	if c.Characters == 0 {
		return 0
	}
	return float64(c.Missed+c.Extra+c.Misread) / float64(c.Characters)
}

func (c *Causes) add(o Causes) {
	c.Pages += o.Pages
	c.Characters += o.Characters
	c.Order += o.Order
	c.Missed += o.Missed
	c.Extra += o.Extra
	c.Misread += o.Misread
}

// causesOf is nil when places are not known of both the truth and what was read.
func causesOf(page PageOutput, texts []string, truth *pageTruth, score accuracy.Score) *Causes {
	if truth == nil || !slices.ContainsFunc(truth.Lines, func(l lineOfPage) bool { return len(l.Chars) > 0 }) {
		return nil
	}
	if len(page.Lines) > 0 && !slices.ContainsFunc(page.Lines, func(l LineOutput) bool { return len(l.Chars) > 0 }) {
		return nil
	}
	placed, extra, read := inPlace(page.Lines, truth.Lines)
	length := func(texts []string) int {
		n := 0
		for _, t := range texts {
			n += len([]rune(accuracy.Normalize(t)))
		}
		return n
	}
	var missed []string
	for i, l := range truth.Lines {
		if !read[i] {
			missed = append(missed, l.Text)
		}
	}
	best := accuracy.Page(texts, slices.Concat(placed, extra)).Edits.Total()
	// An order can be better by chance than the truth's, as when a line that was not there makes up for one that was missed.
	best = min(best, score.Edits.Total())
	c := &Causes{Pages: 1, Characters: score.Characters, Order: score.Edits.Total() - best}
	c.Missed = min(length(missed), best)
	c.Extra = min(length(extra), best-c.Missed)
	c.Misread = best - c.Missed - c.Extra
	return c
}

// inPlace sorts lines by the line of the truth on which most of their characters lie, and by the place in it; what lies on
// none is extra. It also tells on which lines of the truth something was read.
func inPlace(lines []LineOutput, truth []lineOfPage) (placed, extra []string, read []bool) {
	type place struct {
		text   string
		line   int
		within float64
	}
	around := make([][4]float64, len(truth)) // left, top, right, bottom
	for k, t := range truth {
		b := [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
		for _, c := range t.Chars {
			b = [4]float64{min(b[0], c.x), min(b[1], c.y), max(b[2], c.x+c.w), max(b[3], c.y+c.h)}
		}
		around[k] = b
	}
	read = make([]bool, len(truth))
	var found []place
	for _, l := range lines {
		votes, sums := map[int]int{}, map[int]float64{}
		for _, c := range l.Chars {
			x, y := c.Box[0]+c.Box[2]/2, c.Box[1]+c.Box[3]/2
			for k, t := range truth {
				if b := around[k]; x < b[0] || x > b[2] || y < b[1] || y > b[3] {
					continue
				}
				for n, o := range t.Chars {
					if x >= o.x && x <= o.x+o.w && y >= o.y && y <= o.y+o.h {
						votes[k]++
						sums[k] += float64(n)
						read[k] = true
					}
				}
			}
		}
		best := -1
		for k, n := range votes {
			if best < 0 || n > votes[best] || n == votes[best] && k < best {
				best = k
			}
		}
		if best < 0 {
			extra = append(extra, l.Text)
			continue
		}
		found = append(found, place{l.Text, best, sums[best] / float64(votes[best])})
	}
	slices.SortStableFunc(found, func(a, b place) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.within, b.within)) })
	for _, p := range found {
		placed = append(placed, p.text)
	}
	return placed, extra, read
}
