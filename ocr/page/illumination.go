package page

import (
	"fmt"
	"math"
	"slices"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// illumination is how evenly a page is lit, and what evens it: each pixel is multiplied by what its ground lacks to the
// page's brightest. Colours keep their hue. Nothing gets darker.
type illumination struct {
	s      *survey
	spread float64 // between dim and bright ground, 0..1 of the bright
	target byte    // luma that the ground is brought to
}

const (
	lightSpread = 0.4  // below it, unevenness costs no reading, while evening it costs a little: 0.4 % of the errors on 4 pages of 0.26 to 0.31
	lightGain   = 3.0  // the most that a pixel is multiplied by: more would only show the noise
	lightDim    = 0.45 // of the bright ground: what is darker is a picture or a coloured field, no shadow
)

// findIllumination compares the page's darkest and brightest ground.
func findIllumination(s *survey) illumination {
	l := illumination{s: s}
	levels := slices.Sorted(slices.Values(s.ground.level))
	l.target = levels[len(levels)*95/100]
	// Coloured fields are as dark as they are meant to be.
	lit := slices.DeleteFunc(levels, func(v byte) bool { return float64(v) < lightDim*float64(l.target) })
	if len(lit) == 0 || s.inverted || !s.sheet() {
		return l
	}
	l.spread = 1 - float64(lit[len(lit)/20])/float64(l.target)
	return l
}

func (l illumination) needed() bool { return l.spread >= lightSpread }

func (l illumination) String() string { return fmt.Sprintf("illumination %.0f %%", 100*l.spread) }

// apply multiplies each pixel by its gain. The picture is the one surveyed.
func (l illumination) apply(r *imaging.Raster) {
	const unit = 256
	var gains [256]uint32 // of a ground's level
	for v := range gains {
		g := float64(l.target) / max(float64(v), 1)
		if float64(v) < lightDim*float64(l.target) {
			g = 1 + (1/lightDim-1)*float64(v)/(lightDim*float64(l.target)) // fades out towards black
		}
		gains[v] = uint32(math.Round(unit * min(max(g, 1), lightGain)))
	}
	f := l.s.factor
	var line []byte
	at := make([]uint32, r.Width)
	for cy := range l.s.height {
		line = l.s.ground.row(line, cy)
		for x := range at {
			at[x] = gains[line[x/f]]
		}
		for y := cy * f; y < min((cy+1)*f, r.Height); y++ {
			row := r.Row(y)
			for x, g := range at {
				if g == unit {
					continue
				}
				px := row[3*x : 3*x+3 : 3*x+3]
				px[0] = byte(min(uint32(px[0])*g/unit, 255))
				px[1] = byte(min(uint32(px[1])*g/unit, 255))
				px[2] = byte(min(uint32(px[2])*g/unit, 255))
			}
		}
	}
}
