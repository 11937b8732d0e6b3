package calibration

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/courtsense/courtsense/vision/face"
)

// Bounds of [Measure].
const (
	minPeople   = 20
	maxPictures = 20_000 // their 200 million comparisons take 400 MB
)

const (
	bins       = 8192 // of similarity from -1 to 1: a step changes the rates of a tail by about half a percent
	replicates = 500  // of the bootstrap: the interval's ends then vary by about a tenth of its width between seeds
	perDecade  = 20   // points of the curve
)

// sampled is the bins of all comparisons of different people, in the order of their pairs.
type sampled struct {
	sizes []int    // pictures of each person
	bins  []uint16 // for person i, for person j > i, for each picture of i, for each of j
}

// Measure compares the pictures of each person with those of every other. A pair of people counts once however many
// pictures there are of them (their comparisons share its weight), so that nobody weighs more for being photographed
// often. The intervals are percentiles of a bootstrap that draws people, not pairs (R. M. Bolle et al., Error analysis of
// pattern recognition systems - the subsets bootstrap, CVIU 93, 2004): a person who resembles many is in many pairs at once.
// The seed is fixed: the same templates give the same curve. Names are the caller's to fill in.
//
// An error means too few people, too many pictures, or templates of different lengths.
func Measure(people [][]face.Template) (*Curve, error) {
	people = slices.DeleteFunc(slices.Clone(people), func(p []face.Template) bool { return len(p) == 0 })
	pictures, dimensions := 0, 0
	for _, person := range people {
		pictures += len(person)
		for _, t := range person {
			if dimensions == 0 {
				dimensions = len(t)
			}
			if len(t) != dimensions || dimensions == 0 {
				return nil, fmt.Errorf("calibration: templates of %d and of %d values can't be compared", dimensions, len(t))
			}
		}
	}
	switch {
	case len(people) < minPeople:
		return nil, fmt.Errorf("calibration: %d people with a usable face; it takes at least %d", len(people), minPeople)
	case pictures > maxPictures:
		return nil, fmt.Errorf("calibration: %d pictures; at most %d can be compared with each other", pictures, maxPictures)
	}
	s := compareAll(people)
	n := len(people)
	c := &Curve{Data: Data{
		People: n, Pictures: pictures, PeoplePairs: int64(n) * int64(n-1) / 2, PicturePairs: int64(len(s.bins)),
	}}
	whole := make([]uint8, n)
	for i := range whole {
		whole[i] = 1
	}
	rates := s.rates(whole, make([]float64, bins+1))
	edges := chooseEdges(rates, MinErrors/float64(c.Data.PeoplePairs))
	drawn := s.bootstrap(edges)
	for k, edge := range edges {
		at := func(q float64) float64 { return drawn[k][int(math.Round(q*(replicates-1)))] }
		// A percentile interval of a few hundred draws can miss its own estimate by a hair.
		c.Points = append(c.Points, Point{
			Similarity: float64(edge)*2/bins - 1, FMR: rates[edge],
			Lower: min(at(0.025), rates[edge]), Upper: max(at(0.975), rates[edge]),
		})
	}
	return c, nil
}

// compareAll computes every comparison's bin.
func compareAll(people [][]face.Template) sampled {
	s := sampled{sizes: make([]int, len(people))}
	after := make([]int, len(people)+1) // pictures of the people from i on
	for i := len(people) - 1; i >= 0; i-- {
		s.sizes[i] = len(people[i])
		after[i] = after[i+1] + len(people[i])
	}
	starts := make([]int, len(people)+1) // of person i's comparisons
	for i := range people {
		starts[i+1] = starts[i] + s.sizes[i]*after[i+1]
	}
	s.bins = make([]uint16, starts[len(people)])
	parallel(len(people), func(i int) {
		at := starts[i]
		for j := i + 1; j < len(people); j++ {
			for _, a := range people[i] {
				for _, b := range people[j] {
					s.bins[at] = uint16(min(max((dot(a, b)+1)*(bins/2), 0), bins-1))
					at++
				}
			}
		}
	})
	return s
}

func dot(a, b face.Template) float32 {
	var s0, s1, s2, s3 float32
	i := 0
	for ; i+4 <= len(a) && i+4 <= len(b); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}

// rates returns, for each edge k between bins, the share of pairs of people with similarity k*2/bins-1 or more, where
// person i was drawn times[i] times. out has bins+1 places, which are overwritten.
func (s sampled) rates(times []uint8, out []float64) []float64 {
	clear(out)
	at := 0
	var total float64
	for i, size := range s.sizes {
		if times[i] == 0 {
			for j := i + 1; j < len(s.sizes); j++ {
				at += size * s.sizes[j]
			}
			continue
		}
		for j := i + 1; j < len(s.sizes); j++ {
			count := size * s.sizes[j]
			if times[j] > 0 {
				pair := float64(times[i]) * float64(times[j])
				total += pair
				for _, b := range s.bins[at : at+count] {
					out[b] += pair / float64(count)
				}
			}
			at += count
		}
	}
	sum := 0.0
	for k := bins - 1; k >= 0; k-- {
		sum += out[k]
		out[k] = min(sum/total, 1)
	}
	return out
}

// bootstrap returns the sorted rates at each edge over draws of people with replacement.
func (s sampled) bootstrap(edges []int) [][]float64 {
	drawn := make([][]float64, len(edges))
	for k := range drawn {
		drawn[k] = make([]float64, replicates)
	}
	n := len(s.sizes)
	parallel(replicates, func(r int) {
		random := rand.New(rand.NewPCG(1, uint64(r)))
		times := make([]uint8, n)
		for range n {
			if i := random.IntN(n); times[i] < math.MaxUint8 {
				times[i]++
			}
		}
		rates := s.rates(times, make([]float64, bins+1))
		for k, edge := range edges {
			drawn[k][r] = rates[edge]
		}
	})
	for _, d := range drawn {
		slices.Sort(d)
	}
	return drawn
}

// chooseEdges returns the edges at which the rate first falls to 1, 10^-1/20, 10^-2/20 and so on, down to lowest.
func chooseEdges(rates []float64, lowest float64) []int {
	last := 0
	for last+1 < bins && rates[last+1] >= 1-1e-9 {
		last++
	}
	edges := []int{last}
	for step := 1; ; step++ {
		level := math.Pow(10, -float64(step)/perDecade)
		edge := last
		for edge < bins && rates[edge] > level {
			edge++
		}
		if edge >= bins || rates[edge] < lowest {
			return edges
		}
		if edge > last && rates[edge] < rates[last] {
			edges, last = append(edges, edge), edge
		}
	}
}

// parallel calls work for 0 to n-1 on all CPUs that Go uses.
func parallel(n int, work func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
