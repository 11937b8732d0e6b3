package reader

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/ocr/accuracy"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Compare reads every page with two engines: the main one's page is the answer, with the differences of the second one's
// reading. It is an [ocr.Recognizer]; Close closes both.
type Compare struct{ main, second ocr.Recognizer }

var _ ocr.Recognizer = (*Compare)(nil)

// NewCompare returns the pair.
func NewCompare(main, second ocr.Recognizer) (*Compare, error) {
	if main == nil || second == nil {
		return nil, errors.New("comparing needs two engines")
	}
	return &Compare{main: main, second: second}, nil
}

// Recognize implements [ocr.Recognizer]. When one of the engines fails, so does it: half a comparison would look like
// agreement. The second engine gets the picture turned upright as the main one found it, so that the differences are of
// reading.
func (c *Compare) Recognize(ctx context.Context, picture *imaging.Raster, o ocr.Options) (ocr.Page, error) {
	main, err := c.main.Recognize(ctx, picture, o)
	if err != nil {
		return ocr.Page{}, err
	}
	t, err := turnFor(main.Rotation, picture.Width, picture.Height)
	if err != nil {
		return ocr.Page{}, err
	}
	second, err := c.second.Recognize(ctx, imaging.Orient(picture, t.upright), o)
	if err != nil {
		return ocr.Page{}, err
	}
	for i, l := range second.Lines {
		second.Lines[i].Polygon = t.back.Polygon(l.Polygon)
	}
	main.Differences = differences(main.Lines, second.Lines)
	main.Engine += " | " + second.Engine
	main.Models = append(main.Models, second.Models...)
	return main, nil
}

// Close implements [ocr.Recognizer].
func (c *Compare) Close() error { return errors.Join(c.main.Close(), c.second.Close()) }

// belongs is the part of the smaller of two lines that must lie in the other for the two to be compared.
const belongs = 0.5

// differences compares lines that lie in the same place. Engines break lines differently, so groups of lines that lie in
// each other are compared as a whole, each side in reading order.
func differences(main, second []ocr.Line) []ocr.Difference {
	n := len(main)
	parent := make([]int, n+len(second))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	boxes := make([]ocr.Box, len(parent))
	for i, l := range main {
		boxes[i] = l.Polygon.Bounds()
	}
	for i, l := range second {
		boxes[n+i] = l.Polygon.Bounds()
	}
	for i := range main {
		for k := range second {
			if overlap(boxes[i], boxes[n+k]) >= belongs {
				a, b := root(i), root(n+k)
				parent[max(a, b)] = min(a, b)
			}
		}
	}
	var out []ocr.Difference
	for group := range parent {
		if root(group) != group {
			continue
		}
		var box ocr.Box
		var a, b []string
		for i := range parent {
			if root(i) != group {
				continue
			}
			box = box.Union(boxes[i])
			if i < n {
				a = append(a, main[i].Text)
			} else {
				b = append(b, second[i-n].Text)
			}
		}
		if mine, other := strings.Join(a, "\n"), strings.Join(b, "\n"); unlike(mine, other) {
			out = append(out, ocr.Difference{Box: box, Text: mine, Other: other})
		}
	}
	slices.SortStableFunc(out, func(a, b ocr.Difference) int { return int(a.Box.Y - b.Box.Y) })
	return out
}

// unlike tells texts that differ in more than width of characters, blanks and the like.
func unlike(a, b string) bool {
	return accuracy.Distance(accuracy.Normalize(a), accuracy.Normalize(b)).Total() > 0
}

// overlap returns the part of the smaller box that lies in the other.
func overlap(a, b ocr.Box) float32 {
	w := min(a.X+a.W, b.X+b.W) - max(a.X, b.X)
	h := min(a.Y+a.H, b.Y+b.H) - max(a.Y, b.Y)
	smaller := min(a.W*a.H, b.W*b.H)
	if w <= 0 || h <= 0 || smaller <= 0 {
		return 0
	}
	return w * h / smaller
}
