package imaging

import "encoding/binary"

// columns averages whole rows, eight bytes at a time: most of the time of shrinking a large picture goes into reading it,
// and sums of bytes fit into the 16-bit lanes of a 64-bit word for maxLaneRows rows.
type columns struct {
	even, odd []uint64  // lanes 0, 2, 4, 6 and 1, 3, 5, 7 of each group of eight bytes
	mean      []float32 // the weighted mean of each byte column
}

const (
	lanes       = 0x00ff00ff00ff00ff
	maxLaneRows = 257 // 257 * 255 = 65535
)

// average returns the mean of count rows from row from on; weights are an [axis]'s first, inner and last.
func (c *columns) average(r *Raster, from, count int, weights []float32) []float32 {
	stride := 3 * r.Width
	words := stride / 8
	c.mean = resized(c.mean, stride)
	c.even, c.odd = resized(c.even, words), resized(c.odd, words)
	mean, first, last := c.mean, r.Row(from), r.Row(from+count-1)
	w0, w2 := weights[0], weights[2]
	if count == 1 {
		w2 = 0
	}
	for i, v := range first {
		mean[i] = float32(v)*w0 + float32(last[i])*w2
	}
	for y, end := from+1, from+count-1; y < end; y += maxLaneRows {
		c.add(r, y, min(y+maxLaneRows, end), weights[1])
	}
	return mean
}

// add adds the rows y..end-1 to the mean.
func (c *columns) add(r *Raster, y, end int, weight float32) {
	even, odd := c.even, c.odd[:len(c.even)]
	clear(even)
	clear(odd)
	for row := y; row < end; row++ {
		px := r.Row(row)
		for i := range even {
			v := binary.LittleEndian.Uint64(px[8*i:])
			even[i] += v & lanes
			odd[i] += v >> 8 & lanes
		}
		for i := 8 * len(even); i < len(px); i++ {
			c.mean[i] += float32(px[i]) * weight
		}
	}
	for i, e := range even {
		o, m := odd[i], c.mean[8*i:8*i+8:8*i+8]
		m[0] += float32(int32(e&0xffff)) * weight
		m[1] += float32(int32(o&0xffff)) * weight
		m[2] += float32(int32(e>>16&0xffff)) * weight
		m[3] += float32(int32(o>>16&0xffff)) * weight
		m[4] += float32(int32(e>>32&0xffff)) * weight
		m[5] += float32(int32(o>>32&0xffff)) * weight
		m[6] += float32(int32(e>>48)) * weight
		m[7] += float32(int32(o>>48)) * weight
	}
}

// average resizes one row of interleaved pixels along its width into dst.
func (a *axis) average(dst, src []float32) {
	for x, from := range a.from {
		first, inner, last := a.weights[3*x], a.weights[3*x+1], a.weights[3*x+2]
		px := src[3*from:][:3*a.count[x]]
		b, g, r := px[0]*first, px[1]*first, px[2]*first
		if len(px) > 3 {
			var sb, sg, sr float32
			for in := px[3 : len(px)-3]; len(in) >= 3; in = in[3:] {
				sb += in[0]
				sg += in[1]
				sr += in[2]
			}
			end := px[len(px)-3:]
			b += sb*inner + end[0]*last
			g += sg*inner + end[1]*last
			r += sr*inner + end[2]*last
		}
		out := dst[3*x : 3*x+3 : 3*x+3]
		out[0], out[1], out[2] = b, g, r
	}
}
