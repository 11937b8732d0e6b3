package quality

import (
	"math"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Places in units of the eyes' distance, for what should be skin or features.
var (
	forehead  = box(-0.35, -0.62, 0.35, -0.3)
	bridge    = box(-0.13, -0.2, 0.13, 0.12)
	eyeBand   = either(box(-0.8, -0.16, -0.2, 0.18), box(0.2, -0.16, 0.8, 0.18))
	cheeks    = either(box(-0.62, 0.42, -0.3, 0.75), box(0.3, 0.42, 0.62, 0.75))
	lowerFace = box(-0.55, 0.7, 0.55, 1.5)
	mouth     = box(-0.5, 0.8, 0.5, 1.3)
)

func either(a, b func(u, w float64) bool) func(u, w float64) bool {
	return func(u, w float64) bool { return a(u, w) || b(u, w) }
}

// patch is the colour and texture of a place.
type patch struct {
	luma, spread float64 // mean and standard deviation of luma
	cb, cr       float64 // mean chroma of ITU-R BT.601, -128..127
	gradient     float64 // mean length of the luma's gradient
	across       float64 // mean of its part along the rows: what stands upright, such as the mouth's corners and folds
	n            int
}

func (v *view) patch(inside func(u, w float64) bool) (p patch) {
	var squares float64
	v.each(inside, func(i int) {
		px := v.r.Pix[3*i : 3*i+3 : 3*i+3]
		y := float64(imaging.Luma(px[0], px[1], px[2]))
		p.luma += y
		squares += y * y
		p.cb += 0.564 * (float64(px[0]) - y)
		p.cr += 0.713 * (float64(px[2]) - y)
		p.n++
	})
	if p.n == 0 {
		return p
	}
	n := float64(p.n)
	p.luma, p.cb, p.cr = p.luma/n, p.cb/n, p.cr/n
	p.spread = math.Sqrt(max(squares/n-p.luma*p.luma, 0))
	p.gradient, _ = v.gradient(inside)
	p.across = v.across(inside)
	return p
}

// across is the mean of the gradient's part along the rows.
func (v *view) across(inside func(u, w float64) bool) float64 {
	var sum float64
	var n int
	v.each(inside, func(i int) {
		x, y := i%viewSize, i/viewSize
		if x == 0 || y == 0 || x == viewSize-1 || y == viewSize-1 {
			return
		}
		at := func(k int) float64 { return float64(v.luma[i+k]) }
		sum += math.Abs(at(1-viewSize)+2*at(1)+at(1+viewSize)-at(-1-viewSize)-2*at(-1)-at(-1+viewSize)) / 8
		n++
	})
	return sum / float64(max(n, 1))
}

// covered tells how much the lower face looks like something else than the forehead's skin with a mouth in it: fewer upright
// edges than the eyes have, and another colour than between and above them. Logistic regression over both, 0..1; fitted
// to 260 portraits of LFW that are not in its evaluation folds, each as it is and with a mask drawn on. ok is false when
// less than half of the places lie in the picture.
func (v *view) covered() (p float64, ok bool) {
	low, lips, eyes, brow, nose := v.patch(lowerFace), v.patch(mouth), v.patch(eyeBand), v.patch(forehead), v.patch(bridge)
	if low.n < 1500 || lips.n < 600 || eyes.n < 400 || nose.n < 100 {
		return 0, false
	}
	cb, cr := nose.cb, nose.cr
	if brow.n > 0 {
		cb, cr = (cb+brow.cb)/2, (cr+brow.cr)/2
	}
	edges := math.Log((lips.across + 1) / (eyes.across + 1))
	colour := math.Hypot(low.cb-cb, low.cr-cr)
	return logistic(-6.249*edges + 0.315*colour - 7.852), true
}

// shaded tells how much the eyes look like dark glasses: darker than the cheeks, with less contrast and fewer edges than eyes
// have. As covered, with glasses drawn on.
func (v *view) shaded() (p float64, ok bool) {
	eyes, lips, cheek, nose := v.patch(eyeBand), v.patch(mouth), v.patch(cheeks), v.patch(bridge)
	if eyes.n < 400 || cheek.n < 200 || nose.n < 100 {
		return 0, false
	}
	n := float64(cheek.n + nose.n)
	skin := (cheek.luma*float64(cheek.n) + nose.luma*float64(nose.n)) / n
	dark := math.Log((eyes.luma + 10) / (skin + 10))
	contrast := math.Log((eyes.spread + 3) / (skin + 10))
	edges := math.Log((eyes.gradient + 1) / ((lips.gradient+cheek.gradient)/2 + 1))
	return logistic(-5.123*dark - 3.995*contrast - 4.359*edges - 12.105), true
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
