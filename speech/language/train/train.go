package train

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/courtsense/courtsense/speech/language"
)

// Limits of training.
const (
	MaxCharacters = 500_000_000 // of a source; a character takes some 100 bytes of memory while it is counted
	MaxSources    = 16
	MinSize       = 64 << 10 // bytes of a file
)

// Config says what model to make.
type Config struct {
	About string // what it is and where it comes from
	Order int    // longest run of characters, 1 to [language.MaxOrder]; 0: 4
	Size  int    // bytes that the file may have; 0: 12 MiB

	// Cutoffs are how often n-grams of 2, 3, ... characters must occur to be kept for their own sake; the last one goes for
	// longer ones too. Empty: 1.
	Cutoffs []int
	// RareCharacter is how often a character must occur to be known; 0: 2.
	RareCharacter int
	// Tune is text that the sources' weights are fitted to where they have none. Nil: one paragraph in 50 of each source, which
	// is then left out of the counts; every source counts alike.
	Tune iter.Seq[string]

	Progress func(stage string, done float64) // done: 0..1
}

// Report says what was made.
type Report struct {
	Sources []SourceReport
	Entries []int // n-grams of each length that were kept, from 1
	Counted []int // and that occurred
	Size    int   // bytes
}

// SourceReport says what one source gave.
type SourceReport struct {
	Name       string
	Characters int
	Weight     float64 // share in the mixture, 0..1
}

// Train makes the content of a model's file. The error is the end of ctx, a setting that is out of range, or text that
// can't be learnt from.
func Train(ctx context.Context, sources []Source, c Config) ([]byte, Report, error) {
	if c.Order == 0 {
		c.Order = 4
	}
	if c.Size == 0 {
		c.Size = 12 << 20
	}
	if c.RareCharacter == 0 {
		c.RareCharacter = 2
	}
	if c.Progress == nil {
		c.Progress = func(string, float64) {}
	}
	weighted, err := check(sources, c)
	if err != nil {
		return nil, Report{}, err
	}
	corpora, tune, err := read(ctx, sources, c, !weighted && len(sources) > 1)
	if err != nil {
		return nil, Report{}, err
	}
	v, err := enumerate(corpora, c)
	if err != nil {
		return nil, Report{}, err
	}
	models := make([]model, len(corpora))
	for k, one := range corpora {
		share := func(done float64) { c.Progress("counting", (float64(k)+done)/float64(len(corpora))) }
		tables, err := count(ctx, v, one, c.Order, share)
		if err != nil {
			return nil, Report{}, err
		}
		if err := smooth(ctx, v, tables); err != nil {
			return nil, Report{}, err
		}
		models[k] = model{tables, unknown(tables[1])}
	}
	weights := make([]float64, len(corpora))
	for k, one := range corpora {
		weights[k] = one.weight
	}
	if !weighted {
		c.Progress("weighing", 0)
		if weights, err = fit(ctx, v, models, tune); err != nil {
			return nil, Report{}, err
		}
	}
	return assemble(ctx, v, models, weights, corpora, c)
}

func check(sources []Source, c Config) (weighted bool, err error) {
	switch {
	case len(sources) == 0:
		return false, errors.New("there are no texts to learn from")
	case len(sources) > MaxSources:
		return false, fmt.Errorf("%d sources of text, the limit is %d", len(sources), MaxSources)
	case c.Order < 1 || c.Order > language.MaxOrder:
		return false, fmt.Errorf("n-grams of %d characters: want 1 to %d", c.Order, language.MaxOrder)
	case c.Size < MinSize || c.Size > language.MaxSize:
		return false, fmt.Errorf("a file of %d bytes: want %d to %d", c.Size, MinSize, language.MaxSize)
	case c.RareCharacter < 1:
		return false, fmt.Errorf("a character known from %d occurrences on: want 1 or more", c.RareCharacter)
	}
	for _, n := range c.Cutoffs {
		if n < 1 {
			return false, fmt.Errorf("cut-off %d: want 1 or more", n)
		}
	}
	sum := 0.0
	for _, s := range sources {
		if !(s.Weight >= 0) || math.IsInf(s.Weight, 1) {
			return false, fmt.Errorf("%s: weight %v: want 0 or more", s.Name, s.Weight)
		}
		sum += s.Weight
	}
	return sum > 0, nil
}

func read(ctx context.Context, sources []Source, c Config, fit bool) (corpora, tune []corpus, err error) {
	characters := 0
	for k, s := range sources {
		read := func(n int) {
			characters += n
			if characters>>20 != (characters-n)>>20 {
				c.Progress(fmt.Sprintf("reading, %d million characters", characters>>20), float64(k)/float64(len(sources)))
			}
		}
		one, held, err := readCorpus(ctx, s, fit && c.Tune == nil, read)
		if err != nil {
			return nil, nil, err
		}
		if len(one.text) == 0 {
			return nil, nil, fmt.Errorf("%s holds no Chinese characters or Latin letters", s.Name)
		}
		corpora, tune = append(corpora, one), append(tune, held)
	}
	if fit && c.Tune != nil {
		one, _, err := readCorpus(ctx, Source{Name: "held-out text", Texts: c.Tune}, false, func(int) {})
		if err != nil {
			return nil, nil, err
		}
		tune = []corpus{one}
	}
	return corpora, tune, nil
}

// enumerate chooses the characters that are known. N-grams are numbers of 64 bits; where the texts have too many characters for
// that, the rarest are not known.
func enumerate(corpora []corpus, c Config) (vocabulary, error) {
	for least := c.RareCharacter; ; least++ {
		v := newVocabulary(corpora, least)
		if len(v.characters) == 0 {
			return v, fmt.Errorf("no character occurs %d times: too little text", least)
		}
		if float64(c.Order)*math.Log2(float64(v.base)) < 64 {
			return v, nil
		}
	}
}

// maxTune is how many characters of each held-out text weights are fitted to.
const maxTune = 100_000

// fit finds the weights by expectation maximisation.
func fit(ctx context.Context, v vocabulary, models []model, tune []corpus) ([]float64, error) {
	weights := make([]float64, len(models))
	for k := range weights {
		weights[k] = 1 / float64(len(models))
	}
	if len(models) == 1 {
		return weights, nil
	}
	order := len(models[0].tables) - 1
	var places [][]float64 // probabilities by source
	var shares []float64   // each text counts as much as the others
	for _, t := range tune {
		before := len(places)
	text:
		for tokens := range v.sentences(t) {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			for i := 1; i < len(tokens); i++ {
				n := min(order, i+1)
				p := make([]float64, len(models))
				for k, m := range models {
					p[k] = math.Exp(float64(score(v, m.tables, number(tokens[i+1-n:i+1], v.base), n, m.unknown)))
				}
				places = append(places, p)
				if len(places)-before >= maxTune {
					break text
				}
			}
		}
		for range len(places) - before {
			shares = append(shares, 1/float64(len(places)-before))
		}
	}
	if len(places) == 0 {
		return nil, errors.New("no text is left to find the sources' weights with: name them")
	}
	for range 60 {
		next := make([]float64, len(models))
		for i, p := range places {
			sum := 0.0
			for k := range p {
				sum += weights[k] * p[k]
			}
			for k := range p {
				next[k] += shares[i] * weights[k] * p[k] / sum
			}
		}
		total := 0.0
		for _, w := range next {
			total += w
		}
		for k := range next {
			weights[k] = next[k] / total
		}
	}
	return weights, nil
}

func assemble(ctx context.Context, v vocabulary, models []model, weights []float64, corpora []corpus, c Config) ([]byte, Report, error) {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	var r Report
	for k, one := range corpora {
		weights[k] /= total
		r.Sources = append(r.Sources, SourceReport{one.name, len(one.text), weights[k]})
	}
	all, err := mix(ctx, v, models, weights, func(done float64) { c.Progress("mixing", done) })
	if err != nil {
		return nil, r, err
	}
	c.Progress("pruning", 0)
	if err := prune(ctx, v, all, c.Cutoffs, c.Size-len(c.About)-4096); err != nil {
		return nil, r, err
	}
	c.Progress("writing", 0)
	r.Entries, r.Counted = make([]int, c.Order), make([]int, c.Order)
	known, characters := 0.0, 0
	for i, key := range all[1].keys {
		all[1].keep[i] = key != tokenOther
		if key != tokenOther {
			known += math.Exp(float64(all[1].logp[i]))
		}
		if key >= firstToken {
			characters++
		}
	}
	b, err := language.Build(c.About, c.Order, rest(known, characters), func(yield func(language.Entry) bool) {
		for n := 1; n <= c.Order; n++ {
			x := all[n]
			r.Counted[n-1] = len(x.keys)
			for i, kept := range x.keep {
				if !kept {
					continue
				}
				r.Entries[n-1]++
				text, ok := v.text(x.keys[i], n)
				if ok && !yield(language.Entry{Text: text, LogP: min(0, x.logp[i]), Backoff: x.backoff[i]}) {
					return
				}
			}
		}
	})
	r.Size = len(b)
	return b, r, err
}
