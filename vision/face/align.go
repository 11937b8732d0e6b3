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

// Align cuts a face out of r, upright and size x size pixels, its landmarks as near to [ArcFaceTemplate] (scaled to size)
// as a similarity can bring them. Pixels are interpolated linearly; a face that is more than twice as large as the result
// is averaged down to about its size first, so that fine structure does not alias. What lies outside the picture is
// black, as in the crops that the public models were trained on. The error is [ErrDegenerate].
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
	return warp(r, forward.Inverse(), size), nil
}

// warp returns the size x size pixels whose pixel (x, y) is r's at back(x, y), pixel centres at integer coordinates:
// interpolated linearly, averaged down first where the result is less than half as large, black outside r.
func warp(r *imaging.Raster, back Similarity2D, size int) *imaging.Raster {
	out := imaging.NewRaster(size, size)
	from := view{r, 0, 0, 1, 1}
	if back.Scale() > 2 {
		from = shrink(r, back, size)
	}
	if from.r == nil {
		return out
	}
	for y := range size {
		row := out.Row(y)
		for x := range size {
			sx, sy := back.Apply(float64(x), float64(y))
			sample(from.r, (sx-from.x+0.5)*from.fx-0.5, (sy-from.y+0.5)*from.fy-0.5, row[3*x:3*x+3])
		}
	}
	return out
}

// view is a part of a picture from pixel (x, y) on, its axes scaled by fx and fy.
type view struct {
	r            *imaging.Raster // nil when nothing of the picture is in it
	x, y, fx, fy float64
}

// shrink averages the part of r that back asks for down to about the size of the result.
func shrink(r *imaging.Raster, back Similarity2D, size int) view {
	x0, y0 := math.Inf(1), math.Inf(1)
	x1, y1 := math.Inf(-1), math.Inf(-1)
	end := float64(size - 1)
	for _, corner := range [4][2]float64{{0, 0}, {end, 0}, {0, end}, {end, end}} {
		x, y := back.Apply(corner[0], corner[1])
		x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
	}
	scale := back.Scale()
	x0, y0 = max(math.Floor(x0-scale), 0), max(math.Floor(y0-scale), 0)
	x1, y1 = min(math.Ceil(x1+scale), float64(r.Width)), min(math.Ceil(y1+scale), float64(r.Height))
	width, height := x1-x0, y1-y0
	if width < 1 || height < 1 {
		return view{}
	}
	part := r.Crop(int(x0), int(y0), int(width), int(height))
	small := imaging.Resize(part, max(int(math.Round(width/scale)), 1), max(int(math.Round(height/scale)), 1))
	return view{small, x0, y0, float64(small.Width) / width, float64(small.Height) / height}
}

// sample writes the picture's colour at (x, y), interpolated between the four pixels around it; those outside are black.
func sample(r *imaging.Raster, x, y float64, out []byte) {
	if !(x > -1 && y > -1 && x < float64(r.Width) && y < float64(r.Height)) {
		return
	}
	x0, y0 := math.Floor(x), math.Floor(y)
	fx, fy := float32(x-x0), float32(y-y0)
	ix, iy := int(x0), int(y0)
	w00, w01, w10, w11 := (1-fx)*(1-fy), fx*(1-fy), (1-fx)*fy, fx*fy
	if ix >= 0 && iy >= 0 && ix+1 < r.Width && iy+1 < r.Height {
		p := r.Pix[3*(iy*r.Width+ix):]
		q := p[3*r.Width:]
		for c := range 3 {
			out[c] = byte(w00*float32(p[c]) + w01*float32(p[c+3]) + w10*float32(q[c]) + w11*float32(q[c+3]) + 0.5)
		}
		return
	}
	var sum [3]float32
	for i, w := range [4]float32{w00, w01, w10, w11} {
		px, py := ix+i%2, iy+i/2
		if px < 0 || py < 0 || px >= r.Width || py >= r.Height {
			continue
		}
		p := r.Pix[3*(py*r.Width+px):]
		for c := range sum {
			sum[c] += w * float32(p[c])
		}
	}
	for c, v := range sum {
		out[c] = byte(v + 0.5)
	}
}
