package text

import (
	"errors"
	"fmt"
	"math"
)

// emission is a class that CTC decoding emits: the frames first..last have it as their likeliest, peak most clearly.
type emission struct {
	class             int
	first, last, peak int
	confidence        float32 // at the peak, 0..1
	others            [MaxReadings]scored
}

// MaxReadings bounds how many other readings of a symbol are kept: more than answers hold, for those who choose among them.
const MaxReadings = 16

// scored is a class and its probability; a probability of 0 stands for none.
type scored struct {
	class       int
	probability float32
}

// decoder turns a network's frames into emissions.
type decoder struct {
	classes     int
	blank       int
	space       int // class of the blank character; -1 when there is none
	point       int // class of the full stop; -1 when there is none
	digits      []int
	colons      []int
	logits      bool
	temperature float64
}

var errNoNumbers = errors.New("a frame of the output holds no numbers")

// greedy decodes frames of raw scores or probabilities, [frames x classes], by the best path (Graves et al., Connectionist
// temporal classification, 2006): the likeliest class of each frame, repetitions joined, blanks left out. Probabilities are
// worked out for the peaks alone: of the frames of a page those are an eighth.
func (d decoder) greedy(values []float32, frames int, out []emission) ([]emission, error) {
	previous, at := d.blank, float32(0)
	for f := range frames {
		row := values[f*d.classes : (f+1)*d.classes]
		class := argmax(row)
		if v := row[class]; v != v || math.IsInf(float64(v), 0) {
			return out, errNoNumbers
		}
		switch {
		case class == d.blank:
		case class != previous:
			out = append(out, emission{class: class, first: f, last: f, peak: f})
			at = row[class]
		default:
			e := &out[len(out)-1]
			e.last = f
			if row[class] > at {
				e.peak, at = f, row[class]
			}
		}
		previous = class
	}
	for i := range out {
		e := &out[i]
		if err := d.weigh(e, values[e.peak*d.classes:(e.peak+1)*d.classes]); err != nil {
			return out, err
		}
	}
	return out, nil
}

// argmax returns the first index of the largest value; a number wins over what is none.
func argmax(v []float32) int {
	best, m := 0, v[0]
	if m != m {
		m = float32(math.Inf(-1))
	}
	i := 0
	// Few groups of eight hold a new maximum: one branch for all of them.
	for ; i+8 <= len(v); i += 8 {
		w := v[i : i+8 : i+8]
		if w[0] > m || w[1] > m || w[2] > m || w[3] > m || w[4] > m || w[5] > m || w[6] > m || w[7] > m {
			for k, x := range w {
				if x > m {
					best, m = i+k, x
				}
			}
		}
	}
	for ; i < len(v); i++ {
		if v[i] > m {
			best, m = i, v[i]
		}
	}
	return best
}

// negligible is how far below the largest score, in natural logarithms, a class no longer adds to the sum of a softmax:
// all of 10,000 such classes together are less than 0.0001 of it.
const negligible = 18.5

// weigh sets an emission's confidence and its other readings from its peak frame.
func (d decoder) weigh(e *emission, row []float32) error {
	top := row[e.class]
	found, worst := 0, float32(math.Inf(-1))
	for class, v := range row {
		if v > worst && class != e.class && class != d.blank && class != d.space {
			if found = e.insert(scored{class, v}, found); found == len(e.others) {
				worst = e.others[found-1].probability
			}
		}
	}
	// share turns a class's value into its part of the largest one's probability.
	var share func(v float32) float32
	total := float32(0)
	switch gain := float32(1 / d.temperature); {
	case d.logits:
		share = func(v float32) float32 { return exp32((v - top) * gain) }
		for _, v := range row {
			if x := (v - top) * gain; !(x < -negligible) {
				total += exp32(x)
			}
		}
	case d.temperature != 1:
		share = func(v float32) float32 { return float32(math.Pow(float64(max(v, 0)/top), float64(gain))) }
		for _, v := range row {
			if !(v < 1e-8) {
				total += share(v)
			}
		}
	default: // probabilities as they are
		share = func(v float32) float32 { return v }
		total = 1
		for _, v := range row {
			if v != v {
				total = v
			}
		}
	}
	if total != total {
		return errNoNumbers
	}
	e.confidence = min(max(share(top)/total, 0), 1)
	for i, s := range e.others[:found] {
		e.others[i].probability = min(max(share(s.probability)/total, 0), 1)
	}
	return nil
}

// exp32 is e^x for x from -80 to 80, to six digits, a tenth of the time of [math.Exp]: 2^n by the exponent's bits, times a
// polynomial for the rest within half an octave (J. F. Hart et al., Computer Approximations, 1968). NaN stays NaN.
func exp32(x float32) float32 {
	if x != x {
		return x
	}
	const magic = 3 << 22 // adding it leaves a whole number in the low bits
	y := x * math.Log2E
	shifted := y + magic
	f := y - (shifted - magic)
	n := int32(math.Float32bits(shifted)) - int32(math.Float32bits(magic))
	p := 1 + f*(0.69314718+f*(0.24022651+f*(0.055504109+f*(0.0096181291+f*0.0013333558))))
	return math.Float32frombits(uint32(int32(math.Float32bits(p)) + n<<23))
}

// insert keeps the best of the other readings in order.
func (e *emission) insert(s scored, found int) int {
	if found == len(e.others) {
		if !(s.probability > e.others[found-1].probability) {
			return found
		}
		found--
	}
	i := found
	for ; i > 0 && s.probability > e.others[i-1].probability; i-- {
		e.others[i] = e.others[i-1]
	}
	e.others[i] = s
	return found + 1
}

// ranked decodes frames of which the network gives only the k likeliest classes, best first, with their probabilities.
func (d decoder) ranked(scores []float32, classes []int64, k, frames int) (out []emission, err error) {
	previous, at := d.blank, float32(0)
	for f := range frames {
		class := int(classes[f*k])
		if class < 0 || class >= d.classes {
			return out, fmt.Errorf("class %d of %d", class, d.classes)
		}
		p := scores[f*k]
		if !(p >= 0 && p <= 1.001) {
			return out, errNoNumbers
		}
		switch {
		case class == d.blank:
		case class != previous:
			out = append(out, emission{class: class, first: f, last: f, peak: f})
			at = p
		default:
			e := &out[len(out)-1]
			e.last = f
			if p > at {
				e.peak, at = f, p
			}
		}
		previous = class
	}
	for i := range out {
		e := &out[i]
		d.weighRanked(e, scores[e.peak*k:(e.peak+1)*k], classes[e.peak*k:(e.peak+1)*k])
	}
	return out, nil
}

func (d decoder) weighRanked(e *emission, scores []float32, classes []int64) {
	raise := func(p float32) float64 { return math.Pow(float64(max(p, 0)), 1/d.temperature) }
	sum, rest := 0.0, 1.0
	for _, p := range scores {
		sum += raise(p)
		rest -= float64(p)
	}
	if d.temperature == 1 {
		sum = 1
	} else {
		// What the network left out is spread over as many classes as it named: a guess that matters only where little is
		// sure.
		sum += float64(len(scores)) * raise(float32(max(rest, 0))/float32(len(scores)))
	}
	e.confidence = float32(min(raise(scores[0])/sum, 1))
	found := 0
	for i, c := range classes[1:] {
		if class := int(c); class >= 0 && class < d.classes && class != d.blank && class != d.space {
			found = e.insert(scored{class, float32(min(raise(scores[i+1])/sum, 1))}, found)
		}
	}
}
