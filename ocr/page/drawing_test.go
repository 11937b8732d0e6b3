package page

import (
	"math"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sheet draws pages whose every stroke is known: lines of square signs made of bars, in any position.
type sheet struct {
	width, height int
	em, pitch     float64 // a sign's side, and the distance from line to line, pixels
	to            ocr.Affine
	paper, ink    [3]byte
	vertical      bool
	empty         bool
}

func newSheet(width, height int) sheet {
	return sheet{width: width, height: height, em: 20, pitch: 34, to: ocr.Identity, paper: [3]byte{250, 250, 250}, ink: [3]byte{25, 20, 20}}
}

// leaning turns the sheet's content clockwise about the middle.
func (s sheet) leaning(degrees float64) sheet {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	x, y := float64(s.width)/2, float64(s.height)/2
	s.to = ocr.Affine{cos, -sin, x - cos*x + sin*y, sin, cos, y - sin*x - cos*y}
	return s
}

// written tells whether there is ink at a position of the upright page.
func (s sheet) written(x, y float64) bool {
	w, h := float64(s.width), float64(s.height)
	if s.vertical {
		x, y, w, h = y, x, h, w
	}
	const margin = 0.12
	if s.empty || x < margin*w || x > (1-margin)*w || y < margin*h || y > (1-margin)*h {
		return false
	}
	line := math.Floor(y / s.pitch)
	v := (y - line*s.pitch) / s.em
	column := math.Floor(x / (1.1 * s.em))
	u := (x/(1.1*s.em) - column) * 1.1
	if u > 0.95 || v > 1 {
		return false
	}
	// Which of five bars down and five across a sign has follows from where it stands.
	bits := (uint64(line)*2654435761 + uint64(column)*40503*65537 + 12345) * 0x9e3779b97f4a7c15 >> 40
	if bits&1024 != 0 && bits&2048 != 0 {
		return false // a space
	}
	bar := func(v float64, bits uint64) bool {
		k := math.Floor(v * 5)
		return v*5-k < 0.5 && bits>>uint(k)&1 == 1
	}
	return bar(v, bits) || bar(u, bits>>5)
}

func (s sheet) draw() *imaging.Raster {
	r := imaging.NewRaster(s.width, s.height)
	back, ok := s.to.Inverse()
	if !ok {
		panic("a sheet that cannot be drawn")
	}
	const samples = 3
	for y := range s.height {
		row := r.Row(y)
		for x := range s.width {
			hit := 0
			for k := range samples * samples {
				px, py := float64(x)+(float64(k%samples)+0.5)/samples, float64(y)+(float64(k/samples)+0.5)/samples
				if s.written(back[0]*px+back[1]*py+back[2], back[3]*px+back[4]*py+back[5]) {
					hit++
				}
			}
			for c := range 3 {
				row[3*x+c] = byte((int(s.ink[c])*hit + int(s.paper[c])*(samples*samples-hit)) / (samples * samples))
			}
		}
	}
	return r
}

func cloned(r *imaging.Raster) *imaging.Raster {
	return &imaging.Raster{Pix: append([]byte(nil), r.Pix...), Width: r.Width, Height: r.Height}
}

// each changes every pixel in place.
func each(r *imaging.Raster, f func(x, y int, px []byte)) *imaging.Raster {
	for y := range r.Height {
		row := r.Row(y)
		for x := range r.Width {
			f(x, y, row[3*x:3*x+3:3*x+3])
		}
	}
	return r
}

func fill(r *imaging.Raster, x0, y0, x1, y1 int, c [3]byte) {
	for y := max(y0, 0); y < min(y1, r.Height); y++ {
		for x := max(x0, 0); x < min(x1, r.Width); x++ {
			copy(r.Row(y)[3*x:], c[:])
		}
	}
}

// blurred averages over squares of 2*reach+1 pixels, as often as said.
func blurred(r *imaging.Raster, reach, times int) *imaging.Raster {
	for range times {
		src := cloned(r)
		each(r, func(x, y int, px []byte) {
			var sum [3]int
			n := 0
			for j := max(y-reach, 0); j <= min(y+reach, r.Height-1); j++ {
				for i := max(x-reach, 0); i <= min(x+reach, r.Width-1); i++ {
					for c := range sum {
						sum[c] += int(src.Pix[3*(j*r.Width+i)+c])
					}
					n++
				}
			}
			for c := range sum {
				px[c] = byte(sum[c] / n)
			}
		})
	}
	return r
}

func static(width, height int, seed uint64) *imaging.Raster {
	rng := rand.New(rand.NewPCG(seed, 1))
	r := imaging.NewRaster(width, height)
	for i := range r.Pix {
		r.Pix[i] = byte(rng.UintN(256))
	}
	return r
}

func even(width, height int, v byte) *imaging.Raster {
	r := imaging.NewRaster(width, height)
	for i := range r.Pix {
		r.Pix[i] = v
	}
	return r
}

// clouds is a picture of soft blobs, such as a photograph out of focus.
func clouds(width, height int) *imaging.Raster {
	return imaging.Resize(static(max(width/40, 1), max(height/40, 1), 9), width, height)
}

// measured surveys a picture as Enhance does.
func measured(r *imaging.Raster) (*survey, edges) {
	s := newSurvey(r)
	e := findEdges(s)
	s.look()
	return s, e
}
