package text

import "math"

// Pieces of one line: their gap is at most joinGap of the lower one's height, they are about equally high, and their middles
// are at the same height.
const (
	joinGap    = 0.3
	joinHeight = 1.5
	joinOffset = 0.25
)

// Pieces of one column: at least one of them is columnAspect times higher than wide, their gap is at most columnGap of the wider
// one's width, and the narrower one, which may be a comma, is at least columnWidth of it. Characters stand apart in columns, and
// behind a comma most of a character's place is empty.
const (
	columnAspect = 2.5
	columnGap    = 0.8
	columnWidth  = 0.35
)

// rejoined puts lines together that were found in pieces: a detector that keeps cells apart also parts lines at wide
// punctuation. Curved lines stay as they are.
func rejoined(lines []found) []found {
	for i := 0; i < len(lines); i++ {
		for k := i + 1; k < len(lines); k++ {
			if whole, ok := joinedPair(lines[i], lines[k]); ok {
				lines[i] = whole
				lines = append(lines[:k], lines[k+1:]...)
				k = i // what has grown may reach others, before and behind
			}
		}
	}
	return lines
}

func joinedPair(a, b found) (found, bool) {
	if a.outline != nil || b.outline != nil {
		return found{}, false
	}
	if a.box.height > verticalAspect*a.box.width || b.box.height > verticalAspect*b.box.width {
		return joinedColumn(a, b)
	}
	long, short := a.box, b.box
	if short.width > long.width {
		long, short = short, long
	}
	d := short.centre.minus(long.centre)
	low := min(long.height, short.height)
	gap := math.Abs(d.dot(long.along)) - (long.width+short.width)/2
	if gap > joinGap*low || gap < -0.5*low || math.Abs(d.dot(long.across())) > joinOffset*low || max(long.height, short.height) > joinHeight*low ||
		math.Abs(long.along.cross(short.along)) > 0.12 {
		return found{}, false
	}
	one, other := long.corners(), short.corners()
	whole := along(append(one[:], other[:]...), long.along)
	whole.height = max(long.height, min(whole.height, 1.15*long.height))
	area := a.box.width*a.box.height + b.box.width*b.box.height
	score := (float64(a.score)*a.box.width*a.box.height + float64(b.score)*b.box.width*b.box.height) / area
	return found{box: whole, score: float32(score)}, true
}

func joinedColumn(a, b found) (found, bool) {
	long, short := a.box, b.box
	if short.height > long.height {
		long, short = short, long
	}
	d := short.centre.minus(long.centre)
	wide, narrow := max(long.width, short.width), min(long.width, short.width)
	gap := math.Abs(d.dot(long.across())) - (long.height+short.height)/2
	if long.height < columnAspect*long.width || gap > columnGap*wide || gap < -0.5*wide || math.Abs(d.dot(long.along)) > joinOffset*wide ||
		short.width > joinHeight*long.width || narrow < columnWidth*wide ||
		short.height > verticalAspect*short.width && math.Abs(long.along.cross(short.along)) > 0.12 {
		return found{}, false
	}
	one, other := long.corners(), short.corners()
	whole := along(append(one[:], other[:]...), long.along)
	whole.width = max(long.width, min(whole.width, 1.15*long.width))
	areas := [2]float64{a.box.width * a.box.height, b.box.width * b.box.height}
	score := (float64(a.score)*areas[0] + float64(b.score)*areas[1]) / (areas[0] + areas[1])
	return found{box: whole, score: float32(score)}, true
}
