package activetest

import (
	"math"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

const (
	// viewing is the camera's distance from the portrait's face in eye distances: 60 cm.
	viewing = 9.5
	// pivot is where a head turns, behind and below the eyes.
	pivotY, pivotZ = 0.9, 1.0
	step           = 4 // pixels between the points of the grid that is bent
)

// vertex is a point of the grid: where it lands, how far away, and the pixel of the portrait that it shows.
type vertex struct{ x, y, z, u, v float64 }

// turn bends a grid over the picture in space and draws it, nearer parts over farther ones.
func (p *Puppet) turn(r *imaging.Raster, l Look, depth, hold func(u, v float64) float64) *imaging.Raster {
	near := l.Near
	if near == 0 {
		near = 1
	}
	sy, cy := math.Sincos(l.Yaw * math.Pi / 180)
	sp, cp := math.Sincos(l.Pitch * math.Pi / 180)
	sr, cr := math.Sincos(l.Roll * math.Pi / 180)
	n := p.size/step + 1
	grid := make([]vertex, n*n)
	for i := range grid {
		px, py := float64(i%n*step), float64(i/n*step)
		u, v := (px-p.x)/p.unit, (py-p.y)/p.unit
		z := depth(u, v)
		// The portrait has its own perspective, which is undone first.
		x, y := u*(viewing+z)/viewing, v*(viewing+z)/viewing
		ax, ay, az := x, y-pivotY, z-pivotZ
		bx := cy*ax + sy*sp*ay - sy*cp*az
		by := cp*ay + sp*az
		bz := sy*ax - cy*sp*ay + cy*cp*az
		tx, ty, tz := cr*bx-sr*by, sr*bx+cr*by+pivotY, bz+pivotZ
		w := hold(u, v)
		x, y, z = x+w*(tx-x), y+w*(ty-y), z+w*(tz-z)
		f := viewing / (viewing/near + z)
		grid[i] = vertex{p.x + (x*f+l.X)*p.unit, p.y + (y*f+l.Y)*p.unit, z, px, py}
	}
	out := imaging.NewRaster(p.size, p.size)
	for i := range out.Pix {
		out.Pix[i] = 96 // a wall, where a photograph leaves the picture open
	}
	far := make([]float32, p.size*p.size)
	for i := range far {
		far[i] = math.MaxFloat32
	}
	for j := range n - 1 {
		for i := range n - 1 {
			a, b, c, d := grid[j*n+i], grid[j*n+i+1], grid[(j+1)*n+i], grid[(j+1)*n+i+1]
			triangle(out, far, r, a, b, c)
			triangle(out, far, r, b, d, c)
		}
	}
	return out
}

// triangle draws a part of r between three points.
func triangle(out *imaging.Raster, far []float32, r *imaging.Raster, a, b, c vertex) {
	area := (b.x-a.x)*(c.y-a.y) - (c.x-a.x)*(b.y-a.y)
	if math.Abs(area) < 1e-9 {
		return
	}
	x0, x1 := int(math.Ceil(min(a.x, b.x, c.x))), int(math.Floor(max(a.x, b.x, c.x)))
	y0, y1 := int(math.Ceil(min(a.y, b.y, c.y))), int(math.Floor(max(a.y, b.y, c.y)))
	for y := max(y0, 0); y <= min(y1, out.Height-1); y++ {
		for x := max(x0, 0); x <= min(x1, out.Width-1); x++ {
			fx, fy := float64(x), float64(y)
			wb := ((fx-a.x)*(c.y-a.y) - (c.x-a.x)*(fy-a.y)) / area
			wc := ((b.x-a.x)*(fy-a.y) - (fx-a.x)*(b.y-a.y)) / area
			wa := 1 - wb - wc
			const edge = -1e-9
			if wa < edge || wb < edge || wc < edge {
				continue
			}
			z := float32(wa*a.z + wb*b.z + wc*c.z)
			at := y*out.Width + x
			if z >= far[at] {
				continue
			}
			far[at] = z
			sample(r, wa*a.u+wb*b.u+wc*c.u, wa*a.v+wb*b.v+wc*c.v, out.Pix[3*at:3*at+3])
		}
	}
}

// express opens the mouth and closes the eyes, column by column.
func (p *Puppet) express(mouth, eyes float64) *imaging.Raster {
	r := p.r
	if mouth > 0 {
		r = p.openMouth(r, mouth)
	}
	if eyes > 0 {
		r = p.closeEyes(r, min(eyes, 1))
	}
	return r
}

// curve is the height of a line through landmarks at column x.
func (p *Puppet) curve(at [5]int, x float64) float64 {
	for i := range len(at) - 1 {
		a, b := p.p[at[i]], p.p[at[i+1]]
		if x <= b.x || i == len(at)-2 {
			if b.x-a.x < 0.5 {
				return (a.y + b.y) / 2
			}
			t := min(max((x-a.x)/(b.x-a.x), 0), 1)
			return a.y + t*(b.y-a.y)
		}
	}
	return 0
}

// openMouth parts the lips and lowers the jaw. The gap shows the dark inside and a little of the tongue.
func (p *Puppet) openMouth(r *imaging.Raster, open float64) *imaging.Raster {
	out := r.Crop(0, 0, r.Width, r.Height)
	left, right := p.p[upperInner[0]], p.p[upperInner[4]]
	width := right.x - left.x
	drop := 0.85 * open * width
	chinY := p.p[chin].y
	for x := range r.Width {
		fx := float64(x)
		t := (fx - left.x) / width
		lens := 0.0
		if t > 0 && t < 1 {
			lens = math.Sqrt(4 * t * (1 - t))
		}
		seam := (p.curve(upperInner, fx) + p.curve(lowerInner, fx)) / 2
		gap := open * width * lens
		jaw := drop * (1 - smooth((math.Abs(fx-(left.x+right.x)/2)/p.unit-0.35)/0.9))
		top, under := seam-0.35*p.unit, chinY+1.1*p.unit
		up, low := 0.15*gap, 0.85*gap
		for y := range r.Height {
			fy := float64(y)
			px := out.Pix[3*(y*r.Width+x):][:3]
			switch {
			case fy <= top || fy >= under:
			case fy < seam-up:
				sample(r, fx, top+(fy-top)*(seam-top)/(seam-up-top), px)
			case fy <= seam+low:
				depth := (fy - (seam - up)) / max(gap, 1e-9)
				if copy(px, []byte{28, 18, 45}); depth > 0.6 {
					copy(px, []byte{70, 60, 120})
				}
			case fy < chinY+jaw:
				sample(r, fx, seam+(fy-seam-low)*(chinY-seam)/(chinY+jaw-seam-low), px)
			default:
				sample(r, fx, chinY+(fy-chinY-jaw)*(under-chinY)/(under-chinY-jaw), px)
			}
		}
	}
	return out
}

// closeEyes draws the skin above each eye down over it.
func (p *Puppet) closeEyes(r *imaging.Raster, closed float64) *imaging.Raster {
	out := r.Crop(0, 0, r.Width, r.Height)
	for eye := range upperLids {
		from, to := p.p[upperLids[eye][0]].x, p.p[upperLids[eye][4]].x
		for x := int(math.Ceil(from)); float64(x) <= to; x++ {
			fx := float64(x)
			upper, lower := p.curve(upperLids[eye], fx)-0.03*p.unit, p.curve(lowerLids[eye], fx)
			top := upper - 0.2*p.unit
			lid := upper + closed*(lower-upper)
			for y := int(math.Ceil(top)); float64(y) <= lid+1 && y < r.Height; y++ {
				if y < 0 || x < 0 || x >= r.Width {
					continue
				}
				px := out.Pix[3*(y*r.Width+x):][:3]
				sample(r, fx, top+(float64(y)-top)*(upper-top)/max(lid-top, 1), px)
				if float64(y) > lid-1 {
					for k := range px { // lashes
						px[k] = byte(float64(px[k]) * 0.45)
					}
				}
			}
		}
	}
	return out
}
