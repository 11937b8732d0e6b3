package quality

import (
	"math"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
)

// viewSize is the side of the aligned face that light, texture and colour are measured on, in pixels: the eyes are then 50
// pixels apart, so that pictures of different size are judged alike.
const viewSize = 160

// unit is the distance of the eyes in the view.
const unit = 35.2372 * viewSize / 112

// view is an aligned face, with the places of its parts in units of the eyes' distance from the middle between the eyes:
// u towards the person's left, v downwards.
type view struct {
	r    *imaging.Raster
	luma []byte // 0..255, a byte a pixel
	seen []bool // whether the pixel lies in the picture: what lies outside is black in the view
}

func newView(r *imaging.Raster, landmarks [5]face.Point) (*view, error) {
	aligned, err := face.Align(r, landmarks, viewSize)
	if err != nil {
		return nil, err
	}
	// The same cut from an all-white picture shows what lies inside.
	template := face.ArcFaceTemplate
	for i, p := range template {
		template[i] = face.Point{X: p.X * viewSize / 112, Y: p.Y * viewSize / 112}
	}
	fit, err := face.FitSimilarity(landmarks, template)
	if err != nil {
		return nil, err
	}
	back := fit.Inverse()
	v := &view{r: aligned, luma: make([]byte, viewSize*viewSize), seen: make([]bool, viewSize*viewSize)}
	for i := range v.luma {
		px := aligned.Pix[3*i : 3*i+3 : 3*i+3]
		v.luma[i] = imaging.Luma(px[0], px[1], px[2])
		x, y := back.Apply(float64(i%viewSize), float64(i/viewSize))
		v.seen[i] = x >= 0 && y >= 0 && x <= float64(r.Width-1) && y <= float64(r.Height-1)
	}
	return v, nil
}

// The middle between the eyes of the ArcFace template, in pixels of the view.
const (
	originX = 55.91325 * viewSize / 112
	originY = 51.5989 * viewSize / 112
)

// each calls do with the index of every pixel inside the picture whose place is inside.
func (v *view) each(inside func(u, w float64) bool, do func(i int)) {
	for y := range viewSize {
		for x := range viewSize {
			i := y*viewSize + x
			if v.seen[i] && inside((float64(x)-originX)/unit, (float64(y)-originY)/unit) {
				do(i)
			}
		}
	}
}

// skin is where a face without hair has skin: an ellipse from the brows' upper rim to the chin.
func skin(u, w float64) bool {
	du, dw := u/0.86, (w-0.55)/1.1
	return du*du+dw*dw <= 1
}

// half is the skin on one side: -1 the person's right, 1 the left. The middle is left out.
func half(side float64) func(u, w float64) bool {
	return func(u, w float64) bool { return u*side > 0.08 && skin(u, w) }
}

// box is a rectangle.
func box(u0, w0, u1, w1 float64) func(u, w float64) bool {
	return func(u, w float64) bool { return u >= u0 && u <= u1 && w >= w0 && w <= w1 }
}

// around is what is not head, beside and above it, as far as the view shows it.
func around(u, w float64) bool {
	du, dw := u/1.25, (w-0.25)/1.75
	return w < 1.2 && du*du+dw*dw > 1
}

// histogram counts luma in 256 levels.
func (v *view) histogram(inside func(u, w float64) bool) (h [256]float64, n float64) {
	v.each(inside, func(i int) { h[v.luma[i]]++; n++ })
	return h, n
}

// share is the part of the skin's pixels with luma from lo to hi.
func (v *view) share(lo, hi int) float64 {
	h, n := v.histogram(skin)
	if n == 0 {
		return 0
	}
	sum := 0.0
	for _, c := range h[lo : hi+1] {
		sum += c
	}
	return sum / n
}

// entropy of the skin's luma in bits, 0..8.
func (v *view) entropy() float64 {
	h, n := v.histogram(skin)
	bits := 0.0
	for _, c := range h {
		if c > 0 {
			bits -= c / n * math.Log2(c/n)
		}
	}
	return bits
}

// evenness is the intersection of the histograms of luma of both halves of the face, 0..1, in steps of 8 levels.
func (v *view) evenness() float64 {
	right, n := v.histogram(half(-1))
	left, m := v.histogram(half(1))
	if n == 0 || m == 0 {
		return 0
	}
	var sum, a, b float64
	for i := range right {
		a, b = a+right[i]/n, b+left[i]/m
		if i%8 == 7 {
			sum += min(a, b)
			a, b = 0, 0
		}
	}
	return sum
}

// gradient is the mean length of the luma's gradient (Sobel, levels a pixel) inside, and the number of pixels.
func (v *view) gradient(inside func(u, w float64) bool) (mean float64, n int) {
	at := func(i int) float64 { return float64(v.luma[i]) }
	var sum float64
	v.each(inside, func(i int) {
		x, y := i%viewSize, i/viewSize
		if x == 0 || y == 0 || x == viewSize-1 || y == viewSize-1 || !v.seen[i-viewSize-1] || !v.seen[i+viewSize+1] || !v.seen[i-viewSize+1] || !v.seen[i+viewSize-1] {
			return
		}
		up, down := i-viewSize, i+viewSize
		gx := at(up+1) + 2*at(i+1) + at(down+1) - at(up-1) - 2*at(i-1) - at(down-1)
		gy := at(down-1) + 2*at(down) + at(down+1) - at(up-1) - 2*at(up) - at(up+1)
		sum += math.Hypot(gx, gy) / 8
		n++
	})
	if n == 0 {
		return 0, 0
	}
	return sum / float64(n), n
}

// sharpness is 1 less the blur of Crete et al. (The blur effect: perception and estimation with a new no-reference
// perceptual blur metric, SPIE 2007): how much of the differences between neighbours a mean over 9 pixels takes away, along
// rows or columns, whichever is less. 0..1; contrast does not change it.
func (v *view) sharpness() float64 { return min(v.loss(1), v.loss(viewSize)) }

func (v *view) loss(step int) float64 {
	const reach = 4
	var all, kept float64
	v.each(skin, func(i int) {
		place := i % viewSize
		if step > 1 {
			place = i / viewSize
		}
		if place < reach+1 || place >= viewSize-reach {
			return
		}
		d := math.Abs(float64(v.luma[i]) - float64(v.luma[i-step]))
		// The difference of two running means is that of the pixels entering and leaving.
		b := math.Abs(float64(v.luma[i+reach*step])-float64(v.luma[i-(reach+1)*step])) / (2*reach + 1)
		all += d
		kept += max(0, d-b)
	})
	if all == 0 {
		return 0
	}
	return kept / all
}
