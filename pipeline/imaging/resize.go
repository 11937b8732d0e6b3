package imaging

import "math"

// Resize returns r scaled to width x height with the filter of [ToTensor], rounded to bytes.
func Resize(r *Raster, width, height int) *Raster {
	out := NewRaster(width, height)
	if r.Width == width && r.Height == height {
		copy(out.Pix, r.Pix)
		return out
	}
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	t := Spec{Width: width, Height: height}.Plan(r.Width, r.Height)
	w.resize(r, t, func(y int, row []float32) {
		for i, v := range row {
			out.Pix[3*width*y+i] = byte(v + 0.5)
		}
	})
	return out
}

// axis holds, for every output pixel along one axis, the run of source pixels that it is made of.
type axis struct {
	from    []int32   // first source pixel
	count   []int32   // how many, >= 1
	weights []float32 // first, inner (of all between) and last weight, three an output pixel; they add up to 1
	widest  int
}

// plan fills a for out pixels made of in.
func (a *axis) plan(in, out int) {
	a.from, a.count, a.weights = resized(a.from, out), resized(a.count, out), resized(a.weights, 3*out)
	a.widest = 1
	ratio := float64(in) / float64(out)
	for i := range out {
		var first, inner, last float64
		var from, count int
		if ratio > 1 {
			// The area that the output pixel covers: whole pixels inside, fractions at both ends.
			lo, hi := float64(i)*ratio, math.Min(float64(i+1)*ratio, float64(in))
			from = int(lo)
			count = min(int(math.Ceil(hi-1e-9)), in) - from
			inner = 1 / (hi - lo)
			first, last = (float64(from+1)-lo)*inner, (hi-float64(from+count-1))*inner
			if count == 1 {
				first, last = 1, 0
			}
		} else {
			centre := (float64(i)+0.5)*ratio - 0.5
			from = int(math.Floor(centre))
			last = centre - float64(from)
			first, count = 1-last, 2
			if from < 0 {
				from, count, first = 0, 1, 1
			} else if from+1 >= in || last == 0 {
				from, count, first = min(from, in-1), 1, 1
			}
		}
		a.from[i], a.count[i] = int32(from), int32(count)
		a.weights[3*i], a.weights[3*i+1], a.weights[3*i+2] = float32(first), float32(inner), float32(last)
		a.widest = max(a.widest, count)
	}
}

// weight returns the weight of the k-th source pixel of output pixel i.
func (a *axis) weight(i, k int) float32 {
	switch {
	case k == 0:
		return a.weights[3*i]
	case k == int(a.count[i])-1:
		return a.weights[3*i+2]
	}
	return a.weights[3*i+1]
}

// workspace holds the buffers of one resize, reused from call to call.
type workspace struct {
	x, y axis
	rows []float32 // the last two source rows, resized horizontally; a shrinking axis shares at most one row
	held [2]int    // which source rows these are
	sum  []float32
	tall columns // for pictures that shrink a lot
}

// resize calls emit with every output row, interleaved B, G, R, 0..255; the row is reused.
func (w *workspace) resize(r *Raster, t Transform, emit func(y int, row []float32)) {
	w.x.plan(r.Width, t.Width)
	w.y.plan(r.Height, t.Height)
	n := 3 * t.Width
	w.rows, w.sum = resized(w.rows, 2*n), resized(w.sum, n)
	w.held = [2]int{-1, -1}
	shrinks := r.Height >= 2*t.Height
	for y := range t.Height {
		from, count := int(w.y.from[y]), int(w.y.count[y])
		if shrinks {
			w.x.average(w.sum, w.tall.average(r, from, count, w.y.weights[3*y:3*y+3]))
			emit(y, w.sum)
			continue
		}
		if count == 1 {
			emit(y, w.horizontal(r, from, n))
			continue
		}
		for k := range count {
			row, weight := w.horizontal(r, from+k, n), w.y.weight(y, k)
			sum := w.sum[:len(row)]
			if k == 0 {
				for i, v := range row {
					sum[i] = v * weight
				}
				continue
			}
			for i, v := range row {
				sum[i] += v * weight
			}
		}
		emit(y, w.sum)
	}
}

// horizontal returns source row y resized to the output's width.
func (w *workspace) horizontal(r *Raster, y, n int) []float32 {
	slot := y & 1
	dst := w.rows[slot*n:][:n]
	if w.held[slot] == y {
		return dst
	}
	w.held[slot] = y
	src := r.Row(y)
	if len(src) == n {
		for i, v := range src {
			dst[i] = float32(v)
		}
		return dst
	}
	for x, from := range w.x.from {
		first, inner, last := w.x.weights[3*x], w.x.weights[3*x+1], w.x.weights[3*x+2]
		count := int(w.x.count[x])
		px := src[3*from:][:3*count]
		b, g, red := float32(px[0])*first, float32(px[1])*first, float32(px[2])*first
		if count > 1 {
			if count > 2 {
				// Inner pixels weigh the same: their sum is exact in integers and cheaper.
				var sb, sg, sr int32
				for in := px[3 : len(px)-3]; len(in) >= 3; in = in[3:] {
					sb += int32(in[0])
					sg += int32(in[1])
					sr += int32(in[2])
				}
				b += float32(sb) * inner
				g += float32(sg) * inner
				red += float32(sr) * inner
			}
			end := px[len(px)-3:]
			b += float32(end[0]) * last
			g += float32(end[1]) * last
			red += float32(end[2]) * last
		}
		out := dst[3*x : 3*x+3 : 3*x+3]
		out[0], out[1], out[2] = b, g, red
	}
	return dst
}

// resized returns s with length n, keeping its memory where that suffices.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
