package page

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// legibility is what decides whether a picture can be read.
type legibility struct {
	lines      int     // text lines told apart, counted strip by strip
	textHeight float64 // of a line of text without the space to the next, pixels; 0 when there are no lines
	edgeWidth  float64 // over which the edges of strokes rise, pixels; 0 when there are none
	paper, ink byte    // luma of the bright ground and of the darkest strokes
	glare      float64 // part of the page that is burnt out while the rest is not
	inverted   bool
	sheet      bool // most of the picture is even ground, as of a page
}

// The verdict's limits were set by looking at rendered pages that were blurred, darkened and shrunk step by step: at them a
// person begins to guess.
const (
	leastLines      = 4   // strips' lines from which a picture counts as written on
	leastTextHeight = 9.0 // pixels
	leastSharpness  = 0.1
	leastPaper      = 60   // luma
	leastContrast   = 0.3  // of the paper's luma between paper and ink
	burntPaper      = 250  // luma
	leastGlare      = 0.01 // of the page
	mostGlare       = 0.4  // more of it is paper as it should be
	glareInk        = 0.2  // of the page's ink that may be left in a burnt spot of the same size
	glareBelow      = 215  // luma of the page's other ground below which a burnt spot is a reflection
	rightPaper      = 200  // luma from which paper is exposed rightly
)

// findLegibility measures a page whose lean is known.
func findLegibility(r *imaging.Raster, s *survey, k skew) legibility {
	l := legibility{inverted: s.inverted, sheet: s.sheet()}
	levels := slices.Sorted(slices.Values(s.ground.level))
	l.paper = levels[len(levels)*3/4]
	var h [256]int
	for i, v := range s.ink {
		if v != 0 {
			h[s.gray[i]]++
		}
	}
	l.ink = l.paper
	if s.inked > 0 {
		l.ink = percentile(&h, 0.05)
	}
	l.lines, l.textHeight = lineHeights(s, k)
	l.edgeWidth = edgeWidth(r, float64(l.paper)-float64(l.ink))
	l.glare = glare(s)
	return l
}

// quality gives the verdict.
func (l legibility) quality() ocr.Quality {
	q := ocr.Quality{Exposure: float32(l.exposure())}
	if l.lines < leastLines || l.edgeWidth == 0 {
		q.Advice = "nothing like text was found in the picture; if it shows a page, take it closer, sharp and well lit"
		return q
	}
	if !l.sheet {
		q.Advice = "the picture looks like a photograph and not like a page, so its quality was not judged"
		return q
	}
	q.Sharpness = float32(l.sharpness())
	var advice []string
	contrast := 1 - float64(l.ink)/float64(max(l.paper, 1))
	switch {
	case !l.inverted && l.paper < leastPaper:
		advice = append(advice, "the picture is too dark: take it in brighter light")
	case contrast < leastContrast && l.paper >= burntPaper:
		advice = append(advice, "the picture is overexposed: take it with less light, or scan it darker")
	case contrast < leastContrast:
		advice = append(advice, "the text is too pale: take the picture in even light, or scan it darker")
	}
	if l.glare >= leastGlare {
		advice = append(advice, "a reflection covers part of the page: tilt the page or the lamp")
	}
	if l.textHeight < leastTextHeight {
		advice = append(advice, fmt.Sprintf("the text is too small (%.0f px high): come closer, or scan at 150 dpi or more", l.textHeight))
	}
	if q.Sharpness < leastSharpness {
		advice = append(advice, "the picture is too blurred: hold still and focus on the text")
	}
	q.Verdict, q.Advice = ocr.VerdictAccept, strings.Join(advice, "; ")
	if len(advice) > 0 {
		q.Verdict = ocr.VerdictRetake
	}
	return q
}

// sharpness compares the edges' width with the text's size: the same blur spoils small text and not large one. 1 is as
// rendered, 0 when an edge is as wide as the space between two strokes of a common character.
func (l legibility) sharpness() float64 {
	return min(max(1.25-3.75*l.edgeWidth/max(l.textHeight, 1), 0), 1)
}

func (l legibility) exposure() float64 {
	if l.inverted {
		return 0.5
	}
	e := 0.5 * min(float64(l.paper)/rightPaper, 1)
	if pale := float64(l.ink) / float64(max(l.paper, 1)); l.paper >= burntPaper && l.ink < l.paper {
		e += 0.5 * min(max((pale-0.5)/0.5, 0), 1)
	}
	return e + 0.5*min(l.glare/mostGlare, 1)*(1-e)
}

// lineHeights counts the lines in strips along the reading direction and returns the median of their heights. Strips are
// narrow, so that columns and tables do not fill each other's gaps.
func lineHeights(s *survey, k skew) (lines int, height float64) {
	const (
		strips   = 12
		leastInk = 0.04 // of a strip's width for a row to belong to a line
		least    = 3    // cells
		most     = 200
	)
	along, across := s.width, s.height
	if k.across {
		along, across = across, along
	}
	t := math.Tan(k.degrees * math.Pi / 180)
	slack := int(math.Abs(t)*float64(along)) + 1
	width := max((along+strips-1)/strips, 1)
	counts := make([][]uint16, strips)
	for i := range counts {
		counts[i] = make([]uint16, across+2*slack+1)
	}
	offset := make([]int, along)
	for i := range offset {
		offset[i] = slack - int(math.Round(t*float64(i)))
		if k.across {
			offset[i] = slack + int(math.Round(t*float64(i)))
		}
	}
	for y := range s.height {
		for x, v := range s.ink[y*s.width:][:s.width] {
			if v == 0 || v&inkRule != 0 || v&inkThick == inkThick {
				continue
			}
			if k.across {
				counts[y/width][x+offset[y]]++
			} else {
				counts[x/width][y+offset[x]]++
			}
		}
	}
	var heights [most + 1]int
	total := 0
	limit := uint16(max(1, int(leastInk*float64(width))))
	for _, c := range counts {
		run := 0
		for _, n := range c {
			if n >= limit {
				run++
				continue
			}
			if run >= least && run <= most {
				heights[run] += run // the taller counts for more: noise makes low lines
				total += run
				lines++
			}
			run = 0
		}
	}
	half := total / 2
	for h, n := range heights {
		if half -= n; half < 0 {
			return lines, float64(h * s.factor)
		}
	}
	return lines, 0
}

// edgeWidth returns over how many pixels the steeper part of the strokes' edges rises, the mean of both directions; 0 when
// there are hardly any edges. An edge is a run of levels that rises or falls by at least half the contrast.
func edgeWidth(r *imaging.Raster, contrast float64) float64 {
	const (
		every = 17  // rows and columns
		rank  = 0.6 // of the slopes that counts
		few   = 40  // edges
		still = 3   // grey levels against the run that noise may go
	)
	least := max(int(contrast/2), 24)
	steepness := func(count, length int, read func(line []byte, i int)) (float64, int) {
		var h [256]int
		edges := 0
		line := make([]byte, length)
		for i := every / 2; i < count; i += every {
			read(line, i)
			start, step, last := int(line[0]), 0, int(line[0])
			direction := 0
			for _, b := range line[1:] {
				v := int(b)
				d := v - last
				if d*direction < -still || direction == 0 {
					if rise := max(last-start, start-last); rise >= least && direction != 0 {
						h[min(255*step/rise, 255)]++
						edges++
					}
					start, step, direction = last, 0, 0
					if d > still {
						direction = 1
					} else if d < -still {
						direction = -1
					}
				}
				step = max(step, d, -d)
				last = v
			}
		}
		return float64(percentile(&h, rank)) / 255, edges
	}
	rows, n := steepness(r.Height, r.Width, func(line []byte, y int) { lumaRow(line, r.Row(y)) })
	// Columns are gathered row by row: one by one they would fetch the whole picture as often as there are columns.
	upright := make([]byte, (r.Width-every/2+every-1)/every*r.Height)
	for y := range r.Height {
		row := r.Row(y)
		at := y
		for x := every / 2; x < r.Width; x += every {
			p := row[3*x : 3*x+3 : 3*x+3]
			upright[at] = imaging.Luma(p[0], p[1], p[2])
			at += r.Height
		}
	}
	columns, m := steepness(r.Width, r.Height, func(line []byte, x int) { copy(line, upright[x/every*r.Height:]) })
	if n < few || m < few {
		return 0
	}
	return (1/max(rows, 0.01) + 1/max(columns, 0.01)) / 2
}

// glare returns the part of the page that is burnt out without a trace of writing, where the rest is not and the way there
// is soft. White fields have hard edges, and sunlit paper keeps its ink.
func glare(s *survey) float64 {
	if s.inverted {
		return 0
	}
	g := s.ground
	levels := slices.Sorted(slices.Values(g.level))
	rest := levels[len(levels)/2]
	if rest >= glareBelow {
		return 0
	}
	ink := make([]int, len(g.level))
	for y := range s.height {
		row := ink[y/groundCell*g.columns:]
		for x, v := range s.ink[y*s.width:][:s.width] {
			if v != 0 {
				row[x/groundCell]++
			}
		}
	}
	soft := int(rest) + (burntPaper-int(rest))/4
	is := func(x, y int) bool {
		return x >= 0 && y >= 0 && x < g.columns && y < g.rows && g.level[y*g.columns+x] >= burntPaper
	}
	burnt, between, inside, inkInside := 0, 0, 0, 0
	for i, v := range g.level {
		x, y := i%g.columns, i/g.columns
		switch {
		case v >= burntPaper:
			burnt++
			if is(x-1, y) && is(x+1, y) && is(x, y-1) && is(x, y+1) {
				inside++
				inkInside += ink[i]
			}
		case int(v) > soft:
			between++
		}
	}
	if inside == 0 {
		return 0
	}
	elsewhere := float64(s.inked-inkInside) / float64(len(levels)-inside)
	part := float64(burnt) / float64(len(levels))
	// The seam of a round spot of n cells is at least its circumference.
	if part >= mostGlare || float64(between) < 2*math.Sqrt(math.Pi*float64(burnt)) || float64(inkInside) > glareInk*elsewhere*float64(inside) {
		return 0
	}
	return part
}
