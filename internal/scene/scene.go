package scene

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
)

// Head is a portrait that can be pasted.
type Head struct {
	picture *imaging.Raster // around the head
	box     face.Box        // of the face in it
	flat    bool
}

// How much around a face's box belongs to the head, in widths and heights of the box.
const (
	headWidth = 1.9
	headAbove = 0.55
	headBelow = 0.35
)

// NewHead cuts a head out of a picture, by its face's box.
func NewHead(r *imaging.Raster, box face.Box) Head {
	x0, y0 := max(int(box.X-(headWidth-1)/2*box.W), 0), max(int(box.Y-headAbove*box.H), 0)
	x1, y1 := min(int(box.X+(headWidth+1)/2*box.W), r.Width), min(int(box.Y+(1+headBelow)*box.H), r.Height)
	box.X, box.Y = box.X-float32(x0), box.Y-float32(y0)
	return Head{picture: r.Crop(x0, y0, x1-x0, y1-y0), box: box}
}

// Print is the head as a picture on paper that somebody holds up: with a white border, and no body.
func (h Head) Print() Head {
	border := max(h.picture.Width/12, 2)
	p := imaging.NewRaster(h.picture.Width+2*border, h.picture.Height+2*border)
	for i := range p.Pix {
		p.Pix[i] = 236
	}
	for y := range h.picture.Height {
		copy(p.Row(y + border)[3*border:], h.picture.Row(y))
	}
	h.picture, h.flat = p, true
	h.box.X, h.box.Y = h.box.X+float32(border), h.box.Y+float32(border)
	return h
}

// Spot is where a face is.
type Spot struct {
	At    time.Duration
	X, Y  float64 // centre of the face's box, pixels
	Width float64 // of the face's box, pixels
}

// Walker is somebody on their way; between two spots they move evenly. They are there from the first to the last.
type Walker struct {
	Name  string
	Head  Head
	Spots []Spot
}

// Spot is where the walker is at a time, and whether they are there.
func (w Walker) Spot(at time.Duration) (Spot, bool) {
	for i := 1; i < len(w.Spots); i++ {
		a, b := w.Spots[i-1], w.Spots[i]
		if at < a.At || at > b.At || b.At == a.At {
			continue
		}
		k := float64(at-a.At) / float64(b.At-a.At)
		return Spot{At: at, X: a.X + k*(b.X-a.X), Y: a.Y + k*(b.Y-a.Y), Width: a.Width + k*(b.Width-a.Width)}, true
	}
	return Spot{}, false
}

// Scene is a video.
type Scene struct {
	Walkers    []Walker
	background *imaging.Raster
	grain      []int8
}

// New returns an empty hall.
func New(width, height int, seed uint64) *Scene {
	s := &Scene{background: imaging.NewRaster(width, height), grain: make([]int8, 1<<16)}
	random := rand.New(rand.NewPCG(seed, 7))
	for i := range s.grain {
		s.grain[i] = int8(random.IntN(9) - 4)
	}
	floor := height * 3 / 4
	for y := range height {
		row := s.background.Row(y)
		for x := range width {
			shade := 150 + 40*math.Sin(float64(x)/float64(width)*math.Pi) - 30*float64(y)/float64(height)
			if y > floor {
				shade = 95 + 25*float64(y-floor)/float64(height-floor)
			} else if panel := x % (width / 6); panel < 3 {
				shade -= 35
			}
			row[3*x], row[3*x+1], row[3*x+2] = byte(shade*0.93), byte(shade*0.97), byte(shade)
		}
	}
	return s
}

// Length is when the last walker has gone.
func (s *Scene) Length() time.Duration {
	var end time.Duration
	for _, w := range s.Walkers {
		if n := len(w.Spots); n > 0 {
			end = max(end, w.Spots[n-1].At)
		}
	}
	return end
}

// Frame draws the moment. The same moment gives the same picture.
func (s *Scene) Frame(at time.Duration) *imaging.Raster {
	out := imaging.NewRaster(s.background.Width, s.background.Height)
	copy(out.Pix, s.background.Pix)
	type standing struct {
		Walker
		Spot
	}
	var there []standing
	for _, w := range s.Walkers {
		if spot, ok := w.Spot(at); ok {
			there = append(there, standing{w, spot})
		}
	}
	// The nearer ones stand before the others.
	slices.SortStableFunc(there, func(a, b standing) int { return cmp.Compare(a.Width, b.Width) })
	for _, t := range there {
		t.Head.paste(out, t.Spot)
	}
	// A camera's noise, so that no two frames are the same.
	shift := int(at/time.Millisecond) * 7919
	for i := range out.Pix {
		out.Pix[i] = byte(min(max(int(out.Pix[i])+int(s.grain[(i+shift)&(len(s.grain)-1)]), 0), 255))
	}
	return out
}

// paste draws the head, and below it a body. Edges of a head are soft, those of a print are not.
func (h Head) paste(out *imaging.Raster, at Spot) {
	scale := at.Width / float64(h.box.W)
	width, height := max(int(float64(h.picture.Width)*scale), 1), max(int(float64(h.picture.Height)*scale), 1)
	r := imaging.Resize(h.picture, width, height)
	left := int(at.X - scale*float64(h.box.X+h.box.W/2))
	top := int(at.Y - scale*float64(h.box.Y+h.box.H/2))
	if !h.flat {
		h.body(out, at, top+height*3/4)
	}
	for y := range height {
		if top+y < 0 || top+y >= out.Height {
			continue
		}
		from, to := r.Row(y), out.Row(top+y)
		for x := range width {
			if left+x < 0 || left+x >= out.Width {
				continue
			}
			alpha := 1.0
			if !h.flat {
				dx, dy := 2*(float64(x)+0.5)/float64(width)-1, 2*(float64(y)+0.5)/float64(height)-1
				alpha = min(max((1-math.Hypot(dx, dy))/0.12, 0), 1)
			}
			for c := range 3 {
				p := &to[3*(left+x)+c]
				*p = byte(alpha*float64(from[3*x+c]) + (1-alpha)*float64(*p))
			}
		}
	}
}

func (h Head) body(out *imaging.Raster, at Spot, from int) {
	for y := max(from, 0); y < out.Height; y++ {
		half := at.Width * min(0.5+float64(y-from)/(0.8*at.Width), 1.25)
		row := out.Row(y)
		for x := max(int(at.X-half), 0); x < min(int(at.X+half), out.Width); x++ {
			row[3*x], row[3*x+1], row[3*x+2] = 92, 74, 66
		}
	}
}
