package text

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNeighbouringFramesSettleWhatIsRead(t *testing.T) {
	type frame struct {
		first, second int64 // 0 blank, 9 the space
		p, q          float32
		left, right   float32 // of the ink, in frames from the frame's centre
	}
	read := func(frames []frame) (classes []int64, scores []float32) {
		var boxes []float32
		for _, f := range frames {
			scores, classes = append(scores, f.p, f.q), append(classes, f.first, f.second)
			boxes = append(boxes, f.left, 0, f.right, 1)
		}
		decoder{classes: 10, blank: 0, space: 9}.settle(scores, classes, boxes, 2)
		for i := range frames {
			classes[i], scores[i] = classes[2*i], scores[2*i]
		}
		return classes[:len(frames)], scores[:len(frames)]
	}
	for name, c := range map[string]struct {
		frames []frame
		want   []int64
	}{
		"a dot between two frames":           {[]frame{{first: 0, p: 1}, {0, 5, .6, .35, 0, 1}, {first: 0, p: 1}}, []int64{0, 5, 0}},
		"the blank is sure enough":           {[]frame{{0, 5, .71, .29, 0, 1}}, []int64{0}},
		"nothing else is likely":             {[]frame{{0, 5, .6, .25, 0, 1}}, []int64{0}},
		"a blank of the text":                {[]frame{{0, 9, .6, .35, 0, 1}}, []int64{0}},
		"its neighbour reads it":             {[]frame{{0, 5, .6, .35, 0, 1}, {first: 0, p: 1}, {5, 0, .9, .1, 0, 1}}, []int64{0, 0, 5}},
		"one farther off reads it":           {[]frame{{0, 5, .6, .35, 0, 1}, {first: 0, p: 1}, {first: 0, p: 1}, {5, 0, .9, .1, 0, 1}}, []int64{5, 0, 0, 5}},
		"the same ink in two ways":           {[]frame{{3, 4, .6, .4, -1, 1}, {4, 3, .9, .1, -2, 0}}, []int64{0, 4}},
		"of a third frame too":               {[]frame{{3, 4, .6, .4, -1, 1}, {first: 0, p: 1}, {4, 3, .9, .1, -3, -1}}, []int64{0, 0, 4}},
		"other ink":                          {[]frame{{3, 4, .6, .4, -1, .4}, {4, 3, .9, .1, -.5, 1}}, []int64{3, 4}},
		"the same character":                 {[]frame{{3, 4, .6, .4, -1, 1}, {3, 4, .9, .1, -2, 0}}, []int64{3, 3}},
		"all are compared before any is out": {[]frame{{3, 4, .5, .4, -1, 1}, {4, 3, .6, .1, -2, 0}, {5, 3, .7, .1, -3, -1}}, []int64{0, 0, 5}},
	} {
		got, scores := read(c.frames)
		assert.Equal(t, c.want, got, name)
		for i, f := range c.frames {
			switch {
			case got[i] == f.second && f.second != 0:
				assert.Equal(t, f.q, scores[i], name)
			case got[i] == 0:
				assert.GreaterOrEqual(t, scores[i], float32(.6), name)
			}
		}
	}
}
