package decode

import (
	"cmp"
	"context"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/courtsense/courtsense/speech/decode/lexicon"
	"github.com/courtsense/courtsense/speech/hotword"
	"github.com/courtsense/courtsense/speech/language"
	"github.com/courtsense/courtsense/speech/syllable"
)

// never is the logarithm of no probability; finite, so that sums of it stay numbers.
const never = -1e30

// maxContext is the most tokens that a transducer's predictor is given.
const maxContext = 8

// prefix is a text that the beam keeps. Scores are natural logarithms.
type prefix struct {
	node  int32
	depth int32 // units, settled ones included
	// blank and label are the acoustic scores of all alignments that end in a blank and in the last unit. Of a transducer, where
	// alignments need no blank between equal units, label is never.
	blank, label float64
	bias         float64 // language model and insertions, weighted, and hot words that are won
	partial      float32 // of hot words that have begun
	relief       float32 // what the language model is forgiven within a hot word that has begun
	score        float64 // all of it
	lm           float64 // language model alone
	state        language.State
	hot          hotword.State
	unit         lexicon.Unit
	han          rune
	sounds       [2]syllable.Syllable // toneless
	pending      [utf8.UTFMax]byte    // bytes of a character that is not complete
	pendings     uint8
	context      [maxContext]int64 // last tokens, the last one last
}

// extension is a prefix with one more unit, before it is known whether the beam keeps it.
type extension struct {
	prefix
	from  int32 // place of the shorter prefix
	token int32
	peak  float32
	lmOf  float32 // of the unit
}

// bench is what the work on a frame needs and nothing keeps.
type bench struct {
	hearing
	lm         []lmSlot
	extensions []extension
	stays      []prefix
	totals     []float64 // of the best, as a heap with the least on top
	best       float64
	children   []int32 // place of a prefix's first child in the beam
	siblings   []int32 // and of the next one
	order      []int32
	weights    []float64
	path       []int32
	runes      []rune
	hot        []rune
	marked     []bool // candidates that were tried as hot words
	contexts   [][]int64
	encoded    [][]float32
	stay       frame
}

// lmSlot remembers an answer of the language model.
type lmSlot struct {
	state, next language.State
	logp        float32
	char        rune
}

const lmSlots = 1 << 15

func (d *Decoder) bench() *bench {
	select {
	case b := <-d.benches:
		return b
	default:
		return &bench{lm: make([]lmSlot, lmSlots)}
	}
}

func (d *Decoder) putBack(b *bench) {
	select {
	case d.benches <- b:
	default:
	}
}

// score asks the language model, or remembers its answer.
func (b *bench) score(m language.Model, s language.State, r rune) (float32, language.State) {
	slot := &b.lm[(uint64(s)*0x9e3779b97f4a7c15^uint64(r)*0xd1342543de82ef95)*0x9e3779b97f4a7c15>>(64-15)]
	if slot.char != r || slot.state != s || r == 0 {
		slot.logp, slot.next = m.Score(s, r)
		slot.state, slot.char = s, r
	}
	return slot.logp, slot.next
}

func logAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if b-a < -40 {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}

// stepCTC goes on by a frame.
func (s *Stream) stepCTC(b *bench, f *frame) {
	if f.count == 0 || f.logs[0] < quiet {
		for i := range s.beam {
			p := &s.beam[i]
			p.blank, p.label = logAdd(p.blank, p.label)+float64(f.blank), never
			p.score = p.blank + p.bias + float64(p.partial+p.relief)
		}
		return
	}
	b.listen(f, s.d.lex, s.config.Shares, s.graph)
	s.begin(b)
	for i := range s.beam {
		p, stay := &s.beam[i], &b.stays[i]
		stay.blank = logAdd(p.blank, p.label) + float64(f.blank)
		stay.label = never
		if p.label > never/2 && p.unit >= 0 {
			if logp := s.again(b, p); logp > impossible {
				stay.label = p.label + float64(logp)
				v := &s.tree.nodes[p.node]
				if logp > v.peak {
					v.peak = logp
				}
				if logp > audible {
					v.last = s.now
				}
			}
		}
		b.total(stay, s.config.Beam)
	}
	for i := range s.beam {
		s.extend(b, int32(i))
	}
	s.keep(b)
}

const (
	// quiet is the log-posterior below which the best token is none: the frame is a blank.
	quiet = -6
	// audible is the log-posterior above which a unit counts as still heard.
	audible = -1.6
)

// begin prepares a bench for the extensions of the beam.
func (s *Stream) begin(b *bench) {
	b.extensions, b.totals, b.best = b.extensions[:0], b.totals[:0], math.Inf(-1)
	b.stays = append(b.stays[:0], s.beam...)
	b.children, b.siblings = fill(b.children, len(s.beam)), fill(b.siblings, len(s.beam))
	for i := range s.beam {
		if p := s.tree.nodes[s.beam[i].node].parent; p >= 0 {
			if at := s.tree.nodes[p].beam; at >= 0 {
				b.siblings[i], b.children[at] = b.children[at], int32(i)
			}
		}
	}
}

func fill(list []int32, n int) []int32 {
	list = slices.Grow(list[:0], n)[:n]
	for i := range list {
		list[i] = -1
	}
	return list
}

// total sums a prefix up and counts it among the best of the frame.
func (b *bench) total(p *prefix, beam int) {
	p.score = logAdd(p.blank, p.label) + p.bias + float64(p.partial+p.relief)
	b.count(p.score, beam)
}

// count keeps the best totals as a heap, whose top is what a further prefix must beat.
func (b *bench) count(v float64, beam int) {
	b.best = max(b.best, v)
	h := b.totals
	if len(h) < beam {
		h = append(h, v)
		for i := len(h) - 1; i > 0; {
			up := (i - 1) / 2
			if h[up] <= h[i] {
				break
			}
			h[up], h[i] = h[i], h[up]
			i = up
		}
		b.totals = h
		return
	}
	if v <= h[0] {
		return
	}
	h[0] = v
	for i := 0; ; {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1] < h[down] {
			down++
		}
		if h[i] <= h[down] {
			break
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
}

// bar is what a new prefix must reach.
func (b *bench) bar(c *Config) float64 {
	if bar := b.best - c.Width; len(b.totals) < c.Beam || b.totals[0] < bar {
		return bar
	}
	return b.totals[0]
}

// again is how well a frame goes on with a prefix's last unit.
func (s *Stream) again(b *bench, p *prefix) float32 {
	if p.han == 0 {
		for i := range b.candidates {
			if b.candidates[i].unit == p.unit {
				return b.candidates[i].logp
			}
		}
		return impossible
	}
	if at, ok := b.find(p.han); ok {
		return b.candidates[at].logp
	}
	logp := float32(impossible)
	for i := range b.sounds {
		if t := b.sounds[i].toneless; t == p.sounds[0] || t == p.sounds[1] {
			logp = max(logp, b.rare(int32(i), p.han, s.d.lex, s.config.Shares).logp)
		}
	}
	return logp
}

// extend tries the candidates of a frame after one prefix. Hot words come first: what they gain, the rest must beat.
func (s *Stream) extend(b *bench, i int32) {
	p := &s.beam[i]
	all := logAdd(p.blank, p.label)
	base := all + p.bias // a hot word that has begun and goes on is counted anew
	reach := s.config.Insertion
	if s.graph.Len() > 0 {
		reach += float64(p.partial+p.relief) + hotReach
	}
	if base+reach < b.bar(&s.config) {
		return
	}
	following := p.hot != 0
	if following {
		b.marked = slices.Grow(b.marked[:0], len(b.candidates))[:len(b.candidates)]
		clear(b.marked)
		for at := range b.sounds {
			b.hot = s.graph.Next(p.hot, b.sounds[at].toneless, b.hot[:0])
			for _, r := range b.hot {
				if c, ok := b.find(r); !ok {
					if c := b.rare(int32(at), r, s.d.lex, s.config.Shares); c.logp > impossible {
						s.try(b, i, &c, all, true)
					}
				} else if !b.marked[c] {
					b.marked[c] = true
					s.try(b, i, &b.candidates[c], all, true)
				}
			}
		}
	}
	for c := range b.candidates {
		v := &b.candidates[c]
		if base+float64(v.logp+v.promise)+s.config.Insertion < b.bar(&s.config) || following && b.marked[c] {
			continue
		}
		s.try(b, i, v, all, false)
	}
}

// hotReach is what a further character of a hot word is thought to gain at most when it is decided whether to try any.
const hotReach = 4

// try weighs one candidate after a prefix, whose hot word it follows or not.
func (s *Stream) try(b *bench, i int32, c *candidate, all float64, follows bool) {
	p := &s.beam[i]
	if int(p.depth) < len(s.must) && s.must[p.depth] != c.unit {
		return
	}
	acoustic := all + float64(c.logp)
	if s.d.config.Transducer == nil && p.unit >= 0 {
		switch {
		case c.unit == p.unit:
			// Without a blank between, the same unit goes on.
			acoustic = p.blank + float64(c.logp)
		case c.sound >= 0 && (b.sounds[c.sound].toneless == p.sounds[0] || b.sounds[c.sound].toneless == p.sounds[1]):
			// Likewise the same sound, unless the acoustic model hears another character in it.
			acoustic = logAdd(p.blank+float64(c.logp), p.label+float64(c.own))
		}
		if acoustic < never/2 {
			return
		}
	}
	for k := b.children[i]; k >= 0; k = b.siblings[k] {
		if s.beam[k].unit == c.unit {
			s.join(b, i, k, c, acoustic)
			return
		}
	}
	bar := b.bar(&s.config)
	hot, won, partial, forgiven := c.hot, float32(0), c.promise, float32(0)
	if follows {
		hot, won = s.graph.Step(p.hot, c.han)
		partial, forgiven = s.graph.Partial(hot), p.relief
	}
	if acoustic+p.bias+float64(won+partial+forgiven)+s.config.Insertion < bar {
		return
	}
	e := extension{prefix: prefix{unit: c.unit, han: c.han, blank: never, label: acoustic, depth: p.depth + 1, state: p.state, hot: hot, partial: partial},
		from: i, token: c.token, peak: c.logp}
	insertion := s.config.Insertion
	relief := float32(0)
	if c.han != 0 {
		if s.config.LM != nil {
			e.lmOf, e.state = b.score(s.config.LM, p.state, c.han)
		}
		if follows && (partial > 0 || won > 0) {
			if depth := s.graph.Depth(hot); depth > 1 && depth == s.graph.Depth(p.hot)+1 {
				relief = p.relief + float32(s.config.LMWeight)*max(0, s.config.HotwordLM-e.lmOf)
			}
			if won > 0 {
				won, relief = won+relief, 0
			}
			e.relief = relief
		}
	} else {
		if s.spell(b, p, c, &e) {
			e.hot = p.hot
			for _, r := range b.runes {
				if s.graph.Len() > 0 {
					var w float32
					e.hot, w = s.graph.Step(e.hot, r)
					won += w
				}
			}
			if s.graph.Len() > 0 {
				e.partial = s.graph.Partial(e.hot)
			}
		} else {
			insertion, e.hot, e.partial = 0, p.hot, p.partial
		}
	}
	e.bias = p.bias + s.config.LMWeight*float64(e.lmOf) + insertion + float64(won)
	e.lm = p.lm + float64(e.lmOf)
	e.score = acoustic + e.bias + float64(e.partial+e.relief)
	if e.score < bar {
		return
	}
	if s.d.config.Transducer != nil {
		e.blank, e.label = acoustic, never
	}
	b.count(e.score, s.config.Beam)
	b.extensions = append(b.extensions, e)
}

// spell works out what a token that is no Han character writes, into b.runes, and weighs it. It is false while a character is
// not complete.
func (s *Stream) spell(b *bench, p *prefix, c *candidate, e *extension) bool {
	b.runes = b.runes[:0]
	text := s.d.lex.Text(c.unit)
	if whole := s.d.lex.Runes(int(c.unit)); whole != nil && p.pendings == 0 {
		b.runes = append(b.runes, whole...)
	} else {
		var buf [64]byte
		bytes := append(append(buf[:0], p.pending[:p.pendings]...), text...)
		for len(bytes) > 0 {
			if !utf8.FullRune(bytes) {
				e.pendings = uint8(copy(e.pending[:], bytes))
				break
			}
			r, n := utf8.DecodeRune(bytes)
			if bytes = bytes[n:]; r != utf8.RuneError {
				b.runes = append(b.runes, r)
			}
		}
		if len(b.runes) == 0 {
			return false
		}
	}
	if s.config.LM == nil {
		return true
	}
	latin := false
	for _, r := range b.runes {
		logp, next := b.score(s.config.LM, e.state, r)
		if lexicon.Letter(r) {
			latin = true
		} else {
			e.lmOf += logp
		}
		e.state = next
	}
	if latin {
		e.lmOf += s.config.Latin
	}
	return true
}

// join adds an alignment to a prefix that is in the beam already.
func (s *Stream) join(b *bench, from, k int32, c *candidate, acoustic float64) {
	stay := &b.stays[k]
	if t := s.d.config.Transducer; t != nil {
		if acoustic > stay.blank {
			s.tree.nodes[stay.node].token = c.token
			stay.context = s.beam[from].context
			stay.heard(c.token, t.ContextSize())
		}
		stay.blank = logAdd(stay.blank, acoustic)
	} else {
		if v := &s.tree.nodes[stay.node]; acoustic > stay.label && acoustic > stay.blank {
			v.start, v.last, v.peak = s.now, s.now, c.logp
		}
		stay.label = logAdd(stay.label, acoustic)
	}
	stay.score = logAdd(stay.blank, stay.label) + stay.bias + float64(stay.partial+stay.relief)
	b.best = max(b.best, stay.score)
}

// keep makes the next beam of the best of what stays and what is new.
func (s *Stream) keep(b *bench) {
	stays := int32(len(b.stays))
	best := math.Inf(-1)
	for i := range b.stays {
		best = max(best, b.stays[i].score)
	}
	for i := range b.extensions {
		best = max(best, b.extensions[i].score)
	}
	score := func(i int32) float64 {
		if i < stays {
			return b.stays[i].score
		}
		return b.extensions[i-stays].score
	}
	bar := best - s.config.Width
	b.order = b.order[:0]
	for i := range stays + int32(len(b.extensions)) {
		if score(i) >= bar {
			b.order = append(b.order, i)
		}
	}
	slices.SortFunc(b.order, func(x, y int32) int { return cmp.Or(cmp.Compare(score(y), score(x)), cmp.Compare(x, y)) })
	if len(b.order) > s.config.Beam {
		b.order = b.order[:s.config.Beam]
	}
	s.next = s.next[:0]
	for _, i := range b.order {
		if i < stays {
			s.next = append(s.next, b.stays[i])
			s.tree.nodes[b.stays[i].node].refs++
			continue
		}
		e := &b.extensions[i-stays]
		s.next = append(s.next, s.adopt(e))
	}
	for i := range s.beam {
		s.tree.nodes[s.beam[i].node].beam = -1
	}
	for i := range s.next {
		s.tree.nodes[s.next[i].node].beam = int32(i)
	}
	for i := range s.beam {
		s.tree.release(s.beam[i].node)
	}
	s.beam, s.next = s.next, s.beam
}

// adopt puts an extension into the tree.
func (s *Stream) adopt(e *extension) prefix {
	p := e.prefix
	from := &s.beam[e.from]
	child, made := s.tree.extend(from.node, e.unit)
	v := &s.tree.nodes[child]
	v.refs++
	p.node = child
	if made {
		v.token, v.start, v.last, v.peak, v.lm, v.confidence = e.token, s.now, s.now, e.peak, e.lmOf, -1
		if s.graph.Len() > 0 {
			if phrase, length := s.graph.Ended(p.hot); phrase >= 0 && p.pendings == 0 {
				v.hot, v.hotLength = s.graph.Phrase(phrase).Text, int32(length)
			}
		}
	}
	if p.han != 0 {
		for k, r := range s.d.lex.Readings(p.unit) {
			if k < len(p.sounds) && r.Share > 0 {
				p.sounds[k] = r.Syllable.Toneless()
			}
		}
	}
	if t := s.d.config.Transducer; t != nil {
		p.context = from.context
		p.heard(e.token, t.ContextSize())
	}
	return p
}

// heard puts a token into the context of n tokens.
func (p *prefix) heard(token int32, n int) {
	copy(p.context[:n-1], p.context[1:n])
	p.context[n-1] = int64(token)
}

// stepTransducer goes on by a row of the encoder. When it fails, the frame is as if it had not come.
func (s *Stream) stepTransducer(ctx context.Context, b *bench, row []float32) error {
	t := s.d.config.Transducer
	b.contexts, b.encoded = b.contexts[:0], b.encoded[:0]
	for i := range s.beam {
		b.contexts = append(b.contexts, s.beam[i].context[:t.ContextSize()])
		b.encoded = append(b.encoded, row)
	}
	predicted, err := t.Predict(ctx, b.contexts)
	if err != nil {
		return err
	}
	rows, err := t.Join(ctx, b.encoded, predicted)
	if err != nil {
		return err
	}
	s.begin(b)
	for i := range s.beam {
		if err := s.width(rows[i]); err != nil {
			return err
		}
		stay := &b.stays[i]
		stay.blank += float64(number(rows[i][s.d.lex.Blank()] * s.config.AcousticScale))
		b.total(stay, s.config.Beam)
	}
	for i := range s.beam {
		b.stay.read(rows[i], s.d.lex.Blank(), s.config.TopTokens, s.config.Floor, s.config.AcousticScale)
		b.listen(&b.stay, s.d.lex, s.config.Shares, s.graph)
		s.extend(b, int32(i))
	}
	s.keep(b)
	return nil
}
