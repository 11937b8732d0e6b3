package text

// Of a frame that reads nothing, with less than barelyBlank, another class that has more than nearlySaid and is no blank of the text is heard,
// unless a frame up to nearFrames away reads it: a narrow letter or a dot in a number that falls between two frames is sure in neither. Of two
// frames up to nearFrames apart that read the same ink in two ways, their spans sharing more than sameInk of the narrower one, the less sure one
// reads nothing: else both would be heard.
const (
	barelyBlank = 0.7
	nearlySaid  = 0.25
	nearFrames  = 2
	sameInk     = 0.8
	leastSpan   = 0.5 // frames
)

// settle decides what neighbouring frames disagree about: the k likeliest classes of each frame, their scores and the box of the first one, as a
// ranked network gives them. They are changed.
func (d decoder) settle(scores []float32, classes []int64, boxes []float32, k int) {
	frames := len(scores) / k
	blank, space := int64(d.blank), int64(d.space)
	first := func(f int) int64 {
		if f < 0 || f >= frames {
			return blank
		}
		return classes[f*k]
	}
	var swapped []int
	for f := range frames {
		at := f * k
		second := classes[at+1]
		if classes[at] != blank || scores[at] >= barelyBlank || scores[at+1] <= nearlySaid || second == space {
			continue
		}
		read := false
		for n := 1; n <= nearFrames; n++ {
			read = read || first(f-n) == second || first(f+n) == second
		}
		if !read {
			swapped = append(swapped, f)
		}
	}
	for _, f := range swapped {
		at := f * k
		scores[at], scores[at+1] = scores[at+1], scores[at]
		classes[at], classes[at+1] = classes[at+1], classes[at]
	}
	var silent []int
	for f := range frames {
		if kind := classes[f*k]; kind != blank && d.saidTwice(scores, classes, boxes, k, f) {
			silent = append(silent, f)
		}
	}
	for _, f := range silent {
		clear(scores[f*k : (f+1)*k])
		clear(classes[f*k : (f+1)*k])
		scores[f*k], classes[f*k] = 1, blank
	}
}

// saidTwice tells whether a surer frame near frame f reads its ink as another class.
func (d decoder) saidTwice(scores []float32, classes []int64, boxes []float32, k, f int) bool {
	left, right := boxes[4*f]+float32(f), boxes[4*f+2]+float32(f)
	for g := max(f-nearFrames, 0); g <= min(f+nearFrames, len(scores)/k-1); g++ {
		other := classes[g*k]
		if other == int64(d.blank) || other == classes[f*k] || scores[g*k] <= scores[f*k] {
			continue
		}
		l, r := boxes[4*g]+float32(g), boxes[4*g+2]+float32(g)
		if narrow := max(min(right-left, r-l), leastSpan); min(right, r)-max(left, l) > sameInk*narrow {
			return true
		}
	}
	return false
}
