package imaging

import (
	"fmt"
	"math"
	"sync"
)

// Layout is the order of a picture tensor's axes.
type Layout uint8

// The layouts; the batch axis N is the caller's.
const (
	NCHW Layout = iota // one plane a channel
	NHWC               // interleaved
)

// Fit says how a picture is brought to the tensor's size.
type Fit uint8

// The fits.
const (
	Stretch   Fit = iota // width and height are scaled apart
	Letterbox            // one scale for both, top-left, the rest filled with Spec.Pad
)

// Spec describes a model's picture input, per picture. The value of channel c is (pixel*Scale - Mean[c]) / Std[c], pixels
// 0..255, channels in the tensor's order.
type Spec struct {
	Width, Height int
	Fit           Fit
	NoEnlarge     bool    // Letterbox: smaller pictures keep their size
	Pad           byte    // grey level of the letterbox's rest, normalised like any pixel
	Layout        Layout  // of the tensor
	RGB           bool    // channel order R, G, B; else B, G, R
	Scale         float32 // 0 stands for 1
	Mean, Std     [3]float32
}

// Elements returns how many float32 one picture takes: 3*Width*Height.
func (s Spec) Elements() int { return 3 * s.Width * s.Height }

// Transform maps between the pixels of a picture and those of its tensor: x' = x*ScaleX, y' = y*ScaleY.
type Transform struct {
	ScaleX, ScaleY float64
	// Width and Height are the part of the tensor that shows the picture, from its top left.
	Width, Height int
}

// ToPicture maps a point of the tensor back to the picture.
func (t Transform) ToPicture(x, y float64) (px, py float64) { return x / t.ScaleX, y / t.ScaleY }

// Plan returns where ToTensor puts a picture of the given size.
func (s Spec) Plan(width, height int) Transform {
	w, h := s.Width, s.Height
	if s.Fit == Letterbox {
		scale := min(float64(s.Width)/float64(width), float64(s.Height)/float64(height))
		if s.NoEnlarge {
			scale = min(scale, 1)
		}
		w = min(max(int(math.Round(float64(width)*scale)), 1), s.Width)
		h = min(max(int(math.Round(float64(height)*scale)), 1), s.Height)
	}
	return Transform{ScaleX: float64(w) / float64(width), ScaleY: float64(h) / float64(height), Width: w, Height: h}
}

// ToTensor resizes, normalises and lays out r in one pass over its rows, into the first Spec.Elements() floats of dst,
// all of which are written. An axis that shrinks is averaged over the pixels' areas (every source pixel counts, so that
// thin strokes stay); one that grows is interpolated linearly between pixel centres.
func ToTensor(dst []float32, r *Raster, s Spec) (Transform, error) {
	if err := r.Validate(); err != nil {
		return Transform{}, err
	}
	if s.Width < 1 || s.Height < 1 || len(dst) < s.Elements() {
		return Transform{}, fmt.Errorf("tensor of %dx%d px needs %d elements, has %d", s.Width, s.Height, s.Elements(), len(dst))
	}
	t := s.Plan(r.Width, r.Height)
	n := newNormaliser(s)
	if t.Width < s.Width || t.Height < s.Height {
		n.fill(dst[:s.Elements()], t)
	}
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	w.resize(r, t, func(y int, row []float32) { n.write(dst, row, y) })
	return t, nil
}

// normaliser writes rows of BGR pixels as tensor values.
type normaliser struct {
	spec      Spec
	gain, off [3]float32 // in the picture's order B, G, R
	channel   [3]int     // where B, G, R go in the tensor
}

func newNormaliser(s Spec) normaliser {
	n := normaliser{spec: s, channel: [3]int{0, 1, 2}}
	if s.RGB {
		n.channel = [3]int{2, 1, 0}
	}
	scale := s.Scale
	if scale == 0 {
		scale = 1
	}
	for c, to := range n.channel {
		std := s.Std[to]
		if std == 0 {
			std = 1
		}
		n.gain[c], n.off[c] = scale/std, -s.Mean[to]/std
	}
	return n
}

func (n *normaliser) write(dst, row []float32, y int) {
	g0, g1, g2 := n.gain[0], n.gain[1], n.gain[2]
	o0, o1, o2 := n.off[0], n.off[1], n.off[2]
	pixels := len(row) / 3
	if n.spec.Layout == NHWC {
		out := dst[3*n.spec.Width*y:][:3*pixels]
		c0, c2 := n.channel[0], n.channel[2]
		for i := 0; i+2 < len(row); i += 3 {
			out[i+c0], out[i+1], out[i+c2] = row[i]*g0+o0, row[i+1]*g1+o1, row[i+2]*g2+o2
		}
		return
	}
	plane, at := n.spec.Width*n.spec.Height, n.spec.Width*y
	p0 := dst[n.channel[0]*plane+at:][:pixels]
	p1 := dst[n.channel[1]*plane+at:][:pixels]
	p2 := dst[n.channel[2]*plane+at:][:pixels]
	for x := range p0 {
		px := row[3*x : 3*x+3 : 3*x+3]
		p0[x], p1[x], p2[x] = px[0]*g0+o0, px[1]*g1+o1, px[2]*g2+o2
	}
}

// fill writes the letterbox's rest.
func (n *normaliser) fill(dst []float32, t Transform) {
	pad := make([]float32, 3*n.spec.Width)
	for i := range pad {
		pad[i] = float32(n.spec.Pad)
	}
	for y := range n.spec.Height {
		if y >= t.Height || t.Width < n.spec.Width {
			n.write(dst, pad, y)
		}
	}
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}
