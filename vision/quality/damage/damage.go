package damage

import (
	"math"
	"math/rand/v2"

	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/face"
)

// Blur returns r under a Gaussian blur of the given standard deviation in pixels.
func Blur(r *imaging.Raster, sigma float64) *imaging.Raster {
	reach := int(math.Ceil(3 * sigma))
	weights := make([]float64, 2*reach+1)
	sum := 0.0
	for i := range weights {
		d := float64(i - reach)
		weights[i] = math.Exp(-d * d / (2 * sigma * sigma))
		sum += weights[i]
	}
	pass := func(in *imaging.Raster, dx, dy int) *imaging.Raster {
		out := imaging.NewRaster(in.Width, in.Height)
		for y := range in.Height {
			for x := range in.Width {
				var px [3]float64
				for i, w := range weights {
					sx := min(max(x+dx*(i-reach), 0), in.Width-1)
					sy := min(max(y+dy*(i-reach), 0), in.Height-1)
					at := in.Pix[3*(sy*in.Width+sx):]
					for c := range px {
						px[c] += w * float64(at[c])
					}
				}
				for c, v := range px {
					out.Pix[3*(y*in.Width+x)+c] = level(v / sum)
				}
			}
		}
		return out
	}
	return pass(pass(r, 1, 0), 0, 1)
}

// Light returns r with every level multiplied by gain and raised by offset.
func Light(r *imaging.Raster, gain, offset float64) *imaging.Raster {
	out := imaging.NewRaster(r.Width, r.Height)
	for i, v := range r.Pix {
		out.Pix[i] = level(float64(v)*gain + offset)
	}
	return out
}

// frame maps pixels of the picture to units of the eyes' distance from the middle between the eyes: u towards the person's
// left, v downwards.
type frame struct{ x, y, ux, uy, unit float64 }

func frameOf(l [5]face.Point) frame {
	a, b := l[face.RightEye], l[face.LeftEye]
	// A turned head's eyes are near each other in the picture; the mouth's distance holds.
	mx := float64(l[face.RightMouthCorner].X+l[face.LeftMouthCorner].X)/2 - float64(a.X+b.X)/2
	my := float64(l[face.RightMouthCorner].Y+l[face.LeftMouthCorner].Y)/2 - float64(a.Y+b.Y)/2
	dx, dy := float64(b.X-a.X), float64(b.Y-a.Y)
	unit := max(math.Hypot(dx, dy), math.Hypot(mx, my)/1.04, 1e-3)
	n := max(math.Hypot(dx, dy), 1e-3)
	return frame{float64(a.X+b.X) / 2, float64(a.Y+b.Y) / 2, dx / n, dy / n, unit}
}

func (f frame) at(x, y int) (u, v float64) {
	dx, dy := (float64(x)-f.x)/f.unit, (float64(y)-f.y)/f.unit
	return dx*f.ux + dy*f.uy, dy*f.ux - dx*f.uy
}

// paint returns r with color mixed in by cover (0..1), both told for each place of the face.
func paint(r *imaging.Raster, l [5]face.Point, color func(u, v float64) ([3]float64, float64)) *imaging.Raster {
	out := imaging.NewRaster(r.Width, r.Height)
	f := frameOf(l)
	for y := range r.Height {
		for x := range r.Width {
			u, v := f.at(x, y)
			c, cover := color(u, v)
			i := 3 * (y*r.Width + x)
			for k := range c {
				out.Pix[i+k] = level(float64(r.Pix[i+k])*(1-cover) + c[k]*cover)
			}
		}
	}
	return out
}

// SideLight returns r with the person's right side of the face darkened by strength, 0..1, towards its edge and the left one
// as it is.
func SideLight(r *imaging.Raster, l [5]face.Point, strength float64) *imaging.Raster {
	return paint(r, l, func(u, _ float64) ([3]float64, float64) {
		return [3]float64{}, strength * smooth(-u, -0.15, 0.25)
	})
}

// Masks and their colours (B, G, R), as many as [Mask] can draw.
var masks = [][3]float64{{190, 160, 110}, {225, 225, 225}, {35, 33, 32}, {170, 160, 220}, {120, 120, 122}, {150, 190, 140}}

// Mask returns r with a cloth mask from the nose's bridge to below the chin, pleated and lit like the face at random (rng).
func Mask(r *imaging.Raster, l [5]face.Point, rng *rand.Rand) *imaging.Raster {
	color := masks[rng.IntN(len(masks))]
	gain, top := 0.75+0.35*rng.Float64(), 0.2+0.22*rng.Float64()
	pleats, period, phase, noise := 25*rng.Float64(), 0.12+0.18*rng.Float64(), 6*rng.Float64(), 6*rng.Float64()
	return paint(r, l, func(u, v float64) ([3]float64, float64) {
		side := math.Abs(u)
		upper := top - 0.12 + 0.2*math.Min(side, 1)
		wide := 0.95 - 0.45*smooth(v, 0.9, 1.8)
		cover := smooth(v, upper-0.03, upper+0.03) * (1 - smooth(side, wide-0.03, wide+0.03)) * (1 - smooth(v, 1.78, 1.84))
		shade := gain * (1 - 0.35*math.Pow(side, 1.5))
		grain := pleats*math.Sin(2*math.Pi*v/period+phase) + noise*rng.NormFloat64()
		c := color
		for k := range c {
			c[k] = c[k]*shade + grain
		}
		return c, cover
	})
}

// Glasses returns r with dark glasses over both eyes, of random size, darkness and gleam (rng).
func Glasses(r *imaging.Raster, l [5]face.Point, rng *rand.Rand) *imaging.Raster {
	w, h, drop := 0.34+0.12*rng.Float64(), 0.2+0.14*rng.Float64(), 0.08*rng.Float64()
	dark, tint, cover, gleam := 10+40*rng.Float64(), 0.8+0.4*rng.Float64(), 0.8+0.2*rng.Float64(), 40*rng.Float64()
	return paint(r, l, func(u, v float64) ([3]float64, float64) {
		du, dv := (math.Abs(u)-0.5)/w, (v-drop)/h
		in := 1 - smooth(math.Hypot(du, dv), 0.93, 1.07)
		if math.Abs(u) < 0.3 {
			in = max(in, 1-smooth(math.Abs(v+0.05), 0.02, 0.05))
		}
		shine := gleam * math.Exp(-30*((u+0.5)*(u+0.5)+(v+0.1)*(v+0.1)))
		return [3]float64{dark*tint + shine, dark + shine, dark/tint + shine}, in * cover
	})
}

// Turn returns r turned clockwise about its middle by degrees, black where nothing was.
func Turn(r *imaging.Raster, degrees float64) *imaging.Raster {
	out := imaging.NewRaster(r.Width, r.Height)
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	cx, cy := float64(r.Width-1)/2, float64(r.Height-1)/2
	for y := range r.Height {
		for x := range r.Width {
			dx, dy := float64(x)-cx, float64(y)-cy
			sx, sy := cx+cos*dx+sin*dy, cy-sin*dx+cos*dy
			x0, y0 := int(math.Floor(sx)), int(math.Floor(sy))
			if x0 < 0 || y0 < 0 || x0+1 >= r.Width || y0+1 >= r.Height {
				continue
			}
			fx, fy := sx-float64(x0), sy-float64(y0)
			for c := range 3 {
				p := r.Pix[3*(y0*r.Width+x0)+c:]
				q := r.Pix[3*((y0+1)*r.Width+x0)+c:]
				out.Pix[3*(y*r.Width+x)+c] = level((1-fy)*((1-fx)*float64(p[0])+fx*float64(p[3])) + fy*((1-fx)*float64(q[0])+fx*float64(q[3])))
			}
		}
	}
	return out
}

// smooth rises from 0 at lo to 1 at hi.
func smooth(x, lo, hi float64) float64 {
	t := min(max((x-lo)/(hi-lo), 0), 1)
	return t * t * (3 - 2*t)
}

func level(v float64) byte { return byte(min(max(v, 0), 255) + 0.5) }
