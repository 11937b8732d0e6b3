package text

import (
	"math"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// plane is a picture as the sampler wants it: interleaved bytes, one or three channels.
type plane struct {
	pix           []byte
	width, height int
	channels      int
	fits          map[ocr.Polygon]ocr.Polygon // what [fitted] found, for lines that are read again; nil: it is not kept
}

// grayOf writes the luma of r (ITU-R BT.601, as OpenCV weighs it) into buf, which is grown when needed.
func grayOf(r *imaging.Raster, buf []byte) plane {
	n := r.Width * r.Height
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	src := r.Pix[:3*n]
	for i := range buf {
		p := src[3*i : 3*i+3 : 3*i+3]
		buf[i] = byte((uint32(p[0])*7472 + uint32(p[1])*38470 + uint32(p[2])*19594 + 32768) >> 16)
	}
	return plane{pix: buf, width: r.Width, height: r.Height, channels: 1}
}

// pixelScale turns pixel values into tensor values: value = pixel*gain + offset, for each tensor channel, whose source
// channel in B, G, R is from.
type pixelScale struct {
	channels     int
	from         [3]int
	gain, offset [3]float32
}

// newPixelScale reads a catalogue entry's picture input.
func newPixelScale(in models.TensorSpec) (pixelScale, error) {
	s := pixelScale{channels: 3, from: [3]int{0, 1, 2}}
	three := in
	if in.Color == "GRAY" {
		s.channels = 1
		three.Color, three.Mean, three.Std = "", repeated(in.Mean), repeated(in.Std)
	}
	var spec imaging.Spec
	if err := spec.Configure(three); err != nil {
		return pixelScale{}, err
	}
	if spec.RGB {
		s.from = [3]int{2, 1, 0}
	}
	for c := range 3 {
		scale, std := spec.Scale, spec.Std[c]
		if scale == 0 {
			scale = 1
		}
		if std == 0 {
			std = 1
		}
		s.gain[c], s.offset[c] = scale/std, -spec.Mean[c]/std
	}
	return s, nil
}

func repeated(v []float64) []float64 {
	if len(v) != 1 {
		return v
	}
	return []float64{v[0], v[0], v[0]}
}

// white returns the tensor value of a brightness, 0..255, in channel c.
func (s pixelScale) white(brightness float32, c int) float32 {
	return brightness*s.gain[c] + s.offset[c]
}

// fixed-point coordinates: 16 bits behind the point.
const (
	one  = 1 << 16
	half = one / 2
)

// maxSub bounds the samples a tensor pixel takes each way. A strip that shrinks more than that is of letters far larger
// than any text's.
const maxSub = 8

// sample fills the tensor of width x strip height, channel by channel, with the strip; columns behind its end keep their
// value. Every tensor pixel is the mean of as many samples as it covers pixels each way, interpolated linearly, so that
// what shrinks is low-passed and what grows is smooth. Beyond the picture its edge goes on.
func (s strip) sample(dst []float32, width int, p plane, scale pixelScale) {
	if s.holes {
		end := min(int(math.Ceil(s.width-0.5)), width)
		for c := range p.channels {
			for y := range s.height {
				row := dst[(c*s.height+y)*width:][:end]
				for x := range row {
					row[x] = scale.white(s.paper, c)
				}
			}
		}
	}
	for _, q := range s.patches {
		x0, x1 := int(math.Ceil(q.x0-0.5)), min(int(math.Ceil(q.x1-0.5)), width) // pixels whose centres are in the patch
		if x0 >= x1 {
			continue
		}
		stepX := max(norm(q.tr.minus(q.tl)), norm(q.br.minus(q.bl))) / (q.x1 - q.x0)
		stepY := max(norm(q.bl.minus(q.tl)), norm(q.br.minus(q.tr))) / (q.y1 - q.y0)
		nx, ny := samples(stepX), samples(stepY)
		for y := int(math.Ceil(q.y0 - 0.5)); y < min(int(math.Ceil(q.y1-0.5)), s.height); y++ {
			if p.channels == 1 {
				q.grayRow(dst[y*width:(y+1)*width], x0, x1, y, nx, ny, p, scale)
			} else {
				q.colorRow(dst, width, x0, x1, y, s.height, nx, ny, p, scale)
			}
		}
	}
}

// samples returns how many samples an output pixel takes along an axis on which it covers step pixels.
func samples(step float64) int { return min(max(int(math.Ceil(step-0.25)), 1), maxSub) }

// walk returns the fixed-point start, at strip pixel x0's first sample, and step of sub-row k of ny in row y, in pixels whose
// centres have whole coordinates.
func (q patch) walk(x0, y, nx, k, ny int) (x, y0, dx, dy int64) {
	v := (float64(y) + (float64(k)+0.5)/float64(ny) - q.y0) / (q.y1 - q.y0)
	a, b := q.tl.between(q.bl, v), q.tr.between(q.br, v)
	step := b.minus(a).times(1 / ((q.x1 - q.x0) * float64(nx)))
	first := a.plus(step.times((float64(x0)-q.x0)*float64(nx) + 0.5))
	return int64((first.x - 0.5) * one), int64((first.y - 0.5) * one), int64(step.x * one), int64(step.y * one)
}

// inside tells whether n samples from (x, y) on all have four neighbours in the picture.
func (p plane) inside(x, y, dx, dy int64, n int) bool {
	ex, ey := x+dx*int64(n-1), y+dy*int64(n-1)
	return min(x, ex) >= 0 && min(y, ey) >= 0 && max(x, ex)>>16 < int64(p.width-1) && max(y, ey)>>16 < int64(p.height-1)
}

func (q patch) grayRow(row []float32, x0, x1, y, nx, ny int, p plane, scale pixelScale) {
	gain, offset := scale.gain[0]/float32(256*nx*ny), scale.offset[0]
	for k := range ny {
		px, py, dx, dy := q.walk(x0, y, nx, k, ny)
		within := p.inside(px, py, dx, dy, nx*(x1-x0))
		for x := x0; x < x1; x++ {
			sum := int64(0)
			for range nx {
				if within {
					i := int(py>>16)*p.width + int(px>>16)
					fx, fy := px>>8&255, py>>8&255
					top, bottom := p.pix[i:i+2:i+2], p.pix[i+p.width:i+p.width+2:i+p.width+2]
					a := int64(top[0])<<8 + fx*(int64(top[1])-int64(top[0]))
					b := int64(bottom[0])<<8 + fx*(int64(bottom[1])-int64(bottom[0]))
					sum += a<<8 + fy*(b-a)
				} else {
					sum += p.clamped(px, py, 0)
				}
				px, py = px+dx, py+dy
			}
			// sum holds pixels times 2^16.
			value := float32(sum>>8) * gain
			if k == 0 {
				row[x] = value + offset
			} else {
				row[x] += value
			}
		}
	}
}

// clamped returns the interpolated pixel times 2^16; beyond the picture its edge goes on.
func (p plane) clamped(x, y int64, channel int) int64 {
	x = min(max(x, 0), int64(p.width-1)<<16)
	y = min(max(y, 0), int64(p.height-1)<<16)
	x0, y0 := int(x>>16), int(y>>16)
	x1, y1 := min(x0+1, p.width-1), min(y0+1, p.height-1)
	fx, fy := x>>8&255, y>>8&255
	at := func(x, y int) int64 { return int64(p.pix[(y*p.width+x)*p.channels+channel]) }
	a := at(x0, y0)<<8 + fx*(at(x1, y0)-at(x0, y0))
	b := at(x0, y1)<<8 + fx*(at(x1, y1)-at(x0, y1))
	return a<<8 + fy*(b-a)
}

func (q patch) colorRow(dst []float32, width, x0, x1, y, height, nx, ny int, p plane, scale pixelScale) {
	size := width * height
	for k := range ny {
		px, py, dx, dy := q.walk(x0, y, nx, k, ny)
		within := p.inside(px, py, dx, dy, nx*(x1-x0))
		stride := 3 * p.width
		for x := x0; x < x1; x++ {
			var sum [3]int64
			for range nx {
				if within {
					i := int(py>>16)*stride + 3*int(px>>16)
					fx, fy := px>>8&255, py>>8&255
					top, bottom := p.pix[i:i+6:i+6], p.pix[i+stride:i+stride+6:i+stride+6]
					for c := range sum {
						a := int64(top[c])<<8 + fx*(int64(top[c+3])-int64(top[c]))
						b := int64(bottom[c])<<8 + fx*(int64(bottom[c+3])-int64(bottom[c]))
						sum[c] += a<<8 + fy*(b-a)
					}
				} else {
					for c := range sum {
						sum[c] += p.clamped(px, py, c)
					}
				}
				px, py = px+dx, py+dy
			}
			for c := range sum {
				value := float32(sum[scale.from[c]]>>8) * (scale.gain[c] / float32(256*nx*ny))
				at := &dst[c*size+y*width+x]
				if k == 0 {
					*at = value + scale.offset[c]
				} else {
					*at += value
				}
			}
		}
	}
}
