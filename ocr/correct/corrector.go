package correct

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/charlm"
)

// Corrector chooses among a recogniser's readings. It is safe for concurrent use.
type Corrector struct {
	model  *Model
	config Config
}

// Candidates is how many readings of a symbol are looked at, more than answers hold: what a spoilt character was is often
// none of the first five.
const Candidates = 16

// New returns a corrector that decides by the numbers of c; see [Tuned].
func New(m *Model, c Config) *Corrector { return &Corrector{m, c} }

// Correct changes the symbols, words and lines of p where another of a symbol's candidates reads clearly better, and appends
// to p.Corrections what it changed. Names are left alone unless names is set. Pages without candidates stay as they are, and
// so do lines whose text is not their symbols'. The page's picture must be upright; lines need not be in reading order. The
// error is the end of ctx; the page is then unchanged.
func (c *Corrector) Correct(ctx context.Context, p *ocr.Page, names bool) error {
	page := c.gather(flows(p.Lines), names)
	changes, err := c.choose(ctx, page)
	if err != nil {
		return err
	}
	changes = c.stillAllowed(page, changes, names)
	changes = rather(c.marks(page), changes)
	changes = append(changes, c.tickBoxes(page.flows)...)
	changes = append(changes, c.spelled(page.flows)...)
	changes = append(changes, c.pageNumbers(page.flows)...)
	apply(p, page, changes)
	return nil
}

// page is a page's running texts as the language model reads them.
type page struct {
	flows     []flow
	forbidden [][]bool // of each glyph of each flow, whether it must not be changed
	text      []charlm.Class
	places    []place // ascending
}

// gather makes the page's text, and finds the places that may be changed.
func (c *Corrector) gather(fs []flow, names bool) *page {
	p := &page{flows: fs, forbidden: c.protected(fs, names), text: []charlm.Class{charlm.Break}}
	for i, f := range fs {
		var at []int
		p.text, at = c.model.Vocabulary.Append(p.text, make([]int, 0, len(f)), f.runes())
		p.text = append(p.text, charlm.Break)
		for k, g := range f {
			if g.confidence >= c.config.Doubt || p.forbidden[i][k] || f.around(k) < c.config.Context {
				continue
			}
			if readings := c.readings(f, k); len(readings) > 1 {
				p.places = append(p.places, place{flow: i, at: k, class: at[k], readings: readings, weights: c.weightsOf(g.r)})
			}
		}
	}
	return p
}

// readings returns what was read at a glyph and what it may be changed to.
func (c *Corrector) readings(f flow, at int) []reading {
	g := f[at]
	w := c.weightsOf(g.r)
	own := reading{ocr.Candidate{Char: string(g.r), Confidence: g.confidence}, g.r, c.model.Vocabulary.Class(g.r), w.Stay + w.Recognition*logarithm(g.confidence)}
	out := []reading{own}
	for _, o := range g.candidates[:min(len(g.candidates), Candidates)] {
		if !c.mayBecome(g.r, o) || g.r == '千' && f.counts(at) || !unicode.Is(unicode.Han, g.r) && f.figures(at) {
			continue
		}
		r, _ := utf8.DecodeRuneInString(o.Char)
		if at > 0 && f[at-1].r == r || at+1 < len(f) && f[at+1].r == r {
			continue // one character that was read twice: making both alike mends nothing
		}
		out = append(out, reading{o, r, c.model.Vocabulary.Class(r), w.Recognition*logarithm(o.Confidence) + c.byPlace(f, at, o)})
	}
	return out
}

// weightsOf are the weights of the readings of a character. A half-width mark between Chinese is wrong in itself, so that it counts like
// a Chinese character.
func (c *Corrector) weightsOf(r rune) *Weights {
	if strings.ContainsRune("，。、；：", r) {
		return &c.config.Marks
	}
	return &c.config.Han
}

// mayBecome reports whether a character may be changed to a candidate at all: a Chinese character to another, a punctuation
// mark to a Chinese one, and never a numeral, but for 千 where it is none: it differs from 干 by its first stroke alone.
func (c *Corrector) mayBecome(r rune, o ocr.Candidate) bool {
	to, size := utf8.DecodeRuneInString(o.Char)
	if size != len(o.Char) || to == r || o.Confidence <= 0 || !c.model.Vocabulary.Known(to) {
		return false
	}
	if unicode.Is(unicode.Han, r) && unicode.Is(unicode.Han, to) {
		return !numeral(r) && !numeral(to) || r == '千' && to == '干'
	}
	return strings.ContainsRune(marksFor(r), to)
}

// marksFor are the marks that one may be changed to. Others are seldom misread so, and the texts, which hold more commas, would make
// commas of them.
func marksFor(r rune) string {
	switch {
	case r == '。':
		return "、“”"
	case r == '，':
		return "。、；："
	case r == '、':
		return "。，："
	case r == '；':
		return "：，"
	case halfWidth(r):
		return "，。、；：？！"
	}
	return ""
}

func numeral(r rune) bool { return strings.ContainsRune(plainNumerals+formalNumerals, r) }

// halfWidth are punctuation marks that a Chinese one is misread as.
func halfWidth(r rune) bool { return strings.ContainsRune(",.;:", r) }

// protected returns for each glyph of each flow whether it must not be changed.
func (c *Corrector) protected(fs []flow, names bool) [][]bool {
	out := make([][]bool, len(fs))
	var persons [][]rune
	for i, f := range fs {
		out[i] = make([]bool, len(f))
		// A misread digit hides a number: look also at what the text would be if every doubtful character were the number it
		// may be.
		mark(out[i], numbers(string(f.runes()), c.maybeNumeric(f)))
		mark(out[i], numbers(string(c.mostNumeric(f)), c.maybeNumeric(f)))
		if names {
			continue
		}
		found, behindLabels := c.names(f, f.runes())
		mark(out[i], found)
		persons = append(persons, behindLabels...)
	}
	persons = persons[:min(len(persons), maxPersons)]
	for i, f := range fs {
		mark(out[i], again(f.runes(), persons, c.doubtful(f)))
	}
	return out
}

func (c *Corrector) names(f flow, text []rune) ([]span, [][]rune) {
	return findNames(text, func(i int, set string) bool {
		return strings.ContainsRune(set, text[i]) || f[i].confidence < c.config.Doubt &&
			slices.ContainsFunc(f[i].candidates[:min(len(f[i].candidates), ocr.MaxCandidates)], func(o ocr.Candidate) bool { return o.Char != "" && strings.Contains(set, o.Char) })
	}, c.doubtful(f))
}

func (c *Corrector) doubtful(f flow) func(int) bool {
	return func(i int) bool { return f[i].confidence < c.config.Doubt }
}

func mark(glyphs []bool, spans []span) {
	for _, s := range spans {
		for i := s.from; i < s.to; i++ {
			glyphs[i] = true
		}
	}
}

// Confidences from which a candidate may make a number of what stands there: beside what is a number already, and where nothing
// else says so. Less sure ones are noise: among five candidates for a blurred character there is nearly always a numeral.
const (
	likely      = 0.03
	likelyAlone = 0.3
)

// numeric tells how much a character is a number: 0 not at all, 1 the unit of one, more a numeral.
func numeric(r rune) int {
	switch {
	case r >= '0' && r <= '9':
		return 4
	case strings.ContainsRune(formalNumerals, r):
		return 3
	case strings.ContainsRune(plainNumerals, r):
		return 2
	case strings.ContainsRune("年月日号元第", r):
		return 1
	}
	return 0
}

// mostNumeric returns the flow's text with the most number-like reading of each doubtful glyph.
func (c *Corrector) mostNumeric(f flow) []rune {
	out := f.runes()
	beside := func(i, least int) bool {
		return i > 0 && numeric(out[i-1]) >= least || i+1 < len(out) && numeric(out[i+1]) >= least
	}
	// What became a number makes its neighbours numbers too.
	for changed := true; changed; {
		changed = false
		for i, g := range f {
			if g.confidence >= c.config.Doubt {
				continue
			}
			for _, o := range g.candidates {
				r, size := utf8.DecodeRuneInString(o.Char)
				rank, least := numeric(r), 1
				if rank == 1 {
					least = 2 // a unit needs a number
				}
				if size == len(o.Char) && rank > numeric(out[i]) && (o.Confidence >= likelyAlone || o.Confidence >= likely && beside(i, least)) {
					out[i], changed = r, true
				}
			}
		}
	}
	return out
}

// maybeNumeric tells whether a glyph may be a part of the number beside it.
func (c *Corrector) maybeNumeric(f flow) func(int) bool {
	const possible = 0.01
	may := func(r rune) bool {
		return numeric(r) > 0 || r < utf8.RuneSelf && (r >= 'A' || strings.ContainsRune("-/*%", r)) || strings.ContainsRune(unitsOfNumbers, r)
	}
	return func(i int) bool {
		g := f[i]
		return may(g.r) || g.confidence < c.config.Doubt && slices.ContainsFunc(g.candidates, func(o ocr.Candidate) bool {
			r, _ := utf8.DecodeRuneInString(o.Char)
			return o.Confidence >= possible && may(r)
		})
	}
}

// choose decides about all places.
func (c *Corrector) choose(ctx context.Context, p *page) ([]change, error) {
	c.search(p.text, p.places)
	text := slices.Clone(p.text)
	for _, pl := range p.places {
		text[pl.class] = pl.readings[pl.chosen].class
	}
	if err := c.askNetwork(ctx, text, p.places); err != nil {
		return nil, err
	}
	// A change that is not sure enough is taken back, and its neighbours are judged again by what stands there then.
	for range rounds {
		changed := false
		for i := range p.places {
			pl := &p.places[i]
			chosen := 0
			if scores := c.scores(text, *pl); len(scores) > 0 {
				if most, chance := likeliest(scores); chance >= pl.weights.Sure && c.clear(*pl, scores, most) {
					chosen = most
				}
			}
			if chosen != pl.chosen {
				pl.chosen, changed = chosen, true
				text[pl.class] = pl.readings[chosen].class
			}
		}
		if !changed {
			break
		}
	}
	var out []change
	for _, pl := range p.places {
		if pl.chosen == 0 {
			continue
		}
		scores := c.scores(text, pl)
		out = append(out, change{place: pl, to: pl.readings[pl.chosen].Candidate, original: scores[0], corrected: scores[pl.chosen], likelier: likelier(pl, scores, pl.chosen)})
	}
	return out, nil
}

// likelier returns how many times the language model finds a reading likelier than what was read.
func likelier(pl place, scores []float32, reading int) float64 {
	return math.Exp(float64(scores[reading] - scores[0] - pl.readings[reading].own + pl.readings[0].own))
}

// clear tells whether a change may be made of a faint character. What was written is then often not among the candidates at all, and the
// likeliest of them is one wrong character for another, maybe in the place of a numeral: only a sure one is worth it.
func (c *Corrector) clear(pl place, scores []float32, reading int) bool {
	return pl.weights != &c.config.Han || pl.readings[0].Confidence >= c.config.Faint || likelier(pl, scores, reading) >= faintTimes
}

// faintTimes is how many times likelier the language model must find another reading of a faint character. Of 265 changes that mended (168 pages
// of strength 0.5 to 0.6, seeds 5200, 5601, 5602 and 3406) none of a faint one was below it.
const faintTimes = 100

const (
	rounds = 3
	// open is the chance that something else was written from which the LSTMs are asked: they take most of the time, and
	// cannot turn what is surer.
	open = 0.05
	// within is how much less than that of what was read the recogniser's part of another mark's score may be.
	within = 5
)

// undecided tells whether the LSTMs are to be asked about a place. The runs alone say little of a mark.
func (c *Corrector) undecided(pl place, byRuns bool) bool {
	if pl.weights == &c.config.Marks {
		return slices.ContainsFunc(pl.readings[1:], func(r reading) bool { return r.own > pl.readings[0].own-within })
	}
	return byRuns || pl.chosen != 0
}

// askNetwork asks the LSTMs about the places where the runs leave a doubt, as the text stands.
func (c *Corrector) askNetwork(ctx context.Context, text []charlm.Class, places []place) error {
	var at, asked []int
	for i, pl := range places {
		scores := c.scores(text, pl)
		_, chance := likeliest(scores)
		if c.undecided(pl, scores[0] < slices.Max(scores) || 1-chance > open) {
			at, asked = append(at, pl.class), append(asked, i)
		}
	}
	around, err := c.model.Contexts(ctx, text, at, c.config.Reach)
	if err != nil {
		return err
	}
	for k, i := range asked {
		pl := &places[i]
		pl.network = make([]float32, len(pl.readings))
		for n, r := range pl.readings {
			pl.network[n] = c.model.Score(around[k], r.class)
		}
	}
	return ctx.Err()
}

// scores returns the scores of a place's readings among their neighbours. The text is as before afterwards.
func (c *Corrector) scores(text []charlm.Class, pl place) []float32 {
	was := text[pl.class]
	out := make([]float32, len(pl.readings))
	for i, r := range pl.readings {
		text[pl.class] = r.class
		out[i] = r.own + c.runsAround(text, pl.class, pl.weights)
		if pl.network != nil {
			out[i] += pl.weights.Network * pl.network[i]
		}
	}
	text[pl.class] = was
	return out
}

// likeliest returns the index of the highest score, and the chance that it stands for.
func likeliest(scores []float32) (int, float32) {
	most := 0
	for i, s := range scores {
		if s > scores[most] {
			most = i
		}
	}
	sum := 0.0
	for _, s := range scores {
		sum += math.Exp(float64(s - scores[most]))
	}
	return most, float32(1 / sum)
}

// change is a decision.
type change struct {
	place
	to                  ocr.Candidate
	original, corrected float32 // scores
	likelier            float64 // how many times the language model finds the new reading likelier
	why                 string  // what else than the language model found it likelier
}

// logarithm is the natural one of a confidence. The recogniser's smallest ones are noise.
func logarithm(confidence float32) float32 { return float32(math.Log(max(float64(confidence), 1e-4))) }

// stillAllowed drops changes that would stand in a protected field once all are made: a mended label has a name after it.
func (c *Corrector) stillAllowed(p *page, changes []change, names bool) []change {
	texts := map[int][]rune{}
	for _, ch := range changes {
		if texts[ch.flow] == nil {
			texts[ch.flow] = p.flows[ch.flow].runes()
		}
		texts[ch.flow][ch.at], _ = utf8.DecodeRuneInString(ch.to.Char)
	}
	forbidden := map[int][]bool{}
	for i, text := range texts {
		forbidden[i] = make([]bool, len(text))
		mark(forbidden[i], numbers(string(text), c.maybeNumeric(p.flows[i])))
		if !names {
			found, _ := c.names(p.flows[i], text)
			mark(forbidden[i], found)
		}
	}
	return slices.DeleteFunc(changes, func(ch change) bool { return forbidden[ch.flow][ch.at] })
}

// apply makes the changes.
func apply(p *ocr.Page, from *page, changes []change) {
	starts, usable := map[int][][]int{}, map[int]bool{}
	slices.SortStableFunc(changes, func(a, b change) int {
		return from.flows[a.flow][a.at].line - from.flows[b.flow][b.at].line
	})
	for _, ch := range changes {
		g := from.flows[ch.flow][ch.at]
		l := &p.Lines[g.line]
		if starts[g.line] == nil {
			starts[g.line], usable[g.line] = offsets(*l)
		}
		if !usable[g.line] {
			continue
		}
		w := &l.Words[g.word]
		s := &w.Symbols[g.symbol]
		before := 0
		for _, word := range l.Words[:g.word] {
			before += len(word.Symbols)
		}
		start := starts[g.line][g.word][g.symbol]
		p.Corrections = append(p.Corrections, ocr.Correction{
			Line: g.line, Symbol: before + g.symbol, Position: utf8.RuneCountInString(l.Text[:start]),
			Original: s.Char, Corrected: ch.to.Char, OriginalScore: ch.original, CorrectedScore: ch.corrected, Reason: reason(from.flows[ch.flow], ch),
		})
		replace(l, w, s, start, ch)
		// The changed characters have three bytes each in most cases, but not in all.
		starts[g.line], usable[g.line] = offsets(*l)
	}
}

func replace(l *ocr.Line, w *ocr.Word, s *ocr.Symbol, start int, ch change) {
	old := s.Char
	l.Text = l.Text[:start] + ch.to.Char + l.Text[start+len(old):]
	candidates := []ocr.Candidate{{Char: old, Confidence: s.Confidence}}
	for _, o := range s.Candidates {
		if o.Char != ch.to.Char {
			candidates = append(candidates, o)
		}
	}
	s.Candidates = candidates[:min(len(candidates), ocr.MaxCandidates)]
	s.Char = ch.to.Char
	// How sure the two scores together are, between these two readings; never surer than an undoubted symbol.
	s.Confidence = max(ch.to.Confidence, float32(1/(1+math.Exp(float64(ch.original-ch.corrected))))*(s.Confidence+ch.to.Confidence))
	var text strings.Builder
	for _, s := range w.Symbols {
		text.WriteString(s.Char)
	}
	w.Text = text.String()
}

// reason says in words why. It quotes what was read around, not what was changed there.
func reason(f flow, ch change) string {
	const shown = 4
	text := f.runes()
	left, right := string(text[max(0, ch.at-shown):ch.at]), string(text[ch.at+1:min(len(text), ch.at+1+shown)])
	where := ""
	switch {
	case left != "" && right != "":
		where = fmt.Sprintf(" between “%s” and “%s”", left, right)
	case left != "":
		where = fmt.Sprintf(" after “%s”", left)
	case right != "":
		where = fmt.Sprintf(" before “%s”", right)
	}
	g := f[ch.at]
	found := fmt.Sprintf("language model finds %s %s times likelier than %c", ch.to.Char, times(ch.likelier), g.r)
	if ch.why != "" {
		found = ch.why
	}
	return fmt.Sprintf("%s%s; recognition gave %c %.2f, %s %.2f", found, where, g.r, g.confidence, ch.to.Char, ch.to.Confidence)
}

func times(x float64) string {
	if x >= 10 {
		return fmt.Sprintf("%.0f", math.Min(x, 1e6))
	}
	return fmt.Sprintf("%.1f", x)
}
