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

	// Where no run is longer than three pixels: the first of three pixels that hold it, inside the row, and their weights.
	threes []int32
	triple []float32
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
	a.threes = a.threes[:0]
	if a.widest <= 3 && in >= 3 {
		a.planThrees(in)
	}
}

// planThrees lays the runs out as three pixels each, of which some weigh nothing.
func (a *axis) planThrees(in int) {
	n := len(a.from)
	a.threes, a.triple = resized(a.threes, n), resized(a.triple, 3*n)
	for i, from := range a.from {
		at := min(from, int32(in-3))
		a.threes[i] = at
		weights := a.triple[3*i : 3*i+3]
		clear(weights)
		for k := range int(a.count[i]) {
			weights[int(from-at)+k] = a.weight(i, k)
		}
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
	rows []float32     // the last source rows, resized horizontally; a shrinking axis shares at most one row
	held [heldRows]int // which source rows these are
	sum  []float32
	tall columns // for pictures that shrink a lot
}

const heldRows = 4

// resize calls emit with every output row, interleaved B, G, R, 0..255; the row is reused.
func (w *workspace) resize(r *Raster, t Transform, emit func(y int, row []float32)) {
	w.x.plan(r.Width, t.Width)
	w.y.plan(r.Height, t.Height)
	n := 3 * t.Width
	w.rows, w.sum = resized(w.rows, heldRows*n), resized(w.sum, n)
	w.held = [heldRows]int{-1, -1, -1, -1}
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
		w.vertical(r, y, n)
		emit(y, w.sum)
	}
}

// vertical makes output row y of several source rows.
func (w *workspace) vertical(r *Raster, y, n int) {
	from, count := int(w.y.from[y]), int(w.y.count[y])
	first, second := w.horizontal(r, from, n), w.horizontal(r, from+1, n)
	w0, w1 := w.y.weight(y, 0), w.y.weight(y, 1)
	sum := w.sum[:len(first)]
	second = second[:len(first)]
	if count == 2 {
		for i, v := range first {
			sum[i] = v*w0 + second[i]*w1
		}
		return
	}
	third, w2 := w.horizontal(r, from+2, n)[:len(first)], w.y.weight(y, 2)
	for i, v := range first {
		sum[i] = v*w0 + second[i]*w1 + third[i]*w2
	}
	for k := 3; k < count; k++ {
		weight := w.y.weight(y, k)
		for i, v := range w.horizontal(r, from+k, n) {
			sum[i] += v * weight
		}
	}
}

// levels are the brightnesses as float32: looking one up is faster than to convert it.
var levels = func() (all [256]float32) {
	for i := range all {
		all[i] = float32(i)
	}
	return all
}()

// horizontal returns source row y resized to the output's width.
func (w *workspace) horizontal(r *Raster, y, n int) []float32 {
	slot := y % heldRows
	dst := w.rows[slot*n:][:n]
	if w.held[slot] == y {
		return dst
	}
	w.held[slot] = y
	src := r.Row(y)
	if len(src) == n {
		for i, v := range src {
			dst[i] = levels[v]
		}
		return dst
	}
	if len(w.x.threes) > 0 {
		w.x.sumThrees(dst, src)
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

// sumThrees writes the weighted means of a row's pixels where none is of more than three.
func (a *axis) sumThrees(dst []float32, src []byte) {
	for x, from := range a.threes {
		px, weights, out := src[3*from:][:9:9], a.triple[3*x:3*x+3:3*x+3], dst[3*x:3*x+3:3*x+3]
		w0, w1, w2 := weights[0], weights[1], weights[2]
		out[0] = levels[px[0]]*w0 + levels[px[3]]*w1 + levels[px[6]]*w2
		out[1] = levels[px[1]]*w0 + levels[px[4]]*w1 + levels[px[7]]*w2
		out[2] = levels[px[2]]*w0 + levels[px[5]]*w1 + levels[px[8]]*w2
	}
}

// resized returns s with length n, keeping its memory where that suffices.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
