package text

import "slices"

// Digits of a line stand at equal distances. Where the middles of two are pointApart to pointsApart times the usual distance apart, one thing stands between
// them: a blank, or a point too faint to be heard. It is a point if both digits are read with at least sureDigit, and a frame between them has leastPoint
// or more for it, and pointShare of what that frame has for all that leaves ink. It is none before the hours of a time, nor where other digits of the line
// stand apart without a point, as those of telephone numbers do. Of 15,950 lines (seeds 5200, 5601, 5602, 5702, 3406, 6107, 7300, 7301 and 7302) eleven
// gained their decimal point, and none gained a wrong one; without the last two conditions two did, of 7300 and 7301.
const (
	pointApart  = 1.26
	pointsApart = 2.0 // from here on a digit may be missing too
	sureDigit   = 0.8
	leastPoint  = 0.004
	pointShare  = 0.6
)

// withPoints adds the points that are heard between digits to what ranked gave: an amount without its decimal point is a hundred times as much.
func (d decoder) withPoints(emitted []emission, scores []float32, classes []int64, boxes []float32, k int) []emission {
	middle := func(e emission) float32 { return float32(e.peak) + (boxes[4*e.peak]+boxes[4*e.peak+2])/2 }
	var pairs [][2]int // digits next to each other, but for blanks
	var apart []float32
	last := -1
	for i, e := range emitted {
		if e.class == d.space {
			continue
		}
		if last >= 0 && d.isDigit(emitted[last]) && d.isDigit(e) {
			pairs = append(pairs, [2]int{last, i})
			apart = append(apart, middle(e)-middle(emitted[last]))
		}
		last = i
	}
	if len(pairs) < 2 { // a single distance is the usual one
		return emitted
	}
	sorted := slices.Clone(apart)
	slices.Sort(sorted)
	usual := sorted[(len(sorted)-1)/2]
	var out []emission
	done := 0
	for i, p := range pairs {
		if apart[i] < pointApart*usual {
			continue
		}
		before, after := emitted[p[0]], emitted[p[1]]
		if apart[i] > pointsApart*usual || min(before.confidence, after.confidence) < sureDigit || d.beforeColon(emitted[p[1]:]) {
			return emitted
		}
		e, ok := d.pointBetween(before, after, scores, classes, k)
		if !ok {
			return emitted
		}
		out = append(append(out, emitted[done:p[0]+1]...), e)
		done = p[1]
	}
	return append(out, emitted[done:]...)
}

// beforeColon reports whether the digits from here on are followed by a colon, as hours are.
func (d decoder) beforeColon(emitted []emission) bool {
	for _, e := range emitted {
		if !d.isDigit(e) {
			return slices.Contains(d.colons, e.class)
		}
	}
	return false
}

func (d decoder) isDigit(e emission) bool { return slices.Contains(d.digits, e.class) }

// pointBetween returns the point between two digits, if there is one.
func (d decoder) pointBetween(before, after emission, scores []float32, classes []int64, k int) (emission, bool) {
	at, most := -1, float32(0)
	for i := (before.peak + 1) * k; i < after.peak*k; i++ {
		if int(classes[i]) == d.point && scores[i] > most {
			at, most = i/k, scores[i]
		}
	}
	if most < leastPoint {
		return emission{}, false
	}
	// The digits' own ink reaches into the frames between them.
	inked := float32(0)
	for i := at * k; i < (at+1)*k; i++ {
		if c := int(classes[i]); c != d.blank && c != d.space && c != before.class && c != after.class {
			inked += scores[i]
		}
	}
	return emission{class: d.point, first: at, last: at, peak: at, confidence: most / inked}, most >= pointShare*inked
}
