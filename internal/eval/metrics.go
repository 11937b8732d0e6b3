package eval

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/courtsense/courtsense/ocr/accuracy"
)

// Interval is an estimate with its 95 % confidence interval.
type Interval = accuracy.Interval

// z975 is the 97.5 % quantile of the normal distribution.
const z975 = 1.959963984540054

// wilson returns the share k/n with its score interval (E. B. Wilson, 1927), which holds for small counts and near 0 and
// 1 too. Without trials nothing is known: 0 to 1, and the share is 0.
func wilson(k, n int) Interval {
	if n == 0 {
		return Interval{Value: 0, Low: 0, High: 1}
	}
	p, m := float64(k)/float64(n), float64(n)
	centre := p + z975*z975/(2*m)
	half := z975 * math.Sqrt(p*(1-p)/m+z975*z975/(4*m*m))
	scale := 1 + z975*z975/m
	i := Interval{Value: p, Low: (centre - half) / scale, High: (centre + half) / scale}
	if k == 0 {
		i.Low = 0 // exactly, not but for rounding
	}
	if k == n {
		i.High = 1
	}
	return i
}

// unmatched is the score of a pair that could not be compared: below every threshold.
var unmatched = math.Inf(-1)

// scores are the similarities of genuine (same person) and impostor (different people) pairs, each sorted upwards.
type scores struct{ genuine, impostor []float64 }

func (s scores) sort() {
	slices.Sort(s.genuine)
	slices.Sort(s.impostor)
}

// atLeast counts the values of a sorted list that are t or more.
func atLeast(sorted []float64, t float64) int {
	i, _ := slices.BinarySearch(sorted, t)
	return len(sorted) - i
}

// auc is the area under the receiver operating characteristic: the chance that a genuine pair scores above an impostor
// pair, ties half (the Mann-Whitney statistic).
func (s scores) auc() float64 {
	var wins float64
	below, equal := 0, 0
	for _, g := range s.genuine {
		for below < len(s.impostor) && s.impostor[below] < g {
			below++
		}
		equal = max(equal, below)
		for equal < len(s.impostor) && s.impostor[equal] <= g {
			equal++
		}
		wins += float64(below) + float64(equal-below)/2
	}
	return wins / (float64(len(s.genuine)) * float64(len(s.impostor)))
}

// eer is the equal error rate: the mean of FMR and FNMR at the threshold where they differ least.
func (s scores) eer() float64 {
	best, rate := math.Inf(1), 1.0
	consider := func(fmr, fnmr float64) {
		if d := math.Abs(fmr - fnmr); d < best {
			best, rate = d, (fmr+fnmr)/2
		}
	}
	g, i := 0, 0 // how many lie below the threshold
	consider(1, 0)
	for g < len(s.genuine) || i < len(s.impostor) {
		t := math.Inf(1)
		if g < len(s.genuine) {
			t = s.genuine[g]
		}
		if i < len(s.impostor) {
			t = min(t, s.impostor[i])
		}
		for g < len(s.genuine) && s.genuine[g] <= t {
			g++
		}
		for i < len(s.impostor) && s.impostor[i] <= t {
			i++
		}
		consider(1-float64(i)/float64(len(s.impostor)), float64(g)/float64(len(s.genuine)))
	}
	return rate
}

// threshold is the lowest similarity at which no more than the share fmr of the impostor pairs is accepted.
func (s scores) threshold(fmr float64) float64 {
	allowed := int(fmr*float64(len(s.impostor)) + 1e-9)
	if allowed >= len(s.impostor) {
		return math.Inf(-1)
	}
	return math.Nextafter(s.impostor[len(s.impostor)-1-allowed], math.Inf(1))
}

// resamples of the bootstrap: the interval's ends then vary by about a tenth of its width between seeds.
const resamples = 2000

// bootstrap returns percentile intervals (B. Efron, 1979) of several statistics, over resampled genuine and impostor
// pairs; the seed is fixed, so that the same scores give the same figures. Pairs count as independent, although a picture
// can be in several, which makes the intervals a little too narrow.
func (s scores) bootstrap(statistics ...func(scores) float64) []Interval {
	random := rand.New(rand.NewPCG(1, 1))
	draw := scores{make([]float64, len(s.genuine)), make([]float64, len(s.impostor))}
	values := make([][]float64, len(statistics))
	for range resamples {
		for i := range draw.genuine {
			draw.genuine[i] = s.genuine[random.IntN(len(s.genuine))]
		}
		for i := range draw.impostor {
			draw.impostor[i] = s.impostor[random.IntN(len(s.impostor))]
		}
		draw.sort()
		for k, statistic := range statistics {
			values[k] = append(values[k], statistic(draw))
		}
	}
	out := make([]Interval, len(statistics))
	for k, statistic := range statistics {
		slices.Sort(values[k])
		at := func(q float64) float64 { return values[k][int(math.Round(q*(resamples-1)))] }
		out[k] = Interval{Value: statistic(s), Low: at(0.025), High: at(0.975)}
	}
	return out
}

// folds of the cross-validation, as in the protocol of Labeled Faces in the Wild.
const folds = 10

// pair is one comparison: a similarity, unmatched where there is none, and the truth.
type pair struct {
	similarity float64
	same       bool
}

// crossValidated is the accuracy at the best threshold as the LFW protocol has it (Huang et al., 2007): for each of 10
// folds the threshold that is best on the other nine decides its pairs. A pair that could not be compared is an error,
// whatever its truth. correct tells for each pair whether it was decided rightly, thresholds what each fold used.
func crossValidated(pairs []pair) (correct []bool, thresholds []float64) {
	fold := foldsOf(pairs)
	correct = make([]bool, len(pairs))
	for f := range folds {
		var train scores
		for i, p := range pairs {
			switch {
			case fold[i] == f || p.similarity == unmatched:
			case p.same:
				train.genuine = append(train.genuine, p.similarity)
			default:
				train.impostor = append(train.impostor, p.similarity)
			}
		}
		train.sort()
		t := train.bestThreshold()
		thresholds = append(thresholds, t)
		for i, p := range pairs {
			if fold[i] == f {
				correct[i] = p.similarity != unmatched && (p.similarity >= t) == p.same
			}
		}
	}
	return correct, thresholds
}

// foldsOf cuts genuine and impostor pairs, each in the order of the list, into ten equal stretches: in LFW's lists the
// pairs of one person follow each other, so that hardly anyone is in two folds.
func foldsOf(pairs []pair) []int {
	var count, seen [2]int
	class := func(p pair) int {
		if p.same {
			return 1
		}
		return 0
	}
	for _, p := range pairs {
		count[class(p)]++
	}
	out := make([]int, len(pairs))
	for i, p := range pairs {
		c := class(p)
		out[i] = seen[c] * folds / count[c]
		seen[c]++
	}
	return out
}

// bestThreshold is the middle of the widest gap between neighbouring similarities at which most pairs are decided rightly.
func (s scores) bestThreshold() float64 {
	all := slices.Concat(s.genuine, s.impostor)
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) == 0 {
		return 0
	}
	best, width, at := -1, 0.0, all[0]
	for i, v := range all {
		low, gap := v, 0.0
		if i > 0 {
			low = (all[i-1] + v) / 2
			gap = v - all[i-1]
		}
		right := atLeast(s.genuine, v) + len(s.impostor) - atLeast(s.impostor, v)
		if right > best || right == best && gap > width {
			best, width, at = right, gap, low
		}
	}
	if len(s.impostor) > best { // to accept nobody is better still
		at = math.Nextafter(all[len(all)-1], math.Inf(1))
	}
	return at
}
