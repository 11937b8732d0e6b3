package calibration

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/vision/face"
)

// crowd draws people around a common mean direction, as real templates are, each with a few pictures near their own place.
func crowd(random *rand.Rand, people, dimensions int) [][]face.Template {
	out := make([][]face.Template, people)
	for i := range out {
		own := make([]float64, dimensions)
		for k := range own {
			own[k] = random.NormFloat64() + 0.3
		}
		for range 1 + random.IntN(3) {
			t := make(face.Template, dimensions)
			var norm float64
			for k := range t {
				v := own[k] + 0.5*random.NormFloat64()
				t[k] = float32(v)
				norm += v * v
			}
			for k := range t {
				t[k] /= float32(math.Sqrt(norm))
			}
			out[i] = append(out[i], t)
		}
	}
	return out
}

func measured(t *testing.T, seed uint64, people int) *Curve {
	t.Helper()
	c, err := Measure(crowd(rand.New(rand.NewPCG(seed, 9)), people, 32))
	require.NoError(t, err)
	c.Model = Model{"model", "1", strings.Repeat("ab", 32)}
	c.Data.Name = "crowd"
	return c
}

// share counts directly: of pairs of people, each weighing the same, the share of comparisons at t or above.
func share(people [][]face.Template, t float32) float64 {
	var sum, pairs float64
	for i := range people {
		for j := i + 1; j < len(people); j++ {
			pairs++
			for _, a := range people[i] {
				for _, b := range people[j] {
					if face.Similarity(a, b) >= t {
						sum += 1 / float64(len(people[i])*len(people[j]))
					}
				}
			}
		}
	}
	return sum / pairs
}

func TestACurveSaysWhatCountingSays(t *testing.T) {
	people := crowd(rand.New(rand.NewPCG(1, 9)), 120, 32)
	c, err := Measure(people)
	require.NoError(t, err)
	assert.Equal(t, 120, c.Data.People)
	assert.EqualValues(t, 120*119/2, c.Data.PeoplePairs)
	for _, fmr := range []float64{0.5, 0.1, 0.03, 0.01} {
		threshold, err := c.Threshold(fmr)
		require.NoError(t, err)
		assert.InEpsilon(t, fmr, share(people, threshold), 0.08, "the threshold for %g", fmr)
		r := c.FMR(float64(threshold))
		assert.InEpsilon(t, fmr, r.Rate, 0.001)
		assert.Less(t, r.Lower, fmr)
		assert.Greater(t, r.Upper, fmr)
	}
	assert.Equal(t, 1.0, c.FMR(-1).Rate)
	assert.Equal(t, 1.0, c.FMR(math.NaN()).Rate, "what is no number proves nothing")
	last := c.Points[len(c.Points)-1]
	assert.Equal(t, Rate{last.FMR, 0, last.Upper}, c.FMR(1), "beyond the data only a bound is known")
}

// TestWhatIsPromisedIsKept: thresholds from some people hold for others of the same kind, within the intervals.
func TestWhatIsPromisedIsKept(t *testing.T) {
	known, unseen := measured(t, 1, 300), measured(t, 2, 300)
	for _, fmr := range []float64{1e-1, 1e-2, 1e-3} {
		threshold, err := known.Threshold(fmr)
		require.NoError(t, err)
		got := unseen.FMR(float64(threshold)).Rate
		assert.InDelta(t, 0, math.Log(got/fmr), math.Log(1.6), "promised %g, measured %g", fmr, got)
	}
}

func TestRatesThatTheDataCannotSupportAreRefused(t *testing.T) {
	c := measured(t, 1, 60) // 1,770 pairs of people: 10 errors are 0.0056
	for _, fmr := range []float64{1e-3, 1e-6, 0, -1, 1, math.NaN(), math.Inf(1)} {
		_, err := c.Threshold(fmr)
		require.ErrorIs(t, err, ErrUnsupported, "%g", fmr)
	}
	assert.GreaterOrEqual(t, c.Lowest()*float64(c.Data.PeoplePairs), float64(MinErrors))
	_, err := c.Threshold(0.001)
	assert.Contains(t, err.Error(), "crowd: 1,770 pairs of 60 people")
	_, err = c.Threshold(c.Lowest())
	require.NoError(t, err)

	wide := *c
	wide.Points = append([]Point(nil), c.Points...)
	for i := 20; i < len(wide.Points); i++ {
		wide.Points[i].Upper = 3 * wide.Points[i].FMR
	}
	assert.Equal(t, wide.Points[19].FMR, wide.Lowest(), "an interval wider than the factor ends what is supported")
	for i := range wide.Points {
		wide.Points[i].Lower, wide.Points[i].Upper = 0, 1
	}
	assert.Equal(t, 1.0, wide.Lowest())
	_, err = wide.Threshold(0.5)
	require.ErrorIs(t, err, ErrUnsupported)
}

func TestExtrapolationIsStricterThanWhatIsKnown(t *testing.T) {
	c := measured(t, 1, 300)
	lowest, err := c.Threshold(c.Lowest())
	require.NoError(t, err)
	before := lowest
	for _, fmr := range []float64{1e-5, 1e-6, 1e-8, 1e-12, 0} {
		at := c.Extrapolate(fmr)
		assert.Greater(t, at, before, "%g", fmr)
		before = at
	}
}

func TestMeasuringNeedsPeopleAndTemplatesOfOneKind(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	_, err := Measure(crowd(random, minPeople-1, 8))
	require.ErrorContains(t, err, "19 people")
	mixed := crowd(random, 30, 8)
	mixed[7][0] = mixed[7][0][:5]
	_, err = Measure(mixed)
	require.ErrorContains(t, err, "can't be compared")
	_, err = Measure(append(crowd(random, 25, 8), make([]face.Template, maxPictures+1)))
	require.Error(t, err)
	_, err = Measure(nil)
	require.Error(t, err)
}

func TestNobodyCountsMoreForBeingPhotographedOften(t *testing.T) {
	people := crowd(rand.New(rand.NewPCG(3, 9)), 60, 32)
	once, err := Measure(people)
	require.NoError(t, err)
	for range 5 {
		people[0] = append(people[0], people[0]...)
	}
	often, err := Measure(people)
	require.NoError(t, err)
	assert.Equal(t, once.Points, often.Points)
}

func TestMeasuringIsRepeatable(t *testing.T) {
	assert.Equal(t, measured(t, 4, 80), measured(t, 4, 80))
}

func TestAFileIsReadAsItWasWritten(t *testing.T) {
	c := measured(t, 1, 100)
	var b bytes.Buffer
	require.NoError(t, c.Write(&b))
	read, err := Parse(b.Bytes())
	require.NoError(t, err)
	assert.Len(t, read.SHA256(), 64)
	assert.Equal(t, c.Data, read.Data)
	require.Len(t, read.Points, len(c.Points))
	for _, fmr := range []float64{0.3, 0.02} {
		a, err := c.Threshold(fmr)
		require.NoError(t, err)
		b, err := read.Threshold(fmr)
		require.NoError(t, err)
		assert.InDelta(t, a, b, 1e-3)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, measured(t, 1, 100).Write(&b))
	good := b.String()
	for name, c := range map[string]struct{ text, want string }{
		"empty":         {"", "EOF"},
		"no JSON":       {"hello", "invalid character"},
		"another":       {strings.Replace(good, format, "courtsense.face-calibration.v9", 1), "its format is"},
		"unknown field": {strings.Replace(good, `"version"`, `"release"`, 1), "unknown field"},
		"two objects":   {good + "{}", "follows"},
		"no hash":       {strings.Replace(good, strings.Repeat("ab", 32), "abc", 1), "SHA-256"},
		"no name":       {strings.Replace(good, `"crowd"`, `""`, 1), "name its data"},
		"wrong counts":  {strings.Replace(good, `"people": 100`, `"people": 99`, 1), "do not fit"},
		"not falling":   {strings.Replace(good, `"fmr": 0.1`, `"fmr": 0.9`, 1), "point"},
		"too large":     {good + strings.Repeat(" ", maxFile), "at most"},
		"cut short":     {good[:len(good)/2], "EOF"},
	} {
		_, err := Parse([]byte(c.text))
		require.ErrorContains(t, err, c.want, name)
	}
	unnamed := measured(t, 1, 100)
	unnamed.Model = Model{}
	require.Error(t, unnamed.Write(&bytes.Buffer{}), "a file that could not be read is not written")
}

func TestASetKnowsModelsByTheirWeights(t *testing.T) {
	set, err := Embedded()
	require.NoError(t, err)
	weights := strings.Repeat("ab", 32)
	_, ok := set.For(weights)
	assert.False(t, ok)
	_, ok = set.For("")
	assert.False(t, ok)

	var b bytes.Buffer
	require.NoError(t, measured(t, 1, 100).Write(&b))
	with, err := set.With(fstest.MapFS{"model.json": {Data: b.Bytes()}, "README.md": {Data: []byte("no calibration")}})
	require.NoError(t, err)
	c, ok := with.For(weights)
	require.True(t, ok)
	assert.Equal(t, "model", c.Model.ID)
	_, ok = set.For(weights)
	assert.False(t, ok, "the set that was extended is as it was")
	_, err = set.With(fstest.MapFS{"broken.json": {Data: []byte("{")}})
	require.ErrorContains(t, err, "broken.json")
	var none *Set
	_, ok = none.For(weights)
	assert.False(t, ok)
}

// TestRatesFallAndThresholdsRise holds for every curve that can be read.
func TestRatesFallAndThresholdsRise(t *testing.T) {
	c := measured(t, 1, 150)
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(-1.2, 1.2).Draw(t, "a"), rapid.Float64Range(-1.2, 1.2).Draw(t, "b")
		low, high := c.FMR(min(a, b)), c.FMR(max(a, b))
		if low.Rate < high.Rate || low.Upper < high.Upper {
			t.Fatalf("%v at %g, %v at %g", low, min(a, b), high, max(a, b))
		}
		if !(low.Lower <= low.Rate && low.Rate <= low.Upper && low.Upper <= 1 && low.Lower >= 0) {
			t.Fatalf("%v at %g", low, min(a, b))
		}
	})
}

// TestAnIntervalHoldsItsRateBetweenPoints: an end at 0 can't be followed in ratios, the rate beside it is.
func TestAnIntervalHoldsItsRateBetweenPoints(t *testing.T) {
	c := &Curve{Points: []Point{{0, 0.5, 0.45, 0.6}, {0.5, 1e-9, 0, 1e-8}, {1, 1e-10, 1e-10, 1e-10}}}
	for s := 0.01; s < 1; s += 0.01 {
		r := c.FMR(s)
		assert.LessOrEqual(t, r.Lower, r.Rate, "at %g", s)
		assert.GreaterOrEqual(t, r.Upper, r.Rate, "at %g", s)
		assert.GreaterOrEqual(t, r.Lower, 0.0, "at %g", s)
	}
	near := c.FMR(0.001)
	assert.InDelta(t, 0.45, near.Lower, 0.03, "beside a point the interval is that point's")
}

func FuzzParse(f *testing.F) {
	var b bytes.Buffer
	c, err := Measure(crowd(rand.New(rand.NewPCG(1, 9)), 30, 8))
	if err != nil {
		f.Fatal(err)
	}
	c.Model, c.Data.Name = Model{"model", "1", strings.Repeat("ab", 32)}, "crowd"
	if err := c.Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := Parse(content)
		if err != nil {
			return
		}
		for _, s := range []float64{-2, -1, 0, 0.3, 1, 2} {
			if r := c.FMR(s); !(0 <= r.Lower && r.Lower <= r.Rate && r.Rate <= r.Upper && r.Upper <= 1) {
				t.Fatalf("FMR(%g) = %v", s, r)
			}
		}
		if lowest := c.Lowest(); lowest < 1 {
			if _, err := c.Threshold(lowest); err != nil {
				t.Fatal(err)
			}
		}
		if v := c.Extrapolate(1e-9); math.IsNaN(float64(v)) {
			t.Fatal("an extrapolated threshold is no number")
		}
		var out bytes.Buffer
		if err := c.Write(&out); err == nil && !json.Valid(out.Bytes()) {
			t.Fatal("not JSON")
		}
	})
}
