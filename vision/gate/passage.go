package gate

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
	"github.com/courtsense/courtsense/vision/liveness"
)

// keptShots is how many best shots of a passage liveness is judged on: from five on its fusion leaves the extremes out.
const keptShots = 5

// shotScale is how many times a face's box a kept shot shows: the largest crop of the liveness models and a little more.
const shotScale = 4.5

// cropScale is how many times the box an event's crop shows.
const cropScale = 1.6

// shot is a good look at a face, with the part of the frame around it.
type shot struct {
	time     time.Time
	weight   float64
	template face.Template
	frame    liveness.Frame // cut out of the camera's frame
	box      face.Box       // in the camera's frame
	look     Look
}

func newShot(t time.Time, r *imaging.Raster, d face.Detection, l Look) shot {
	x, y, part := around(r, d.Box, shotScale)
	moved := d
	moved.Box.X, moved.Box.Y = d.Box.X-x, d.Box.Y-y
	for i := range moved.Landmarks {
		moved.Landmarks[i].X -= x
		moved.Landmarks[i].Y -= y
	}
	return shot{time: t, weight: l.Weight, template: l.Template, frame: liveness.Frame{Raster: part, Face: moved}, box: d.Box, look: l}
}

// around cuts out what lies around a box, moved inside the frame where it would reach over an edge, as the liveness models'
// crops are.
func around(r *imaging.Raster, b face.Box, scale float32) (x, y float32, part *imaging.Raster) {
	x0, w := stretch(b.X+b.W/2, b.W*scale, r.Width)
	y0, h := stretch(b.Y+b.H/2, b.H*scale, r.Height)
	return float32(x0), float32(y0), r.Crop(x0, y0, w, h)
}

func stretch(centre, length float32, size int) (from, n int) {
	n = min(max(int(math.Ceil(float64(length))), 1), size)
	return min(max(int(centre)-n/2, 0), size-n), n
}

// crop is the face with a margin, for people to look at.
func (s shot) crop() *imaging.Raster {
	_, _, part := around(s.frame.Raster, s.frame.Face.Box, cropScale)
	return part
}

// passage is one person in front of the camera once.
type passage struct {
	key   string
	track *Track
	zone  *Zone // when it was decided

	ballot   ballot
	best     []shot    // heaviest first, since the vote began
	face     shot      // heaviest of all
	frames   int       // shots of all
	sum      []float64 // of templates by weight
	first    time.Time // of the first shot
	lastShot time.Time
	odd      []shot // the last shots, that seem to be of somebody else
	widest   float32
	judged   int // shots that the last liveness check knew of
	live     *liveness.Result

	decided   Type // 0: not yet
	who       PersonRef
	reason    string
	tailgated bool
	event     bool // had one, under key
	failed    bool // a look failed
	unsure    bool // the face was lost and found again, and no look since has shown that it is the same
}

func (p *passage) add(s shot) {
	if p.first.IsZero() {
		p.first = s.time
	}
	p.frames++
	if s.weight > p.face.weight {
		p.face = s
	}
	p.ballot.add(s.look)
	if p.sum == nil {
		p.sum = make([]float64, len(s.template))
	}
	if len(p.sum) == len(s.template) {
		for i, v := range s.template {
			p.sum[i] += s.weight * float64(v)
		}
	}
	p.best = append(p.best, s)
	slices.SortStableFunc(p.best, func(a, b shot) int { return cmp.Compare(b.weight, a.weight) })
	p.best = p.best[:min(len(p.best), keptShots)]
}

// reopen begins the vote anew, from what is seen from now on.
func (p *passage) reopen() {
	p.ballot, p.best, p.judged, p.live = ballot{}, nil, 0, nil
	p.first = time.Time{}
}

// mean is the passage's template, of length 1; nil without shots.
func (p *passage) mean() face.Template {
	norm := 0.0
	for _, v := range p.sum {
		norm += v * v
	}
	if norm == 0 {
		return nil
	}
	norm = math.Sqrt(norm)
	t := make(face.Template, len(p.sum))
	for i, v := range p.sum {
		t[i] = float32(v / norm)
	}
	return t
}

// memory is what is kept of a passage for a short while, so that somebody who turns away and back makes no second event. It
// is never stored.
type memory struct {
	key      string
	decided  Type
	who      PersonRef
	template face.Template
	last     time.Time
	revisit  time.Duration
}

func sameFace(a, b face.Template, from float32) bool {
	return a != nil && b != nil && face.Similarity(a, b) >= from
}
