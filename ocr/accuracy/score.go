package accuracy

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Score is the result of one page.
type Score struct {
	Characters int // of the normalised truth
	Edits      Edits
	Lines      int // of the truth
	LinesExact int // of them, read without any error
}

// CER is the character error rate, edits per character of the truth. It can exceed 1 when much was read that is not
// there. On a page without text it is 0 when nothing was read, else 1 per page: +Inf would spoil every mean.
func (s Score) CER() float64 {
	if s.Characters == 0 {
		return float64(min(s.Edits.Total(), 1))
	}
	return float64(s.Edits.Total()) / float64(s.Characters)
}

// Page compares the lines of one page, both in reading order.
//
// Characters are compared over the whole page, its lines joined and normalised: a line that was split or joined costs
// nothing, one that was read in the wrong place costs its length twice. Lines are exact when an equal line (normalised)
// was read anywhere on the page; each read line vouches for one.
func Page(truth, read []string) Score {
	want, got := Normalize(strings.Join(truth, "\n")), Normalize(strings.Join(read, "\n"))
	s := Score{Characters: len([]rune(want)), Edits: Distance(want, got)}
	available := map[string]int{}
	for _, l := range read {
		available[Normalize(l)]++
	}
	for _, l := range truth {
		l = Normalize(l)
		if l == "" {
			continue
		}
		s.Lines++
		if available[l] > 0 {
			available[l]--
			s.LinesExact++
		}
	}
	return s
}

// Interval is an estimate with its 95 % confidence interval.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Summary is the result over pages. Rates are pooled: all edits by all characters, not the mean of the pages' rates.
type Summary struct {
	Pages         int      `json:"pages"`
	Characters    int      `json:"characters"`
	Lines         int      `json:"lines"`
	Substitutions int      `json:"substitutions"`
	Insertions    int      `json:"insertions"`
	Deletions     int      `json:"deletions"`
	CER           Interval `json:"cer"`
	LinesExact    Interval `json:"lines_exact"` // share of the lines, 0..1
	Worst         float64  `json:"worst_page_cer"`
}

// resamples of the bootstrap: the interval's ends then vary by about a tenth of its width between seeds.
const resamples = 2000

// Summarize pools pages. The intervals are percentile bootstrap intervals over pages (B. Efron, 1979), since errors on
// one page depend on each other; the seed is fixed, so that the same scores give the same figures. With one page there is
// no interval: Low and High equal Value.
func Summarize(pages []Score) Summary {
	sum := Summary{Pages: len(pages)}
	var all pool
	for _, p := range pages {
		all.add(p)
		sum.Substitutions += p.Edits.Substitutions
		sum.Insertions += p.Edits.Insertions
		sum.Deletions += p.Edits.Deletions
		sum.Worst = max(sum.Worst, p.CER())
	}
	sum.Characters, sum.Lines = all.characters, all.lines
	sum.CER, sum.LinesExact = point(all.cer()), point(all.exactShare())
	if len(pages) < 2 {
		return sum
	}
	random := rand.New(rand.NewPCG(1, 1))
	cer, exact := make([]float64, resamples), make([]float64, resamples)
	for i := range resamples {
		var sample pool
		for range pages {
			sample.add(pages[random.IntN(len(pages))])
		}
		cer[i], exact[i] = sample.cer(), sample.exactShare()
	}
	sum.CER.Low, sum.CER.High = percentiles(cer)
	sum.LinesExact.Low, sum.LinesExact.High = percentiles(exact)
	return sum
}

func point(v float64) Interval { return Interval{v, v, v} }

func percentiles(v []float64) (low, high float64) {
	slices.Sort(v)
	at := func(q float64) float64 { return v[int(math.Round(q*float64(len(v)-1)))] }
	return at(0.025), at(0.975)
}

type pool struct{ characters, edits, lines, exact int }

func (p *pool) add(s Score) {
	p.characters += s.Characters
	p.edits += s.Edits.Total()
	p.lines += s.Lines
	p.exact += s.LinesExact
}

func (p *pool) cer() float64 {
	if p.characters == 0 {
		return float64(min(p.edits, 1))
	}
	return float64(p.edits) / float64(p.characters)
}

// exactShare is 1 without lines: nothing was misread.
func (p *pool) exactShare() float64 {
	if p.lines == 0 {
		return 1
	}
	return float64(p.exact) / float64(p.lines)
}
