package activetest

import (
	"fmt"
	"math"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
)

// Look is how a face is held and what it does. The zero Look with Near 1 is the portrait as it was taken.
type Look struct {
	Yaw, Pitch, Roll float64 // degrees, added to the portrait's; signs as in [face.Pose]
	Near             float64 // how many times as near as in the portrait; 0 stands for 1
	X, Y             float64 // where the face is in the picture, in eye distances from the portrait's place
	Mouth            float64 // gap between the lips over the mouth's width, 0..1
	Eyes             float64 // how far the eyes are closed, 0..1
}

// Sheet makes the portrait a photograph on paper, held before the camera: it turns as a flat thing, bent by so much.
type Sheet struct {
	Bend float64 // curvature about the upright axis through a point beside the nose, 1/eye distance
	Axis float64 // where that axis lies, eye distances to the picture's right of the nose
	Arch float64 // curvature about the level axis through the nose
}

// Puppet draws a face from one portrait. It is not safe for concurrent use.
type Puppet struct {
	r    *imaging.Raster // upright, the eyes level and unit pixels apart
	p    [98]point       // landmarks in r
	unit float64         // distance of the eyes' centres
	x, y float64         // middle between the eyes
	size int
}

type point struct{ x, y float64 }

// Order of the landmarks (WFLW) where the warps need it: the rims of each eye and the inner rims of the lips, both from
// the picture's left to its right.
var (
	upperLids  = [2][5]int{{60, 61, 62, 63, 64}, {68, 69, 70, 71, 72}}
	lowerLids  = [2][5]int{{60, 67, 66, 65, 64}, {68, 75, 74, 73, 72}}
	upperInner = [5]int{88, 89, 90, 91, 92}
	lowerInner = [5]int{88, 95, 94, 93, 92}
)

const (
	chin = 16
	// eyeShare is the eyes' distance over the side of the drawn pictures: as of somebody at arm's length.
	eyeShare = 0.16
)

// NewPuppet makes a puppet that draws pictures of size x size pixels from a portrait and its 98 landmarks in WFLW's order.
func NewPuppet(r *imaging.Raster, landmarks []face.Point, size int) (*Puppet, error) {
	if len(landmarks) != 98 {
		return nil, fmt.Errorf("puppet: %d landmarks, want 98", len(landmarks))
	}
	five := face.Mesh{Points: landmarks}.Landmarks()
	right, left := five[face.RightEye], five[face.LeftEye]
	dx, dy := float64(left.X-right.X), float64(left.Y-right.Y)
	eyes := math.Hypot(dx, dy)
	if !(eyes > 4) {
		return nil, fmt.Errorf("puppet: the eyes are %.1f px apart", eyes)
	}
	p := &Puppet{r: imaging.NewRaster(size, size), unit: eyeShare * float64(size), size: size}
	p.x, p.y = float64(size)/2, 0.44*float64(size)
	// One pixel of the drawn picture is so much of the portrait's.
	ax, ay := dx/eyes*eyes/p.unit, dy/eyes*eyes/p.unit
	mx, my := float64(left.X+right.X)/2, float64(left.Y+right.Y)/2
	n := ax*ax + ay*ay
	for i, q := range landmarks {
		x, y := float64(q.X)-mx, float64(q.Y)-my
		p.p[i] = point{p.x + (ax*x+ay*y)/n, p.y + (ax*y-ay*x)/n}
	}
	for y := range size {
		row := p.r.Row(y)
		for x := range size {
			u, v := float64(x)-p.x, float64(y)-p.y
			sample(r, mx+ax*u-ay*v, my+ay*u+ax*v, row[3*x:3*x+3])
		}
	}
	return p, nil
}

// Portrait returns a copy of the portrait as the puppet draws it.
func (p *Puppet) Portrait() *imaging.Raster { return p.r.Crop(0, 0, p.size, p.size) }

// Draw draws the person with a look.
func (p *Puppet) Draw(l Look) *imaging.Raster {
	return p.turn(p.express(l.Mouth, l.Eyes), l, p.headDepth, p.headHold)
}

// DrawSheet draws a photograph of the person: the look moves the paper, and neither mouth nor eyes can.
func (p *Puppet) DrawSheet(l Look, s Sheet) *imaging.Raster {
	depth := func(u, v float64) float64 {
		return s.Bend*(u-s.Axis)*(u-s.Axis)/2 + s.Arch*(v-0.5)*(v-0.5)/2
	}
	return p.turn(p.r, l, depth, func(float64, float64) float64 { return 1 })
}

// headDepth is how far a point of a head lies behind the eyes, in eye distances, by its place in the portrait: an
// ellipsoid with a ridge for the nose, its constants chosen so that eyes, nose, mouth and chin are where the generic face
// (vision/face) has them, to a tenth.
func (p *Puppet) headDepth(u, v float64) float64 {
	x, y := u/1.2, (v-0.55)/1.75
	d := 1.0
	if r := 1 - x*x - y*y; r > 0 {
		d -= 1.15 * math.Sqrt(r)
	}
	ridge := 0.0
	switch {
	case v > -0.15 && v <= 0.57:
		ridge = (v + 0.15) / 0.72
	case v > 0.57 && v < 0.8:
		ridge = (0.8 - v) / 0.23
	}
	return d - 0.42*ridge*math.Exp(-(u/0.17)*(u/0.17))
}

// headHold is how much of the head's turn a place takes part in: all of the face, nothing of what is far from it.
func (p *Puppet) headHold(u, v float64) float64 {
	d := math.Hypot(u/1.35, (v-0.45)/1.9)
	return 1 - smooth((d-1)/1.1)
}

// smooth rises from 0 at 0 to 1 at 1.
func smooth(t float64) float64 {
	t = min(max(t, 0), 1)
	return t * t * (3 - 2*t)
}

// sample writes the colour at (x, y), pixel centres at whole numbers, the edge's colour outside.
func sample(r *imaging.Raster, x, y float64, out []byte) {
	x, y = min(max(x, 0), float64(r.Width-1)), min(max(y, 0), float64(r.Height-1))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, r.Width-1), min(y0+1, r.Height-1)
	fx, fy := x-float64(x0), y-float64(y0)
	a, b := r.Pix[3*(y0*r.Width+x0):], r.Pix[3*(y0*r.Width+x1):]
	c, d := r.Pix[3*(y1*r.Width+x0):], r.Pix[3*(y1*r.Width+x1):]
	for k := range 3 {
		top := float64(a[k]) + fx*(float64(b[k])-float64(a[k]))
		low := float64(c[k]) + fx*(float64(d[k])-float64(c[k]))
		out[k] = byte(top + fy*(low-top) + 0.5)
	}
}
