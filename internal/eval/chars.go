package eval

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/accuracy"
)

// PageOutput is the raw output for one page beyond its text.
type PageOutput struct {
	Rotation           int          `json:"rotation"`
	RotationConfidence float32      `json:"rotation_confidence"`
	Lines              []LineOutput `json:"lines"`
	Corrections        int          `json:"corrections"` // characters that the language model changed
}

// LineOutput is one line as it was read.
type LineOutput struct {
	Text    string         `json:"text"`
	Chars   []CharOutput   `json:"chars"`
	Changes []ChangeOutput `json:"changes,omitempty"` // characters that the language model changed
}

// CharOutput is one character as it was read; in JSON ["字", confidence, x, y, width, height].
type CharOutput struct {
	Char       string
	Confidence float64
	Box        [4]float64 // x, y, width, height, pixels
}

// MarshalJSON implements json.Marshaler.
func (c CharOutput) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{c.Char, c.Confidence, c.Box[0], c.Box[1], c.Box[2], c.Box[3]})
}

// rounded keeps what a raw record holds, so that a run and its records give the same figures: parts of 1/to.
func rounded(v float32, to float64) float64 {
	f := math.Round(float64(v)*to) / to
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *CharOutput) UnmarshalJSON(b []byte) error {
	parts := []any{&c.Char, &c.Confidence, &c.Box[0], &c.Box[1], &c.Box[2], &c.Box[3]}
	return unmarshalTuple(b, parts, "[char, confidence, x, y, width, height]")
}

// unmarshalTuple reads an array of as many values as there are parts.
func unmarshalTuple(b []byte, parts []any, form string) error {
	n := len(parts)
	err := json.Unmarshal(b, &parts)
	if err == nil && len(parts) != n {
		err = fmt.Errorf("it has %d values", len(parts))
	}
	if err != nil {
		return fmt.Errorf("a character is not %s: %w", form, err)
	}
	return nil
}

func pageOutput(p ocr.Page) PageOutput {
	out := PageOutput{Rotation: p.Rotation, RotationConfidence: p.RotationConfidence, Corrections: len(p.Corrections), Lines: make([]LineOutput, 0, len(p.Lines))}
	for i, l := range p.Lines {
		line := LineOutput{Text: l.Text, Chars: []CharOutput{}, Changes: changesOf(p, i)}
		for _, s := range l.Symbols() {
			line.Chars = append(line.Chars, CharOutput{s.Char, rounded(s.Confidence, 1e4), [4]float64{
				rounded(s.Box.X, 10), rounded(s.Box.Y, 10), rounded(s.Box.W, 10), rounded(s.Box.H, 10),
			}})
		}
		out.Lines = append(out.Lines, line)
	}
	return out
}

// truthLine is a line of the truth, in the form in which characters are compared: one entry a written character, blanks
// left out.
type truthLine struct {
	forms []string
	boxes []charBox // as many as forms; nil where no boxes are known
}

// truthLines takes the boxes where they are known, else the text alone.
func truthLines(texts []string, t *pageTruth) []truthLine {
	var out []truthLine
	if t == nil || len(t.Lines) == 0 {
		for _, text := range texts {
			var l truthLine
			for _, r := range text {
				if form := accuracy.Normalize(string(r)); form != "" {
					l.forms = append(l.forms, form)
				}
			}
			out = append(out, l)
		}
		return out
	}
	for _, line := range t.Lines {
		var l truthLine
		for _, c := range line.Chars {
			l.forms = append(l.forms, accuracy.Normalize(c.char))
			l.boxes = append(l.boxes, c)
		}
		out = append(out, l)
	}
	return out
}

// judged is a character that was read, and what the truth says of it.
type judged struct {
	confidence float64
	right      bool
	overlap    float64 // intersection over union of the boxes; -1 when it is wrong or no box is known
}

// judge finds out which characters of a page were read right. A line that was read is laid onto that line of the truth of
// which it is a part with the fewest edits, wherever it stands: a reading order that differs makes no character wrong. Where
// boxes are known, only lines in the same place come into question.
func judge(page PageOutput, truth []truthLine) []judged {
	var out []judged
	for _, line := range page.Lines {
		forms := make([]string, len(line.Chars))
		for i, c := range line.Chars {
			forms[i] = accuracy.Normalize(c.Char)
		}
		best, match := len(forms)+1, []int(nil)
		var on truthLine
		for _, t := range truth {
			if !near(line.Chars, t.boxes) {
				continue
			}
			if cost, m := fit(forms, t.forms); cost < best {
				best, match, on = cost, m, t
			}
		}
		for i, c := range line.Chars {
			j := judged{confidence: c.Confidence, overlap: -1}
			if match != nil && match[i] >= 0 && on.forms[match[i]] == forms[i] {
				j.right = true
				if on.boxes != nil {
					j.overlap = overlap(c.Box, on.boxes[match[i]])
				}
			}
			out = append(out, j)
		}
	}
	return out
}

// near tells whether the boxes around two sets of characters meet; true where one is not known.
func near(read []CharOutput, truth []charBox) bool {
	if len(read) == 0 || len(truth) == 0 {
		return true
	}
	a := [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	b := a
	grow := func(to *[4]float64, x, y, w, h float64) {
		*to = [4]float64{min(to[0], x), min(to[1], y), max(to[2], x+w), max(to[3], y+h)}
	}
	for _, c := range read {
		grow(&a, c.Box[0], c.Box[1], c.Box[2], c.Box[3])
	}
	for _, c := range truth {
		grow(&b, c.x, c.y, c.w, c.h)
	}
	return a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3]
}

// fit lays read onto the part of truth that takes the fewest edits, and returns their number and, for each character that
// was read, the index of the character of the truth that it stands for, right or wrong; -1 where it stands for none.
func fit(read, truth []string) (int, []int) {
	width := len(truth) + 1
	cost := make([]int32, (len(read)+1)*width) // row 0 is 0: the truth before the part costs nothing
	for i := 1; i <= len(read); i++ {
		cost[i*width] = int32(i)
		for j := 1; j < width; j++ {
			substitute := cost[(i-1)*width+j-1]
			if read[i-1] != truth[j-1] {
				substitute++
			}
			cost[i*width+j] = min(substitute, cost[(i-1)*width+j]+1, cost[i*width+j-1]+1)
		}
	}
	last := cost[len(read)*width:]
	end := 0
	for j, c := range last {
		if c < last[end] {
			end = j
		}
	}
	match := make([]int, len(read))
	for i, j := len(read), end; i > 0; {
		here := cost[i*width+j]
		switch {
		case j > 0 && read[i-1] == truth[j-1] && here == cost[(i-1)*width+j-1]:
			match[i-1] = j - 1
			i, j = i-1, j-1
		case j > 0 && read[i-1] != truth[j-1] && here == cost[(i-1)*width+j-1]+1:
			match[i-1] = j - 1
			i, j = i-1, j-1
		case here == cost[(i-1)*width+j]+1:
			match[i-1] = -1
			i--
		default:
			j--
		}
	}
	return int(last[end]), match
}

// overlap is the intersection over the union of two boxes.
func overlap(a [4]float64, b charBox) float64 {
	w := min(a[0]+a[2], b.x+b.w) - max(a[0], b.x)
	h := min(a[1]+a[3], b.y+b.h) - max(a[1], b.y)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / (a[2]*a[3] + b.w*b.h - w*h)
}

// Calibration tells whether confidences mean what they say: of characters read with a confidence of 0.8, 80 % should be
// right.
type Calibration struct {
	Characters int     `json:"characters"`
	Right      float64 `json:"right"` // share of the characters
	Mean       float64 `json:"mean_confidence"`
	ECE        float64 `json:"ece"` // expected calibration error (Naeini et al., 2015) over ten bins of equal width
	Bins       []Bin   `json:"bins"`
}

// Bin is one row of a reliability table.
type Bin struct {
	From       float64 `json:"from"` // of the confidences in it
	To         float64 `json:"to"`
	Characters int     `json:"characters"`
	Mean       float64 `json:"mean_confidence"`
	Right      float64 `json:"right"`
}

const calibrationBins = 10

// calibrate is nil where no character was judged.
func calibrate(all []judged) *Calibration {
	if len(all) == 0 {
		return nil
	}
	c := &Calibration{Characters: len(all), Bins: make([]Bin, calibrationBins)}
	for _, j := range all {
		b := &c.Bins[min(max(int(j.confidence*calibrationBins), 0), calibrationBins-1)]
		b.Characters++
		b.Mean += j.confidence
		if j.right {
			b.Right++
		}
	}
	n := float64(len(all))
	for i := range c.Bins {
		b := &c.Bins[i]
		b.From, b.To = float64(i)/calibrationBins, float64(i+1)/calibrationBins
		c.Right += b.Right / n
		c.Mean += b.Mean / n
		c.ECE += math.Abs(b.Right-b.Mean) / n
		if b.Characters > 0 {
			b.Mean /= float64(b.Characters)
			b.Right /= float64(b.Characters)
		}
	}
	return c
}

// Boxes tells how well the boxes of characters lie on the truth's.
type Boxes struct {
	Characters int     `json:"characters"` // read right, on pages whose boxes are known
	MeanIoU    float64 `json:"mean_iou"`
	AboveHalf  float64 `json:"iou_above_half"` // share of them
}

// measureBoxes is nil where no box is known.
func measureBoxes(all []judged) *Boxes {
	var b Boxes
	for _, j := range all {
		if j.overlap < 0 {
			continue
		}
		b.Characters++
		b.MeanIoU += j.overlap
		if j.overlap > 0.5 {
			b.AboveHalf++
		}
	}
	if b.Characters == 0 {
		return nil
	}
	b.MeanIoU /= float64(b.Characters)
	b.AboveHalf /= float64(b.Characters)
	return &b
}
