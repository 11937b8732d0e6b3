package imaging

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func noise(width, height int) *Raster {
	rng := rand.New(rand.NewPCG(uint64(width), uint64(height)))
	r := NewRaster(width, height)
	for i := range r.Pix {
		r.Pix[i] = byte(rng.UintN(256))
	}
	return r
}

// sampled is the definition of the filter, straight from its words and slow: for a shrinking axis the mean over the
// covered interval, else linear interpolation between centres with the edges repeated.
func sampled(in, out, i int, at func(int) float64) float64 {
	ratio := float64(in) / float64(out)
	if ratio > 1 {
		lo, hi := float64(i)*ratio, float64(i+1)*ratio
		sum := 0.0
		for p := range in {
			if cover := math.Min(hi, float64(p+1)) - math.Max(lo, float64(p)); cover > 0 {
				sum += at(p) * cover
			}
		}
		return sum / (hi - lo)
	}
	c := math.Min(math.Max((float64(i)+0.5)*ratio-0.5, 0), float64(in-1))
	p := int(c)
	return at(p)*(1-(c-float64(p))) + at(min(p+1, in-1))*(c-float64(p))
}

// reference computes one tensor value by the definition.
func reference(r *Raster, s Spec, c, x, y int) float64 {
	t := s.Plan(r.Width, r.Height)
	v := float64(s.Pad)
	if x < t.Width && y < t.Height {
		from := c
		if s.RGB {
			from = 2 - c
		}
		v = sampled(r.Height, t.Height, y, func(sy int) float64 {
			return sampled(r.Width, t.Width, x, func(sx int) float64 { return float64(r.Row(sy)[3*sx+from]) })
		})
	}
	scale, std := float64(s.Scale), float64(s.Std[c])
	if scale == 0 {
		scale = 1
	}
	if std == 0 {
		std = 1
	}
	return (v*scale - float64(s.Mean[c])) / std
}

func TestToTensorIsItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.IntRange(1, 40)
		r := noise(side.Draw(t, "width"), side.Draw(t, "height"))
		s := Spec{
			Width: side.Draw(t, "tensor width"), Height: side.Draw(t, "tensor height"),
			Fit:       Fit(rapid.IntRange(0, 1).Draw(t, "fit")),
			NoEnlarge: rapid.Bool().Draw(t, "no enlarge"),
			Pad:       rapid.Byte().Draw(t, "pad"),
			Layout:    Layout(rapid.IntRange(0, 1).Draw(t, "layout")),
			RGB:       rapid.Bool().Draw(t, "rgb"),
		}
		if rapid.Bool().Draw(t, "normalise") {
			s.Scale, s.Mean, s.Std = 1.0/255, [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
		}
		dst := make([]float32, s.Elements()+1)
		for i := range dst {
			dst[i] = float32(math.NaN())
		}
		_, err := ToTensor(dst, r, s)
		if err != nil {
			t.Fatal(err)
		}
		if !math.IsNaN(float64(dst[s.Elements()])) {
			t.Fatal("wrote past the tensor")
		}
		for c := range 3 {
			for y := range s.Height {
				for x := range s.Width {
					i := c*s.Width*s.Height + y*s.Width + x
					if s.Layout == NHWC {
						i = 3*(y*s.Width+x) + c
					}
					if want := reference(r, s, c, x, y); !(math.Abs(want-float64(dst[i])) < 2e-3) {
						t.Fatalf("%+v of %dx%d: channel %d at (%d,%d) is %v, want %v", s, r.Width, r.Height, c, x, y, dst[i], want)
					}
				}
			}
		}
	})
}

func TestToTensorCopiesExactly(t *testing.T) {
	r := noise(17, 9)
	dst := make([]float32, 3*17*9)
	tr, err := ToTensor(dst, r, Spec{Width: 17, Height: 9, Layout: NHWC})
	require.NoError(t, err)
	assert.Equal(t, Transform{ScaleX: 1, ScaleY: 1, Width: 17, Height: 9}, tr)
	for i, v := range r.Pix {
		require.Equal(t, float32(v), dst[i])
	}
}

func TestToTensorRefuses(t *testing.T) {
	_, err := ToTensor(make([]float32, 11), noise(2, 2), Spec{Width: 2, Height: 2})
	require.ErrorContains(t, err, "needs 12 elements, has 11")
	_, err = ToTensor(make([]float32, 12), &Raster{Width: 2, Height: 2}, Spec{Width: 2, Height: 2})
	require.ErrorContains(t, err, "needs 12 bytes, has 0")
	_, err = ToTensor(nil, noise(2, 2), Spec{})
	require.Error(t, err)
}

func TestToTensorAllocatesNothing(t *testing.T) {
	r, s := noise(300, 200), Spec{Width: 96, Height: 64}
	dst := make([]float32, s.Elements())
	allocs := testing.AllocsPerRun(20, func() { _, _ = ToTensor(dst, r, s) })
	assert.LessOrEqual(t, allocs, 2.0, "a closure, and now and then a workspace")
}

func TestPlanKeepsTheAspect(t *testing.T) {
	s := Spec{Width: 640, Height: 480, Fit: Letterbox, NoEnlarge: true}
	for _, c := range []struct{ w, h, toW, toH int }{
		{4000, 3000, 640, 480}, {4000, 1000, 640, 160}, {1000, 4000, 120, 480}, {250, 250, 250, 250}, {1, 1, 1, 1}, {100000, 1, 640, 1},
	} {
		p := s.Plan(c.w, c.h)
		assert.Equal(t, [2]int{c.toW, c.toH}, [2]int{p.Width, p.Height}, "%dx%d", c.w, c.h)
		x, y := p.ToPicture(float64(p.Width), float64(p.Height))
		assert.InDelta(t, float64(c.w), x, 1e-6)
		assert.InDelta(t, float64(c.h), y, 1e-6)
	}
}

func TestResizeKeepsFlatColours(t *testing.T) {
	r := NewRaster(37, 23)
	for i := range r.Pix {
		r.Pix[i] = [3]byte{10, 200, 255}[i%3]
	}
	for _, size := range [][2]int{{37, 23}, {5, 3}, {1, 1}, {100, 90}, {100, 3}} {
		out := Resize(r, size[0], size[1])
		for i, v := range out.Pix {
			require.Equal(t, [3]byte{10, 200, 255}[i%3], v)
		}
	}
}

func BenchmarkToTensor(b *testing.B) {
	for _, c := range []struct{ w, h, toW, toH int }{{640, 480, 640, 480}, {1280, 720, 640, 384}, {4000, 3000, 640, 480}, {250, 250, 320, 320}, {1170, 1650, 896, 1280}} {
		b.Run(fmt.Sprintf("%dx%d-to-%dx%d", c.w, c.h, c.toW, c.toH), func(b *testing.B) {
			r, s := noise(c.w, c.h), Spec{Width: c.toW, Height: c.toH, Fit: Letterbox}
			dst := make([]float32, s.Elements())
			for b.Loop() {
				if _, err := ToTensor(dst, r, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestShrinkingALotIsItsDefinition takes strips, whose sums pass 16 bits, where the property test's pictures are small.
func TestShrinkingALotIsItsDefinition(t *testing.T) {
	for _, c := range []struct{ w, h, toW, toH int }{{7, 2000, 3, 3}, {2000, 7, 3, 3}, {33, 600, 9, 1}, {100, 75, 13, 37}} {
		r, s := noise(c.w, c.h), Spec{Width: c.toW, Height: c.toH}
		white := NewRaster(c.w, c.h)
		for i := range white.Pix {
			white.Pix[i] = 255
		}
		for _, r := range []*Raster{r, white} {
			dst := make([]float32, s.Elements())
			_, err := ToTensor(dst, r, s)
			require.NoError(t, err)
			for ch := range 3 {
				for y := range s.Height {
					for x := range s.Width {
						require.InDelta(t, reference(r, s, ch, x, y), dst[ch*s.Width*s.Height+y*s.Width+x], 2e-2, "%+v at (%d,%d)", c, x, y)
					}
				}
			}
		}
	}
}
