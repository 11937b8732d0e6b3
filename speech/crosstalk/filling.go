package crosstalk

import "math"

// What a silenced channel sounds like: pieces of its own quiet moments, overlapped at random, so that its background goes on.
const (
	pieces = 32 // that are kept, half a second
	fewer  = 4  // below which there is noise of the same level instead
	quiet  = 3. // dB over the noise up to which a frame is a quiet moment
)

// filling makes a channel's background.
type filling struct {
	kept []*[window]float32
	next int          // that is replaced
	tail [hop]float32 // of the last piece, which goes on into the next block
	seed uint32
}

// fade makes pieces that overlap by half sum up to the same power.
var fade = func() (f [window]float32) {
	for i := range f {
		f[i] = float32(math.Sin(math.Pi * (float64(i) + .5) / window))
	}
	return f
}()

// learn keeps a quiet moment.
func (f *filling) learn(pcm []float32) {
	if len(f.kept) < pieces {
		piece := [window]float32(pcm)
		f.kept = append(f.kept, &piece)
		return
	}
	copy(f.kept[f.next][:], pcm)
	f.next = (f.next + 1) % pieces
}

func (f *filling) random() uint32 {
	f.seed = f.seed*1664525 + 1013904223
	return f.seed >> 8
}

// block makes the next hop samples; level is the root mean square of the noise.
func (f *filling) block(out *[hop]float32, level float32) {
	var piece [window]float32
	if len(f.kept) >= fewer {
		piece = *f.kept[f.random()%uint32(len(f.kept))]
	} else {
		// Uniform noise of this width has the level.
		width := level * 3.4641
		for i := range piece {
			piece[i] = width * (float32(f.random())/(1<<24) - .5)
		}
	}
	for i := range out {
		out[i] = f.tail[i] + piece[i]*fade[i]
		f.tail[i] = piece[i+hop] * fade[i+hop]
	}
}
