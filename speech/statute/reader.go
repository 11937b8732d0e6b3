package statute

import (
	"slices"
	"strings"
)

// What a reading must be to take the place of what was recognised, beside what [Match.sure] takes: recitals are spoken on, over pauses, and
// misheard in more ways than by characters of the same sound.
const (
	remembered   = 240 // characters of earlier results that a recital may have begun in
	goesOn       = .3  // confidence of a recital that may be one when the next result is known
	wholeReading = 16  // characters that must be right of a reading of a provision that was not named
	longReading  = 40  // with which one negation may have been misheard
	goodReading  = .88 // share of its characters that must sound right
	fairReading  = .8  // the same behind law and number
	behindName   = 4   // characters between the name and the words, such as 规定
	// What follows a provision's name and is about as long is its reading even where so little sounds right, if so many characters do.
	poorReading = .5
	poorMatched = 12
	// The same without a name, of what is all that was said from where the article begins.
	aloneReading, aloneSure = .65, .5
	lost                    = 24 // characters at its beginning that nothing was heard of, if others were heard in their place
	outOfStep               = 3  // by how many these may be more or less
	// What differs was misheard where the recogniser was so unsure of it on average; of what is missing it was as sure as certain says. Characters
	// that are right have .86 on average, wrong ones .6.
	misheard = .8
	certain  = .85
)

// Reader snaps what is said in one channel, a final result after the other: recitals may go on over several of them, and a provision that is
// named in one may be recited in the next. It is not safe for concurrent use.
type Reader struct {
	x       *Index
	said    []rune
	sure    []float32 // of each character, the recogniser's confidence
	sounds  []sounded // of each character
	begins  []int     // places in said where results begin
	article int       // that the last result recited to its end, -1 for none
	likely  float64   // confidence of the likeliest recital in the latest result
	end     int       // where it stood in the article then
	going   Match     // that last recital
	tried   []Match   // likeliest recitals that reach into the latest result
}

// NewReader returns a reader at the beginning of a channel.
func (x *Index) NewReader() *Reader { return &Reader{x: x, article: -1} }

// Forget tells that what comes next does not go on from what was said.
func (r *Reader) Forget() { r.said, r.sure, r.sounds, r.begins, r.article = nil, nil, nil, nil, -1 }

// Snap is [Index.Snap] of the next result.
func (r *Reader) Snap(text string, o Options) (Snapped, error) {
	spoken := []rune(text)
	if len(spoken) == 0 {
		return Snapped{}, nil
	}
	r.begins = append(r.begins, len(r.said))
	bound := len(r.said)
	joined := append(r.said[:bound:bound], spoken...)
	confidence := o.Confidence
	if len(confidence) != len(spoken) {
		confidence = slices.Repeat([]float32{1}, len(spoken))
	}
	r.sure = append(r.sure[:bound:bound], confidence...)
	r.sounds = append(r.sounds[:bound:bound], make([]sounded, len(spoken))...)
	if o.Evidence != nil && len(o.Times) == len(spoken) {
		for i, t := range o.Times {
			r.sounds[bound+i] = sounded{t[0], t[1], o.Evidence}
		}
	}
	r.likely, r.tried = 0, r.tried[:0]
	places, err := r.x.places(string(joined), o, func(m *Match) bool {
		if m.End > bound {
			r.likely = max(r.likely, m.Confidence)
			if len(r.tried) < hypotheses {
				r.tried = append(r.tried, *m)
			}
		}
		return r.accepts(m, bound)
	})
	if err != nil {
		return Snapped{}, err
	}
	if r.sounds[len(joined)-1].of != nil {
		if places, err = r.followed(string(joined), bound, places, o.Day); err != nil {
			return Snapped{}, err
		}
	}
	var own []place
	last, end := -1, 0
	for _, p := range places {
		if p.End <= bound || p.Start < bound && !p.recited {
			continue
		}
		if p.Start < bound {
			if !r.cut(&p.Match, bound) {
				continue
			}
		}
		if p.recited && p.End == len(joined) {
			last, end, r.going = p.article, p.ArticleEnd, p.Match
		}
		p.Start, p.End = p.Start-bound, p.End-bound
		own = append(own, p)
	}
	if len(own) == 0 && r.likely < goesOn {
		r.Forget() // nothing goes on, and looking back at it would cost time
	} else {
		r.article, r.end = last, end
		r.remember(joined)
	}
	return written(spoken, own), nil
}

// remember keeps the latest of what was said, from the beginning of a result.
func (r *Reader) remember(joined []rune) {
	from := 0
	for len(r.begins) > 0 && len(joined)-from > remembered {
		r.begins = r.begins[1:]
		from = len(joined)
		if len(r.begins) > 0 {
			from = r.begins[0]
		}
	}
	r.said, r.sure, r.sounds = slices.Clone(joined[from:]), slices.Clone(r.sure[from:]), slices.Clone(r.sounds[from:])
	for i := range r.begins {
		r.begins[i] -= from
	}
}

// cut leaves of a recital that began in earlier results what the latest one adds; false when that is nothing.
func (r *Reader) cut(m *Match, bound int) bool {
	first, before := -1, -1
	for i, w := range m.with {
		if w < 0 {
			continue
		}
		if int(m.query.places[m.from+i]) >= bound {
			first = int(w)
			break
		}
		before = int(w)
	}
	if first < 0 {
		return false
	}
	// What was not heard between two results belongs to the later one.
	if before >= 0 && first-before <= 1+edge {
		first = before + 1
	}
	start := int(m.words.places[first])
	if r.article == m.article && r.end <= start+edge && r.end >= start-behindName*edge {
		start = r.end
	}
	if start >= m.ArticleEnd {
		return false
	}
	for text := []rune(m.Text); start < m.ArticleEnd-1 && strings.ContainsRune("，。；：！？、\n", text[start]); {
		start++
	}
	m.Start, m.ArticleStart = bound, start
	return true
}

// accepts tells whether a recital takes the place of what was recognised.
func (r *Reader) accepts(m *Match, bound int) bool {
	if j, known := r.judge(m, bound); known && r.sounds[bound].of != nil {
		return j.mean >= unlikely && j.plausible() && m.sure() || j.misheard(announced) && r.reads(m)
	}
	return m.sure() || r.heard(m) <= misheard && r.reads(m)
}

// reads tells whether somebody reads the provision: from where a result and a sentence of the law begin, or behind its name, up to the end of
// what was said or of a clause.
func (r *Reader) reads(m *Match) bool {
	matched := m.equal + m.sounds
	before, after := m.missing()
	upToEnd := len(m.query.runes)-m.to <= min(after, edge)
	gap, numbered := m.behindNumber()
	named := m.Named || numbered
	if numbered && upToEnd && matched >= poorMatched && float64(matched) >= poorReading*float64(m.length()+before) && before <= lost && after <= edge &&
		gap-before >= -outOfStep && gap-before <= outOfStep && m.fromBegin(before) {
		m.reach = before
		return true
	}
	if !named && upToEnd && after <= edge && matched >= wholeReading && m.Confidence >= aloneSure && m.numbers == 0 && m.negated <= 1 &&
		float64(matched) >= aloneReading*float64(m.length()+before) && before <= lost && m.fromBegin(before) && r.inStep(m, before) {
		m.reach = before
		return true
	}
	if m.Confidence < Sure || matched < wholeClause || before > edge || after > edge && !upToEnd {
		return false
	}
	// A number or a negation that differs is a mishearing where so much else is the article's, or where much was misheard.
	if m.numbers+m.negated > 0 && (m.numbers > 0 || matched < longReading) && (m.sounding() > clean || !named) {
		return false
	}
	wrong := m.other + m.oneSided
	if m.Named || numbered && gap-before <= behindName {
		return m.sounding() >= fairReading && wrong <= 3+m.length()/8
	}
	return matched >= wholeReading && m.sounding() >= goodReading && wrong <= 2+m.length()/10 && upToEnd && r.begin(m, before) && m.sentence(before)
}

// heard is how sure the recogniser was on average of what differs from the article; 0 when nothing does.
func (r *Reader) heard(m *Match) float64 {
	sum, n := 0., 0.
	differs := func(confidence float64) { sum, n = sum+confidence, n+1 }
	last := int32(-1)
	for i, w := range m.with {
		k := m.from + i
		if w < 0 || m.query.runes[k] != m.words.runes[w] && !alike(m.query, m.words, k, int(w)) {
			differs(float64(r.sure[m.query.places[k]]))
		}
		if w < 0 {
			continue
		}
		for ; last >= 0 && last+1 < w; last++ {
			differs(certain)
		}
		last = w
	}
	return sum / max(n, 1)
}

// behindNumber tells whether the article's number is said before the recital, and how many characters stand between them.
func (m *Match) behindNumber() (gap int, ok bool) {
	for _, o := range m.query.ordinals() {
		if o.to <= m.from && sameNumber(m.Number, o.number) {
			gap, ok = m.from-o.to, true
		}
	}
	return gap, ok
}

// inStep tells whether a result begins about so many characters before the recital.
func (r *Reader) inStep(m *Match, before int) bool {
	for k := max(0, m.from-before-outOfStep); k <= min(m.from, m.from-before+outOfStep); k++ {
		if slices.Contains(r.begins, int(m.query.places[k])) {
			return true
		}
	}
	return false
}

// fromBegin tells whether the article begins so many heard characters before the recital.
func (m *Match) fromBegin(before int) bool {
	for _, r := range []rune(m.Text)[:m.ArticleStart] {
		if isHan(r) {
			before--
		}
	}
	return before >= 0
}

// begin tells whether a result begins where a recital does.
func (r *Reader) begin(m *Match, before int) bool {
	for _, b := range r.begins {
		for k := max(0, m.from-before); k <= m.from; k++ {
			if at := int(m.query.places[k]); at == b {
				return true
			}
		}
	}
	return false
}

// sentence tells whether a sentence of the article begins so many heard characters before the recital.
func (m *Match) sentence(before int) bool {
	text := []rune(m.Text)
	at := m.ArticleStart - 1
	for ; at >= 0; at-- {
		if isHan(text[at]) {
			if before == 0 {
				return false
			}
			before--
			continue
		}
		if strings.ContainsRune("。；\n", text[at]) {
			return true
		}
		if strings.ContainsRune("，：、", text[at]) {
			return false
		}
	}
	return true
}
