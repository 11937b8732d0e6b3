package speaker

import (
	"math"
	"slices"
)

// Within one recording the way from mouth to microphone changes little, so that the long-term spectrum, which the network
// does not see (the mean is taken off its features), tells people apart too. It is measured against the recording's own.
const (
	cepstra = 24 // coefficients 1 to 24 of a frame's cepstrum; 0, the level, is left out
	// distinct and the embedded model's share of timbres were chosen on simulated conversations, see models/embedded/speaker.md.
	distinct   = 2.5 // standard deviations of frames, over all coefficients, from which a direction counts in full
	quietShare = .4  // share of a window's frames, the quietest, that are left out
)

// timbre sums the cepstra of the louder frames of a window.
type timbre struct {
	sum, squares [cepstra]float64
	frames       float64
}

// cosines are the basis of the discrete cosine transform (DCT-II, orthonormal), [cepstra][bins].
func cosines(bins int) [][]float64 {
	basis := make([][]float64, cepstra)
	for c := range basis {
		basis[c] = make([]float64, bins)
		for b := range bins {
			basis[c][b] = math.Sqrt(2/float64(bins)) * math.Cos(math.Pi*float64(c+1)*(float64(b)+.5)/float64(bins))
		}
	}
	return basis
}

// cepstrogram is the cepstra and the level of each frame of features.
type cepstrogram struct {
	frames [][cepstra]float64
	level  []float64
}

func newCepstrogram(rows []float32, basis [][]float64) cepstrogram {
	bins := len(basis[0])
	n := len(rows) / bins
	c := cepstrogram{make([][cepstra]float64, n), make([]float64, n)}
	for t := range n {
		row := rows[t*bins : (t+1)*bins]
		for _, v := range row {
			c.level[t] += float64(v)
		}
		for k, wave := range basis {
			sum := 0.
			for b, v := range row {
				sum += wave[b] * float64(v)
			}
			c.frames[t][k] = sum
		}
	}
	return c
}

// of sums the louder frames from first to before end.
func (c cepstrogram) of(first, end int) timbre {
	var t timbre
	levels := slices.Clone(c.level[first:end])
	slices.Sort(levels)
	least := levels[int(quietShare*float64(len(levels)))]
	for i := first; i < end; i++ {
		if c.level[i] < least {
			continue
		}
		t.frames++
		for k, v := range c.frames[i] {
			t.sum[k] += v
			t.squares[k] += v * v
		}
	}
	return t
}

func norm(v []float32) float64 {
	sum := 0.
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// join puts behind each window's vector, scaled down, the direction in which its timbre departs from that of all windows, so
// that the cosine of two joined vectors is (1-share) of the voices' and share of the timbres'.
func join(windows []window, share float64) {
	var all timbre
	for _, w := range windows {
		all.frames += w.timbre.frames
		for k := range all.sum {
			all.sum[k] += w.timbre.sum[k]
			all.squares[k] += w.timbre.squares[k]
		}
	}
	voice, tone := float32(math.Sqrt(1-share)), float32(math.Sqrt(share))
	for i, w := range windows {
		away := make([]float32, cepstra)
		for k := range away {
			mean := all.sum[k] / all.frames
			deviation := math.Sqrt(max(all.squares[k]/all.frames-mean*mean, 1e-6))
			away[k] = float32((w.timbre.sum[k]/w.timbre.frames - mean) / deviation)
		}
		// A window that is like all the others says little by its direction: where one person speaks, there is no other.
		scale := float32(1 / max(norm(away), distinct))
		for k := range away {
			away[k] *= scale
		}
		vector := make([]float32, 0, len(w.vector)+cepstra)
		for _, v := range w.vector {
			vector = append(vector, v*voice)
		}
		for _, v := range away {
			vector = append(vector, v*tone)
		}
		windows[i].vector = vector
	}
}
