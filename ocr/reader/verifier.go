package reader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/courtsense/courtsense/ocr/text"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Verifier tells how far a page is turned by reading it.
type Verifier struct {
	detector Detector
	lines    LineReader
}

// NewVerifier returns a verifier that finds and reads lines as a [Reader] does.
func NewVerifier(d Detector, l LineReader) (*Verifier, error) {
	if d == nil || l == nil {
		return nil, errors.New("verifying a direction needs a text detector and a line recogniser")
	}
	return &Verifier{detector: d, lines: l}, nil
}

// verifyLines is how many lines are read in each direction.
const verifyLines = 6

// leastDoubt bounds how sure a reading can be: perfect ones differ by chance.
const leastDoubt = 0.01

// Verify reads a few of the picture's longest lines in each of the candidate directions (degrees clockwise that the content
// is turned; none stand for all four) and returns the one in which they read best. Confidence is its share of the
// sum of the directions' inverse doubts, 0..1, where a direction's doubt is what its mean reading confidence lacks of 1: English upside down reads
// with 0.8, the right way up with 0.98. It is 0, with the first candidate, when nothing could be read.
func (v *Verifier) Verify(ctx context.Context, r *imaging.Raster, degrees []int) (best int, confidence float32, err error) {
	if len(degrees) == 0 {
		degrees = []int{0, 90, 180, 270}
	}
	for _, d := range degrees {
		if d < 0 || d >= 360 || d%90 != 0 {
			return 0, 0, fmt.Errorf("verify direction: %d degrees is not 0, 90, 180 or 270", d)
		}
	}
	found, err := v.detector.Detect(ctx, r, text.DetectOptions{})
	if err != nil {
		return 0, 0, fmt.Errorf("verify direction: %w", err)
	}
	if len(found) == 0 {
		return degrees[0], 0, nil
	}
	slices.SortStableFunc(found, func(a, b text.Region) int { return cmp.Compare(longer(b), longer(a)) })
	found = found[:min(len(found), verifyLines)]
	// A region stays where it is; only the corner at which its reading starts differs from direction to direction.
	var all []text.Region
	for _, d := range degrees {
		for _, f := range found {
			all = append(all, f.Turned(d))
		}
	}
	lines, err := v.lines.Read(ctx, r, all, text.ReadOptions{AsGiven: true})
	if err != nil {
		return 0, 0, fmt.Errorf("verify direction: %w", err)
	}
	best = degrees[0]
	var top, sure, sum float32
	for i, d := range degrees {
		// Every character counts once: a short line says little.
		var score, weight float32
		for k := range found {
			// A line weighs as much in every direction, whatever its reading made of it.
			w := float32(longer(found[k]))
			score, weight = score+w*lines[i*len(found)+k].Confidence, weight+w
		}
		score /= weight
		inverse := 1 / max(1-score, leastDoubt)
		sum += inverse
		if score > top {
			best, top, sure = d, score, inverse
		}
	}
	if top == 0 {
		return degrees[0], 0, nil
	}
	return best, sure / sum, nil
}

// longer returns the length of a region's longer side.
func longer(r text.Region) float64 {
	b := r.Polygon.Bounds()
	return float64(max(b.W, b.H))
}
