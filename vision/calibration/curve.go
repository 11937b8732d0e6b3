package calibration

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// MinErrors and MaxFactor are what a rate must have behind it to be decided at: so many pairs of strangers among those
// measured must be expected to pass, and neither end of the 95 % interval may be further from the rate than the factor.
// With ten errors a rate is known to about 30 % (J. A. Hanley and A. Lippman-Hand's rule of three, JAMA 1983, is the case of
// none); the factor also counts what is common to the pairs of one person.
const (
	MinErrors = 10
	MaxFactor = 2.0
)

// ErrUnsupported is the error of a rate that the data can't support.
var ErrUnsupported = errors.New("the calibration data can't support this false match rate")

// Rate is a false match rate with its 95 % confidence interval, all 0 to 1.
type Rate struct{ Rate, Lower, Upper float64 }

// Point of a curve: of the pairs of strangers that were compared, the share FMR had this similarity or more.
type Point struct {
	Similarity float64 `json:"similarity"` // cosine, -1 to 1
	FMR        float64 `json:"fmr"`
	Lower      float64 `json:"lower"` // of the 95 % interval
	Upper      float64 `json:"upper"`
}

// Model names the weights that a curve was measured with.
type Model struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// Data names what a curve was measured on.
type Data struct {
	Name         string `json:"name"`
	People       int    `json:"people"`
	Pictures     int    `json:"pictures"`
	PeoplePairs  int64  `json:"people_pairs"`  // pairs of different people; each weighs the same
	PicturePairs int64  `json:"picture_pairs"` // comparisons of pictures of different people
	Left         int    `json:"left_out"`      // pictures without a usable face
}

// String writes the data as a rate's source is named: "lfw-train: 1,580,753 pairs of 1,778 people".
func (d Data) String() string {
	return fmt.Sprintf("%s: %s pairs of %s people", d.Name, thousands(d.PeoplePairs), thousands(int64(d.People)))
}

// Curve is a model's calibration. It is not changed once made, so safe for concurrent use.
type Curve struct {
	Model    Model `json:"model"`    // whose templates were compared
	Detector Model `json:"detector"` // that found the faces and their landmarks
	// Landmarks is the model whose points placed the crops instead of the detector's; nil: none did.
	Landmarks *Model  `json:"landmarks,omitempty"`
	Data      Data    `json:"data"`
	Points    []Point `json:"points"` // similarity rises, FMR falls

	sha256 string // of the file that the curve was read from
}

// SHA256 is the hash of the file that the curve was read from, 64 lower-case hexadecimal digits; "" for one just measured.
func (c *Curve) SHA256() string { return c.sha256 }

// FMR returns the rate at which strangers reach a similarity. Above the last point the data say only that it is no more
// than there: the rate and the upper end are that point's, the lower end is 0. NaN gives the rate 1.
func (c *Curve) FMR(similarity float64) Rate {
	i, _ := slices.BinarySearchFunc(c.Points, similarity, func(p Point, s float64) int {
		switch {
		case p.Similarity < s:
			return -1
		case p.Similarity > s:
			return 1
		}
		return 0
	})
	switch first, last := c.Points[0], c.Points[len(c.Points)-1]; {
	case !(similarity > first.Similarity):
		return Rate{1, first.Lower, 1}
	case i == len(c.Points):
		return Rate{last.FMR, 0, last.Upper}
	}
	a, b := c.Points[i-1], c.Points[i]
	at := (similarity - a.Similarity) / (b.Similarity - a.Similarity)
	rate := geometric(a.FMR, b.FMR, at)
	// The lower end as a share of the rate: an end that falls to 0 goes in even steps, and the steps themselves would stay
	// above a rate that falls steeply. Rounding may still put an end on the wrong side by a digit.
	lower := rate * min(geometric(a.Lower/a.FMR, b.Lower/b.FMR, at), 1)
	return Rate{rate, lower, max(geometric(a.Upper, b.Upper, at), rate)}
}

// geometric goes from a (at 0) to b (at 1) in even ratios, as rates in a tail do; where one is 0, in even steps.
func geometric(a, b, at float64) float64 {
	if a <= 0 || b <= 0 {
		return a + at*(b-a)
	}
	return a * math.Pow(b/a, at)
}

// Threshold returns the least similarity that strangers reach no more often than fmr. The error is [ErrUnsupported] with
// the lowest rate that the data support.
func (c *Curve) Threshold(fmr float64) (float32, error) {
	if lowest := c.Lowest(); !(fmr >= lowest && fmr < 1) {
		return 0, fmt.Errorf("%w: %.3g; the lowest that %s support is %.2g", ErrUnsupported, fmr, c.Data, lowest)
	}
	return float32(c.at(fmr)), nil
}

// at solves FMR(s) = fmr for a rate within the curve.
func (c *Curve) at(fmr float64) float64 {
	for i := 1; i < len(c.Points); i++ {
		a, b := c.Points[i-1], c.Points[i]
		if b.FMR <= fmr {
			return a.Similarity + (b.Similarity-a.Similarity)*min(max(math.Log(fmr/a.FMR)/math.Log(b.FMR/a.FMR), 0), 1)
		}
	}
	return c.Points[len(c.Points)-1].Similarity
}

// Lowest returns the lowest rate that the data support, by [MinErrors] and [MaxFactor]; 1 when they support none.
func (c *Curve) Lowest() float64 {
	lowest := 1.0
	for _, p := range c.Points[1:] {
		if p.FMR*float64(c.Data.PeoplePairs) < MinErrors || p.Upper > MaxFactor*p.FMR || p.Lower < p.FMR/MaxFactor {
			break
		}
		lowest = p.FMR
	}
	return lowest
}

// Extrapolate returns a threshold for a rate below [Curve.Lowest], which nothing measured backs: log FMR goes on as
// straight as over the last decade that is supported. Tails of similarities fall ever faster, so that the true rate is likely lower;
// but wrong labels and look-alikes in the data, or people unlike those in it, can make it higher. The threshold may be above
// 1, which accepts nobody.
func (c *Curve) Extrapolate(fmr float64) float32 {
	low := c.Lowest()
	high := min(10*low, c.Points[0].FMR)
	end, start := c.at(low), c.at(high)
	slope := math.Log(high/low) / max(end-start, 1e-6)
	return float32(end + math.Log(low/max(fmr, math.SmallestNonzeroFloat64))/slope)
}

func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
