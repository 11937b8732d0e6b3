package face

import (
	"errors"
	"fmt"
	"math"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

// templateSize is the side of the square in which ArcFaceTemplate is given, in pixels.
const templateSize = 112

// ArcFaceTemplate is where the five landmarks lie in an aligned face of 112x112 pixels, in the order of
// [Detection.Landmarks] (Deng et al.: ArcFace, CVPR 2019; first used with SphereFace and in InsightFace). Embedding models
// of the parameter "alignment: arcface-112" are trained on faces brought there.
var ArcFaceTemplate = [5]Point{{38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}}

// Similarity2D maps (x, y) to (A*x - B*y + X, B*x + A*y + Y): a turn and a scale by sqrt(A²+B²), then a shift. It never
// mirrors.
type Similarity2D struct{ A, B, X, Y float64 }

// Apply maps a point.
func (s Similarity2D) Apply(x, y float64) (float64, float64) {
	return s.A*x - s.B*y + s.X, s.B*x + s.A*y + s.Y
}

// Scale is the factor by which lengths grow.
func (s Similarity2D) Scale() float64 { return math.Hypot(s.A, s.B) }

// Inverse returns the map back.
func (s Similarity2D) Inverse() Similarity2D {
	n := s.A*s.A + s.B*s.B
	i := Similarity2D{A: s.A / n, B: -s.B / n}
	i.X, i.Y = -(i.A*s.X - i.B*s.Y), -(i.B*s.X + i.A*s.Y)
	return i
}

// ErrDegenerate is the error of landmarks from which no alignment follows: all in one place, or not finite.
var ErrDegenerate = errors.New("the landmarks do not span a face")

// FitSimilarity returns the similarity that brings from closest to to, in the sense of least squares. It is the solution
// of S. Umeyama (Least-squares estimation of transformation parameters between two point patterns, IEEE TPAMI 13, 1991)
// in the plane, where with points read as complex numbers w = a*z + b it is the linear regression
// a = sum(conj(z-mean z)*(w-mean w)) / sum(|z-mean z|²), and reflections are out of the question without a case of their
// own.
func FitSimilarity(from, to [5]Point) (Similarity2D, error) {
	var fx, fy, tx, ty float64
	for i := range from {
		fx, fy = fx+float64(from[i].X), fy+float64(from[i].Y)
		tx, ty = tx+float64(to[i].X), ty+float64(to[i].Y)
	}
	n := float64(len(from))
	fx, fy, tx, ty = fx/n, fy/n, tx/n, ty/n
	var re, im, norm float64
	for i := range from {
		zx, zy := float64(from[i].X)-fx, float64(from[i].Y)-fy
		wx, wy := float64(to[i].X)-tx, float64(to[i].Y)-ty
		re += zx*wx + zy*wy
		im += zx*wy - zy*wx
		norm += zx*zx + zy*zy
	}
	s := Similarity2D{A: re / norm, B: im / norm}
	s.X, s.Y = tx-(s.A*fx-s.B*fy), ty-(s.B*fx+s.A*fy)
	// A scale outside these bounds is a face of less than a tenth of a pixel, or of more than any picture can hold.
	if scale := s.Scale(); !(scale > 1e-4 && scale < 1e3) || math.IsNaN(s.X+s.Y) || math.IsInf(s.X+s.Y, 0) {
		return Similarity2D{}, ErrDegenerate
	}
	return s, nil
}

// maxTaps bounds the samples per axis and output pixel in [Align]; at 16 a face of 1,800 pixels is still averaged whole.
const maxTaps = 16

// Align cuts a face out of r, upright and size x size pixels, its landmarks as near to [ArcFaceTemplate] (scaled to size)
// as a similarity can bring them. Pixels are interpolated linearly; where the face is larger than the result, each
// result pixel is the mean of a grid of such samples, so that fine structure does not alias. What lies outside the
// picture is black, as in the crops that the public models were trained on. The error is [ErrDegenerate].
func Align(r *imaging.Raster, landmarks [5]Point, size int) (*imaging.Raster, error) {
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("align face: %w", err)
	}
	if size < 1 {
		return nil, fmt.Errorf("align face: size is %d px, must be at least 1", size)
	}
	template := ArcFaceTemplate
	// Pixel centres have integer coordinates, in the template as in OpenCV's warpAffine, with which the public models'
	// training crops were made.
	factor := float32(size) / templateSize
	for i, p := range template {
		template[i] = Point{p.X * factor, p.Y * factor}
	}
	forward, err := FitSimilarity(landmarks, template)
	if err != nil {
		return nil, fmt.Errorf("align face: %w", err)
	}
	back := forward.Inverse()
	taps := 1
	// Up to 1.5 source pixels per result pixel plain interpolation still sees every source pixel.
	if scale := back.Scale(); scale > 1.5 {
		taps = min(int(math.Ceil(scale)), maxTaps)
	}
	out := imaging.NewRaster(size, size)
	weight := 1 / float64(taps*taps)
	for y := range size {
		row := out.Row(y)
		for x := range size {
			var sum [3]float64
			for v := range taps {
				ty := float64(y) + (float64(v)+0.5)/float64(taps) - 0.5
				for u := range taps {
					tx := float64(x) + (float64(u)+0.5)/float64(taps) - 0.5
					sx, sy := back.Apply(tx, ty)
					sample(r, sx, sy, &sum)
				}
			}
			for c := range sum {
				row[3*x+c] = byte(sum[c]*weight + 0.5)
			}
		}
	}
	return out, nil
}

// sample adds the picture's colour at (x, y), interpolated between the four pixels around it; those outside are black.
func sample(r *imaging.Raster, x, y float64, sum *[3]float64) {
	if !(x > -1 && y > -1 && x < float64(r.Width) && y < float64(r.Height)) {
		return
	}
	x0, y0 := math.Floor(x), math.Floor(y)
	fx, fy := x-x0, y-y0
	ix, iy := int(x0), int(y0)
	stride := 3 * r.Width
	if ix >= 0 && iy >= 0 && ix+1 < r.Width && iy+1 < r.Height {
		p := r.Pix[iy*stride+3*ix:]
		q := p[stride:]
		w00, w01, w10, w11 := (1-fx)*(1-fy), fx*(1-fy), (1-fx)*fy, fx*fy
		for c := range sum {
			sum[c] += w00*float64(p[c]) + w01*float64(p[c+3]) + w10*float64(q[c]) + w11*float64(q[c+3])
		}
		return
	}
	for dy, wy := range [2]float64{1 - fy, fy} {
		for dx, wx := range [2]float64{1 - fx, fx} {
			px, py := ix+dx, iy+dy
			if px < 0 || py < 0 || px >= r.Width || py >= r.Height {
				continue
			}
			p := r.Pix[py*stride+3*px:]
			for c := range sum {
				sum[c] += wx * wy * float64(p[c])
			}
		}
	}
}
